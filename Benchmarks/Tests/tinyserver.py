# SPDX-License-Identifier: Apache-2.0
"""A small WebSocket server that does wrong where a test wants it to."""

import base64
import hashlib
import re
import socket
import struct
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
# Seconds after which a connection ends that nothing comes on.
PATIENCE = 40


class Server:
    """Listens on a free port and calls `serve` in a thread of its own for each connection."""

    def __init__(self, serve):
        self.serve = serve
        self.accepted = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/echo"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            peer.settimeout(PATIENCE)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.run, args=[peer], daemon=True).start()

    def run(self, peer):
        with peer:
            try:
                self.serve(peer)
            except (OSError, EOFError):
                pass  # the client went away, as it does at the end


def read(peer, n):
    octets = b""
    while len(octets) < n:
        part = peer.recv(n - len(octets))
        if not part:
            raise EOFError
        octets += part
    return octets


def read_head(peer):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read(peer, 1)
    return head


def answer(head, accept=None):
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
    accept = accept or base64.b64encode(hashlib.sha1(key + GUID).digest())
    # In no common case and order, as servers may have it.
    return (
        b"HTTP/1.1 101 Go on\r\nsec-websocket-accept:" + accept + b" \r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )


def shake_hands(peer):
    peer.sendall(answer(read_head(peer)))


def frame(payload, opcode=TEXT, fin=True, key=b""):
    b0 = (0x80 if fin else 0) | opcode
    masked = 0x80 if key else 0
    n = len(payload)
    if n < 126:
        head = bytes([b0, masked | n])
    elif n < 65536:
        head = struct.pack("!BBH", b0, masked | 126, n)
    else:
        head = struct.pack("!BBQ", b0, masked | 127, n)
    return head + key + (mask(payload, key) if key else payload)


def mask(payload, key):
    return bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))


def read_frame(peer):
    b0, b1 = read(peer, 2)
    assert b1 & 0x80, "the client does not mask"
    n = b1 & 0x7F
    if n == 126:
        (n,) = struct.unpack("!H", read(peer, 2))
    elif n == 127:
        (n,) = struct.unpack("!Q", read(peer, 8))
    key = read(peer, 4)
    return b0, mask(read(peer, n), key), key


def messages(peer, about=None):
    """Each message with its opcode; `about` gets the lengths of its frames, and their keys."""
    while True:
        payload, lengths, keys, first = b"", [], [], None
        while True:
            b0, part, key = read_frame(peer)
            if b0 & 0x0F == PONG:
                continue
            assert (b0 & 0x0F == 0) == (first is not None), "a frame out of its place"
            first = first or b0 & 0x0F
            payload += part
            lengths.append(len(part))
            keys.append(key)
            if b0 & 0x80:
                break
        if about:
            about(lengths, keys)
        yield first, payload


def echo(peer):
    shake_hands(peer)
    for opcode, payload in messages(peer):
        peer.sendall(frame(payload, opcode))


def wrongly(respond, after=3):
    """A server that echoes some messages well and sends `respond` of the next."""

    def serve(peer):
        shake_hands(peer)
        for count, (opcode, payload) in enumerate(messages(peer)):
            peer.sendall(frame(payload, opcode) if count < after else respond(payload))

    return serve


def say_and(finish, text=b""):
    """A server that sends `text` in the place of an answer to the handshake, and then `finish`es."""

    def serve(peer):
        read_head(peer)
        peer.sendall(text)
        finish(peer)

    return serve


def end(peer):
    peer.shutdown(socket.SHUT_RDWR)


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def hang(peer):
    while peer.recv(4096):
        pass


def shaken(serve):
    """A server that shakes hands and then does `serve`."""

    def whole(peer):
        shake_hands(peer)
        serve(peer)

    return whole


def misanswer(peer):
    peer.sendall(answer(read_head(peer), accept=b"AAAAAAAAAAAAAAAAAAAAAAAAAAA="))
    hang(peer)


def flip(payload, at):
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
