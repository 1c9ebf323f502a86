# SPDX-License-Identifier: Apache-2.0
"""What connections at rest take, from wsbench load --idle-ramp."""

import look


def idle(measurements):
    """Private memory of the server by connections that are open and silent."""
    if not measurements.ramps:
        return None
    figure, (axis,) = look.figure(
        "memory", 1, 1, 5.6, 3.8, "Memory of the server by idle connections (less is better)")
    for place, ramp in enumerate(measurements.ramps):
        steps = ramp["steps"]
        last = steps[-1].get("private_bytes_per_connection")
        label = ramp["name"] + (f": {last:,.0f} octets each" if last is not None else "")
        axis.plot([step["connections"] for step in steps],
                  [step["server_private_bytes"] / (1 << 20) for step in steps], label=label,
                  color=look.COLOURS[place % 7], marker=look.MARKERS[place % 7], markersize=4)
    axis.set_xlabel("connections")
    axis.set_ylabel("MiB, private")
    axis.set_ylim(bottom=0)
    axis.legend(fontsize=8)
    return figure
