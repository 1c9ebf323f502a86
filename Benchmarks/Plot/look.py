# SPDX-License-Identifier: Apache-2.0
"""How all pictures look: readable on light and on dark pages, and by who is colour-blind."""

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402 (the backend comes first)

# Okabe and Ito's, without yellow and black.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#7F7F7F"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
# Between the two, on a ground of its own, so that it does not hang on the page's.
pyplot.rcParams.update({
    "svg.hashsalt": "swift-ws",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "figure.facecolor": "white",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
})


def figure(label, rows, columns, width, height, title):
    """A figure that is saved under `label`, and its axes as a flat list."""
    made, axes = pyplot.subplots(
        rows, columns, figsize=(width, height), squeeze=False, layout="constrained", num=label)
    made.set_label(label)
    made.suptitle(title)
    return made, [axis for row in axes for axis in row]


def octets(count):
    """64, 4 Ki, 1 Mi."""
    for unit, size in (("Mi", 1 << 20), ("Ki", 1 << 10)):
        if count >= size and count % size == 0:
            return f"{count // size} {unit}"
    return str(count)
