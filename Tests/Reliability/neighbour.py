# SPDX-License-Identifier: Apache-2.0
"""A client that behaves, and measures how it is served while others do not."""

import threading
import time

from raw import Client, frame


class Neighbour:
    """Exchanges one small message after the other for the time of the block."""

    def __init__(self, server):
        self.server = server
        self.times = []
        self.error = None

    def __enter__(self):
        self.stops = threading.Event()
        self.thread = threading.Thread(target=self._talk)
        self.thread.start()
        return self

    def _talk(self):
        try:
            client = Client(self.server)
            client.opened()
            while not self.stops.is_set():
                started = time.monotonic()
                client.send(frame(b"neighbour"))
                received = client.frame()
                while received[0] == 0x89:
                    client.send(frame(received[1], 0x8A))
                    received = client.frame()
                assert received == (0x81, b"neighbour"), received
                self.times.append(time.monotonic() - started)
                self.stops.wait(0.002)
            client.leave("close")
        except Exception as error:
            self.error = error

    def __exit__(self, *_):
        self.stops.set()
        self.thread.join()

    def percentile(self):
        """The 99th, in milliseconds."""
        if self.error:
            raise self.error
        times = sorted(self.times)
        return 1000 * times[len(times) * 99 // 100]
