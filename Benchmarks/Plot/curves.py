# SPDX-License-Identifier: Apache-2.0
"""What a message costs by connections, depth and size, from wsbench load."""

import look
from measurements import Quartiles

AXES = {"connections": "connections", "depth": "messages under way on each", "size": "octets"}


def cost(measurements):
    """CPU a message of the server, along each thing that varies while the others stand still."""
    lines = [line for line in measurements.load if "server_cpu_ns" in line]
    varied = {thing: _groups(lines, thing) for thing in AXES}
    varied = {thing: groups for thing, groups in varied.items() if groups}
    if not varied:
        return None
    figure, axes = look.figure(
        "curves", 1, len(varied), 4.4 * len(varied), 3.6,
        "CPU of the server a message, in µs (less is better)")
    names = list(dict.fromkeys(line["name"] for line in lines))
    for (thing, groups), axis in zip(varied.items(), axes):
        for name, points in groups.items():
            place = names.index(name)
            figures = [(at, Quartiles(costs)) for at, costs in sorted(points.items())]
            axis.errorbar(
                [at for at, _ in figures], [cost.median for _, cost in figures],
                yerr=[[cost.error[side][0] for _, cost in figures] for side in (0, 1)],
                label=name, color=look.COLOURS[place], marker=look.MARKERS[place], markersize=4)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xlabel(AXES[thing])
        axis.xaxis.set_major_formatter(lambda count, _: look.octets(int(count)))
        axis.yaxis.set_major_formatter(lambda cost, _: f"{cost:g}")
        axis.legend(fontsize=8)
    return figure


def _groups(lines, thing):
    """For each name the costs at each value of `thing`, out of the lines that are alike otherwise
    and are most; empty where it does not vary."""
    others = [other for other in AXES if other != thing]
    sets = {}
    for line in lines:
        sets.setdefault(tuple(line[other] for other in others), []).append(line)
    most = max(sets.values(), key=lambda alike: len({line[thing] for line in alike}), default=[])
    if len({line[thing] for line in most}) < 2:
        return {}
    groups = {}
    for line in most:
        points = groups.setdefault(line["name"], {})
        points.setdefault(line[thing], []).append(line["server_cpu_ns"] / 1000)
    return groups
