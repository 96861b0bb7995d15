"""The door to TF-GAN, on TensorFlow with and without `tf.estimator`."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.evaluation import tfgan

ROOT = pathlib.Path(__file__).parents[2]

# TensorFlow 2.15 becomes like 2.16 and later, which have no estimators.
WITHOUT_ESTIMATORS = """
import tensorflow as tf
from sagan_tf.evaluation import tfgan

for place in (tf, tf.compat.v1):
    if hasattr(place, "estimator"):
        del place.estimator
# Of variances 1/2 and 2, at means 0 and 3.
fid = tfgan.frechet_distance([[-0.5], [0.5]], [[2.0], [4.0]])
print(fid, hasattr(tf, "estimator"), hasattr(tf.compat.v1, "estimator"))
"""


def test_the_door_opens_where_tensorflow_has_no_estimators():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_ESTIMATORS],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    fid, *estimators = done.stdout.split()
    assert float(fid) == pytest.approx(9 + 0.5)
    assert estimators == ["False", "False"]


def test_tensorflow_is_left_as_it_was():
    before = hasattr(tf, "estimator"), hasattr(tf.compat.v1, "estimator")
    level = tf.get_logger().level
    assert tfgan.load() is tfgan.load()
    after = hasattr(tf, "estimator"), hasattr(tf.compat.v1, "estimator")
    assert after == before
    assert tf.get_logger().level == level


def normal(count, dimension=8, seed=0, shift=0.0):
    random = np.random.default_rng(seed)
    return (random.normal(size=(count, dimension)) + shift).astype(np.float32)


@pytest.mark.parametrize("counts", [(40, 40), (41, 30), (4, 5)])
def test_kernel_distance_is_the_mean_over_two_blocks(counts):
    real, fake = normal(counts[0]), normal(counts[1], seed=1, shift=0.5)

    def kernel(first, second):
        return (first @ second.T / first.shape[1] + 1) ** 3

    def block(ours, theirs):
        own = [
            (kernel(x, x).sum() - np.trace(kernel(x, x)))
            / (len(x) * (len(x) - 1))
            for x in (ours, theirs)
        ]
        return sum(own) - 2 * kernel(ours, theirs).mean()

    def halves(values):
        middle = len(values) // 2
        values = values.astype(np.float64)
        return values[:middle], values[middle:]

    pairs = zip(halves(real), halves(fake))
    expected = np.mean([block(*pair) for pair in pairs])
    assert tfgan.kernel_distance(real, fake) == pytest.approx(
        expected, rel=1e-9
    )


def test_kernel_distance_is_that_of_tfgan():
    real, fake = normal(2100), normal(2100, seed=1, shift=0.2)
    theirs = tfgan.load().eval.kernel_classifier_distance_from_activations(
        tf.constant(real), tf.constant(fake)
    )
    assert tfgan.kernel_distance(real, fake) == pytest.approx(
        float(theirs), rel=1e-4
    )
    with pytest.raises(ValueError, match="four images"):
        tfgan.kernel_distance(real[:3], fake)
