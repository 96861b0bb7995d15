"""Latents by seed, and the truncated normal distribution by SciPy."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from sagan_tf.gan import latents


@pytest.mark.parametrize("limit", [0.25, 1.0, 2.0])
def test_truncated_numbers_have_the_truncated_distribution(limit):
    values = latents.draw(2000, 10, seed=1, truncation=limit).numpy().ravel()
    assert np.abs(values).max() <= limit
    test = scipy.stats.kstest(values, scipy.stats.truncnorm(-limit, limit).cdf)
    assert test.pvalue > 0.01


def test_truncation_is_the_inverse_distribution_at_the_same_rank():
    values = np.array([-3.0, -0.5, 0.0, 1.0, 2.5], np.float32)
    ranks = scipy.stats.norm.cdf(values)
    expected = scipy.stats.truncnorm(-1.5, 1.5).ppf(ranks)
    result = latents.truncate(tf.constant(values), 1.5)
    np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("limit", [7.0, 1e9])
def test_a_wide_truncation_changes_next_to_nothing(limit):
    values = np.array([-6.5, -4.0, 0.1, 3.0, 6.5], np.float32)
    result = latents.truncate(tf.constant(values), limit).numpy()
    # The tail beyond 4 has few float32 numbers to be told apart by.
    np.testing.assert_allclose(result, values, atol=5e-3)


def test_no_truncation_changes_nothing():
    values = tf.constant([-9.0, 0.0, 1.0])
    np.testing.assert_array_equal(latents.truncate(values, 0.0), values)


def test_a_negative_truncation_is_refused():
    with pytest.raises(ValueError, match="truncation"):
        latents.draw(1, 2, truncation=-1.0)


def test_each_latent_has_a_seed_of_its_own():
    together = latents.draw_each([3, 9, 3], 5).numpy()
    np.testing.assert_array_equal(together[0], together[2])
    np.testing.assert_array_equal(together[1:2], latents.draw_each([9], 5))
    np.testing.assert_array_equal(together[1:2], latents.draw(1, 5, seed=9))
    assert (together[0] != together[1]).all()


def test_each_latent_may_have_a_truncation_of_its_own():
    mixed = latents.draw_each([3, 3, 3], 50, [0.0, 1.0, 0.2]).numpy()
    for row, limit in zip(mixed, [0.0, 1.0, 0.2]):
        alone = latents.draw_each([3], 50, limit)
        np.testing.assert_array_equal(row[np.newaxis], alone)
    assert np.abs(mixed[1]).max() <= 1.0 and np.abs(mixed[2]).max() <= 0.2
