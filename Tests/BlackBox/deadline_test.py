# SPDX-License-Identifier: Apache-2.0
"""Clients that take their time. They all do so at once, on every server."""

import threading
import time
import unittest

from servers import Case, all_servers
from raw import Client, Connection, frame, request

# The limits are 10 seconds each; this is only so that a server that waits for ever is noticed.
PATIENCE = 45


class Slow(Case):
    def setUp(self):
        self.failures = []
        self.threads = []

    def start(self, name, body, *arguments):
        def run():
            try:
                body(*arguments)
            except Exception as error:
                self.failures.append(f"{name}: {error!r}")
        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def ends_with(self, connection, *statuses):
        connection.socket.settimeout(PATIENCE)
        octets, _ = connection.rest()
        status = int(octets.split()[1]) if octets else None
        assert status in statuses, octets[:80]

    def silent(self, server):
        self.ends_with(Connection(server), 408, None)

    def halfway(self, server):
        connection = Connection(server)
        connection.send(request()[:40])
        self.ends_with(connection, 408)

    def dripping(self, server):
        connection = Connection(server)
        end = time.monotonic() + PATIENCE
        try:
            for octet in request(more=["X: " + "a" * 500]):
                connection.send(bytes([octet]))
                time.sleep(0.5)
                assert time.monotonic() < end, "it is still read"
        except (BrokenPipeError, ConnectionResetError):
            return
        self.ends_with(connection, 408)

    def unanswered(self, server):
        """Breaks a rule, and does not answer the Close."""
        client = Client(server)
        client.opened()
        client.send(frame(b"", 0x83))
        client.socket.settimeout(PATIENCE)
        octets, _ = client.rest()
        assert octets == b"\x88\x02\x03\xea", octets

    def idle(self, server):
        """Kept alive without a second request."""
        connection = Connection(server)
        connection.send(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.socket.settimeout(PATIENCE)
        octets, _ = connection.rest()
        assert octets.count(b"HTTP/1.1 ") == 1, octets

    def pinged(self, server):
        """Says nothing until it is pinged, does not answer, and is let go of."""
        client = Client(server)
        client.opened()
        client.socket.settimeout(PATIENCE)
        first, _ = client.frame()
        assert first == 0x89, first
        client.socket.settimeout(PATIENCE)
        client.rest()

    def test_nobody_may_take_for_ever(self):
        for server in all_servers():
            for body in [self.silent, self.halfway, self.dripping, self.unanswered, self.idle,
                         self.pinged]:
                self.start(f"{server.name}, {body.__name__}", body, server)
        # Whoever comes meanwhile is served, and whoever answers pings is kept.
        while any(thread.is_alive() for thread in self.threads):
            for server in all_servers():
                self.echoes()(self.connect(server))
                self.still_serves(server)
            time.sleep(1)
        self.assertEqual(self.failures, [])


if __name__ == "__main__":
    unittest.main()
