# SPDX-License-Identifier: Apache-2.0
"""One test class for each pair of handler and backend, each with a server of its own."""

import sys
import unittest

import wsserve


class EchoTests(unittest.IsolatedAsyncioTestCase):
    """Tests against one server, which must outlive them all."""

    handler = None
    backend = None
    options = []

    @classmethod
    def setUpClass(cls):
        if cls.handler is None:
            raise unittest.SkipTest("a base class")
        why_not = _refusals.get(cls.backend)
        if why_not is None:
            why_not = _refusals[cls.backend] = wsserve.refusal(cls.backend) or ""
        if why_not:
            raise unittest.SkipTest(why_not)
        cls.server = wsserve.Server(
            "--handler", cls.handler, "--backend", cls.backend, *cls.options)

    @classmethod
    def tearDownClass(cls):
        errors = cls.server.errors()
        code, _ = cls.server.stop()
        assert code == 0, f"wsserve ended with {code}: {errors}"
        assert errors == "", f"wsserve complained: {errors}"


_refusals = {}


def matrix(tests):
    """Decorates a class of tests: puts the four of the matrix in its place."""
    module = sys.modules[tests.__module__]
    for handler in wsserve.HANDLERS:
        for backend in wsserve.BACKENDS:
            name = f"{tests.__name__}_{handler}_{backend}"
            members = {"handler": handler, "backend": backend, "__module__": module.__name__}
            setattr(module, name, type(name, (tests,), members))
    return None


TEXTS = {
    "empty": "",
    "one octet": "a",
    "of many scripts": "Grüße, κόσμε, 世界, שלום, 🏳️‍🌈\u0000\U0010ffff\ufffd",
    "that looks like markup": "<script>alert('\"&')</script>\r\n\t",
    "of 125 octets": "x" * 125,
    "of 126 octets": "y" * 126,
    "of 65,535 octets": "z" * 65535,
    "of 65,536 octets": "w" * 65536,
    "of 1 MiB, four octets a character": "🎈" * (1 << 18),
}

BINARIES = {
    "empty": b"",
    "of every octet": bytes(range(256)),
    "of 125 octets": b"\xff" * 125,
    "of 126 octets": b"\x00" * 126,
    "of 65,535 octets": bytes(i * 7 % 256 for i in range(65535)),
    "of 65,536 octets": bytes(i * 11 % 256 for i in range(65536)),
    "of 1 MiB": bytes(i * 13 % 251 for i in range(1 << 20)),
}
