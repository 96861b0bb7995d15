"""What rows of attention say: how far, how sharp, and which tell most.

Queries and keys are positions of maps of the image's form, row by row. Places
are shares of its height and width: the top left corner is (0, 0), the bottom
right one (1, 1). Distances count in sides of the image, in heights where it is
no square. So maps of all sizes compare. Where a function takes `image_size`,
only the form counts, and 1 is a square.
"""

from __future__ import annotations

import warnings
from typing import Iterable

import numpy as np

from sagan_tf.image_sizes import ImageSize, sides

# Sides of the image between two telling queries, so that their dots can be
# told apart.
_SPACING = 0.2
# From this share of the greatest entropy on, attention is nearly uniform.
NEARLY_UNIFORM = 0.99


def map_shape(positions: int, image_size: ImageSize = 1) -> tuple[int, int]:
    """Returns height and width of a map.

    Args:
        positions: the number of its positions.
        image_size: of the image.

    Raises:
        ValueError: if no map of that form has so many.
    """
    height, width = sides(image_size)
    rows = int(round((positions * height / width) ** 0.5))
    columns = rows * width // height
    if rows * columns != positions or rows * width != columns * height:
        form = "a square" if height == width else f"{height} to {width}"
        raise ValueError(
            "attention should be over the positions of a map whose form is "
            f"{form}. Received: {positions} positions"
        )
    return rows, columns


def places(positions: int, image_size: ImageSize = 1) -> np.ndarray:
    """Returns the middle of each position: `(positions, 2)`, down and right."""
    middles = [
        (np.arange(count) + 0.5) / count
        for count in map_shape(positions, image_size)
    ]
    down, right = np.meshgrid(*middles, indexing="ij")
    return np.stack((down.ravel(), right.ravel()), axis=-1)


def _in_heights(positions: int, image_size: ImageSize) -> np.ndarray:
    """Returns the middles in heights of the image."""
    height, width = sides(image_size)
    return places(positions, image_size) * (1.0, width / height)


def mean_distances(scores: np.ndarray, image_size: ImageSize = 1) -> np.ndarray:
    """Returns how far each query looks.

    Args:
        scores: `(..., queries, keys)`, each row of sum 1.
        image_size: of the image.

    Returns:
        `(..., queries)`: the mean distance from the query to its keys, each
        weighed by its attention, in sides of the image.
    """
    queries, keys = scores.shape[-2:]
    of_queries, of_keys = (
        _in_heights(count, image_size) for count in (queries, keys)
    )
    apart = of_queries[:, np.newaxis] - of_keys
    return np.einsum("...qk,qk->...q", scores, np.linalg.norm(apart, axis=-1))


def mean_distance(
    blocks: Iterable[np.ndarray], queries: int, image_size: ImageSize = 1
) -> float:
    """Returns the mean of `mean_distances` over the queries of an image.

    Args:
        blocks: `(some queries, keys)` each, in the order of the queries.
        queries: how many there are in all.
        image_size: of the image.
    """
    total, start = 0.0, 0
    of_queries = _in_heights(queries, image_size)
    for scores in blocks:
        rows = slice(start, start + len(scores))
        of_keys = _in_heights(scores.shape[-1], image_size)
        apart = of_queries[rows, np.newaxis] - of_keys
        total += float((scores * np.linalg.norm(apart, axis=-1)).sum())
        start = rows.stop
    return total / queries


def uniform_distance(
    queries: int, keys: int, image_size: ImageSize = 1
) -> float:
    """Returns the mean distance of attention to everything alike."""
    even = np.full((queries, keys), 1.0 / keys)
    return float(mean_distances(even, image_size).mean())


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


def telling_queries(
    scores: np.ndarray, count: int, image_size: ImageSize = 1
) -> np.ndarray:
    """Returns queries that stand for all the different ways of looking.

    Rows are clustered by what they look at (k-means on their square roots, so
    by Hellinger distance), from rows that are far from each other. Of each
    cluster the row is taken that is, with those around it, next to the mean:
    commonly one inside each object and one on the background.

    Args:
        scores: `(queries, keys)`, each row of sum 1.
        count: how many to find.
        image_size: of the image.

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
    # What lies outside the map counts as far.
    inner = ndimage.uniform_filter(
        apart.reshape(*map_shape(len(rows), image_size), -1),
        size=(3, 3, 1),
        mode="constant",
        cval=apart.max(),
    )
    return _distinct(
        inner.reshape(apart.shape), _in_heights(len(rows), image_size)
    )


def _far_apart(rows: np.ndarray, count: int) -> list[int]:
    """Returns the row farthest from the mean, then those far from all taken."""
    from sklearn.metrics import pairwise_distances_argmin_min as nearest

    _, apart = nearest(rows, rows.mean(axis=0, keepdims=True))
    chosen = [int(apart.argmax())]
    while len(chosen) < count:
        _, apart = nearest(rows, rows[chosen])
        chosen.append(int(apart.argmax()))
    return chosen


def _distinct(apart: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """Returns the nearest row for each centre, no two in one place."""
    apart, chosen = apart.copy(), []
    for column in range(apart.shape[1]):
        chosen.append(int(apart[:, column].argmin()))
        away = np.linalg.norm(middles - middles[chosen[-1]], axis=1)
        # A map may be too small to keep them all apart.
        apart[away < _SPACING] += 1e3
        apart[chosen[-1]] = np.inf
    return np.array(chosen)


def query_at(
    down: float, right: float, queries: int, image_size: ImageSize = 1
) -> int:
    """Returns the query whose part of the image holds a point.

    Args:
        down: share of the image's height, in [0, 1).
        right: share of its width, in [0, 1).
        queries: number of queries.
        image_size: of the image.
    """
    rows, columns = map_shape(queries, image_size)
    return int(down * rows) * columns + int(right * columns)
