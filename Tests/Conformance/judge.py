#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges one run of the Autobahn cases, strictly.

usage: judge.py INDEX.json EXPECTED_COUNT

Every case has to be there and OK in behaviour and in closing; NON-STRICT is a failure. The cases
listed in informational.txt have to be INFORMATIONAL, no more and no fewer of those that ran.
"""
import json
import pathlib
import sys


def main() -> int:
    index, expected = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    lines = (pathlib.Path(__file__).parent / "informational.txt").read_text().splitlines()
    informational = {line for line in lines if line and not line.startswith("#")}
    agents = json.loads(index.read_text())
    faults = []
    if len(agents) != 1:
        faults.append(f"{len(agents)} servers in the report instead of 1")
    cases = {case: result for agent in agents.values() for case, result in agent.items()}
    if len(cases) != expected:
        faults.append(f"{len(cases)} results instead of {expected}")
    for case, result in cases.items():
        wanted = "INFORMATIONAL" if case in informational else "OK"
        got = (result.get("behavior"), result.get("behaviorClose"))
        if got != (wanted, wanted):
            faults.append(f"case {case}: {got[0]}, closing {got[1]}; wanted {wanted}")
    for fault in faults:
        print(f"conformance: {fault}", file=sys.stderr)
    if not faults:
        print(f"conformance: {len(cases)} results, all as they must be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
