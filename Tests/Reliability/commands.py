# SPDX-License-Identifier: Apache-2.0
"""What other commands show."""

import re
import subprocess
import time

import goal
from goal import ROOT, record


def command(name, *words, figure=None, seconds=None):
    """Runs a command of the project; its figure is the last match of a pattern."""
    started = time.monotonic()
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    took = time.monotonic() - started
    found = re.findall(figure, result.stdout + result.stderr) if figure else []
    passed = result.returncode == 0 and (not figure or found)
    wanted = "exit status 0"
    if seconds:
        wanted += f", within {seconds} s"
        passed = passed and took <= seconds
    record(name, f"{found[-1] if found else f'status {result.returncode}'}, {took:.0f} s",
           wanted, passed)
    if not passed:
        print((result.stdout + result.stderr)[-2000:])


@goal.goal
def simulation():
    command("20,000 simulated runs", "script/simulate", "--seeds", "1..20000", seconds=120,
            figure=r"\d+ seeds passed")
    command("planted bugs", "script/simulate", "--bugs", figure=r"all \d+ planted bugs were found")


@goal.goal
def refused_io_uring():
    quick = [] if goal.is_full else ["--quick"]
    for error in ["EPERM", "ENOSYS"]:
        command(f"Autobahn where io_uring is refused with {error}", "script/conformance", *quick,
                "--blocked", error, figure=r"\d+ of \d+ cases? [a-z ]+|\d+ passed|passed \d+")


@goal.goal
def black_box():
    command("raw octets", ".build/venv/bin/python", "Tests/BlackBox/run.py", figure=r"Ran \d+ tests")


@goal.goal
def other_clients():
    command("other people's clients", ".build/venv/bin/python", "Tests/Interop/run.py",
            figure=r"Ran \d+ tests")


@goal.goal
def fuzzing():
    options = ["--time", "60"] if goal.is_full else ["--replay"]
    command("fuzzers", "script/fuzz", "all", *options)
