# SPDX-License-Identifier: Apache-2.0
"""The servers that the cases are tried on: both kinds of handler on both backends."""

import atexit
import functools
import pathlib
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "Interop"), str(TESTS / "Raw")]
import wsserve  # noqa: E402
from raw import Client, Connection, frame  # noqa: E402


@functools.cache
def all_servers():
    """Started once, each with a neighbour that nothing of the cases may touch."""
    servers = []
    for handler in wsserve.HANDLERS:
        for backend in wsserve.BACKENDS:
            server = wsserve.Server("--handler", handler, "--backend", backend, "--threads", "1",
                                    "--compression", "on")
            atexit.register(server.stop)
            server.name = f"{handler} on {backend}"
            server.neighbour = Client(server)
            server.neighbour.opened()
            servers.append(server)
    return servers


class Case(unittest.TestCase):
    """Sends octets to every server, whole and one by one, and looks at what comes."""

    def connect(self, server, extension=None):
        client = Client(server, extension)
        client.opened()
        return client

    def each(self, octets, check, name=None, opens=True, extension=None, one_by_one=True):
        """Has `check` look at each connection that was sent `octets`."""
        for server in all_servers():
            for pieces in (False, True) if one_by_one else (False,):
                with self.subTest(name or "", server=server.name, one_by_one=pieces):
                    connection = (self.connect(server, extension) if opens
                                  else Connection(server))
                    self.put(connection, octets, pieces)
                    check(connection)
                    self.still_serves(server)

    def put(self, connection, octets, one_by_one):
        try:
            if one_by_one:
                for index in range(len(octets)):
                    connection.send(octets[index:index + 1])
            else:
                connection.send(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has said all it wanted to say; what that was is looked at next.

    def still_serves(self, server):
        self.assertIsNone(server.process.poll(), "the server has ended")
        server.neighbour.send(frame(b"neighbour"))
        received = server.neighbour.frame()
        while received[0] == 0x89:
            server.neighbour.send(frame(received[1], 0x8A))
            received = server.neighbour.frame()
        self.assertEqual(received, (0x81, b"neighbour"))

    def closes(self, code, *before):
        """A check: these frames, a Close with this code that can be read, and the end."""
        def check(connection):
            for expected in before:
                self.assertEqual(connection.frame(), expected)
            first, payload = connection.frame()
            self.assertEqual(first, 0x88)
            self.assertEqual(int.from_bytes(payload[:2], "big") if payload else None, code)
            connection.send(frame(payload[:2], 0x88))
            self.assertEqual(connection.rest(), (b"", "FIN"))
        return check

    def echoes(self, *frames):
        """A check: these frames, and the connection goes on."""
        def check(connection):
            for expected in frames:
                self.assertEqual(connection.frame(), expected)
            connection.send(frame(b"and on"))
            self.assertEqual(connection.frame(), (0x81, b"and on"))
            connection.leave("close")
        return check
