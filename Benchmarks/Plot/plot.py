# SPDX-License-Identifier: Apache-2.0
"""Draws pictures of what wsbench measured. See script/plot, which calls this."""

import argparse
import pathlib
import sys

import curves
import kernels
import memory
import servers
from measurements import Measurements, Mistake


def main():
    parser = argparse.ArgumentParser(prog="script/plot", description=__doc__)
    parser.add_argument("--output", metavar="FOLDER", type=pathlib.Path, required=True)
    parser.add_argument("files", metavar="[NAME=]FILE", nargs="+")
    arguments = parser.parse_args()
    try:
        measurements = Measurements(arguments.files)
        arguments.output.mkdir(parents=True, exist_ok=True)
        for picture in (servers.cpu, servers.throughput, kernels.times, curves.cost, memory.idle):
            figure = picture(measurements)
            if figure is not None:
                path = arguments.output / f"{figure.get_label()}.svg"
                # No date, so that the same measurements make the same octets.
                figure.savefig(path, metadata={"Date": None})
                print(path)
    except (Mistake, OSError) as mistake:
        print(f"script/plot: {mistake}", file=sys.stderr)
        sys.exit(2)


main()
