"""Scores of nearest neighbours, by known answer and by brute force."""

import numpy as np
import pytest

from sagan_tf.evaluation.numerics import neighbours
from sagan_tf.evaluation.numerics.neighbours import compare
from sagan_tf.evaluation.numerics.rows import Rows


def normal(count, dimension=8, seed=0, shift=0.0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, dimension)) + shift).astype(np.float32)


def brute_force(queries, centres, number):
    def apart(first, second):
        return np.linalg.norm(first - second)

    reach = [
        sorted(apart(c, other) for j, other in enumerate(centres) if j != i)[
            number - 1
        ]
        for i, c in enumerate(centres)
    ]
    inside = [
        any(apart(q, c) <= r for c, r in zip(centres, reach)) for q in queries
    ]
    return np.mean(inside)


@pytest.mark.parametrize("number", [1, 3])
def test_precision_and_recall_are_those_of_brute_force(number):
    real, fake = normal(50, 3), normal(40, 3, seed=1, shift=0.7)
    found = compare(real, fake, number)
    assert found.precision == brute_force(fake, real, number)
    assert found.recall == brute_force(real, fake, number)
    assert 0 < found.recall < 1


def test_rows_of_distances_are_cut_without_a_trace(monkeypatch):
    real, fake = normal(90), normal(80, seed=1)
    expected = compare(real, fake)
    monkeypatch.setattr(neighbours, "_ROWS", 7)
    assert compare(real, fake) == expected


def test_collapse_keeps_precision_and_loses_recall():
    real = np.concatenate([normal(60), normal(60, seed=1, shift=30)])
    one_mode = normal(60, seed=2)
    assert compare(real, real)[:2] == (1, 1)
    found = compare(real, one_mode)
    assert found.precision > 0.7
    assert found.recall < 0.5
    assert compare(real, normal(60, seed=3, shift=90))[:2] == (0, 0)
    with pytest.raises(ValueError, match="more than 3 images"):
        compare(real, real[:3])


def test_copies_are_nearer_than_real_images_are_to_each_other():
    real, others = normal(400), normal(400, seed=1)
    assert 0.4 < compare(real, others).nearer < 0.6
    assert compare(real, real + 1e-3).nearer == 1
    assert compare(real, real + 90).nearer == 0


def test_density_counts_and_coverage_does_not():
    real = normal(400)
    crowd = real[:1].repeat(400, axis=0) + 1e-3 * normal(400, seed=1)
    found = compare(real, crowd)
    # Within reach of a real image and of those that have it in theirs.
    assert found.coverage < 0.1 and found.density >= 0.2
    same = compare(real, normal(400, seed=2))
    assert 0.9 < same.density < 1.1 and same.coverage > 0.9


@pytest.mark.parametrize("columns", [7, 2000])
def test_the_nearest_are_those_of_brute_force(monkeypatch, columns):
    monkeypatch.setattr(neighbours, "_COLUMNS", columns)
    queries, vectors = normal(11), normal(90, seed=1, shift=20.0)
    rows = Rows(8)
    for part in np.array_split(vectors, 4):
        rows.update(part)
    numbers, squares = neighbours.nearest(queries, rows, 5)
    apart = np.linalg.norm(queries[:, None] - vectors, axis=-1)
    np.testing.assert_array_equal(numbers, np.argsort(apart)[:, :5])
    np.testing.assert_allclose(np.sqrt(squares), np.sort(apart)[:, :5], 1e-5)
