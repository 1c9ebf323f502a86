# SPDX-License-Identifier: Apache-2.0
"""Frames and fragments, right and wrong (RFC 6455 section 5)."""

import struct

from servers import Case
from raw import frame

MIB = 1 << 20


class Wrong(Case):
    def fails(self, code, octets, **options):
        self.each(octets + frame(b"behind it"), self.closes(code), **options)

    def test_lengths_that_cannot_be(self):
        for length in [1 << 63, (1 << 64) - 1, (1 << 63) + 5]:
            self.fails(1002, frame(length=length, form=8))
        self.fails(1002, frame(b"abc", form=2))
        self.fails(1002, frame(b"abc", form=8))
        self.fails(1002, frame(b"a" * 126, form=8))

    def test_lengths_above_the_limit_at_their_header(self):
        for length in [MIB + 1, (1 << 32) + 5, (1 << 63) - 1]:
            self.each(frame(length=length, form=8), self.closes(1009))

    def test_fragments_above_the_limit_together(self):
        half = frame(b"a" * (MIB // 2), 0x02)
        self.fails(1009, half + frame(b"a" * (MIB // 2), 0x00) + frame(b"a", 0x80),
                   one_by_one=False)
        self.fails(1009, frame(b"a", 0x02) + frame(length=(1 << 63) - 1, form=8, first=0x80))

    def test_a_frame_without_a_mask(self):
        self.each(frame(b"before") + frame(b"unmasked", mask=None),
                  self.closes(1002, (0x81, b"before")))

    def test_reserved_bits(self):
        for bit in [0x40, 0x20, 0x10]:
            for opcode in [0x81, 0x82, 0x89, 0x88]:
                self.fails(1002, frame(b"", opcode | bit))

    def test_reserved_opcodes(self):
        for opcode in [*range(3, 8), *range(11, 16)]:
            self.fails(1002, frame(b"", 0x80 | opcode))

    def test_control_frames_long_or_in_fragments(self):
        for opcode in [0x88, 0x89, 0x8A]:
            self.fails(1002, frame(b"a" * 126, opcode))
            self.fails(1002, frame(b"", opcode & 0x7F))

    def test_fragments_out_of_order(self):
        self.fails(1002, frame(b"a", 0x80))
        self.fails(1002, frame(b"a", 0x00))
        self.fails(1002, frame(b"a", 0x01) + frame(b"b", 0x81))
        self.fails(1002, frame(b"a", 0x02) + frame(b"b", 0x01))

    def test_text_that_is_not_utf8(self):
        for text in [b"\xff", b"a\xc3(", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
                     b"\xe2\x82", b"\xf0\x9f\x98", b"a" * 200 + b"\x80" + b"a" * 200]:
            self.fails(1007, frame(text))
        self.fails(1007, frame(b"\xe2", 0x01) + frame(b"\x28\xa1", 0x80))
        # At the octet that is wrong, not at the end of the message.
        self.fails(1007, frame(b"ab\xff", 0x01))
        self.each(frame(b"a" * 300 + b"\xff" + b"a" * 500, length=100_000, form=8),
                  self.closes(1007))

    def test_more_fragments_than_there_may_be(self):
        self.fails(1009, frame(b"", 0x02) + frame(b"", 0x00) * 131_071 + frame(b"", 0x00),
                   one_by_one=False)


class Right(Case):
    def test_every_form_of_length(self):
        for size in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]:
            payload = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
            self.each(frame(payload, 0x82, mask=b"\x11\x22\xf3\x44"),
                      self.echoes((0x82, payload)), one_by_one=size < 200)

    def test_a_message_of_just_the_limit(self):
        payload = b"x" * MIB
        self.each(frame(payload, 0x82), self.echoes((0x82, payload)), one_by_one=False)

    def test_fragments_with_control_frames_between_them(self):
        octets = (frame(b"\xe2", 0x01) + frame(b"now", 0x89) + frame(b"\x82", 0x00)
                  + frame(b"", 0x8A) + frame(b"", 0x00) + frame(b"\xac", 0x80))
        self.each(octets, self.echoes((0x8A, b"now"), (0x81, b"\xe2\x82\xac")))

    def test_many_small_fragments(self):
        self.each(frame(b"", 0x02) + frame(b"a", 0x00) * 65_000 + frame(b"", 0x80),
                  self.echoes((0x82, b"a" * 65_000)), one_by_one=False)

    def test_a_flood_of_pings(self):
        count = 5000
        octets = b"".join(frame(struct.pack(">I", i), 0x89) for i in range(count))

        def check(connection):
            latest = -1
            while latest < count - 1:
                first, payload = connection.frame()
                self.assertEqual(first, 0x8A)
                number = struct.unpack(">I", payload)[0]
                self.assertGreater(number, latest)
                latest = number
            self.echoes()(connection)
        self.each(octets, check, one_by_one=False)

    def test_ten_pings_get_ten_pongs(self):
        octets = b"".join(frame(bytes([i]), 0x89) for i in range(10))
        self.each(octets, self.echoes(*[(0x8A, bytes([i])) for i in range(10)]))

    def test_pongs_nobody_asked_for(self):
        self.each(frame(b"x", 0x8A) * 3 + frame(b"y"), self.echoes((0x81, b"y")))
