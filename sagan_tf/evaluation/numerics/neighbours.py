"""Scores of nearest neighbours: how good, how varied, how near to copies."""

from __future__ import annotations

from typing import Iterator, NamedTuple

import numpy as np

from sagan_tf.evaluation.numerics.rows import Rows

# Those of arXiv:1904.06991 and of arXiv:2002.09797.
NEIGHBOURS = 3
DENSITY_NEIGHBOURS = 5
# Rows of a distance matrix at a time: 500 x 10,000 float64 are 40 MB.
_ROWS = 500
# Columns at a time where there may be millions.
_COLUMNS = 2000


class Neighbours(NamedTuple):
    """What the nearest neighbours of images say, from features of both sets.

    The reach of an image is the distance to its third nearest like, for
    density and coverage to the fifth.

    Attributes:
        precision: share of generated images within reach of a real one
            (Kynkaanniemi et al., arXiv:1904.06991); 0 to 1, more is better.
        recall: share of real images within reach of a generated one; 0 to 1,
            more is better.
        density: how many real images have a generated one within reach, on
            average, by their number (Naeem et al., arXiv:2002.09797); 0 and up,
            about 1 for real images, more is better.
        coverage: share of real images that have a generated one within reach;
            0 to 1, more is better.
        nearer: share of generated images that are nearer to a real image than
            any other real image is: 1 less the authenticity of Alaa et al.
            (arXiv:2102.08921). About 0.5 for real images, near 1 for copies.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    nearer: float


def compare(
    real: np.ndarray,
    fake: np.ndarray,
    neighbours: int = NEIGHBOURS,
    density_neighbours: int = DENSITY_NEIGHBOURS,
) -> Neighbours:
    """Returns what nearest neighbours say of two sets of features.

    Args:
        real: `(images, features)`.
        fake: the same of generated images; best as many.
        neighbours: which neighbour bounds the reach for precision and recall.
        density_neighbours: the same for density and coverage; fewer where
            there are not so many images.

    Raises:
        ValueError: if there are not more images than `neighbours`.
    """
    fewest = min(len(real), len(fake))
    if fewest <= neighbours:
        raise ValueError(
            f"precision and recall need more than {neighbours} images of "
            f"each kind. Received: {fewest}"
        )
    mean = np.mean(real, axis=0, dtype=np.float64)
    wide = min(density_neighbours, fewest - 1)
    reach, wide_reach, nearest = _reaches(real, mean, neighbours, wide, 1)
    (fake_reach,) = _reaches(fake, mean, neighbours)
    inside, count, nearer, start = [], 0, 0, 0
    covered = np.zeros(len(real), bool)
    least = np.full(len(real), np.inf)
    for distances in _distances(fake, real, mean):
        rows = np.arange(len(distances))
        inside.append((distances <= reach).any(axis=1))
        count += np.sum(distances < wide_reach)
        own = np.argmin(distances, axis=1)
        nearer += np.sum(distances[rows, own] < nearest[own])
        mine = fake_reach[start : start + len(rows), None]
        covered |= (distances <= mine).any(axis=0)
        least = np.minimum(least, distances.min(axis=0))
        start += len(rows)
    return Neighbours(
        precision=float(np.concatenate(inside).mean()),
        recall=float(covered.mean()),
        density=float(count / (wide * len(fake))),
        coverage=float((least < wide_reach).mean()),
        nearer=float(nearer / len(fake)),
    )


def nearest(
    queries: np.ndarray, rows: Rows, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns which vectors are the nearest, and how far they are.

    Args:
        queries: `(queries, features)`.
        rows: the vectors, `count` of them or more.
        count: how many to return for each.

    Returns:
        Numbers of vectors and squared distances, `(queries, count)` each, the
        nearest first.
    """
    mean = np.mean(queries, axis=0, dtype=np.float64)
    numbers = np.zeros((len(queries), 0), int)
    squares = np.zeros((len(queries), 0))
    for start in range(0, len(rows), _COLUMNS):
        part = rows.where(slice(start, start + _COLUMNS))
        distances = _distances(queries, part, mean)
        found = np.concatenate([*distances])
        places = np.broadcast_to(start + np.arange(found.shape[1]), found.shape)
        numbers = np.concatenate((numbers, places), axis=1)
        squares = np.concatenate((squares, found), axis=1)
        order = np.argsort(squares, axis=1, kind="stable")[:, :count]
        numbers = np.take_along_axis(numbers, order, axis=1)
        squares = np.take_along_axis(squares, order, axis=1)
    return numbers, squares


def _reaches(
    features: np.ndarray, mean: np.ndarray, *neighbours: int
) -> list[np.ndarray]:
    """Returns the squared distance to the k-th nearest other vector, each k."""
    parts = []
    for distances in _distances(features, features, mean):
        # A vector is its own nearest, at place 0.
        distances.partition(neighbours, axis=1)
        parts.append(distances[:, list(neighbours)])
    return list(np.concatenate(parts).T)


def _distances(
    rows: np.ndarray, columns: np.ndarray, mean: np.ndarray
) -> Iterator[np.ndarray]:
    """Yields squared distances of some rows at a time to all columns.

    They are differences of large numbers unless the mean is taken off. No copy
    of all vectors is made for that.
    """
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS] - mean
        lengths = np.einsum("nd,nd->n", part, part)[:, None]
        distances = np.empty((len(part), len(columns)))
        for first in range(0, len(columns), _ROWS):
            other = columns[first : first + _ROWS] - mean
            squares = np.einsum("nd,nd->n", other, other)
            distances[:, first : first + _ROWS] = np.maximum(
                lengths + squares - 2 * (part @ other.T), 0
            )
        yield distances
