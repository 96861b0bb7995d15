"""Moments and their distance, against NumPy, SciPy and TF-GAN."""

import numpy as np
import pytest
import scipy.linalg

from sagan_tf.evaluation import tfgan
from sagan_tf.evaluation.numerics.moments import Moments, frechet_distance

# What is asked for; what is reached is below 1e-9.
RELATIVE = 1e-4


def features(count, dimension, seed=0, scale=1.0, shift=0.0):
    """Correlated, positive, skewed features, as pooled activations are."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(7).normal(size=(dimension, dimension))
    values = random.normal(size=(count, dimension)) @ mixing * 0.1
    return np.maximum(values * scale + 0.3 + shift, 0).astype(np.float32)


def moments(values, batch_size=1000):
    result = Moments(values.shape[1])
    for start in range(0, len(values), batch_size):
        result.update(values[start : start + batch_size])
    return result


def test_moments_are_those_of_numpy():
    values = features(301, 5)
    result = moments(values, 7)
    assert result.count == 301
    values = values.astype(np.float64)
    np.testing.assert_allclose(result.mean, values.mean(0), rtol=1e-12)
    np.testing.assert_allclose(
        result.covariance, np.cov(values.T), rtol=1e-10, atol=1e-14
    )
    np.testing.assert_allclose(
        result.variance, values.var(0, ddof=1).sum(), rtol=1e-12
    )


def test_far_from_zero_no_digit_is_lost():
    values = features(200, 3).astype(np.float64)
    far = moments(values + 1e6, 9).covariance
    # Adding 1e6 rounds the values themselves by 1e-10.
    np.testing.assert_allclose(far, np.cov(values.T), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 3, 50, 400])
def test_batch_size_does_not_matter(batch_size):
    values, others = features(400, 8), features(300, 8, seed=1, scale=1.1)
    expected = frechet_distance(moments(values), moments(others))
    found = frechet_distance(moments(values, batch_size), moments(others))
    assert found == pytest.approx(expected, rel=1e-10)


def test_parts_merge_into_the_whole():
    values = features(500, 6)
    parts = [moments(values[part]) for part in (slice(0, 1), slice(1, 499))]
    whole = moments(values[499:])
    for part in [*parts, Moments(6)]:
        whole.merge(part)
    expected = moments(values)
    assert whole.count == expected.count
    np.testing.assert_allclose(whole.mean, expected.mean, rtol=1e-12)
    np.testing.assert_allclose(whole.scatter, expected.scatter, rtol=1e-10)


def test_state_comes_back():
    original = moments(features(20, 4))
    copy = Moments(4)
    copy.restore(original.state())
    assert frechet_distance(original, copy) == pytest.approx(0, abs=1e-9)
    copy.update(features(5, 4, seed=2))
    assert (copy.count, original.count) == (25, 20)


@pytest.mark.parametrize("count", [4, 90])
def test_typical_features_have_the_same_moments(count):
    original = moments(features(count, 6))
    copy = moments(original.typical_features())
    assert copy.count == 12
    np.testing.assert_allclose(copy.mean, original.mean, rtol=1e-12)
    np.testing.assert_allclose(
        copy.covariance, original.covariance, rtol=1e-10, atol=1e-14
    )


def test_least_eigenvalue_leaves_out_what_is_below():
    first, second = moments(features(90, 6)), moments(features(80, 6, seed=1))
    found = frechet_distance(first, second)
    assert frechet_distance(first, second, least=1e-10) == found
    everything = frechet_distance(first, second, least=1e10)
    apart = first.mean - second.mean
    assert everything == pytest.approx(
        apart @ apart + first.variance + second.variance
    )


def test_distance_of_shifted_and_of_scaled_normals_is_known():
    def normal(mean, variance):
        result = Moments(3)
        scatter = 10 * variance * np.eye(3)
        result.restore({"count": 11, "mean": mean, "scatter": scatter})
        return result

    first = normal((0, 0, 0), 1)
    shifted = normal((3, 4, 0), 1)
    scaled = normal((0, 0, 0), 9)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(first, shifted) == pytest.approx(25)
    # Per feature (1 - 3)^2.
    assert frechet_distance(first, scaled) == pytest.approx(12)


@pytest.mark.parametrize("count, dimension", [(500, 16), (600, 128), (40, 64)])
def test_distance_is_that_of_tfgan_and_scipy(count, dimension):
    real = features(count, dimension)
    fake = features(count + 9, dimension, seed=1, scale=1.2, shift=0.1)
    found = frechet_distance(moments(real, 33), moments(fake, 47))

    theirs = tfgan.frechet_distance(real, fake)
    assert found == pytest.approx(theirs, rel=RELATIVE)

    covariances = [np.cov(part.T.astype(np.float64)) for part in (real, fake)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    apart = real.mean(0, np.float64) - fake.mean(0, np.float64)
    expected = apart @ apart + np.trace(
        covariances[0] + covariances[1] - 2 * np.real(root)
    )
    # SciPy's general root of a singular product is good to few digits.
    tolerance = RELATIVE if count > dimension else 1e-3
    assert found == pytest.approx(expected, rel=tolerance)
    assert frechet_distance(moments(fake), moments(real)) == pytest.approx(
        found, rel=1e-6
    )


def test_fewer_than_two_images_have_no_covariance():
    with pytest.raises(ValueError, match="two images or more. Received: 1"):
        frechet_distance(moments(features(1, 3)), moments(features(5, 3)))


def test_other_features_are_refused():
    with pytest.raises(ValueError, match="3 and 4 features"):
        frechet_distance(moments(features(5, 3)), moments(features(5, 4)))
    with pytest.raises(ValueError, match=r"\(batch, 3\)"):
        Moments(3).update(features(5, 4))
