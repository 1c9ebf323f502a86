# SPDX-License-Identifier: Apache-2.0
"""The other side of DifferentialTests.swift: permessage-deflate by Python's zlib, or by the library
websockets. Reads commands from standard input, a line each, and answers each with a line.

  open zlib|websockets IN_BITS OUT_BITS IN_RESETS OUT_RESETS    ok
  decode HEX    a message's compressed payload: what it says, in hex
  encode HEX    a message: its compressed payload, in hex
"""

import sys
import zlib

TAIL = b"\x00\x00\xff\xff"


class Zlib:
    def __init__(self, in_bits, out_bits, in_resets, out_resets):
        self.in_bits, self.out_bits = in_bits, out_bits
        self.in_resets, self.out_resets = in_resets, out_resets
        self.inflater = self.deflater = None

    def decode(self, payload):
        if self.in_resets or self.inflater is None:
            self.inflater = zlib.decompressobj(wbits=-self.in_bits)
        return self.inflater.decompress(payload + TAIL)

    def encode(self, message):
        if self.out_resets or self.deflater is None:
            self.deflater = zlib.compressobj(wbits=-self.out_bits)
        payload = self.deflater.compress(message) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        assert payload.endswith(TAIL)
        return payload[:-4]


class Websockets:
    def __init__(self, in_bits, out_bits, in_resets, out_resets):
        from websockets.extensions.permessage_deflate import PerMessageDeflate

        self.extension = PerMessageDeflate(in_resets, out_resets, in_bits, out_bits)

    def decode(self, payload):
        from websockets.frames import Frame, Opcode

        return bytes(self.extension.decode(Frame(Opcode.BINARY, payload, rsv1=True)).data)

    def encode(self, message):
        from websockets.frames import Frame, Opcode

        return bytes(self.extension.encode(Frame(Opcode.BINARY, message)).data)


def main():
    peer = None
    for line in sys.stdin:
        command, *words = line.split()
        if command == "open":
            kind = {"zlib": Zlib, "websockets": Websockets}[words[0]]
            in_bits, out_bits, in_resets, out_resets = map(int, words[1:])
            peer = kind(in_bits, out_bits, bool(in_resets), bool(out_resets))
            answer = "ok"
        else:
            octets = bytes.fromhex(words[0]) if words else b""
            answer = {"decode": peer.decode, "encode": peer.encode}[command](octets).hex()
        print(answer, flush=True)


if __name__ == "__main__":
    main()
