# SPDX-License-Identifier: Apache-2.0
"""Usage: .build/venv/bin/python Tests/Interop/run.py [-v] [PATTERN...]

Runs the tests here whose names contain a PATTERN (all without one). Where CI is true, a test that
is skipped has failed.
"""

import logging
import os
import pathlib
import sys
import time
import unittest

import wsserve


class Result(unittest.TextTestResult):
    """Knows how long each class took, for that is what has a server of its own."""

    seconds = {}

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        name = type(test).__name__
        self.seconds[name] = self.seconds.get(name, 0) + time.monotonic() - self._started


def main():
    patterns = [argument for argument in sys.argv[1:] if argument != "-v"]
    if not wsserve.EXECUTABLE.exists():
        sys.exit(f"there is no {wsserve.EXECUTABLE}: swift build -c release --product wsserve")
    # The test cases run their loops in debug mode, which reports every long step.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in patterns] or None
    suite = loader.discover(str(pathlib.Path(__file__).parent), pattern="*_test.py")
    runner = unittest.TextTestRunner(
        stream=sys.stdout, verbosity=2 if "-v" in sys.argv else 1, resultclass=Result)
    result = runner.run(suite)
    for name, seconds in result.seconds.items():
        print(f"{seconds:6.1f} s  {name}")
    if result.testsRun == 0:
        sys.exit("no test ran")
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    if result.skipped and os.environ.get("CI") == "true":
        sys.exit("in CI a skipped test is a failure")
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
