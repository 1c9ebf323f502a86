# SPDX-License-Identifier: Apache-2.0
"""Usage: python3 Benchmarks/Loops/run.py [--rounds N] [--time SECONDS] [--json] WSSERVE WSBENCH

What a second event loop brings: an echo server with one loop, on one core, beside one with two, on
two; and beside two servers of one loop that have a core each, which shows what the machine lets two
of anything have that share nothing. Load comes from the same cores, a generator on each, so that
all have the same to live on. They take turns; figures are medians of the rounds, with quartiles in
brackets, and ratios are taken within each round.

--json prints a line for each measurement instead of the table.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys

LOADS = {
    "32 octets, depth 1": ["--depth", "1", "--size", "32"],
    "32 octets, depth 16": ["--depth", "16", "--size", "32"],
    "16 KiB": ["--depth", "1", "--size", "16384", "--binary"],
}
# The servers of each: their cores, which are as many as their loops.
SUBJECTS = {"1 loop": [[0]], "2 loops": [[0, 1]], "2 servers": [[0], [1]]}
# Of each generator.
CONNECTIONS = 64


@contextlib.contextmanager
def serving(wsserve, cores):
    """A server with a loop for each of some cores: its process and its address."""
    server = subprocess.Popen(
        ["taskset", "-c", ",".join(map(str, cores)), wsserve, "--threads", str(len(cores)),
         "--handler", "callback", "--port", "0", "--quiet"],
        stdout=subprocess.PIPE, text=True)
    try:
        said = re.search(r"ws://\S+", server.stdout.readline())
        if said is None:
            sys.exit(f"{wsserve} does not say where it listens")
        yield server, said.group().rstrip("/") + "/echo"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def cpu(process):
    """What a process has taken of the CPUs so far, in nanoseconds."""
    total = 0
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def measure(wsbench, servers, options, seconds):
    """One load on each core, on the server that is there."""
    before = sum(cpu(server) for server, _, _ in servers)
    loads = [
        subprocess.Popen(
            [wsbench, "load", url, "--core", str(core), "--connections", str(CONNECTIONS),
             "--time", str(seconds), "--warmup", "0", "--json", *options],
            stdout=subprocess.PIPE, text=True)
        for _, url, cores in servers for core in cores]
    results = []
    for load in loads:
        output, _ = load.communicate(timeout=60 + 10 * seconds)
        if load.returncode != 0:
            sys.exit(f"wsbench load failed with {load.returncode}")
        results.append(json.loads(output))
    spent = sum(cpu(server) for server, _, _ in servers) - before
    return {
        "messages_per_second": sum(result["messages_per_second"] for result in results),
        "server_cpu_ns": spent / sum(result["messages"] for result in results),
        "latency_p99_ns": max(result["latency_p99_ns"] for result in results),
    }


def quartiles(figures, places):
    if len(figures) < 2:
        return f"{figures[0]:,.{places}f}"
    lower, middle, upper = statistics.quantiles(figures, n=4, method="inclusive")
    return f"{middle:,.{places}f} [{lower:,.{places}f} {upper:,.{places}f}]"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--time", type=float, default=1.5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("wsserve", metavar="WSSERVE")
    parser.add_argument("wsbench", metavar="WSBENCH")
    arguments = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("this takes two cores")
    found = {name: {subject: [] for subject in SUBJECTS} for name in LOADS}
    with contextlib.ExitStack() as stack:
        started = {
            subject: [
                (*stack.enter_context(serving(arguments.wsserve, cores)), cores)
                for cores in servers]
            for subject, servers in SUBJECTS.items()}
        for number in range(arguments.rounds):
            for name, options in LOADS.items():
                for subject, servers in started.items():
                    result = measure(arguments.wsbench, servers, options, arguments.time)
                    found[name][subject].append(result)
                    if arguments.json:
                        print(json.dumps({"subject": subject, "load": name} | result), flush=True)
            print(f"round {number + 1} done", file=sys.stderr)
    if arguments.json:
        return
    print("| load | server | messages/s | x one loop | CPU ns a message | x one loop |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, results in found.items():
        for subject, measured in results.items():
            columns = []
            for figure in ("messages_per_second", "server_cpu_ns"):
                columns.append(quartiles([result[figure] for result in measured], 0))
                columns.append(quartiles(
                    [several[figure] / one[figure]
                     for several, one in zip(measured, results["1 loop"])], 2))
            print(f"| {name} | {subject} | " + " | ".join(columns) + " |")


main()
