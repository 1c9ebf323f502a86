# SPDX-License-Identifier: Apache-2.0
"""SIGTERM amid the traffic."""

import time

import goal
import wsserve
from goal import at_most, record
from raw import Client, frame


@goal.goal
def graceful_stop():
    count = 1000
    for backend in wsserve.BACKENDS:
        server = wsserve.Server("--quiet", "--backend", backend)
        clients = [Client(server) for _ in range(count)]
        for client in clients:
            client.opened()
        # Accepted before the signal: none of these may be lost.
        for client in clients:
            client.send(frame(b"before the end"))
        started = time.monotonic()
        server.process.terminate()
        closed = echoed = 0
        for client in clients:
            echoed += client.frame() == (0x81, b"before the end")
            first, payload = client.frame()
            closed += (first, payload[:2]) == (0x88, b"\x03\xe9")
            client.send(frame(payload[:2], 0x88))
        code = server.process.wait(20)
        took = time.monotonic() - started
        for client in clients:
            client.socket.close()
        server.stop()
        record(f"messages answered after SIGTERM, {backend}", f"{echoed:,}", f"{count:,}",
               echoed == count)
        record(f"closed with 1001, {backend}", f"{closed:,}", f"{count:,}", closed == count)
        record(f"exit status, {backend}", str(code), "0", code == 0)
        at_most(f"seconds until it ends, {backend}", round(took, 1), 10, " s")
