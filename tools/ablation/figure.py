"""Curves of a study: every run, and means with their intervals."""

from __future__ import annotations

import pathlib
from typing import Any, Mapping, Sequence

import numpy as np

from sagan_tf.whole_files import replacing
from tools.ablation import intervals
from tools.ablation.measures import MEASURES, curve_of
from tools.ablation.trials import Trial

_COLUMNS = 2
# The curve of each run, by the name of its arm.
Panel = Mapping[str, Sequence[Mapping[int, float]]]


def write(
    path: pathlib.Path,
    measures: Sequence[str],
    arms: Mapping[str, Sequence[Trial]],
) -> bool:
    """Draws a panel for each measure, with a colour for each arm.

    They go into a PNG, which is replaced; measures without curves are left
    out. Returns whether there was anything to draw.
    """
    from matplotlib.figure import Figure

    panels: dict[str, Panel] = {}
    for measure in (MEASURES[name] for name in measures):
        panel = {}
        for name, trials in arms.items():
            every = [curve_of(t.records(), measure.metrics) for t in trials]
            panel[name] = [curve for curve in every if curve]
        if any(panel.values()):
            panels[measure.title] = panel
    if not panels:
        return False
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.5 * columns, 3.2 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, (title, panel) in zip(axes, panels.items()):
        _draw(axis, title, panel)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    with replacing(path) as aside:
        figure.savefig(aside, format="png")
    return True


def _draw(axis: Any, title: str, panel: Panel) -> None:
    for index, curves in enumerate(panel.values()):
        for curve in curves:
            style = {"color": f"C{index}", "lw": 0.6, "alpha": 0.6}
            axis.plot(*zip(*curve.items()), **style)
    # The interval of few runs is not what sets the scale.
    axis.set_ylim(axis.get_ylim())
    for index, (name, curves) in enumerate(panel.items()):
        steps = sorted(set.intersection(*map(set, curves))) if curves else []
        if not steps:
            continue
        values = [[curve[step] for curve in curves] for step in steps]
        means, widths = np.transpose([intervals.of_mean(v) for v in values])
        axis.plot(steps, means, color=f"C{index}", lw=2, label=name)
        # The interval of two runs is ten times as wide as they are apart.
        if len(curves) > 2:
            style = {"color": f"C{index}", "lw": 0, "alpha": 0.08}
            axis.fill_between(steps, means - widths, means + widths, **style)
    axis.set_title(title)
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
