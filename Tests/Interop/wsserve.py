# SPDX-License-Identifier: Apache-2.0
"""Starts wsserve for a test, on a port of the kernel's choice, and ends it again."""

import ctypes
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXECUTABLE = pathlib.Path(os.environ.get("WSSERVE", ROOT / ".build/release/wsserve"))
HANDLERS = ["async", "callback"]
BACKENDS = ["io_uring", "epoll"]

START_SECONDS = 20
STOP_SECONDS = 20
_PR_SET_PDEATHSIG = 1


def _end_with_parent():
    """In the child: a test that is killed takes its server with it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(*options, under=(), stdout=subprocess.PIPE, stderr=subprocess.PIPE):
    """wsserve with these options, not waited for. `under` is a command that becomes it."""
    return subprocess.Popen(
        [*under, EXECUTABLE, *options],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        preexec_fn=_end_with_parent,
    )


class Server:
    """A running wsserve. As a context it ends with the block."""

    def __init__(self, *options, under=()):
        self._errors = tempfile.TemporaryFile("w+")
        self.process = spawn("--port", "0", *options, under=under, stderr=self._errors)
        line = self._first_line()
        found = re.fullmatch(r"listening on ws://(\S+):(\d+)/\n", line)
        if not found:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"wsserve {options} said {line!r}, and: {self.errors()}")
        self.host, self.port = found[1], int(found[2])

    def _first_line(self):
        end = time.monotonic() + START_SECONDS
        line = ""
        # Octet by octet, so that nothing waits in a buffer that select does not see.
        while not line.endswith("\n") and time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                octet = os.read(self.process.stdout.fileno(), 1).decode()
                if not octet:
                    break
                line += octet
        return line

    def url(self, path, scheme="ws"):
        return f"{scheme}://{self.host}:{self.port}{path}"

    def errors(self):
        """What it has written to standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def stop(self, by=signal.SIGTERM):
        """Ends it; gives its exit code and what it printed after the first line."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        try:
            printed, _ = self.process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, printed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def refusal(backend):
    """Why wsserve cannot use a backend on this machine; None if it can."""
    try:
        Server("--backend", backend).stop()
    except RuntimeError as error:
        return str(error)
    return None
