# SPDX-License-Identifier: Apache-2.0
"""The time that octets take to be read, when they come one by one."""

import statistics

import goal
import wsserve
from goal import record
from process import Process
from raw import Client, Connection, frame, request
from stalling import cpu


def ratio(server, body, size):
    """The CPU time of twice the size beside that of the size: the median of pairs."""
    process = Process(server)

    def cost(size):
        before = cpu(process)
        body(server, size)
        return cpu(process) - before
    cost(size)
    return statistics.median(cost(2 * size) / cost(size) for _ in range(9))


def head(server, size):
    for _ in range(10):
        connection = Connection(server)
        for octet in request(more=["X: " + "a" * size])[:-2]:
            connection.send(bytes([octet]))
        connection.send(b"\r\n")
        assert connection.reply().startswith("HTTP/1.1 101 ")
        connection.socket.close()


def message(server, size):
    client = Client(server)
    client.opened()
    octets = frame(b"a" * size, 0x82)
    for index in range(len(octets)):
        client.send(octets[index:index + 1])
    assert len(client.frame()[1]) == size
    client.socket.close()


@goal.goal
def linear_parsing():
    with wsserve.Server("--quiet", "--threads", "1") as server:
        for name, body, size in [("a head of 14 KiB", head, 7000),
                                 ("a message of 512 KiB", message, 1 << 18)]:
            found = ratio(server, body, size)
            record(f"time of {name} octet by octet, to half of it", f"{found:.2f}",
                   "at most 2.3", found <= 2.3)
