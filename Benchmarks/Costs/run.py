# SPDX-License-Identifier: Apache-2.0
"""Usage: python3 Benchmarks/Costs/run.py [--check | --record] WSSERVE WSBENCH WSLIMIT

What an echo costs in figures that repeat where times do not, each the difference between a long run
and a short one, so that opening the connections is not in it:

  instructions  of user mode, counted by callgrind: the same on every machine that has its
                compiler. The kernel's are not seen; `wsbench compare` shows them where the CPU's
                counters may be read.
  allocations   calls of malloc and its like, counted by a preloaded library

--check compares them with what is recorded in thresholds.json and fails where one is above that by
more than the tolerance; --record writes that file.
"""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
THRESHOLDS = HERE / "thresholds.json"
# Compilers of one version differ by less; a lost fast road costs more.
TOLERANCE = 0.1
# Of an allocation a message: what grows once and is kept.
ALLOCATIONS_SPARE = 0.02
PATIENCE = 120
KINDS = ("limit", "callback", "async")
LARGE = "1 MiB, 4 connections"
# Name, options of the load, messages of the short and the long run under callgrind.
CASES = {
    "32 octets, depth 1": (["--depth", "1", "--size", "32"], 3000, 18000),
    "32 octets, depth 16": (["--depth", "16", "--size", "32"], 3000, 18000),
    "16 KiB, depth 1": (["--depth", "1", "--size", "16384", "--binary"], 640, 3200),
    LARGE: (["--connections", "4", "--size", "1048576", "--binary"], 40, 200),
}
# Without callgrind it goes fast, so also where every connection has its turn.
ALLOCATION_CASES = {
    name: (options, *((500, 4500) if name == LARGE else (50_000, 350_000)))
    for name, (options, _, _) in CASES.items()
} | {"1,000 connections": (["--connections", "1000", "--size", "32"], 50_000, 350_000)}


class Costs:
    def __init__(self, arguments, folder):
        self.wsserve, self.wsbench = arguments.wsserve, arguments.wsbench
        self.wslimit, self.folder = arguments.wslimit, folder
        for name in ("sigsuspend", "allocations"):
            subprocess.run(
                ["clang", "-O2", "-shared", "-fPIC", str(HERE / f"{name}.c"), "-o",
                 str(folder / f"{name}.so")], check=True)

    def program(self, kind, port, stripped=False):
        path = self.wslimit if kind == "limit" else self.wsserve
        if stripped:
            # Valgrind does not read this much debug information, and symbols are all it needs.
            small = self.folder / pathlib.Path(path).name
            if not small.exists():
                subprocess.run(["strip", "-g", "-o", str(small), path], check=True)
            path = str(small)
        options = [] if kind == "limit" else ["--threads", "1", "--quiet", "--handler", kind]
        return [path, *options, "--port", str(port)]

    @contextlib.contextmanager
    def serving(self, command, port, environment):
        log = self.folder / "log"
        with open(log, "wb") as output:
            server = subprocess.Popen(
                command, stdout=output, stderr=output, env=os.environ | environment)
        try:
            # Its own word that it listens may be late: valgrind lets no other thread run while one
            # is in io_uring_enter, so that somebody has to knock.
            deadline = time.monotonic() + PATIENCE
            while self.load(port, ["--connections", "1"], 1, may_fail=True) is None:
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{command[0]} does not serve:\n{log.read_text(errors='replace')}")
                time.sleep(0.1)
            yield server
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()

    def load(self, port, options, messages, may_fail=False):
        """Exchanges messages; gives how many."""
        result = subprocess.run(
            [self.wsbench, "load", f"ws://127.0.0.1:{port}/echo", *options, "--messages",
             str(messages), "--warmup", "0", "--time", str(PATIENCE), "--json"],
            capture_output=True, text=True, timeout=2 * PATIENCE)
        if result.returncode == 0:
            return json.loads(result.stdout)["messages"]
        if may_fail:
            return None
        sys.exit(result.stderr)

    def difference(self, port, options, few, many, read):
        """What a message takes of what `read` reads."""
        def run(messages):
            before = read()
            return self.load(port, options, messages), read() - before

        run(few)
        (few, of_few), (many, of_many) = run(few), run(many)
        return (of_many - of_few) / (many - few)

    def instructions(self, kind):
        port = free_port()
        dumps = self.folder / f"dumps-{kind}"
        dumps.mkdir()
        command = ["valgrind", "--tool=callgrind", "--fair-sched=try",
                   f"--callgrind-out-file={dumps}/dump", *self.program(kind, port, stripped=True)]
        preload = {
            "LD_PRELOAD": str(self.folder / "sigsuspend.so"),
            # "rep movsb" would count as an instruction for each octet.
            "GLIBC_TUNABLES": "glibc.cpu.x86_rep_movsb_threshold=1000000000"}
        with self.serving(command, port, preload) as server:
            total = 0

            def read():
                nonlocal total
                subprocess.run(["callgrind_control", "--dump", str(server.pid)],
                               capture_output=True, check=True, timeout=PATIENCE)
                # One file for each dump and thread; each counts from the dump before.
                for path in dumps.iterdir():
                    for line in path.read_text(errors="replace").splitlines():
                        if line.startswith("totals:"):
                            total += int(line.split()[1])
                    path.unlink()
                return total

            return {name: self.difference(port, options, few, many, read)
                    for name, (options, few, many) in CASES.items()}

    def allocations(self, kind):
        port = free_port()
        file = self.folder / f"allocations-{kind}"
        environment = {"LD_PRELOAD": str(self.folder / "allocations.so"), "ALLOCATIONS": str(file)}
        with self.serving(self.program(kind, port), port, environment):
            def read():
                return struct.unpack("=Q", file.read_bytes())[0]

            return {name: self.difference(port, options, few, many, read)
                    for name, (options, few, many) in ALLOCATION_CASES.items()}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("wsserve", "wsbench", "wslimit"):
        parser.add_argument(name, metavar=name.upper())
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--check", action="store_true")
    which.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    recorded = json.loads(THRESHOLDS.read_text()) if arguments.check else {}
    found, worse = {}, []
    with tempfile.TemporaryDirectory() as folder:
        costs = Costs(arguments, pathlib.Path(folder))
        for figure, measure in (("instructions", costs.instructions),
                                ("allocations", costs.allocations)):
            for kind in KINDS:
                for case, value in measure(kind).items():
                    key = f"{figure}, {kind}, {case}"
                    found[key] = round(value, 2) + 0.0 if figure == "allocations" else round(value)
                    line = f"{key}: {found[key]:,} a message"
                    if arguments.check:
                        if key not in recorded:
                            sys.exit(f"nothing is recorded for {key}: run with --record")
                        spare = (ALLOCATIONS_SPARE if figure == "allocations"
                                 else recorded[key] * TOLERANCE)
                        if value > recorded[key] + spare:
                            worse.append(key)
                            line += f", recorded {recorded[key]:,}: TOO MANY"
                        elif value < recorded[key] - spare:
                            line += f", recorded {recorded[key]:,}: better, record it"
                    print(line, flush=True)
    if arguments.record:
        THRESHOLDS.write_text(json.dumps(found, indent=2) + "\n")
    if worse:
        sys.exit(f"{len(worse)} of {len(found)} figures are worse than recorded")


main()
