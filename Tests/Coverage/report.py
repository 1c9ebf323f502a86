# SPDX-License-Identifier: Apache-2.0
"""Usage: python3 Tests/Coverage/report.py [--missed] LANGUAGE=EXPORT...

Prints what EXPORT.lcov and EXPORT.json, made by llvm-cov, say of the sources of LANGUAGE (c or
swift), and fails where a goal is missed. script/coverage calls it.
"""

import argparse
import bisect
import json
import pathlib
import sys

from exceptions import Exceptions, Miss

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]

# Per cent of the lines and of the branches; Swift's compiler counts no branches.
GOALS = {"c": (100, 98), "swift": (95, 0)}
FOLDERS = {
    "c": ("Sources/CFrame", "Sources/CRing"),
    "swift": ("Sources/WSCodec", "Sources/WSServer", "Sources/wsserve"),
}


class Source:
    """One file: how often its lines ran, and both sides of each of its conditions."""

    def __init__(self, name):
        self.name = name
        self.text = (ROOT / name).read_text().split("\n")
        self.lines = {}
        self.branches = {}
        self.functions = []

    def add_line(self, line, count):
        # A directive between two statements is no code, though llvm-cov counts it as some.
        if not self.text[line - 1].lstrip().startswith("#"):
            self.lines[line] = self.lines.get(line, 0) + count

    def add_branch(self, first_line, first_column, last_line, last_column, taken, not_taken):
        """The same condition may come once for each kernel that is made from a template."""
        place = first_line, first_column, last_line, last_column
        before = self.branches.get(place, (0, 0))
        self.branches[place] = before[0] + taken, before[1] + not_taken

    def _function(self, line):
        at = bisect.bisect(self.functions, (line, "\uffff")) - 1
        return self.functions[at][1] if at >= 0 else ""

    def _condition(self, place):
        first_line, first_column, last_line, last_column = place
        lines = self.text[first_line - 1 : last_line]
        lines[-1] = lines[-1][: last_column - 1]
        lines[0] = lines[0][first_column - 1 :]
        # Conditions inside a macro have no text of their own.
        return " ".join(" ".join(lines).split()) or self.text[first_line - 1].strip()

    def missed_lines(self):
        return [
            Miss(self.name, line, self._function(line), "line", self.text[line - 1].strip())
            for line, count in sorted(self.lines.items())
            if count == 0
        ]

    def missed_branches(self):
        """A condition never asked misses both of its sides."""
        return [
            Miss(self.name, place[0], self._function(place[0]), side, self._condition(place))
            for place, counts in sorted(self.branches.items())
            for side, count in zip(("true", "false"), counts)
            if count == 0
        ]


def read(export, folders):
    """The sources in these folders, by name."""
    sources = {}

    def source(path):
        path = pathlib.Path(path)
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""
        if not name.startswith(tuple(folder + "/" for folder in folders)):
            return None
        return sources.setdefault(name, Source(name))

    current = None
    with open(f"{export}.lcov") as lcov:
        for record in lcov:
            kind, _, value = record.rstrip("\n").partition(":")
            if kind == "SF":
                current = source(value)
            elif current and kind == "FN":
                line, _, name = value.partition(",")
                # A function of one file only has that file's name before its own.
                current.functions.append((int(line), name.rpartition(":")[2]))
            elif current and kind == "DA":
                line, count = value.split(",")[:2]
                current.add_line(int(line), int(count))
    with open(f"{export}.json") as exported:
        for file in json.load(exported)["data"][0]["files"]:
            current = source(file["filename"])
            for branch in file["branches"] if current else ():
                current.add_branch(*branch[:6])
    for current in sources.values():
        current.functions.sort()
    return sources


def per_cent(reached, all_there_are):
    # Rounded down, so that 100 means all.
    return f"{int(1000 * reached / all_there_are) / 10:5.1f} %" if all_there_are else "      -"


def row(name, lines, missed_lines, branches, missed_branches):
    return (
        f"{name:52} {lines - missed_lines:6} of {lines:6} {per_cent(lines - missed_lines, lines)}"
        f"  {branches - missed_branches:5} of {branches:5}"
        f" {per_cent(branches - missed_branches, branches)}"
    )


def judge(language, export, exceptions, lists_missed):
    """Prints the table and what is wrong. Gives the number of faults."""
    line_goal, branch_goal = GOALS[language]
    counts = []
    misses = []
    print(f"\n{language:52} {'lines':>24}  {'branches':>22}")
    for name, source in sorted(read(export, FOLDERS[language]).items()):
        missed_lines, missed_branches = source.missed_lines(), source.missed_branches()
        counts.append((len(source.lines), len(missed_lines),
                       2 * len(source.branches), len(missed_branches)))
        misses += missed_lines + missed_branches
        print(row(name, *counts[-1]))
    if not counts:
        sys.exit(f"{export} has none of {FOLDERS[language]}")
    lines, missed_lines, branches, missed_branches = map(sum, zip(*counts))
    print(row("all", lines, missed_lines, branches, missed_branches))

    faults = []
    if language == "c":
        unlisted, unneeded = exceptions.compare(misses)
        faults += [f"missed, and no exception: {miss.where()}\n    {miss}" for miss in unlisted]
        faults += [f"an exception, but reached or gone:\n    {miss}" for miss in unneeded]
        missed_lines -= sum(miss.kind == "line" for miss in misses) - sum(
            miss.kind == "line" for miss in unlisted)
    elif lists_missed:
        for miss in misses:
            print(f"{miss.where()}: {miss.text}")
    for what, goal, missed, count in (
        ("lines", line_goal, missed_lines, lines),
        ("branches", branch_goal, missed_branches, branches),
    ):
        if count and 100 * (count - missed) < goal * count:
            faults.append(f"{language}: {what} are to be {goal} %, and {missed} of {count} are missed")
    for fault in faults:
        print(fault)
    return len(faults)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--missed", action="store_true")
    parser.add_argument("exports", nargs="+")
    arguments = parser.parse_args()
    exceptions = Exceptions.read(HERE / "exceptions")
    faults = 0
    for export in arguments.exports:
        language, _, path = export.partition("=")
        faults += judge(language, path, exceptions, arguments.missed)
    sys.exit(faults > 0)


if __name__ == "__main__":
    main()
