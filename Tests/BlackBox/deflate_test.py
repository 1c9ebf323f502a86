# SPDX-License-Identifier: Apache-2.0
"""Compressed messages (RFC 7692)."""

import zlib

from servers import Case
from raw import deflate, frame

OFFER = "permessage-deflate"
MIB = 1 << 20
TEXT, MORE, LAST = 0xC1, 0x41, 0x80


class Compressed(Case):
    def echoing(self, octets, *payloads, **options):
        self.each(octets, self.echoes(*[(0x81, payload) for payload in payloads]),
                  extension=OFFER, **options)

    def fails(self, code, octets, **options):
        self.each(octets, self.closes(code), extension=OFFER, **options)

    def test_a_bomb(self):
        self.fails(1009, frame(deflate(b"\0" * (64 * MIB)), 0xC2), one_by_one=False)
        self.fails(1009, frame(deflate(b"a" * (MIB + 1)), TEXT))

    def test_a_message_of_just_the_limit(self):
        def check(connection):
            first, payload = connection.frame()
            self.assertEqual(first, TEXT)
            inflated = zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
            self.assertEqual(inflated, b"a" * MIB)
            connection.leave("close")
        self.each(frame(deflate(b"a" * MIB), TEXT), check, extension=OFFER)

    def test_the_bit_where_it_may_not_be(self):
        compressed = deflate(b"hello")
        self.each(frame(compressed, TEXT), self.closes(1002))
        self.fails(1002, frame(compressed[:3], MORE) + frame(compressed[3:], 0xC0))
        for opcode in [0xC8, 0xC9, 0xCA]:
            self.fails(1002, frame(b"", opcode))
        for bit in [0x20, 0x10]:
            self.fails(1002, frame(compressed, TEXT | bit))

    def test_a_last_block_and_the_next_message(self):
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        last = deflater.compress(b"finished") + deflater.flush(zlib.Z_FINISH)
        self.echoing(frame(last + b"\0", TEXT) + frame(deflate(b"next"), TEXT),
                     b"finished", b"next")

    def test_data_that_is_none(self):
        for octets in [b"\x07\xff\xff", b"\x00\x05\x00\x00\x00", b"\xff" * 20]:
            self.fails(1007, frame(octets, TEXT))
        # Refers to what was before the first octet.
        self.fails(1007, frame(bytes.fromhex("4a040200"), TEXT))

    def test_text_that_is_not_utf8_within(self):
        self.fails(1007, frame(deflate(b"abc\xff"), TEXT))
        self.fails(1007, frame(deflate(b"\xed\xa0\x80"), TEXT))

    def test_nothing_compressed(self):
        self.echoing(frame(b"\0", TEXT), b"")
        self.echoing(frame(b"", TEXT), b"")
        self.echoing(frame(b"", MORE) + frame(b"\0", 0x00) + frame(b"", LAST), b"")

    def test_fragments_and_plain_messages_between(self):
        compressed = deflate(b"in three parts")
        octets = (frame(compressed[:1], MORE) + frame(b"p", 0x89) + frame(compressed[1:5], 0x00)
                  + frame(compressed[5:], LAST) + frame(b"plain"))
        self.each(octets, self.echoes((0x8A, b"p"), (0x81, b"in three parts"), (0x81, b"plain")),
                  extension=OFFER)

    def test_a_window_that_goes_on(self):
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15)

        def message(text):
            return (deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
        self.echoing(frame(message(b"the same words again"), TEXT)
                     + frame(message(b"the same words again"), TEXT),
                     b"the same words again", b"the same words again")

    def test_small_answers_stay_plain_and_large_ones_do_not(self):
        self.echoing(frame(b"s" * 100), b"s" * 100)

        def check(connection):
            first, payload = connection.frame()
            self.assertEqual(first, TEXT)
            self.assertLess(len(payload), 200)
            connection.leave("close")
        self.each(frame(b"l" * 5000), check, extension=OFFER)
