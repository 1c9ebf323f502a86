# SPDX-License-Identifier: Apache-2.0
"""Usage: .build/venv/bin/python Tests/Memory/run.py [NAME...]

What connections cost the release wsserve, read from its resident memory:

  churn        1,000 connections opened, echoed on and closed, 50 times over: nothing is left
  bomb         64 MiB in 65 KB, once and sixteen at a time: never much above the message limit
  descriptors  more connections than there are descriptors: 503 for them, nothing lost, service again
  compression  2,000 connections that each exchanged one compressed message: octets for each
"""

import pathlib
import resource
import struct
import sys
import zlib

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "Interop"), str(TESTS / "Raw")]
import wsserve  # noqa: E402
from process import KIB, Process  # noqa: E402
from raw import Client, deflate, frame  # noqa: E402

LIMIT = 1 << 20
JSON = (b'{"id":17,"name":"a name","on":true,"tags":["a","b","c"],"at":"2020-01-01T00:00:00Z"},' * 24)


def servers(*options, under=()):
    for handler in wsserve.HANDLERS:
        for backend in wsserve.BACKENDS:
            with wsserve.Server("--handler", handler, "--backend", backend, "--threads", "1",
                                "--origin", "any", *options, under=under) as server:
                yield f"{handler} on {backend}", server, Process(server)


def churn(connections=1000, rounds=50, bursts=10, settled=25):
    for name, server, process in servers():
        before = process.sockets()
        resident = descriptors = 0
        for number in range(1, rounds + 1):
            # The first rounds come in the deepest bursts there can be, as every pool and the heap
            # keep what one burst needed. Then some as they come, as the heap has other gaps when
            # lives overlap otherwise. Later rounds, whatever their luck, need no more.
            is_burst = number <= bursts
            with process.halted(is_burst):
                clients = [Client(server) for _ in range(connections)]
            for client in clients:
                client.opened()
            with process.halted(is_burst):
                for client in clients:
                    client.send(frame(b"Hello"))
            for client in clients:
                assert client.frame() == (0x81, b"Hello")
            for index, client in enumerate(clients):
                client.leave(("close", "fin", "rst")[index % 3])
            after = process.settles(before)
            assert after == before, f"{name}: {after} sockets instead of {before}"
            if number == settled:
                # By now whatever the process opens for itself is open, too.
                resident, descriptors = process.resident(), process.descriptors()
        growth = process.resident() - resident
        print(f"churn: {name}: {rounds} rounds of {connections}, grown by {growth // KIB} KiB "
              f"since round {settled}, {after} socket as before")
        assert process.descriptors() == descriptors, f"{name}: {process.descriptors()} descriptors"
        assert growth <= LIMIT, f"{name}: grown by {growth} octets"


def bomb():
    payload = deflate(bytes(64 << 20))
    assert len(payload) < 66_000, len(payload)
    # In fragments, the first of which is too much by itself when decompressed.
    octets = frame(payload[:32_000], 0x42) + frame(payload[32_000:], 0x80)
    for name, server, process in servers("--compression", "on"):
        neighbour = Client(server)
        neighbour.opened()
        for count in (1, 16):
            clients = [Client(server, "permessage-deflate") for _ in range(count)]
            for client in clients:
                assert "permessage-deflate" in client.opened()
            before = process.resident()
            process.forget_peak()
            for client in clients:
                client.send(octets)
            neighbour.send(frame(b"still there"))
            assert neighbour.frame() == (0x81, b"still there")
            for client in clients:
                first, close = client.frame()
                assert first == 0x88 and close[:2] == struct.pack(">H", 1009), (first, close)
                client.ends()
            growth = process.peak() - before
            allowed = count * (LIMIT + 512 * KIB)
            print(f"bomb: {name}: {count} at once, peak {growth // KIB} KiB above, "
                  f"{allowed // KIB} KiB allowed")
            assert growth < allowed, f"{name}: {growth} octets"
        neighbour.leave("close")


def descriptors(limit=64, waiting=100):
    for name, server, process in servers("--max-connections", "1000",
                                         under=("prlimit", f"--nofile={limit}")):
        neighbour = Client(server)
        neighbour.opened()
        free = limit - process.descriptors()
        clients = [Client(server) for _ in range(waiting)]
        opened = []
        for client in clients:
            reply = client.reply()
            if reply.startswith("HTTP/1.1 101 "):
                opened.append(client)
            else:
                assert reply.startswith("HTTP/1.1 503 "), reply
                client.ends()
        assert len(opened) == free, f"{name}: {len(opened)} opened of {free}"
        assert process.descriptors() == limit, f"{name}: {process.descriptors()}"
        for client in [neighbour, *opened]:
            client.send(frame(b"still there"))
            assert client.frame() == (0x81, b"still there")
        for client in opened:
            client.leave("close")
        process.settles(2)
        # Who comes before the next try of the listener waits in the backlog.
        late = Client(server)
        late.opened()
        for client in (late, neighbour):
            client.leave("close")
        warnings = [line for line in server.errors().splitlines() if "(ulimit -n)" in line]
        assert len(warnings) == 1, f"{name}: {server.errors()}"
        print(f"descriptors: {name}: {free} of {waiting} opened, the others got 503")


def compression(count=2000):
    kinds = [
        ("window limited", "permessage-deflate; client_max_window_bits", 12, 56),
        ("window not limited", "permessage-deflate", 15, 84),
        ("no takeover",
         "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
         "client_max_window_bits", 12, 6),
    ]
    for kind, extension, bits, allowed in kinds:
        message = frame(deflate(JSON, bits), 0xC1)
        for name, server, process in servers("--compression", "on"):
            first = Client(server, extension)
            first.opened()
            first.send(message)
            assert first.frame()[0] == 0xC1
            before = process.resident()
            clients = []
            for _ in range(count):
                client = Client(server, extension)
                clients.append(client)
                assert "permessage-deflate" in client.opened()
                client.send(message)
                opcode, payload = client.frame()
                assert opcode == 0xC1, opcode
            inflater = zlib.decompressobj(-15)
            assert inflater.decompress(payload + b"\x00\x00\xff\xff") == JSON
            each = (process.resident() - before) / count / KIB
            print(f"compression: {name}: {kind}: {each:.1f} KiB for each of {count}, "
                  f"{allowed} allowed")
            assert each < allowed
            for client in clients:
                client.leave("rst")


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    parts = {"churn": churn, "bomb": bomb, "descriptors": descriptors,
             "compression": compression}
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
