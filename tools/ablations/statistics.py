"""Means over seeds, and how sure they are."""

from __future__ import annotations

import dataclasses
import math
from typing import Sequence

import numpy as np

_LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean and half of its interval.

    Attributes:
        mean: the mean.
        half_width: of the 95 per cent interval; infinite where there are too
            few values for one.
        count: number of values.
    """

    mean: float
    half_width: float
    count: int

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half_width


def estimate(values: Sequence[float]) -> Estimate | None:
    """Returns the mean with its 95 per cent interval, by Student's t.

    The interval is that of the mean over all seeds there might have been, if
    the values are normally distributed; it says nothing about other sizes,
    data or rates.

    Args:
        values: one for each seed.

    Returns:
        None without values.
    """
    count = len(values)
    if not count:
        return None
    mean = float(np.mean(values))
    if count == 1:
        return Estimate(mean, math.inf, count)
    error = float(np.std(values, ddof=1)) / math.sqrt(count)
    return Estimate(mean, _quantile(count - 1) * error, count)


def difference(
    values: Sequence[float], reference: Sequence[float]
) -> Estimate | None:
    """Returns by how much one mean exceeds another, with its interval.

    By Welch's t: the arms may vary differently from seed to seed.

    Args:
        values: one for each seed of an arm.
        reference: one for each seed of the arm it is held against.

    Returns:
        None if one of them is empty.
    """
    if not len(values) or not len(reference):
        return None
    mean = float(np.mean(values) - np.mean(reference))
    count = min(len(values), len(reference))
    if count == 1:
        return Estimate(mean, math.inf, count)
    errors = [np.var(v, ddof=1) / len(v) for v in (values, reference)]
    total = float(sum(errors))
    if total == 0.0:
        return Estimate(mean, 0.0, count)
    parts = [
        error**2 / (len(v) - 1) for error, v in zip(errors, (values, reference))
    ]
    freedom = total**2 / float(sum(parts))
    return Estimate(mean, _quantile(freedom) * math.sqrt(total), count)


def _quantile(freedom: float) -> float:
    from scipy import stats

    return float(stats.t.ppf(0.5 + _LEVEL / 2, freedom))
