"""What rows of attention say: how far, how sharp, and which tell most.

Queries and keys are positions of square maps, row by row. Places and distances
count in sides of the picture: the top left corner is (0, 0), the bottom right
one (1, 1), so maps of all sizes compare.
"""

from __future__ import annotations

import numpy as np

# Sides of the picture between two telling queries, so that their dots can be
# told apart.
_SPACING = 0.2


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
    """How far each query looks.

    Args:
        scores: `(..., queries, keys)`, each row of sum 1.

    Returns:
        `(..., queries)`: the mean distance from the query to its keys, each
        weighed by its attention, in sides of the picture.
    """
    queries, keys = scores.shape[-2:]
    apart = places(queries)[:, np.newaxis] - places(keys)
    return np.einsum("...qk,qk->...q", scores, np.linalg.norm(apart, axis=-1))


def uniform_distance(queries: int, keys: int) -> float:
    """Mean distance of attention that looks everywhere alike."""
    return float(mean_distances(np.full((queries, keys), 1.0 / keys)).mean())


def spreads(scores: np.ndarray) -> np.ndarray:
    """How evenly each query looks.

    Args:
        scores: `(..., queries, keys)`, each row of sum 1.

    Returns:
        `(..., queries)`: entropy over that of even attention, from 0 (one key)
        to 1 (all keys alike).
    """
    logs = np.log(np.maximum(scores, 1e-30))
    return -(scores * logs).sum(-1) / np.log(scores.shape[-1])


def telling_queries(
    scores: np.ndarray, count: int, iterations: int = 10
) -> np.ndarray:
    """Finds queries that stand for all the different ways of looking.

    Rows are clustered by what they look at (k-means on their square roots, so
    by Hellinger distance), from rows that are far from each other. Of each
    cluster the row is taken that is, with those around it, next to the mean:
    commonly one inside each object and one on the background.

    Args:
        scores: `(queries, keys)`, each row of sum 1.
        count: how many to find.
        iterations: rounds of k-means, at most.

    Returns:
        `(count,)` indices of queries, those of the largest clusters last.
    """
    rows = np.sqrt(np.asarray(scores, np.float64))
    centers = rows[_far_apart(rows, min(count, len(rows)))]
    for _ in range(iterations):
        nearest = _squared_distances(rows, centers).argmin(axis=1)
        moved = np.stack(
            [
                rows[nearest == i].mean(axis=0) if (nearest == i).any() else c
                for i, c in enumerate(centers)
            ]
        )
        if np.allclose(moved, centers):
            break
        centers = moved
    apart = _squared_distances(rows, centers)
    sizes = np.bincount(apart.argmin(axis=1), minlength=len(centers))
    inner = _with_neighbours(apart)
    return _distinct(inner[:, np.argsort(sizes, kind="stable")])


def _with_neighbours(apart: np.ndarray) -> np.ndarray:
    """Means over 3x3 positions; what lies outside the map counts as far."""
    queries, centers = apart.shape
    side = map_side(queries)
    grid = apart.reshape(side, side, centers)
    padded = np.pad(grid, ((1, 1), (1, 1), (0, 0)), constant_values=apart.max())
    windows = [
        padded[down : down + side, right : right + side]
        for down in range(3)
        for right in range(3)
    ]
    return np.mean(windows, axis=0).reshape(queries, centers)


def _distinct(apart: np.ndarray) -> np.ndarray:
    """Takes the nearest row for each centre, no two in one place."""
    apart, chosen = apart.copy(), []
    middles = places(len(apart))
    for column in range(apart.shape[1]):
        chosen.append(int(apart[:, column].argmin()))
        away = np.linalg.norm(middles - middles[chosen[-1]], axis=1)
        # A map may be too small to keep them all apart.
        apart[away < _SPACING] += 1e3
        apart[chosen[-1]] = np.inf
    return np.array(chosen)


def _far_apart(rows: np.ndarray, count: int) -> list[int]:
    """Takes the row farthest from the mean, then those far from all taken."""
    chosen: list[int] = []
    least = _squared_distances(rows, rows.mean(axis=0, keepdims=True))[:, 0]
    while len(chosen) < count:
        chosen.append(int(least.argmax()))
        new = _squared_distances(rows, rows[chosen[-1:]])[:, 0]
        least = new if len(chosen) == 1 else np.minimum(least, new)
    return chosen


def _squared_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    squares = (rows**2).sum(1)[:, np.newaxis] + (others**2).sum(1)
    return np.maximum(squares - 2.0 * rows @ others.T, 0.0)


def query_at(down: float, right: float, queries: int) -> int:
    """Returns the query whose part of the picture holds a point.

    Args:
        down: in sides of the picture, in [0, 1).
        right: the same.
        queries: number of queries.
    """
    side = map_side(queries)
    return int(down * side) * side + int(right * side)
