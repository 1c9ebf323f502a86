# SPDX-License-Identifier: Apache-2.0
"""What the kernel says of a server's process."""

import contextlib
import os
import signal
import time

from raw import PATIENCE

KIB = 1024


class Process:
    def __init__(self, server):
        self.pid = server.process.pid
        self.folder = f"/proc/{self.pid}"

    def status(self, name):
        with open(f"{self.folder}/status") as status:
            return next(int(line.split()[1]) * KIB for line in status if line.startswith(name))

    def resident(self):
        return self.status("VmRSS:")

    def peak(self):
        return self.status("VmHWM:")

    def forget_peak(self):
        with open(f"{self.folder}/clear_refs", "w") as clear:
            clear.write("5")

    @contextlib.contextmanager
    def halted(self, is_wanted):
        """Lets the process do nothing for the time of the block, if that is wanted."""
        if is_wanted:
            os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if is_wanted:
                os.kill(self.pid, signal.SIGCONT)

    def descriptors(self):
        return len(os.listdir(f"{self.folder}/fd"))

    def sockets(self):
        count = 0
        for name in os.listdir(f"{self.folder}/fd"):
            try:
                count += os.readlink(f"{self.folder}/fd/{name}").startswith("socket:")
            except FileNotFoundError:
                pass
        return count

    def settles(self, sockets):
        """Waits until no more than `sockets` are open; gives how many there are."""
        end = time.monotonic() + PATIENCE
        while self.sockets() > sockets and time.monotonic() < end:
            time.sleep(0.005)
        return self.sockets()
