# SPDX-License-Identifier: Apache-2.0
"""What the C tests need not reach: the file `exceptions`, which says how to write one."""

import collections
import dataclasses
import sys


@dataclasses.dataclass(frozen=True)
class Miss:
    """A line, or one side of a condition, that no test reached."""

    file: str
    line: int
    function: str
    kind: str
    text: str

    def name(self):
        return self.file, self.function, self.kind, self.text

    def where(self):
        return f"{self.file}:{self.line}"

    def __str__(self):
        return f"{self.file} {self.function} {self.kind} {self.text}"


class Exceptions:
    """Counts by name: those that must be missed, and those that may."""

    KINDS = ("line", "true", "false")

    def __init__(self):
        self.always = collections.Counter()
        self.sometimes = collections.Counter()

    @classmethod
    def read(cls, path):
        exceptions = cls()
        counter = None
        for number, text in enumerate(path.read_text().split("\n"), 1):
            first = text.partition(" ")[0].rstrip(",")
            if not text or first == "#":
                continue
            if first in ("because", "sometimes"):
                counter = exceptions.always if first == "because" else exceptions.sometimes
                continue
            parts = text.split(" ", 3)
            if counter is None or len(parts) != 4 or parts[2] not in cls.KINDS:
                sys.exit(f"{path}:{number}: not an exception, or one without a reason: {text}")
            counter[tuple(parts)] += 1
        return exceptions

    def compare(self, misses):
        """The misses that are not listed, and what is listed and was not missed."""
        always, sometimes = self.always.copy(), self.sometimes.copy()
        unlisted = []
        for miss in misses:
            counter = always if always[miss.name()] > 0 else sometimes
            if counter[miss.name()] > 0:
                counter[miss.name()] -= 1
            else:
                unlisted.append(miss)
        return unlisted, [
            Miss(file, 0, *rest) for file, *rest in sorted(always.elements())
        ]
