"""Curves of what a run recorded."""

from __future__ import annotations

import json
import math
import os
from typing import Sequence

from sagan_tf import storage
from sagan_tf.whole_files import replacing

# A line of few points is not to be seen without them.
_FEW_POINTS = 30
# Panels from top to bottom: a title, and the metrics whose names start so. A
# panel without data is left out.
_PANELS = (
    ("loss", ("d_loss", "g_loss")),
    ("gradient penalty", ("gradient_penalty",)),
    ("learning rate", ("generator/learning", "discriminator/learning")),
    ("mean logit", ("d_real", "d_fake")),
    ("gate", ("generator/gate", "discriminator/gate")),
    (
        "attention distance",
        ("generator/attention", "discriminator/attention"),
    ),
    ("largest sigma", ("generator/largest", "discriminator/largest")),
    ("coherence", ("coherence", "hue_coverage")),
    ("images per second", ("images_per_second",)),
)


def read_metrics(
    path: str | os.PathLike[str],
) -> dict[str, list[tuple[int, float]]]:
    """Reads `metrics.jsonl`.

    Returns:
        Pairs of step and value by the name of the metric, in order; values
        that were not finite are left out.
    """
    curves: dict[str, list[tuple[int, float]]] = {}
    for line in storage.at(path).read_text().splitlines():
        record = json.loads(line)
        step = record.pop("step")
        for name, value in record.items():
            if value is not None and math.isfinite(value):
                curves.setdefault(name, []).append((step, value))
    return curves


def plot_metrics(
    metrics: str | os.PathLike[str], path: str | os.PathLike[str]
) -> None:
    """Plots the records of a run, one panel per kind of metric.

    Args:
        metrics: a `metrics.jsonl`; nothing is drawn if there is none yet.
        path: the PNG to write or to replace.
    """
    if not storage.at(metrics).exists():
        return
    curves = read_metrics(metrics)
    panels = []
    for title, starts in _PANELS:
        names = [name for name in curves if name.startswith(starts)]
        if names:
            panels.append((title, {name: curves[name] for name in names}))
    if panels:
        _draw(panels, path)


def _draw(
    panels: Sequence[tuple[str, dict[str, list[tuple[int, float]]]]],
    path: str | os.PathLike[str],
) -> None:
    # The object interface: no global state, no display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 2 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axis, (title, curves) in zip(axes, panels):
        for name, points in curves.items():
            marker = "o" if len(points) < _FEW_POINTS else ""
            style = {"linewidth": 1.2, "marker": marker, "markersize": 3}
            axis.plot(*zip(*points), label=name, **style)
        axis.set_ylabel(title)
        axis.grid(alpha=0.3)
        if len(curves) > 1:
            axis.legend(fontsize="small", ncols=2)
    axes[-1].set_xlabel("step")
    with replacing(path) as aside:
        figure.savefig(aside, format="png")
