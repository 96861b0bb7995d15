"""The block in place of attention: its arithmetic and its size."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import ResidualReplacement, SelfAttention


def inputs(channels, size=4):
    generator = np.random.default_rng(3)
    return generator.normal(size=(2, size, size, channels)).astype(np.float32)


def count(layer_class, channels, **options):
    layer = layer_class(**options)
    layer(inputs(channels))
    return layer.count_params()


@pytest.mark.parametrize("spectral", [True, False])
@pytest.mark.parametrize("channels", [8, 32, 64, 256])
def test_it_has_exactly_as_many_parameters_as_attention(channels, spectral):
    options = {"spectral_normalization": spectral}
    trainable = [
        sum(np.prod(v.shape) for v in layer.trainable_variables)
        for layer in (SelfAttention(**options), ResidualReplacement(**options))
        if layer(inputs(channels)) is not None
    ]
    assert trainable[0] == trainable[1] == 1.25 * channels**2 + 1


@pytest.mark.parametrize("channels", [9, 12, 20, 31, 100])
@pytest.mark.parametrize("divisors", [(8, 2), (1, 2), (2, 8), (8, 8), (1, 1)])
def test_elsewhere_it_differs_by_half_a_hidden_channel(channels, divisors):
    options = dict(zip(("key_divisor", "value_divisor"), divisors))
    options["spectral_normalization"] = False
    attention = count(SelfAttention, channels, **options)
    block = count(ResidualReplacement, channels, **options)
    # One hidden channel is the least, where attention has less than that.
    least = 10 * channels + 1
    # Without spectral normalization there is no `u` among them.
    assert abs(attention - block) <= 5 * channels or block == least


def test_it_starts_as_the_identity():
    x = inputs(8)
    np.testing.assert_array_equal(ResidualReplacement()(x), x)


def test_known_answer():
    layer = ResidualReplacement(spectral_normalization=False, name="block")
    x = tf.constant(inputs(16))
    layer(x)
    layer.gate.assign(0.5)
    hidden = tf.nn.conv2d(tf.nn.relu(x), layer.reduce.kernel, 1, "SAME")
    found = tf.nn.conv2d(tf.nn.relu(hidden), layer.expand.kernel, 1, "SAME")
    np.testing.assert_allclose(layer(x), x + 0.5 * found, atol=1e-5)


def test_it_never_looks_far():
    layer = ResidualReplacement(gate_initializer="ones")
    x = inputs(8, size=8)
    layer(x)
    changed = x.copy()
    changed[:, 0, 0] += 1.0
    moved = np.any(layer(changed) != layer(x), axis=(0, 3))
    assert moved[:2, :2].any()
    assert not moved[2:].any() and not moved[:, 2:].any()


@pytest.mark.parametrize("name", ["key_divisor", "value_divisor"])
def test_wrong_divisors_are_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` should be at least 1"):
        ResidualReplacement(**{name: 0})
    with pytest.raises(ValueError, match=f"at least `{name}` = 16 channels"):
        ResidualReplacement(**{name: 16})(inputs(8))
