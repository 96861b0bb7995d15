"""What a benchmark found: a table, a JSON file and a plot."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import platform
from typing import Any, Sequence

import tensorflow as tf

_HEADER = ("measurement", "variant", "median", "spread", "unit", "compared")


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        section: what was measured, such as `"step"`.
        variant: of which code, such as `"tfgan"` or a dtype policy.
        value: the median.
        unit: its unit.
        low: the least of the rounds; None if there was one measurement.
        high: the greatest of the rounds.
        compared: what the value means beside others, such as `"1.5 x tfgan"`.
    """

    section: str
    variant: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    compared: str = ""

    def cells(self) -> tuple[str, ...]:
        """Returns what the table shows."""
        spread = ""
        if self.low is not None:
            spread = f"{_short(self.low)} to {_short(self.high)}"
        return (
            self.section,
            self.variant,
            _short(self.value),
            spread,
            self.unit,
            self.compared,
        )


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows: Sequence[Row]) -> str:
    """Returns the rows as aligned text."""
    lines = [_HEADER, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths)
        ).rstrip()
        for line in lines
    )


def machine() -> dict[str, Any]:
    """Returns what the numbers depend on besides the code."""
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "devices": [
            device.device_type for device in tf.config.list_physical_devices()
        ],
    }


def write_json(
    path: str, settings: dict[str, Any], rows: Sequence[Row]
) -> None:
    """Writes everything that a comparison of two runs needs."""
    content = {
        "machine": machine(),
        "settings": settings,
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    pathlib.Path(path).write_text(json.dumps(content, indent=2) + "\n")


def plot(path: str, curves: dict[str, dict[str, dict[int, float]]]) -> None:
    """Plots how the rate changes along each sweep, as a PNG.

    The curves are images per second by what was varied, variant and value.
    """
    # The object interface: no global state, no display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(curves), 4), layout="constrained")
    axes = figure.subplots(1, len(curves), squeeze=False)[0]
    for axis, (varied, variants) in zip(axes, curves.items()):
        for variant, points in variants.items():
            axis.plot(points.keys(), points.values(), "o-", label=variant)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xlabel(varied)
        axis.set_ylabel("images per second, one step")
        axis.legend()
    figure.savefig(path, format="png")
