# SPDX-License-Identifier: Apache-2.0
"""What clients can make a server hold: large messages, bombs, answers that nobody reads."""

import os
import threading
import time

import goal
import wsserve
from goal import at_most, record
from neighbour import Neighbour
from process import KIB, Process
from raw import Client, deflate, frame

MIB = 1 << 20


@goal.goal
def message_memory():
    limit = 16 * MIB if goal.is_full else 4 * MIB
    allowed = limit * 9 // 4 + 64 * KIB
    with wsserve.Server("--quiet", "--threads", "1", "--max-message-size", str(limit)) as server:
        process = Process(server)

        def begin():
            client = Client(server)
            client.opened()
            client.send(frame(b"warm"))
            client.frame()
            process.forget_peak()
            return client, process.resident()

        client, before = begin()
        client.send(frame(b"", 0x82, length=limit, form=8))
        time.sleep(0.2)  # Nothing tells that it has been read.
        at_most("peak above, a declared length", process.peak() - before, 64 * KIB, " octets")
        client.socket.close()

        step = 1 if goal.is_full else 16
        payload = os.urandom(1 << 16) * (limit >> 16)
        for name, octets, size in [
                ("100,000 fragments of an octet",
                 [frame(b"a", 0x02)] + [frame(b"a", 0x00) * 1000] * 99 + [frame(b"a", 0x00) * 999],
                 100_000),
                (f"a message of {limit >> 20} MiB, {step} octets at a time",
                 cut(frame(payload, 0x02), step), limit)]:
            client, before = begin()
            for piece in octets:
                client.send(piece)
            # The pong says that all of it has been taken.
            client.send(frame(b"", 0x89))
            assert client.frame()[0] == 0x8A
            at_most(f"peak above, {name}", process.peak() - before, allowed, " octets")
            client.send(frame(b"", 0x80))
            first, echo = client.frame()
            assert (first, len(echo)) == (0x82, size), (first, len(echo))
            client.socket.close()


def cut(octets, step):
    for index in range(0, len(octets), step):
        yield octets[index:index + step]


@goal.goal
def bombs():
    limit, at_once = MIB, 20
    rounds = 50 if goal.is_full else 10
    bomb = frame(deflate(b"\0" * (64 * MIB)), 0xC2)
    for handler in wsserve.HANDLERS:
        with wsserve.Server("--quiet", "--threads", "1", "--compression", "on",
                            "--handler", handler) as server:
            process = Process(server)
            Client(server).opened()
            before = process.resident()
            process.forget_peak()
            with Neighbour(server) as neighbour:
                for _ in range(rounds):
                    clients = [Client(server, "permessage-deflate") for _ in range(at_once)]
                    for client in clients:
                        client.opened()
                        client.send(bomb)
                    for client in clients:
                        first, payload = client.frame()
                        assert (first, payload[:2]) == (0x88, b"\x03\xf1"), (first, payload)
                        client.ends()
            at_most(f"peak above, {rounds * at_once} bombs, {at_once} at a time, {handler}",
                    process.peak() - before, at_once * (limit + 320 * KIB), " octets")
            at_most(f"neighbour's 99th percentile meanwhile, {handler}",
                    round(neighbour.percentile(), 1), 100, " ms")


@goal.goal
def slow_readers():
    """Ask for more and more, and never read."""
    count = 100
    piece = frame(b"x" * 65_000, 0x82)
    with wsserve.Server("--quiet", "--threads", "1") as server:
        process = Process(server)
        Client(server).opened()
        before = process.resident()
        process.forget_peak()
        # Small, so that it is the server that they fill and not the kernel.
        clients = [Client(server, receive_buffer=1 << 16) for _ in range(count)]
        sockets = process.sockets()
        started = time.monotonic()
        with Neighbour(server) as neighbour:
            def flood(client):
                try:
                    client.opened()
                    client.socket.settimeout(90)
                    for _ in range(1600):
                        client.send(piece)
                except OSError:
                    return
            threads = [threading.Thread(target=flood, args=(client,)) for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            # The neighbour's is one that stays.
            left = process.settles(sockets - count + 1) - (sockets - count + 1)
        took = time.monotonic() - started
        at_most(f"peak above, {count} clients that never read", process.peak() - before,
                count * (MIB + 64 * KIB), " octets")
        at_most("seconds until all of them are gone", round(took), 60, " s")
        record("connections of theirs left", str(left), "0", left == 0)
        at_most("neighbour's 99th percentile meanwhile", round(neighbour.percentile(), 1), 50, " ms")
        for client in clients:
            client.socket.close()
