"""Scores of features by known answer, by brute force and against TF-GAN."""

import numpy as np
import pytest

from sagan_tf.evaluation import tfgan
from sagan_tf.evaluation.moments import Moments, frechet_distance
from sagan_tf.evaluation.scores import (
    ClassScore,
    class_variety,
    intra_frechet_distance,
    precision_recall,
)


def logits(count, seed=0):
    return np.random.default_rng(seed).normal(0, 3, (count, 10))


def score(values, batch_size=1000):
    result = ClassScore(values.shape[1])
    for start in range(0, len(values), batch_size):
        result.update(values[start : start + batch_size])
    return result.result()


@pytest.mark.parametrize("batch_size", [1, 7, 300])
def test_inception_score_is_that_of_tfgan(batch_size):
    values = logits(300)
    theirs = tfgan.class_score(values)
    assert score(values, batch_size) == pytest.approx(theirs, rel=1e-10)


def test_inception_score_of_sure_and_of_unsure_classes():
    assert score(np.eye(10) * 1000) == pytest.approx(10)
    assert score(np.zeros((5, 10))) == pytest.approx(1)
    assert score(np.tile(np.eye(10)[:1] * 1000, (5, 1))) == pytest.approx(1)


def test_inception_scores_merge_and_come_back():
    values = logits(90)
    whole = ClassScore(10)
    for part in np.array_split(values, 4):
        piece = ClassScore(10)
        piece.update(part)
        whole.merge(ClassScore.from_state(piece.state()))
    assert whole.result() == pytest.approx(score(values), rel=1e-12)
    with pytest.raises(ValueError, match="needs an image"):
        ClassScore(10).result()


def normal(count, dimension=8, seed=0, shift=0.0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, dimension)) + shift).astype(np.float32)


def brute_force(queries, centres, neighbours):
    def apart(first, second):
        return np.linalg.norm(first - second)

    reach = [
        sorted(apart(c, other) for j, other in enumerate(centres) if j != i)[
            neighbours - 1
        ]
        for i, c in enumerate(centres)
    ]
    inside = [
        any(apart(q, c) <= r for c, r in zip(centres, reach)) for q in queries
    ]
    return np.mean(inside)


@pytest.mark.parametrize("neighbours", [1, 3])
def test_precision_and_recall_are_those_of_brute_force(neighbours):
    real, fake = normal(50, 3), normal(40, 3, seed=1, shift=0.7)
    found = precision_recall(real, fake, neighbours)
    assert found.precision == brute_force(fake, real, neighbours)
    assert found.recall == brute_force(real, fake, neighbours)
    assert 0 < found.recall < 1


def test_rows_of_distances_are_cut_without_a_trace(monkeypatch):
    real, fake = normal(90), normal(80, seed=1)
    expected = precision_recall(real, fake)
    monkeypatch.setattr("sagan_tf.evaluation.scores._ROWS", 7)
    assert precision_recall(real, fake) == expected


def test_collapse_keeps_precision_and_loses_recall():
    real = np.concatenate([normal(60), normal(60, seed=1, shift=30)])
    one_mode = normal(60, seed=2)
    assert precision_recall(real, real) == (1, 1)
    found = precision_recall(real, one_mode)
    assert found.precision > 0.7
    assert found.recall < 0.5
    assert precision_recall(real, normal(60, seed=3, shift=90)) == (0, 0)
    with pytest.raises(ValueError, match="more than 3 images"):
        precision_recall(real, real[:3])


def per_class(*sets):
    result = []
    for values in sets:
        result.append(Moments(values.shape[1]))
        result[-1].update(values)
    return result


def test_intra_distance_sees_what_the_whole_does_not():
    real = per_class(normal(90), normal(90, seed=1, shift=5))
    swapped = real[::-1]
    whole = Moments(8)
    for part in real:
        whole.merge(part)
    assert frechet_distance(whole, whole) < 1e-6
    assert intra_frechet_distance(real, real) < 1e-6
    expected = frechet_distance(*real)
    assert intra_frechet_distance(real, swapped) == pytest.approx(expected)


def test_variety_is_that_of_the_poorest_class():
    real = per_class(normal(90), normal(90, seed=1))
    poor = per_class(normal(90, seed=2), normal(1).repeat(90, axis=0))
    assert class_variety(real, real) == 1
    assert class_variety(real, poor) == pytest.approx(0, abs=1e-12)
    half = per_class(normal(90), 0.5 * normal(90, seed=1))
    assert class_variety(real, half) == pytest.approx(0.25, rel=1e-6)
