# SPDX-License-Identifier: Apache-2.0
import argparse
import resource
import sys

import goal
import churning  # noqa: F401
import commands  # noqa: F401
import gathering  # noqa: F401
import holding  # noqa: F401
import parsing  # noqa: F401
import stalling  # noqa: F401
import stopping  # noqa: F401
import wsserve


def main():
    parser = argparse.ArgumentParser(prog="script/reliability")
    parser.add_argument("--only", metavar="GOAL,...", help=f"of: {', '.join(goal.goals)}")
    parser.add_argument("--full", action="store_true", help="at full length")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(goal.goals)
    for name in names:
        if name not in goal.goals:
            parser.error(f"no goal is called {name}; there are: {', '.join(goal.goals)}")
    if not wsserve.EXECUTABLE.exists():
        sys.exit(f"there is no {wsserve.EXECUTABLE}: swift build -c release --product wsserve")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.exit(not goal.run(names, options.full))


main()
