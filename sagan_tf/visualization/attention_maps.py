"""What rows of attention say: how far, how sharp, and which tell most.

Queries and keys are positions of square maps, row by row. Places and distances
count in sides of the image: the top left corner is (0, 0), the bottom right
one (1, 1), so maps of all sizes compare.
"""

from __future__ import annotations

import warnings
from typing import Iterable

import numpy as np

# Sides of the image between two telling queries, so that their dots can be
# told apart.
_SPACING = 0.2
# From this share of the greatest entropy on, attention is nearly uniform.
NEARLY_UNIFORM = 0.99


def map_side(positions: int) -> int:
    """Returns the side of a square map.

    Args:
        positions: the number of its positions.

    Raises:
        ValueError: if that is no square.
    """
    side = int(round(positions**0.5))
    if side * side != positions:
        raise ValueError(
            "attention should be over the positions of a square map. "
            f"Received: {positions} positions"
        )
    return side


def places(positions: int) -> np.ndarray:
    """Returns the middle of each position: `(positions, 2)`, down and right."""
    side = map_side(positions)
    middles = (np.arange(side) + 0.5) / side
    down, right = np.meshgrid(middles, middles, indexing="ij")
    return np.stack((down.ravel(), right.ravel()), axis=-1)


def mean_distances(scores: np.ndarray) -> np.ndarray:
    """Returns how far each query looks.

    Args:
        scores: `(..., queries, keys)`, each row of sum 1.

    Returns:
        `(..., queries)`: the mean distance from the query to its keys, each
        weighed by its attention, in sides of the image.
    """
    queries, keys = scores.shape[-2:]
    apart = places(queries)[:, np.newaxis] - places(keys)
    return np.einsum("...qk,qk->...q", scores, np.linalg.norm(apart, axis=-1))


def mean_distance(blocks: Iterable[np.ndarray], queries: int) -> float:
    """Returns the mean of `mean_distances` over the queries of an image.

    Args:
        blocks: `(some queries, keys)` each, in the order of the queries.
        queries: how many there are in all.
    """
    total, start = 0.0, 0
    for scores in blocks:
        rows = slice(start, start + len(scores))
        apart = places(queries)[rows, np.newaxis] - places(scores.shape[-1])
        total += float((scores * np.linalg.norm(apart, axis=-1)).sum())
        start = rows.stop
    return total / queries


def uniform_distance(queries: int, keys: int) -> float:
    """Returns the mean distance of attention to everything alike."""
    return float(mean_distances(np.full((queries, keys), 1.0 / keys)).mean())


def spreads(scores: np.ndarray) -> np.ndarray:
    """Returns how evenly each query looks.

    Args:
        scores: `(..., queries, keys)`, each row of sum 1.

    Returns:
        `(..., queries)`: entropy over that of even attention, from 0 (one key)
        to 1 (all keys alike).
    """
    logs = np.log(np.maximum(scores, 1e-30))
    return -(scores * logs).sum(-1) / np.log(scores.shape[-1])


def strengths(scores: np.ndarray) -> np.ndarray:
    """Returns how strongly each query's attention should be drawn.

    Args:
        scores: `(..., queries, keys)`, each row of sum 1.

    Returns:
        `(..., queries)`: 1 up to `NEARLY_UNIFORM`, from there down to 0 where
        all keys are alike.
    """
    return np.clip((1.0 - spreads(scores)) / (1.0 - NEARLY_UNIFORM), 0.0, 1.0)


def telling_queries(scores: np.ndarray, count: int) -> np.ndarray:
    """Returns queries that stand for all the different ways of looking.

    Rows are clustered by what they look at (k-means on their square roots, so
    by Hellinger distance), from rows that are far from each other. Of each
    cluster the row is taken that is, with those around it, next to the mean:
    commonly one inside each object and one on the background.

    Args:
        scores: `(queries, keys)`, each row of sum 1.
        count: how many to find.

    Returns:
        `(count,)` indices of queries, those of the largest clusters last.
    """
    from scipy import ndimage
    from sklearn import cluster, exceptions

    rows = np.sqrt(np.asarray(scores, np.float64))
    start = rows[_far_apart(rows, min(count, len(rows)))]
    means = cluster.KMeans(len(start), init=start, n_init=1)
    with warnings.catch_warnings():
        # Fewer ways of looking than clusters.
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        apart = means.fit_transform(rows)
    sizes = np.bincount(means.labels_, minlength=apart.shape[1])
    apart = apart[:, np.argsort(sizes, kind="stable")]
    side = map_side(len(rows))
    # What lies outside the map counts as far.
    inner = ndimage.uniform_filter(
        apart.reshape(side, side, -1),
        size=(3, 3, 1),
        mode="constant",
        cval=apart.max(),
    )
    return _distinct(inner.reshape(apart.shape))


def _far_apart(rows: np.ndarray, count: int) -> list[int]:
    """Returns the row farthest from the mean, then those far from all taken."""
    from sklearn.metrics import pairwise_distances_argmin_min as nearest

    _, apart = nearest(rows, rows.mean(axis=0, keepdims=True))
    chosen = [int(apart.argmax())]
    while len(chosen) < count:
        _, apart = nearest(rows, rows[chosen])
        chosen.append(int(apart.argmax()))
    return chosen


def _distinct(apart: np.ndarray) -> np.ndarray:
    """Returns the nearest row for each centre, no two in one place."""
    apart, chosen = apart.copy(), []
    middles = places(len(apart))
    for column in range(apart.shape[1]):
        chosen.append(int(apart[:, column].argmin()))
        away = np.linalg.norm(middles - middles[chosen[-1]], axis=1)
        # A map may be too small to keep them all apart.
        apart[away < _SPACING] += 1e3
        apart[chosen[-1]] = np.inf
    return np.array(chosen)


def query_at(down: float, right: float, queries: int) -> int:
    """Returns the query whose part of the image holds a point.

    Args:
        down: in sides of the image, in [0, 1).
        right: the same.
        queries: number of queries.
    """
    side = map_side(queries)
    return int(down * side) * side + int(right * side)
