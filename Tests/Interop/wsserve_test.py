# SPDX-License-Identifier: Apache-2.0
"""The program wsserve itself: its options, what it prints, how it ends."""

import asyncio
import os
import re
import resource
import signal
import unittest

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import wsserve
from wsserve import Server

TIMEOUT = 20


def run(*options):
    """wsserve to its end: exit code, output, errors."""
    process = wsserve.spawn(*options)
    try:
        output, errors = process.communicate(timeout=TIMEOUT)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process.returncode, output, errors


class Program(unittest.IsolatedAsyncioTestCase):
    def test_a_signal_ends_it_with_a_report(self):
        for by in [signal.SIGTERM, signal.SIGINT]:
            with self.subTest(by.name):
                code, printed = Server().stop(by)
                self.assertEqual(code, 0)
                self.assertRegex(printed, r"\Ashut down: closed cleanly 0, .*\n\Z")

    def test_quiet_prints_only_where_it_listens(self):
        server = Server("--quiet")
        self.assertEqual(server.stop(), (0, ""))
        self.assertEqual(server.errors(), "")

    async def test_a_shutdown_closes_with_1001_and_counts(self):
        for handler in wsserve.HANDLERS:
            with self.subTest(handler):
                server = Server("--handler", handler)
                sockets = [await connect(server.url("/echo")) for _ in range(20)]
                for number, socket in enumerate(sockets):
                    await socket.send(str(number))
                    self.assertEqual(await asyncio.wait_for(socket.recv(), TIMEOUT), str(number))

                async def end(socket):
                    with self.assertRaises(ConnectionClosed) as caught:
                        await asyncio.wait_for(socket.recv(), TIMEOUT)
                    return caught.exception.rcvd.code

                ending = asyncio.gather(*map(end, sockets))
                code, printed = await asyncio.to_thread(server.stop)
                self.assertEqual(await ending, [1001] * 20)
                self.assertEqual(code, 0)
                self.assertIn("closed cleanly 20,", printed)

    def test_a_port_that_is_taken_is_an_error_with_its_cure(self):
        with Server() as first:
            code, output, errors = run("--port", str(first.port))
        self.assertEqual((code, output), (1, ""))
        self.assertIn(f"cannot listen on 127.0.0.1:{first.port}: the port is taken", errors)
        self.assertIn("choose another port", errors)

    def test_mistaken_options_are_refused(self):
        for options, words in [
            (["--threads", "0"], "--threads takes a number from 1 to 256, not 0"),
            (["--threads", "257"], "from 1 to 256"),
            (["--max-message-size", "0"], "at least 1"),
            (["--origin", "https://example.com/page"], "scheme, host and port only"),
            (["--handler", "magic"], "async or callback, not magic"),
            (["--backend", "kqueue"], "auto or io_uring or epoll, not kqueue"),
            (["--port", "65536"], "65536"),
            (["--sing"], "--sing"),
        ]:
            with self.subTest(options):
                code, output, errors = run(*options)
                self.assertEqual((code, output), (64, ""))
                self.assertIn(words, errors)

    def test_a_host_that_is_none_is_refused(self):
        for host in ["nonsense", "203.0.113.1"]:
            with self.subTest(host):
                code, _, errors = run("--host", host, "--port", "0")
                self.assertEqual(code, 1)
                self.assertIn(f"cannot listen on {host}:0", errors)

    async def test_it_listens_on_ipv6(self):
        if not os.path.exists("/proc/net/if_inet6"):
            self.skipTest("this machine has no IPv6")
        with Server("--host", "::1") as server:
            self.assertEqual(server.host, "[::1]")
            async with connect(server.url("/echo")) as socket:
                await socket.send("six")
                self.assertEqual(await asyncio.wait_for(socket.recv(), TIMEOUT), "six")

    async def test_listed_origins_are_let_in(self):
        with Server("--origin", "https://a.example", "https://b.example:8443") as server:
            for origin, status in [("https://a.example", 101), ("https://b.example:8443", 101),
                                   ("https://b.example", 403), (server.url("", "http"), 403)]:
                with self.subTest(origin):
                    try:
                        async with connect(server.url("/echo"), origin=origin):
                            got = 101
                    except InvalidStatus as refused:
                        got = refused.response.status_code
                    self.assertEqual(got, status)

    async def test_several_loops_share_the_port(self):
        with Server("--threads", "4") as server:
            async def talk(number):
                async with connect(server.url("/echo")) as socket:
                    await socket.send(str(number))
                    return await asyncio.wait_for(socket.recv(), TIMEOUT)
            echoes = await asyncio.gather(*(talk(number) for number in range(100)))
            self.assertEqual(echoes, [str(number) for number in range(100)])

    def test_the_soft_descriptor_limit_is_raised_to_the_hard_one(self):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        try:
            server = Server()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        with server:
            with open(f"/proc/{server.process.pid}/limits", encoding="ascii") as limits:
                soft, hard = re.search(r"Max open files\s+(\S+)\s+(\S+)", limits.read()).groups()
        self.assertEqual(soft, hard)

    def test_help_names_all_options(self):
        code, output, _ = run("--help")
        self.assertEqual(code, 0)
        for option in ["host", "port", "threads", "handler", "backend", "max-connections",
                       "max-message-size", "origin", "quiet"]:
            self.assertIn(f"--{option}", output)
