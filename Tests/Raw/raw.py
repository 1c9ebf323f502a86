# SPDX-License-Identifier: Apache-2.0
"""A client of octets: it sends what no library would, and sees exactly what comes back."""

import socket
import struct
import zlib

PATIENCE = 60
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def frame(payload=b"", first=0x81, mask=b"\0\0\0\0", length=None, form=None):
    """A client's frame. `length` is what its header declares, `form` how many octets that takes;
    a `mask` of None leaves it out."""
    count = len(payload) if length is None else length
    form = form or (0 if count < 126 else 2 if count < 65536 else 8)
    bit = 0 if mask is None else 0x80
    if form == 0:
        head = bytes([first, bit | count])
    elif form == 2:
        head = bytes([first, bit | 126]) + struct.pack(">H", count)
    else:
        head = bytes([first, bit | 127]) + struct.pack(">Q", count)
    if mask is None:
        return head + payload
    if mask != b"\0\0\0\0":
        payload = bytes(octet ^ mask[index % 4] for index, octet in enumerate(payload))
    return head + mask + payload


def close(code=None, reason=b""):
    return frame(b"" if code is None else struct.pack(">H", code) + reason, 0x88)


def deflate(message, bits=15):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -bits, 9)
    return (deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def request(line="GET /echo HTTP/1.1", without=(), more=(), host="127.0.0.1", **fields):
    """An opening handshake. `fields` replace its own, `_` standing for `-`; `without` takes some
    out, and `more` are lines behind them."""
    own = {
        "Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13",
    }
    own.update({name.replace("_", "-"): value for name, value in fields.items()})
    lines = [line] + [f"{name}: {value}" for name, value in own.items() if name not in without]
    return ("\r\n".join([*lines, *more]) + "\r\n\r\n").encode("latin-1")


class Connection:
    """A TCP connection to a server, blocking, with a time-out on everything."""

    def __init__(self, server, receive_buffer=None):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((server.host, server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def send(self, octets):
        self.socket.sendall(octets)

    def receive(self):
        octets = self.socket.recv(1 << 16)
        if not octets:
            raise EOFError(f"the end after {self.received[:80]!r}")
        self.received += octets

    def reply(self):
        """Reads the head of a reply, and gives it."""
        while b"\r\n\r\n" not in self.received:
            self.receive()
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        return head.decode()

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
            self.receive()

    def rest(self):
        """Everything up to the end, and whether that was a "FIN" or a "RST"."""
        end = "FIN"
        try:
            while octets := self.socket.recv(1 << 16):
                self.received += octets
        except ConnectionResetError:
            end = "RST"
        self.socket.close()
        rest, self.received = self.received, b""
        return rest, end

    def ends(self):
        """Waits for the server to end the connection."""
        self.rest()


class Client(Connection):
    """A connection that has sent its opening handshake."""

    def __init__(self, server, extension=None, receive_buffer=None):
        super().__init__(server, receive_buffer)
        fields = {"Sec_WebSocket_Extensions": extension} if extension else {}
        self.send(request(host=f"{server.host}:{server.port}", **fields))

    def opened(self):
        """Reads the 101, and gives it."""
        head = self.reply()
        assert head.startswith("HTTP/1.1 101 "), head
        return head

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
