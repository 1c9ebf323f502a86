# SPDX-License-Identifier: Apache-2.0
"""Goals: what is measured, the figure, and whether that is good enough."""

import pathlib
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
sys.path[:0] = [str(TESTS / "Interop"), str(TESTS / "Raw")]

goals = {}
rows = []
is_full = False


def goal(function):
    """Makes a function a goal of its own name."""
    goals[function.__name__.replace("_", "-")] = function
    return function


class Row:
    def __init__(self, name, figure, wanted, passed):
        self.name, self.figure, self.wanted, self.passed = name, figure, wanted, passed


def record(name, figure, wanted, passed):
    rows.append(Row(name, figure, wanted, bool(passed)))
    print(f"  {name}: {figure} (wanted: {wanted}) {'pass' if passed else 'FAIL'}", flush=True)


def at_most(name, value, limit, unit=""):
    record(name, f"{value:,.4g}{unit}" if isinstance(value, float) else f"{value:,}{unit}",
           f"at most {limit:,}{unit}", value <= limit)


def run(names, full):
    """Runs goals by name; false if one was missed."""
    global is_full
    is_full = full
    for name in names:
        print(name, flush=True)
        started, count = time.monotonic(), len(rows)
        try:
            goals[name]()
        except Exception as error:
            record(name, f"{type(error).__name__}: {error}", "no error", False)
        if len(rows) == count:
            record(name, "nothing", "a figure", False)
        print(f"  {time.monotonic() - started:.0f} s", flush=True)
    wide = max(len(row.name) for row in rows)
    figures = max(len(row.figure[:60]) for row in rows)
    print()
    for row in rows:
        print(f"{row.name:{wide}}  {row.figure[:60]:>{figures}}  {row.wanted:32}  "
              f"{'pass' if row.passed else 'FAIL'}")
    missed = [row.name for row in rows if not row.passed]
    print(f"\n{len(rows) - len(missed)} of {len(rows)} figures are as wanted")
    return not missed
