# SPDX-License-Identifier: Apache-2.0
"""Servers beside the limit, from wsbench compare."""

import look
from measurements import Mistake, Quartiles

LIMIT = "limit"
TITLES = {
    "d1": "64 connections, depth 1, 32 octets", "d16": "64 connections, depth 16, 32 octets",
    "c1000": "1,000 connections, 32 octets", "c1": "1 connection, 32 octets",
    "16k": "64 connections, 16 KiB", "1m": "4 connections, 1 MiB",
}


def cpu(measurements):
    """CPU a message over that of the limit in the same round."""
    return _bars(
        measurements, "cpu", "CPU a message, times that of the limit (less is better)",
        lambda line: line.get("server_cpu_ns"))


def throughput(measurements):
    """Messages a second over those of the limit in the same round."""
    return _bars(
        measurements, "throughput", "Messages a second, times those of the limit (more is better)",
        lambda line: line["messages_per_second"])


def _bars(measurements, label, title, value):
    lines = [line for line in measurements.compare
             if line["shape"] in TITLES and value(line) is not None]
    if not lines:
        return None
    shapes = [shape for shape in TITLES if any(line["shape"] == shape for line in lines)]
    servers = list(dict.fromkeys(line["server"] for line in lines))
    if LIMIT not in servers:
        raise Mistake("there is no limit among the servers: give wsbench compare --wslimit")
    columns = min(3, len(shapes))
    rows = -(-len(shapes) // columns)
    height = 1.1 + 0.24 * len(servers)
    figure, axes = look.figure(label, rows, columns, 4.2 * columns, rows * height, title)
    for shape, axis in zip(shapes, axes):
        _panel(axis, shape, servers, {
            server: [value(line) for line in lines
                     if line["server"] == server and line["shape"] == shape]
            for server in servers})
    for axis in axes[len(shapes):]:
        axis.set_visible(False)
    return figure


def _panel(axis, shape, servers, figures):
    axis.set_title(TITLES[shape], fontsize=10)
    limit = figures[LIMIT]
    if not limit:
        raise Mistake(f"the limit was not measured under the load {shape}")
    for place, server in enumerate(servers):
        # A server that failed on the way has fewer rounds.
        ratios = [a / b for a, b in zip(figures[server], limit)]
        if not ratios:
            axis.text(1, place, " failed", va="center", fontsize=8)
            continue
        ratio = Quartiles(ratios)
        colour = look.COLOURS[0 if ", " in server else 6 if server == LIMIT else 1]
        axis.barh(place, ratio.median, xerr=ratio.error, color=colour, height=0.7,
                  error_kw={"ecolor": "#444444", "elinewidth": 1})
        axis.text(ratio.upper, place, f"  {ratio.median:.2f}", va="center", fontsize=8)
    axis.set_yticks(range(len(servers)), servers, fontsize=8)
    axis.invert_yaxis()
    axis.axvline(1, color="#444444", linewidth=1)
    axis.margins(x=0.15)
    axis.grid(axis="y", visible=False)
    most = axis.get_xlim()[1]
    if most > 10:
        axis.set_xscale("log")
        axis.set_xlim(0.5, most * 1.6)
        axis.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axis.minorticks_off()
