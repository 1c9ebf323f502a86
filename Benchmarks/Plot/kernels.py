# SPDX-License-Identifier: Apache-2.0
"""Kernels beside memcpy, by size, from wsbench codec."""

import look

OPERATIONS = {
    "mask": "Masking in place", "utf8": "Validation",
    "fused": "Unmasking and validation in one", "fused-copy": "The same, from one place to another",
}
# What the operation's own kernel is called, where that is not its name.
SUBJECTS = {"fused-copy": "fused"}
TEXTS = ["binary", "ascii", "2-octet", "3-octet", "4-octet", "json"]


def times(measurements):
    """The best kernel's octets a second."""
    best = {}
    for line in measurements.codec:
        operation, subject = line["operation"], line["subject"]
        if operation not in OPERATIONS or line["alignment"] != "aligned" or line["size"] == "mix":
            continue
        if subject == SUBJECTS.get(operation, operation):
            subject = operation
        elif subject != "memcpy":
            continue
        key = (operation, subject, line["text"], line["size"])
        best[key] = max(best.get(key, 0), line["bytes"] / line["ns"]["median"])
    operations = [name for name in OPERATIONS if any(key[0] == name for key in best)]
    if not operations:
        return None
    columns = min(2, len(operations))
    rows = -(-len(operations) // columns)
    figure, axes = look.figure(
        "kernels", rows, columns, 5.2 * columns, 3.6 * rows,
        "Octets a nanosecond, by octets of the message (more is better)")
    for operation, axis in zip(operations, axes):
        axis.set_title(OPERATIONS[operation], fontsize=10)
        _line(axis, best, operation, "memcpy", "memcpy", color="#444444", linestyle="--")
        for text in TEXTS:
            place = TEXTS.index(text)
            _line(axis, best, operation, operation, text, color=look.COLOURS[place],
                  marker=look.MARKERS[place], markersize=4)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        axis.xaxis.set_major_formatter(lambda count, _: look.octets(int(count)))
        axis.yaxis.set_major_formatter(lambda rate, _: f"{rate:g}")
        axis.legend(fontsize=8)
    for axis in axes[len(operations):]:
        axis.set_visible(False)
    return figure


def _line(axis, best, operation, subject, text, **how):
    points = {}
    for (an_operation, a_subject, a_text, size), rate in best.items():
        if (an_operation, a_subject) == (operation, subject) and text in (a_text, subject):
            points[size] = rate
    if points:
        axis.plot(sorted(points), [points[size] for size in sorted(points)], label=text, **how)
