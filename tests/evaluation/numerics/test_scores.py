"""Scores of features by known answer, by brute force and against TF-GAN."""

import numpy as np
import pytest

from sagan_tf.evaluation import tfgan
from sagan_tf.evaluation.numerics.moments import Moments, frechet_distance
from sagan_tf.evaluation.numerics.scores import (
    ClassScore,
    class_score_of_splits,
    distance_of_features,
    variety,
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
        copy = ClassScore(10)
        copy.restore(piece.state())
        whole.merge(copy)
    assert whole.result() == pytest.approx(score(values), rel=1e-12)
    with pytest.raises(ValueError, match="needs an image"):
        ClassScore(10).result()


def test_splits_are_parts_in_order():
    values = logits(95)
    found = class_score_of_splits(values, 3)
    parts = [score(values[part]) for part in np.split(np.arange(95), (31, 63))]
    assert found.mean == pytest.approx(np.mean(parts), rel=1e-12)
    assert found.deviation == pytest.approx(np.std(parts), rel=1e-12)
    assert class_score_of_splits(values[:2], 3) is None


def normal(count, dimension=8, seed=0, shift=0.0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, dimension)) + shift).astype(np.float32)


@pytest.mark.parametrize("counts", [(30, 20), (2, 2), (90, 3), (90, 80)])
def test_few_images_have_the_distance_of_their_moments(counts):
    # Both ways: by images or by features, whichever are fewer.
    for length in (3, 64):
        real = normal(counts[0], length)
        fake = 1.5 * normal(counts[1], length, seed=1, shift=0.5)
        expected = frechet_distance(Moments.of(real), Moments.of(fake))
        found = distance_of_features(real, fake)
        assert found == pytest.approx(expected, rel=1e-6)
        assert distance_of_features(real, real) == pytest.approx(0, abs=1e-6)


def test_variety_is_a_share_of_the_variance():
    real = normal(90)
    assert variety(real, real) == 1
    assert variety(real, normal(1).repeat(90, axis=0)) < 1e-12
    assert variety(real, 0.5 * real) == pytest.approx(0.25, rel=1e-6)
