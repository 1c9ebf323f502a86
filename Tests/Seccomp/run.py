# SPDX-License-Identifier: Apache-2.0
"""Usage: .build/venv/bin/python Tests/Seccomp/run.py [-v]

The seccomp profile of docs/seccomp: the release wsserve has all it needs under it, and is refused
what it has no use for.
"""

import asyncio
import errno
import json
import logging
import os
import pathlib
import subprocess
import sys
import unittest
import urllib.request

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "Interop"))
import wsserve  # noqa: E402

sys.path.insert(0, str(HERE))
import confined  # noqa: E402

PROFILE = wsserve.ROOT / "docs/seccomp/wsserve.json"
REFUSED = wsserve.ROOT / ".build/seccomp/refused"
URING_CALLS = ["io_uring_setup", "io_uring_enter", "io_uring_register"]
MESSAGES = ["", "Hello", "κόσμε " * 1000, b"\0\xff" * 70_000, "large " * 150_000]
PATIENCE = 20


def under(*options):
    """The command that confines whatever is behind it."""
    return [sys.executable, HERE / "confined.py", *options, PROFILE]


def run(*command):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)


def rings_of(process):
    """How many rings of io_uring a process has open."""
    folder = f"/proc/{process.pid}/fd"
    return sum(os.readlink(f"{folder}/{name}") == "anon_inode:[io_uring]"
               for name in os.listdir(folder))


def filters_of(process):
    """How many seccomp filters a process is under."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Seccomp_filters":
            return int(value)
    raise RuntimeError("this kernel does not tell the filters of a process")


class Serving(unittest.IsolatedAsyncioTestCase):
    """wsserve under the profile."""

    async def talk(self, server):
        """All kinds of messages on many connections, plain and compressed."""
        async def echo(compression):
            async with connect(server.url("/echo"), compression=compression,
                               max_size=None) as socket:
                for message in MESSAGES:
                    await socket.send(message)
                    self.assertEqual(await asyncio.wait_for(socket.recv(), PATIENCE), message)
                await socket.send(["in ", "three ", "fragments"])
                self.assertEqual(
                    await asyncio.wait_for(socket.recv(), PATIENCE), "in three fragments")
                await asyncio.wait_for(await socket.ping(), PATIENCE)

        await asyncio.gather(*(echo(kind) for kind in [None, "deflate"] for _ in range(10)))

    def request(self, server):
        """A page over HTTP."""
        with urllib.request.urlopen(server.url("/health", "http"), timeout=PATIENCE) as reply:
            self.assertEqual(reply.read(), b"ok")

    async def test_it_makes_no_call_that_is_not_listed(self):
        for backend in wsserve.BACKENDS:
            for handler in wsserve.HANDLERS:
                with self.subTest(f"{handler} on {backend}"):
                    server = wsserve.Server(
                        "--backend", backend, "--handler", handler, "--threads", "2",
                        "--compression", "on", under=under("--kill"))
                    with server:
                        self.assertEqual(
                            rings_of(server.process), 2 if backend == "io_uring" else 0)
                        await self.talk(server)
                        await asyncio.to_thread(self.request, server)
                        async with connect(server.url("/echo")) as left:
                            code, printed = await asyncio.to_thread(server.stop)
                            with self.assertRaises(ConnectionClosed) as closed:
                                await asyncio.wait_for(left.recv(), PATIENCE)
                    # Killed by the filter, it would have ended by SIGSYS.
                    self.assertEqual((code, server.errors()), (0, ""))
                    self.assertIn("closed cleanly 1,", printed)
                    self.assertEqual(closed.exception.rcvd.code, 1001)

    async def test_io_uring_is_in_use(self):
        with wsserve.Server("--threads", "2", under=under()) as server:
            self.assertGreaterEqual(filters_of(server.process), 1)
            self.assertEqual(rings_of(server.process), 2)
            await self.talk(server)
            self.assertEqual(server.errors(), "")

    async def test_without_the_entry_for_io_uring_it_warns_once_and_serves_on_epoll(self):
        without = [word for call in URING_CALLS for word in ["--without", call]]
        with wsserve.Server("--threads", "2", under=under(*without)) as server:
            self.assertEqual(rings_of(server.process), 0)
            await self.talk(server)
            self.assertRegex(
                server.errors(),
                r"\A\S+ warning .* io_uring is not used, epoll serves instead: io_uring_setup is "
                r"not permitted \(EPERM\): allow the io_uring system calls in the container's "
                r"seccomp profile.*\n\Z")


class Refusing(unittest.TestCase):
    """What is not on the list."""

    def answers(self, *command):
        result = run(*command)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return {name: int(number) for name, number in
                (line.rsplit(" ", 1) for line in result.stdout.splitlines())}

    def test_calls_that_are_not_listed_are_refused(self):
        free = self.answers(REFUSED)
        confined_to_it = self.answers(*under(), REFUSED)
        self.assertGreaterEqual(len(free), 15)
        self.assertEqual(list(free), list(confined_to_it))
        for name, answer in confined_to_it.items():
            with self.subTest(name):
                self.assertEqual(answer, errno.ENOSYS if name == "clone3" else errno.EPERM)
                self.assertNotEqual(answer, free[name], "it is refused without a filter, too")

    def test_a_call_that_is_not_listed_kills_where_asked_for(self):
        self.assertEqual(run(*under("--kill"), REFUSED).returncode, -31)  # SIGSYS


class Format(unittest.TestCase):
    """The file itself."""

    def test_every_name_is_that_of_a_system_call_and_stands_once(self):
        profile = json.loads(PROFILE.read_text())
        names = [name for rule in profile["syscalls"] for name in rule["names"]]
        # arm64 has left the oldest out; x86_64 has them all.
        left_out = {"access", "arch_prctl", "epoll_wait", "readlink"}
        self.assertLessEqual(set(names) - set(confined.numbers()), left_out)
        for rule in profile["syscalls"]:
            self.assertEqual(rule["names"], sorted(set(rule["names"])))
        # Rules for one call differ in their arguments.
        self.assertEqual(len(names) - len(set(names)), names.count("socket") - 1)

    def test_what_the_loader_does_not_understand_is_an_error(self):
        profile = json.loads(PROFILE.read_text())
        confined.program(profile)
        for change in [{"flags": []}, {"architectures": ["SCMP_ARCH_MIPS"]},
                       {"defaultAction": "SCMP_ACT_NOTIFY"},
                       {"syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "more": 1}]},
                       {"syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW",
                                      "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_GE"}]}]}]:
            with self.subTest(str(change)), self.assertRaises(ValueError):
                confined.program({**profile, **change})


if __name__ == "__main__":
    if not wsserve.EXECUTABLE.exists():
        sys.exit(f"there is no {wsserve.EXECUTABLE}: swift build -c release --product wsserve")
    REFUSED.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["clang", "-std=c17", "-Wall", "-Wextra", "-Werror", HERE / "refused.c",
                    "-o", REFUSED], check=True)
    # The test cases run their loops in debug mode, which reports every long step.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    unittest.main(warnings="ignore")
