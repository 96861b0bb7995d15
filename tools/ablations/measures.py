"""What is read off a run: one number for each measure, or none."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Callable, Mapping

from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.score_table import ScoreTable
from tools.ablations.plan import Run

# The losses of single records say little: those of the last quarter.
_LAST_SHARE = 0.25


@dataclasses.dataclass(frozen=True)
class Measure:
    """A number of a run.

    Attributes:
        title: head of its column.
        says: what it is.
        read: from a run and the study's target to the number, None where the
            run has none.
        better: "more" or "less", where one of them is.
    """

    title: str
    says: str
    read: Callable[[Run, float], float | None]
    better: str = ""


def excess(record: dict[str, Any]) -> float | None:
    """Returns the coherence above that of shuffled halves, if measured."""
    values = record.get("coherence"), record.get("coherence_shuffled")
    return None if None in values else values[0] - values[1]


def _last(name: str) -> Callable[[Run, float], float | None]:
    """Reads the last record of a metric."""

    return lambda run, target: _last_value(
        [record.get(name) for record in run.records()]
    )


def _last_value(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return known[-1] if known else None


def _mean_of(start: str, magnitude: bool = False) -> Callable:
    """Reads the mean, over the sizes of maps, of the last record."""

    def read(run: Run, target: float) -> float | None:
        del target
        records = run.records()
        names = {name for record in records for name in record}
        found = [
            _last_value([record.get(name) for record in records])
            for name in names
            if name.startswith(start)
        ]
        known = [abs(v) if magnitude else v for v in found if v is not None]
        return sum(known) / len(known) if known else None

    return read


def _late(name: str) -> Callable[[Run, float], float | None]:
    """Reads the mean of a metric over the last quarter of a run."""

    def read(run: Run, target: float) -> float | None:
        del target
        from_step = (1 - _LAST_SHARE) * run.last_step()
        values = [
            record[name]
            for record in run.records()
            if record["step"] > from_step and record.get(name) is not None
        ]
        return sum(values) / len(values) if values else None

    return read


def _score(metric: str) -> Callable[[Run, float], float | None]:
    """Reads a score of the last step that was scored."""

    def read(run: Run, target: float) -> float | None:
        del target
        for name, value in _scores(run).items():
            if protocol.metric_of(name) == metric:
                return value if math.isfinite(value) else None
        return None

    return read


def score_names(run: Run) -> list[str]:
    """Returns the scores of a run by their full names, with the protocol."""
    return [name for name in _scores(run) if name.startswith("fid")]


def _scores(run: Run) -> Mapping[str, float]:
    rows = ScoreTable(run.workdir / "scores.csv").rows()
    return max(rows, key=lambda row: row.card.step).values if rows else {}


def _steps_to_target(run: Run, target: float) -> float | None:
    for record in run.records():
        found = excess(record)
        if found is not None and found >= target:
            return float(record["step"])
    return None


def _diverged(run: Run, target: float) -> float | None:
    del target
    outcome = run.outcome()
    return None if outcome is None else float(outcome["diverged"])


def _collapsed(run: Run, target: float) -> float | None:
    since = _last("collapse_since")(run, target)
    return None if since is None else float(since >= 0)


MEASURES = {
    "diverged": Measure(
        "diverged",
        "share of runs that ended early, at a loss that was not finite",
        _diverged,
        "less",
    ),
    "collapsed": Measure(
        "collapsed",
        "share of runs that the training's own watch calls collapsed at the "
        "end: pictures of a class alike, or a discriminator far ahead",
        _collapsed,
        "less",
    ),
    "coherence": Measure(
        "coherence",
        "share of 1,000 samples whose two shapes agree in hue, at the end",
        _last("coherence"),
        "more",
    ),
    "excess": Measure(
        "above chance",
        "coherence less that of the same samples with their halves shuffled: "
        "what the generator knows of the other half, whatever colours it likes",
        lambda run, target: _last_value(list(map(excess, run.records()))),
        "more",
    ),
    "fid": Measure(
        "FID", "Frechet distance, at the end", _score("fid"), "less"
    ),
    "recall": Measure(
        "recall",
        "share of real pictures that lie among generated ones",
        _score("recall"),
        "more",
    ),
    "accuracy": Measure(
        "accuracy",
        "share of samples that show the class asked for",
        _score("accuracy"),
        "more",
    ),
    "steps_to_target": Measure(
        "steps to target",
        "first measurement at which coherence is the target above chance; "
        "runs that do not get there have none",
        _steps_to_target,
        "less",
    ),
    "d_loss": Measure(
        "loss of D",
        "of the discriminator, mean of the last quarter",
        _late("d_loss"),
    ),
    "g_loss": Measure(
        "loss of G",
        "of the generator, mean of the last quarter",
        _late("g_loss"),
    ),
    "sigma_g": Measure(
        "sigma, G",
        "largest spectral norm among the raw kernels of the generator",
        _last("generator/largest_sigma"),
    ),
    "sigma_d": Measure(
        "sigma, D",
        "the same of the discriminator",
        _last("discriminator/largest_sigma"),
    ),
    "gates_g": Measure(
        "gate, G",
        "size of the generator's gate at the end",
        _mean_of("generator/gate_", magnitude=True),
    ),
    "gates_d": Measure(
        "gate, D",
        "size of the discriminator's gate at the end",
        _mean_of("discriminator/gate_", magnitude=True),
    ),
    "distance_g": Measure(
        "distance, G",
        "mean distance from queries to keys by their weights, in sides of the "
        "picture, in the generator; attention to everything alike has 0.52",
        _mean_of("generator/attention_distance_"),
    ),
    "distance_d": Measure(
        "distance, D",
        "the same in the discriminator, on real pictures",
        _mean_of("discriminator/attention_distance_"),
    ),
}
