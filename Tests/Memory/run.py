# SPDX-License-Identifier: Apache-2.0
"""Usage: .build/venv/bin/python Tests/Memory/run.py [NAME...]

What connections cost the release wsserve, read from its resident memory:

  churn        1,000 connections opened, echoed on and closed, 50 times over: nothing is left
  bomb         64 MiB in 65 KB, once and sixteen at a time: never much above the message limit
  descriptors  more connections than there are descriptors: 503 for them, nothing lost, service again
  compression  2,000 connections that each exchanged one compressed message: octets for each
"""

import contextlib
import os
import pathlib
import resource
import signal
import socket
import struct
import sys
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Interop"))
import wsserve  # noqa: E402

PATIENCE = 60
KIB = 1024
LIMIT = 1 << 20
JSON = (b'{"id":17,"name":"a name","on":true,"tags":["a","b","c"],"at":"2020-01-01T00:00:00Z"},' * 24)


def frame(payload, first=0x81):
    """A client's frame, masked with the key of all zeros."""
    if len(payload) < 126:
        return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload
    if len(payload) < 65536:
        return bytes([first, 0xFE]) + struct.pack(">H", len(payload)) + bytes(4) + payload
    return bytes([first, 0xFF]) + struct.pack(">Q", len(payload)) + bytes(4) + payload


def deflate(message, bits=15):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -bits, 9)
    return (deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Client:
    """One connection, blocking, with a time-out on everything."""

    def __init__(self, server, extension=None):
        self.socket = socket.create_connection((server.host, server.port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        lines = [
            "GET /echo HTTP/1.1", f"Host: {server.host}:{server.port}", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
        ]
        if extension:
            lines.append(f"Sec-WebSocket-Extensions: {extension}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n")

    def reply(self):
        """Reads the head of the reply, and gives it."""
        while b"\r\n\r\n" not in self.received:
            self._receive()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        return head.decode()

    def opened(self):
        """Reads the 101, and gives it."""
        head = self.reply()
        assert head.startswith("HTTP/1.1 101 "), head
        return head

    def send(self, octets):
        self.socket.sendall(octets)

    def _receive(self):
        octets = self.socket.recv(1 << 16)
        if not octets:
            raise EOFError(f"the end after {self.received[:80]!r}")
        self.received += octets

    def frame(self):
        """The first octet and the payload of the next frame."""
        while True:
            size = 2
            if len(self.received) >= 2:
                length = self.received[1]
                if length == 126 and len(self.received) >= 4:
                    size, length = 4, struct.unpack(">H", self.received[2:4])[0]
                elif length == 127 and len(self.received) >= 10:
                    size, length = 10, struct.unpack(">Q", self.received[2:10])[0]
                elif length >= 126:
                    length = 1 << 62
                if len(self.received) >= size + length:
                    first, payload = self.received[0], self.received[size:size + length]
                    self.received = self.received[size + length:]
                    return first, payload
            self._receive()

    def ends(self):
        """Waits for the server to end the connection."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        self.socket.close()

    def leave(self, how):
        """Ends the connection: with a Close, a FIN, or a RST."""
        if how == "close":
            self.send(frame(b"\x03\xe8", 0x88))
            assert self.frame() == (0x88, b"\x03\xe8")
            self.ends()
        elif how == "fin":
            self.socket.shutdown(socket.SHUT_WR)
            self.ends()
        else:
            self.socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()


class Process:
    """What the kernel says of a server's process."""

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
