"""Curves of a study: every run, and means with their intervals."""

from __future__ import annotations

import fnmatch
import pathlib
from typing import Any, Mapping, Sequence

import numpy as np

from sagan_tf.whole_files import replacing
from tools.ablations import statistics
from tools.ablations.measures import excess
from tools.ablations.plan import Run
from tools.ablations.studies import Study

_COLUMNS = 2
# A gate's sign is for the convolution behind it to choose.
_MAGNITUDES = ("gate_",)
Curve = dict[int, float]


def write_curves(
    path: pathlib.Path, study: Study, arms: Mapping[str, Sequence[Run]]
) -> None:
    """Draws a panel for each of the study's, with a colour for each arm.

    Panels without data are left out, and so is a picture without panels.

    Args:
        path: the PNG to write or to replace.
        study: the study.
        arms: its runs by the name of the arm.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = {}
    for title, patterns in study.panels.items():
        found = {
            name: [curve_of(run.records(), patterns) for run in runs]
            for name, runs in arms.items()
        }
        if any(curve for curves in found.values() for curve in curves):
            panels[title] = found
    if not panels:
        return
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.5 * columns, 3.2 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, (title, found) in zip(axes, panels.items()):
        _draw(axis, title, found)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    with replacing(path) as aside:
        FigureCanvasAgg(figure).print_png(aside)


def curve_of(
    records: Sequence[dict[str, Any]], patterns: Sequence[str]
) -> Curve:
    """Returns the mean of the matching metrics by step.

    Args:
        records: of one run.
        patterns: names of metrics, with `*`; `excess` is coherence above
            chance. Of gates the size counts.
    """
    curve = {}
    for record in records:
        record = {**record, "excess": excess(record)}
        values = [
            abs(value) if any(m in name for m in _MAGNITUDES) else value
            for name, value in record.items()
            if value is not None
            and any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        ]
        if values:
            curve[record["step"]] = float(np.mean(values))
    return curve


def mean_curve(
    curves: Sequence[Curve],
) -> tuple[list[int], list[statistics.Estimate]]:
    """Returns the steps that all runs have, and their estimates there."""
    shared = set.intersection(*(set(curve) for curve in curves))
    steps = sorted(shared)
    return steps, [
        statistics.estimate([curve[step] for curve in curves]) for step in steps
    ]


def _draw(axis: Any, title: str, found: dict[str, list[Curve]]) -> None:
    for index, (name, curves) in enumerate(found.items()):
        curves = [curve for curve in curves if curve]
        if not curves:
            continue
        colour = f"C{index}"
        for curve in curves:
            axis.plot(*zip(*curve.items()), color=colour, lw=0.6, alpha=0.6)
        steps, estimates = mean_curve(curves)
        axis.plot(
            steps, [e.mean for e in estimates], color=colour, lw=2, label=name
        )
        # The interval of two runs is ten times as wide as they are apart.
        if len(curves) > 2:
            low, high = zip(*((e.low, e.high) for e in estimates))
            axis.fill_between(steps, low, high, color=colour, alpha=0.08, lw=0)
    axis.set_title(title)
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
    _limit(axis, found)


def _limit(axis: Any, found: dict[str, list[Curve]]) -> None:
    """Keeps the interval of few runs from setting the scale."""
    values = [
        value
        for curves in found.values()
        for curve in curves
        for value in curve.values()
    ]
    low, high = min(values), max(values)
    margin = 0.08 * (high - low) or 0.1
    axis.set_ylim(low - margin, high + margin)
