# SPDX-License-Identifier: Apache-2.0
"""The closing handshake (RFC 6455 section 7)."""

from servers import Case
from raw import close, frame


class Closing(Case):
    def answers(self, octets, *frames):
        """These frames, then the end."""
        def check(connection):
            for expected in frames:
                self.assertEqual(connection.frame(), expected)
            self.assertEqual(connection.rest(), (b"", "FIN"))
        self.each(octets, check)

    def test_codes_that_may_be_sent(self):
        for code in [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]:
            self.answers(close(code), (0x88, code.to_bytes(2, "big")))
        self.answers(close(), (0x88, b""))
        self.answers(close(1000, "gr\u00fc\u00df".encode()), (0x88, b"\x03\xe8"))

    def test_codes_that_may_not(self):
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]:
            self.each(close(code), self.closes(1002))
        self.each(frame(b"\x03", 0x88), self.closes(1002))
        self.each(close(1000, b"\xff"), self.closes(1007))

    def test_nothing_behind_a_close_counts(self):
        self.answers(close(1000) + frame(b"late") + close(1001) + frame(b"\xff", 0x8F),
                     (0x88, b"\x03\xe8"))

    def test_a_close_amid_a_message(self):
        self.answers(frame(b"begun", 0x01) + close(1000), (0x88, b"\x03\xe8"))

    def test_messages_before_a_close_are_answered_first(self):
        self.answers(frame(b"last") + frame(b"words", 0x82) + close(1001),
                     (0x81, b"last"), (0x82, b"words"), (0x88, b"\x03\xe9"))

    def test_a_close_that_is_not_lost_to_what_follows(self):
        # Octets that nobody reads would turn the end into a RST, which takes the Close with it.
        self.each(frame(b"", 0x83) + b"\xff" * 40_000, self.closes(1002), one_by_one=False)

    def test_an_end_without_a_close(self):
        def check(connection):
            self.assertEqual(connection.frame(), (0x81, b"x"))
            connection.leave("fin")
        self.each(frame(b"x"), check)

    def test_an_end_amid_a_frame(self):
        for octets in [frame(b"x")[:1], frame(b"abc")[:-1], frame(b"abc")[:4]]:
            self.each(octets, lambda connection: connection.leave("fin"))
            self.each(octets, lambda connection: connection.leave("rst"))
