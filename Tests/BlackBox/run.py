# SPDX-License-Identifier: Apache-2.0
"""Usage: .build/venv/bin/python Tests/BlackBox/run.py [-v] [PATTERN...]

Raw octets against wsserve: what no client would send, and what must come of it. Runs the tests
whose names contain a PATTERN (all without one).
"""

import pathlib
import sys
import unittest

from servers import wsserve


def main():
    patterns = [argument for argument in sys.argv[1:] if argument != "-v"]
    if not wsserve.EXECUTABLE.exists():
        sys.exit(f"there is no {wsserve.EXECUTABLE}: swift build -c release --product wsserve")
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in patterns] or None
    suite = loader.discover(str(pathlib.Path(__file__).parent), pattern="*_test.py")
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2 if "-v" in sys.argv else 1)
    result = runner.run(suite)
    if result.testsRun == 0:
        sys.exit("no test ran")
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
