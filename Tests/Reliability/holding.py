# SPDX-License-Identifier: Apache-2.0
"""Connections that are held, and what they cost."""

import selectors
import time

import goal
import wsserve
from goal import at_most, record
from process import KIB, Process
from raw import Client, frame


def answer_pings(clients, seconds):
    """Reads what comes for so long, and answers pings."""
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client.socket, selectors.EVENT_READ, client)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            first, payload = key.data.frame()
            assert first == 0x89, first
            key.data.send(frame(payload, 0x8A))
    selector.close()


@goal.goal
def connections_held():
    count, seconds = 8000, 600 if goal.is_full else 25
    with wsserve.Server("--quiet", "--threads", "1") as server:
        process = Process(server)
        before = process.resident()
        started = time.monotonic()
        clients = [Client(server) for _ in range(count)]
        for client in clients:
            client.opened()
        rate = count / (time.monotonic() - started)
        answer_pings(clients, seconds)
        grown = (process.resident() - before) / count
        for client in clients:
            client.send(frame(b"still here"))
        for client in clients:
            assert client.frame() == (0x81, b"still here")
        at_most(f"memory of each of {count:,} connections held for {seconds} s",
                round(grown), 4 * KIB, " octets")
        record("connections opened a second", f"{rate:,.0f}", "at least 2,000", rate >= 2000)
        for client in clients:
            client.socket.close()


@goal.goal
def low_memlock():
    """The ring needs no locked memory."""
    for options in (["--backend", "io_uring"], ["--backend", "epoll"]):
        with wsserve.Server("--quiet", *options, under=("prlimit", "--memlock=65536")) as server:
            client = Client(server)
            client.opened()
            client.send(frame(b"with 64 KiB"))
            served = client.frame() == (0x81, b"with 64 KiB")
            client.leave("close")
            record(f"served with 64 KiB of locked memory, {options[1]}", str(served), "True", served)
