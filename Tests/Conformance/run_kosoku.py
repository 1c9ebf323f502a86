#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kosoku, with the cases of groups 12 and 13 able to read an answer that is not compressed.

RFC 7692 leaves it to a sender which messages it compresses, and a server sends as they are what is
short and what does not get shorter. kosoku 0.1.0 hands such a message to its cases as a str, as
its other cases want it, where these hash octets and so end with "Strings must be encoded before
hashing". Here they get the octets; what they judge stays as it is.
"""
import sys

from kosoku import cases
from kosoku._cli import main


def reads_octets(on_message):
    def wrapped(self, message, binary):
        if isinstance(message, str):
            message = message.encode("latin-1" if binary else "utf-8")
        return on_message(self, message, binary)

    return wrapped


for case_id, case in cases.CASES.items():
    if case_id.startswith(("12.", "13.")):
        case.onMessage = reads_octets(case.onMessage)

if __name__ == "__main__":
    sys.exit(main())
