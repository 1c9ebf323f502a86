# SPDX-License-Identifier: Apache-2.0
"""Handshakes that do not end, and a process that is full."""

import os
import socket
import time

import goal
import wsserve
from goal import at_most, record
from process import Process
from raw import Client, Connection, frame, request


@goal.goal
def half_handshakes():
    count = 2000
    octets = request(more=["X: " + "a" * 100])
    with wsserve.Server("--quiet", "--threads", "1") as server:
        process = Process(server)
        sockets = process.sockets()
        clients = [Connection(server) for _ in range(count)]
        started = time.monotonic()
        for client in clients:
            client.send(octets[:1])
        slowest, position = 0.0, 1
        while process.sockets() > sockets and time.monotonic() - started < 30:
            for client in clients:
                try:
                    client.socket.send(octets[position:position + 1])
                except OSError:
                    pass
            position += 1
            begun = time.monotonic()
            fresh = Client(server)
            fresh.opened()
            slowest = max(slowest, time.monotonic() - begun)
            fresh.socket.close()
            time.sleep(0.5)
        took = time.monotonic() - started
        at_most(f"seconds until {count:,} dripped handshakes are gone", round(took, 1), 13, " s")
        at_most("slowest fresh connection meanwhile", round(1000 * slowest, 1), 100, " ms")
        for client in clients:
            client.socket.close()


def cpu(process):
    """Nanoseconds of CPU that a process has had, all its threads together."""
    total = 0
    for thread in os.listdir(f"{process.folder}/task"):
        with open(f"{process.folder}/task/{thread}/schedstat") as stat:
            total += int(stat.read().split()[0])
    return total


@goal.goal
def no_descriptors():
    seconds = 10
    for backend in wsserve.BACKENDS:
        with wsserve.Server("--threads", "1", "--backend", backend, "--max-connections", "1000",
                            under=("prlimit", "--nofile=64")) as server:
            process = Process(server)
            clients = [Client(server) for _ in range(200)]
            time.sleep(1)
            lines, before = len(server.errors().splitlines()), cpu(process)
            waiting = []
            for _ in range(seconds):
                waiting += [socket.create_connection((server.host, server.port))
                            for _ in range(5)]
                time.sleep(1)
            busy = (cpu(process) - before) / 1e9 / seconds
            logged = (len(server.errors().splitlines()) - lines) / seconds
            at_most(f"CPU of a full process, {backend}", round(100 * busy, 2), 5, " %")
            at_most(f"log lines a second meanwhile, {backend}", logged, 10)
            for client in clients + waiting:
                getattr(client, "socket", client).close()
            process.settles(3)
            started = time.monotonic()
            client = Client(server)
            client.opened()
            client.send(frame(b"again"))
            assert client.frame() == (0x81, b"again")
            at_most(f"seconds until served again, {backend}",
                    round(time.monotonic() - started, 2), 1, " s")
            client.leave("close")
