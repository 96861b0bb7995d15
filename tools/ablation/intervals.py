"""Means over seeds, and how sure they are."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np

_LEVEL = 0.95


def of_mean(values: Sequence[float]) -> tuple[float, float]:
    """Returns the mean, and half of its 95 per cent interval.

    By Student's t: the interval is that of the mean over all seeds there might
    have been, if the values are normally distributed. NaN for a single value.
    """
    from scipy import stats

    mean, count = float(np.mean(values)), len(values)
    if count < 2:
        return mean, math.nan
    quantile = stats.t.ppf(0.5 + _LEVEL / 2, count - 1)
    return mean, float(quantile * stats.sem(values))


def of_difference(
    values: Sequence[float], reference: Sequence[float]
) -> tuple[float, float]:
    """Returns by how much a mean exceeds another, and half of its interval.

    By Welch's t: the arms may vary differently from seed to seed. NaN where
    one of them is a single value.
    """
    from scipy import stats

    mean = float(np.mean(values) - np.mean(reference))
    if min(len(values), len(reference)) < 2:
        return mean, math.nan
    test = stats.ttest_ind(values, reference, equal_var=False)
    low, high = test.confidence_interval(_LEVEL)
    return mean, float(high - low) / 2


def verdict(mean: float, half_width: float) -> str:
    """Returns what the interval of a difference says."""
    if math.isnan(half_width):
        return "one seed says nothing"
    if abs(mean) <= half_width:
        return "not told apart"
    return "more" if mean > 0 else "less"


def text(mean: float, half_width: float) -> str:
    """Returns `0.243 ± 0.051`, to the digits that the interval leaves."""
    if math.isnan(half_width):
        return f"{mean:,.0f}" if abs(mean) >= 999.5 else f"{mean:.3g}"
    size = max(abs(mean), half_width, 1e-12)
    digits = max(0, 2 - math.floor(math.log10(size)))
    return f"{mean:,.{digits}f} ± {half_width:,.{digits}f}"
