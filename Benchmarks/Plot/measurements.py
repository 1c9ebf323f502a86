# SPDX-License-Identifier: Apache-2.0
"""What wsbench printed with --json, sorted by what printed it."""

import json
import pathlib
import statistics


class Mistake(Exception):
    """Something is wrong with the input; its text says what, for whoever called."""


class Measurements:
    """The lines of some files, each with the name that was given with its file, or the file's."""

    def __init__(self, files):
        self.compare, self.codec, self.load, self.ramps = [], [], [], []
        for file in files:
            name, _, path = file.rpartition("=")
            path = pathlib.Path(path)
            self._read(path, name or path.stem)

    def _read(self, path, name):
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        if not lines:
            raise Mistake(f"{path} is empty: it should hold the lines of wsbench --json")
        for number, line in enumerate(lines, 1):
            try:
                measurement = json.loads(line)
            except ValueError:
                measurement = None
            if not isinstance(measurement, dict):
                raise Mistake(f"{path}, line {number}, is no object of JSON")
            self._list_for(measurement, f"{path}, line {number}").append(
                measurement | {"name": name})

    def _list_for(self, measurement, place):
        if "server" in measurement and "shape" in measurement:
            return self.compare
        if "operation" in measurement:
            return self.codec
        if measurement.get("mode") == "idle-ramp":
            return self.ramps
        if measurement.get("mode") == "closed":
            return self.load
        raise Mistake(f"{place}, is none of the measurements that are drawn")


class Quartiles:
    """The middle of some figures and how far they lie apart."""

    def __init__(self, figures):
        figures = sorted(figures)
        self.median = statistics.median(figures)
        middle = len(figures) // 2
        lower, upper = figures[: middle + len(figures) % 2], figures[middle:]
        self.lower, self.upper = statistics.median(lower), statistics.median(upper)

    @property
    def error(self):
        """How far below and above the median they reach, as matplotlib has its error bars."""
        return [[self.median - self.lower], [self.upper - self.median]]
