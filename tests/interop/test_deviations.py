"""Each deviation from the release or the paper's text, by its tag.

The table in docs/fidelity.md names these tests.
"""

import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from configs import imagenet128, paper
from sagan_tf import SAGAN
from sagan_tf.configuration import builders, validation
from sagan_tf.interop import release, tfgan
from sagan_tf.layers import (
    ConditionalBatchNormalization,
    SelfAttention,
    SpectralNorm,
    SpectralNormalization,
)
from sagan_tf.layers.normalized_layer import normalized
from sagan_tf.networks import Discriminator, Generator

ROOT = pathlib.Path(__file__).parents[2]


def small_gan(**options):
    generator = Generator(32, 3, 4, 2, attention_resolutions=())
    discriminator = Discriminator(32, 3, 2, attention_resolutions=())
    gan = SAGAN(generator, discriminator, **options)
    gan.compile(*(tf.keras.optimizers.legacy.Adam(1e-2, 0.0) for _ in range(2)))
    return gan


def is_same(ours, theirs):
    return all(map(np.array_equal, ours.get_weights(), theirs.get_weights()))


def test_deviation_ema_generator():
    data = tf.zeros((2, 32, 32, 3)), tf.constant([0, 1])
    averaged, without = small_gan(ema_decay=0.9), small_gan(ema_decay=0.0)
    averaged.train_step(data)
    without.train_step(data)
    assert not is_same(averaged.ema_generator, averaged.generator)
    for average, weight in zip(
        without.ema_generator.get_weights(), without.generator.get_weights()
    ):
        np.testing.assert_allclose(average, weight, rtol=1e-6, atol=1e-7)


def test_deviation_pure_inference():
    generator = Generator(32, 3, 4, 2, attention_resolutions=())
    inputs = [tf.ones((2, 4)), tf.constant([0, 1])]
    generator(inputs)
    before = generator.get_weights()
    generator(inputs, training=False)
    assert all(map(np.array_equal, before, generator.get_weights()))
    generator(inputs, training=True)
    assert not all(map(np.array_equal, before, generator.get_weights()))


def test_deviation_constant_u():
    """With `u` converged, a gradient through it would be zero."""
    layer = SpectralNormalization(tf.keras.layers.Dense(4, use_bias=False))
    layer.build((None, 6))
    matrix = tf.Variable(tf.random.stateless_normal((6, 4), (1, 2)))
    layer.raw_kernel.assign(matrix)
    for _ in range(200):
        layer.normalized_kernel(training=True)
    with tf.GradientTape() as tape:
        ours = layer.sigma
    with tf.GradientTape() as through:
        v = tf.math.l2_normalize(tf.matmul(layer.u, matrix, transpose_b=True))
        u = tf.math.l2_normalize(tf.matmul(v, matrix))
        sigma = tf.reduce_sum(tf.matmul(v, matrix) * u)
    np.testing.assert_allclose(
        tape.gradient(ours, layer.raw_kernel),
        through.gradient(sigma, matrix),
        atol=1e-5,
    )


def test_deviation_synchronized_statistics(two_replicas):
    def spread(**options):
        with two_replicas.scope():
            layer = ConditionalBatchNormalization(**options)
            layer.build((None, 2, 2, 1))

        def run():
            replica = tf.distribute.get_replica_context()
            value = tf.cast(replica.replica_id_in_sync_group, tf.float32)
            return layer(tf.fill((1, 2, 2, 1), value), training=True)

        outputs = two_replicas.run(tf.function(run))
        return [float(value[0, 0, 0, 0]) for value in outputs.values]

    np.testing.assert_allclose(spread(), [-1.0, 1.0], atol=1e-3)
    alone = spread(synchronized=False)
    np.testing.assert_allclose(alone, [0.0, 0.0], atol=1e-3)


@pytest.mark.parametrize(("pooled", "keys"), [(True, 4), (False, 16)])
def test_deviation_attention_pooling(pooled, keys):
    layer = SelfAttention(pooled=pooled)
    _, scores = layer(tf.ones((1, 4, 4, 16)), return_attention_scores=True)
    assert scores.shape == (1, 16, keys)


@pytest.mark.parametrize(("divisor", "channels"), [(2, 8), (8, 2)])
def test_deviation_value_channels(divisor, channels):
    layer = SelfAttention(value_divisor=divisor)
    layer(tf.ones((1, 4, 4, 16)))
    assert layer.value.layer.filters == channels


def test_deviation_beta_2():
    for config, expected in (
        (imagenet128.get_config(), 0.999),
        (paper.get_config(), 0.9),
    ):
        config.dataset.path = "images"
        validation.validate(config)
        config.model.base_channels = 2
        config.model.attention_key_divisor = 1
        config.model.attention_value_divisor = 1
        gan = builders.build_gan(config)
        for adam in (gan.generator_optimizer, gan.discriminator_optimizer):
            assert float(adam.beta_2) == pytest.approx(expected)
            assert adam.epsilon == 1e-8


def test_deviation_transposed_u():
    options = release.NAMING.options, tfgan.NAMING.options
    lengths = []
    for option in options:
        spectral_norm = option.get("spectral_normalization", SpectralNorm())
        layer = normalized(tf.keras.layers.Dense(4), spectral_norm)
        layer.build((None, 6))
        lengths.append(layer.u.shape[-1])
    assert lengths == [4, 6]


def test_deviation_unbiased_variance():
    """The last normalization alone keeps the unbiased variance."""
    values = tf.random.stateless_normal((2, 1, 1, 1), (1, 2))
    variance = float(np.var(values))
    plain = ConditionalBatchNormalization(momentum=0.0)
    plain(values, training=True)
    np.testing.assert_allclose(plain.moving_variance, [2 * variance], rtol=1e-5)
    classes = ConditionalBatchNormalization(num_classes=2, momentum=0.0)
    classes([values, tf.constant([0, 1])], training=True)
    np.testing.assert_allclose(classes.moving_variance, [variance], rtol=1e-5)


def test_the_documentation_names_every_deviation():
    page = (ROOT / "docs" / "fidelity.md").read_text()
    named = set(re.findall(r"`(test_deviation_\w+)`", page))
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_deviation_\w+)\(", path.read_text())
    }
    assert named == tests
    tags = set(re.findall(r"`\[([a-z0-9-]+)\]`", page))
    assert {"test_deviation_" + tag.replace("-", "_") for tag in tags} == tests
