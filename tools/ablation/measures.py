"""What is read off a run: curves, and one number for each measure."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from typing import Any, Callable, Mapping, Sequence

import numpy as np

from sagan_tf.evaluation import protocol
from tools.ablation.trials import Trial

# About three deviations of what 1,000 samples give by chance: where the first
# thousand steps come to.
TARGET = 0.05


@dataclasses.dataclass(frozen=True)
class Measure:
    """A number of a run.

    Attributes:
        title: head of its column.
        says: what it is.
        read: from a run to the number, None where the run has none.
        metrics: what it sums up, see `curve_of`, if the curves tell something.
    """

    title: str
    says: str
    read: Callable[[Trial], float | None]
    metrics: str = ""


def curve_of(
    records: Sequence[dict[str, Any]], metrics: str
) -> dict[int, float]:
    """Returns the mean of the matching metrics by step.

    Args:
        records: of one run.
        metrics: their names, with `*`; `excess` is coherence above that
            of shuffled halves. Of gates the size counts, for their sign is for
            the convolution behind them to choose.
    """
    curve = {}
    for record in records:
        known = {name: v for name, v in record.items() if v is not None}
        if {"coherence", "coherence_shuffled"} <= known.keys():
            known["excess"] = known["coherence"] - known["coherence_shuffled"]
        names = fnmatch.filter(known, metrics)
        values = [abs(known[n]) if "gate_" in n else known[n] for n in names]
        if values:
            curve[record["step"]] = float(np.mean(values))
    return curve


def _last(curve: Mapping[int, float]) -> float:
    return curve[max(curve)]


def _late(curve: Mapping[int, float]) -> float:
    """Returns the mean of the last quarter: single losses say little."""
    first = 0.75 * max(curve)
    return float(np.mean([v for step, v in curve.items() if step > first]))


def _recorded(
    title: str,
    says: str,
    metrics: str,
    reduce: Callable[[Mapping[int, float]], float] = _last,
) -> Measure:
    def read(trial: Trial) -> float | None:
        curve = curve_of(trial.records(), metrics)
        return reduce(curve) if curve else None

    return Measure(title, says, read, metrics)


def _score(metric: str, title: str, says: str) -> Measure:
    def read(trial: Trial) -> float | None:
        for name, value in trial.scores().items():
            if protocol.metric_of(name) == metric and math.isfinite(value):
                return value
        return None

    return Measure(title, says, read)


def _steps_to_target(trial: Trial) -> float | None:
    curve = curve_of(trial.records(), "excess")
    return next((float(n) for n, v in curve.items() if v >= TARGET), None)


def _diverged(trial: Trial) -> float | None:
    outcome = trial.outcome()
    return None if outcome is None else float(outcome["diverged"])


def _collapsed(trial: Trial) -> float | None:
    curve = curve_of(trial.records(), "collapse_since")
    return float(_last(curve) >= 0) if curve else None


# Title and meaning of the scores at the end of a run, by their metric.
_SCORES = {
    "fid": ("FID", "Frechet distance, at the end"),
    "precision": (
        "precision",
        "share of generated images that lie among real ones",
    ),
    "recall": ("recall", "share of real images that lie among generated ones"),
    "density": (
        "density",
        "how many real images' neighbourhoods a generated one lies in, by as "
        "many as a real one should",
    ),
    "coverage": (
        "coverage",
        "share of real images with a generated one among their neighbours",
    ),
    "class_variety": (
        "variety",
        "variance of the features within the poorest class, by that of real "
        "images",
    ),
    "accuracy": ("accuracy", "share of samples that show the class asked for"),
    "cas": (
        "CAS",
        "accuracy on real images of a classifier that learned generated ones",
    ),
}

MEASURES = {
    "diverged": Measure(
        "diverged",
        "runs that ended early, at a loss that was not finite",
        _diverged,
    ),
    "collapsed": Measure(
        "collapsed",
        "runs that the training's own watch calls collapsed at the end: images "
        "of a class alike, or a discriminator far ahead",
        _collapsed,
    ),
    "coherence": _recorded(
        "coherence",
        "share of 1,000 samples whose two shapes agree in hue, at the end",
        "coherence",
    ),
    "excess": _recorded(
        "above chance",
        "coherence less that of the same samples with their halves shuffled: "
        "what the generator knows of the other half, whatever colours it likes",
        "excess",
    ),
    "hue_coverage": _recorded(
        "hue coverage",
        "share of the rarest twelfth of the colour circle among 1,000 samples, "
        "by the twelfth that it should have",
        "hue_coverage",
    ),
    **{name: _score(name, *words) for name, words in _SCORES.items()},
    "steps_to_target": Measure(
        f"steps to {TARGET:g} above chance",
        "first measurement there; runs that do not get there have none",
        _steps_to_target,
    ),
}
for _letter, _network in (("G", "generator"), ("D", "discriminator")):
    _lower = _letter.lower()
    MEASURES[f"loss_{_lower}"] = _recorded(
        f"loss of {_letter}",
        f"of the {_network}, mean of the last quarter",
        f"{_lower}_loss",
        _late,
    )
    MEASURES[f"sigma_{_lower}"] = _recorded(
        f"sigma, {_letter}",
        f"largest spectral norm among the raw kernels of the {_network}",
        f"{_network}/largest_sigma",
    )
    MEASURES[f"gate_{_lower}"] = _recorded(
        f"gate, {_letter}",
        f"size of the {_network}'s gate at the end",
        f"{_network}/gate_*",
    )
    MEASURES[f"distance_{_lower}"] = _recorded(
        f"distance, {_letter}",
        "mean distance from queries to keys by their weights, in sides of the "
        f"image, in the {_network}; attention to everything alike has 0.52",
        f"{_network}/attention_distance_*",
    )
