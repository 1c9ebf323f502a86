# SPDX-License-Identifier: Apache-2.0
"""Connections that come and go, in every way and at every stage."""

import random
import socket
import struct
import threading
import time

import goal
import wsserve
from goal import at_most, record
from neighbour import Neighbour
from process import KIB, Process
from raw import Client, Connection, close, frame, request

MIB = 1 << 20


def left_over(name, process, sockets, grown):
    after = process.settles(sockets)
    record(f"descriptors afterwards, {name}", str(after - sockets), "0", after == sockets)
    at_most(f"memory grown over the second half, {name}", grown, MIB, " octets")


@goal.goal
def churn():
    rounds, each = (200 if goal.is_full else 40), 1000
    for handler in wsserve.HANDLERS:
        with wsserve.Server("--quiet", "--threads", "1", "--handler", handler) as server:
            process = Process(server)
            sockets, wrong, middle = process.sockets(), 0, 0
            for number in range(rounds):
                clients = [Client(server) for _ in range(each)]
                for client in clients:
                    client.opened()
                for index, client in enumerate(clients):
                    client.send(frame(struct.pack(">I", index), 0x82))
                for index, client in enumerate(clients):
                    wrong += client.frame() != (0x82, struct.pack(">I", index))
                    client.leave(("close", "fin", "rst")[index % 3])
                if number == rounds // 2:
                    process.settles(sockets)
                    middle = process.resident()
            name = f"{rounds * each:,} connections, {handler}"
            record(f"wrong echoes, {name}", str(wrong), "0", wrong == 0)
            left_over(name, process, sockets, process.resident() - middle)


def reset(connection):
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


def stages(server, chance):
    """A connection that is reset at some stage."""
    connection = Connection(server)
    stage = chance.randrange(9)
    head = request()
    if stage >= 1:
        connection.send(head[:chance.randrange(1, len(head))] if stage == 1 else head)
    if stage >= 3:
        connection.reply()
    if stage == 4:
        connection.send(frame(b"half a frame")[:5])
    elif stage == 5:
        connection.send(frame(b"a fragment", 0x01))
    elif stage == 6:
        connection.send(frame(b"x" * 60_000) * 3)
    elif stage == 7:
        connection.send(frame(b"hello") + close(1000))
    elif stage == 8:
        connection.send(frame(b"", 0x83) + b"\0" * 1000)
    reset(connection)


@goal.goal
def resets():
    count = 50_000 if goal.is_full else 10_000
    for handler in wsserve.HANDLERS:
        with wsserve.Server("--quiet", "--threads", "1", "--handler", handler) as server:
            process, chance = Process(server), random.Random(1)
            sockets, middle = process.sockets(), 0
            with Neighbour(server) as neighbour:
                for number in range(count):
                    stages(server, chance)
                    if number == count // 2:
                        process.settles(sockets + 1)
                        middle = process.resident()
            neighbour.percentile()
            left_over(f"{count:,} resets, {handler}", process, sockets,
                      process.resident() - middle)


@goal.goal
def soak():
    """All of it at once, for long."""
    seconds = 600 if goal.is_full else 60
    with wsserve.Server("--quiet", "--compression", "on") as server:
        process = Process(server)
        sockets, end = process.sockets(), time.monotonic() + seconds
        errors = []

        def until_the_end(body, seed):
            chance = random.Random(seed)
            try:
                while time.monotonic() < end:
                    body(chance)
            except Exception as error:
                errors.append(repr(error))

        def talk(chance):
            client = Client(server, chance.choice([None, "permessage-deflate"]))
            client.opened()
            for _ in range(chance.randrange(20)):
                payload = chance.randbytes(chance.choice([10, 500, 20_000]))
                client.send(frame(payload, 0x82))
                client.frame()
            client.leave(chance.choice(["close", "fin", "rst"]))

        bodies = [talk, talk, lambda chance: stages(server, chance)]
        threads = [threading.Thread(target=until_the_end, args=(body, seed))
                   for seed, body in enumerate(bodies)]
        with Neighbour(server) as neighbour:
            for thread in threads:
                thread.start()
            time.sleep(seconds / 2)
            middle = process.resident()
            for thread in threads:
                thread.join()
            resident = process.resident()
        record(f"errors in a mix of {seconds} s", str(errors[:2] or 0), "0", not errors)
        # A small process cannot grow by less than a few pages of 2 %.
        at_most("memory grown over the second half of it", resident - middle,
                max(middle * 2 // 100, 256 * KIB), " octets")
        after = process.settles(sockets)
        record("descriptors afterwards", str(after - sockets), "0", after == sockets)
        record("neighbour's 99th percentile", f"{neighbour.percentile():.1f} ms", "reported", True)
