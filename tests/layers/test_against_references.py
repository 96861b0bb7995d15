"""The layers beside implementations that are not ours."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import SelfAttention, SpectralNormalization
from sagan_tf.layers.spectral_normalization import power_iteration


def matrices():
    random = np.random.RandomState(0)
    return [
        random.standard_normal(shape).astype(np.float32)
        for shape in ((6, 4), (3, 8), (27, 16), (1, 5), (5, 1))
    ]


@pytest.mark.parametrize("matrix", matrices(), ids=lambda m: str(m.shape))
@pytest.mark.parametrize("transposed", [False, True])
def test_sigma_is_the_largest_singular_value(matrix, transposed):
    layer = SpectralNormalization(
        tf.keras.layers.Dense(matrix.shape[1], use_bias=False),
        power_iterations=300,
        transposed=transposed,
    )
    layer.build((None, matrix.shape[0]))
    layer.raw_kernel.assign(matrix)
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    np.testing.assert_allclose(layer.sigma, largest, rtol=1e-5)
    np.testing.assert_allclose(
        layer.normalized_kernel(), matrix / largest, rtol=1e-4, atol=1e-6
    )


@pytest.mark.reference_stack
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sigma_agrees_with_tensorflow_addons():
    import tensorflow_addons as tfa

    random = np.random.RandomState(1)
    inputs = random.standard_normal((2, 5, 5, 3)).astype(np.float32)
    kernel = random.standard_normal((3, 3, 3, 8)).astype(np.float32)
    u = random.standard_normal((1, 8)).astype(np.float32)

    def convolution():
        return tf.keras.layers.Conv2D(8, 3, use_bias=False)

    theirs = tfa.layers.SpectralNormalization(convolution())
    ours = SpectralNormalization(convolution())
    theirs.build(inputs.shape)
    ours.build(inputs.shape)
    theirs.layer.kernel.assign(kernel)
    theirs.u.assign(u)
    ours.raw_kernel.assign(kernel)
    ours.u.assign(u)
    for _ in range(3):
        # Theirs overwrites its kernel, so it gets the raw one every time.
        theirs.layer.kernel.assign(kernel)
        expected = theirs(inputs, training=True)
        np.testing.assert_allclose(
            ours(inputs, training=True), expected, rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(ours.u, theirs.u, atol=1e-6)


@pytest.mark.parametrize("matrix", matrices()[:3], ids=lambda m: str(m.shape))
def test_gradient_of_sigma_by_finite_differences(matrix):
    matrix = matrix.astype(np.float64)
    random = np.random.RandomState(2)
    # Several iterations: with `u` converged it counts as constant rightly.
    u = tf.constant(random.standard_normal((1, matrix.shape[1])))
    direction = random.standard_normal(matrix.shape)
    step = 1e-6

    def loss(value):
        sigma, _ = power_iteration(tf.convert_to_tensor(value), u, 400)
        return tf.reduce_sum(tf.sin(value / sigma))

    variable = tf.Variable(matrix)
    with tf.GradientTape() as tape:
        value = loss(variable)
    slope = np.sum(tape.gradient(value, variable) * direction)
    difference = loss(matrix + step * direction) - loss(
        matrix - step * direction
    )
    np.testing.assert_allclose(slope, difference / (2 * step), rtol=1e-6)


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def pool(images):
    batch, height, width, channels = images.shape
    shape = (batch, height // 2, 2, width // 2, 2, channels)
    return images.reshape(shape).max((2, 4))


@pytest.mark.parametrize("pooled", [True, False])
def test_attention_agrees_with_an_einsum(pooled):
    random = np.random.RandomState(3)
    images = random.standard_normal((2, 6, 4, 16)).astype(np.float32)
    layer = SelfAttention(
        key_divisor=4,
        value_divisor=2 if pooled else 8,
        pooled=pooled,
        spectral_normalization=False,
        gate_initializer=tf.keras.initializers.Constant(0.6),
    )
    outputs, scores = layer(images, return_attention_scores=True)

    def project(images, convolution):
        return np.einsum("bhwi,io->bhwo", images, convolution.kernel[0, 0])

    def rows(images):
        return images.reshape(images.shape[0], -1, images.shape[-1])

    query, key, value = (
        project(images, convolution)
        for convolution in (layer.query, layer.key, layer.value)
    )
    if pooled:
        key, value = pool(key), pool(value)
    expected_scores = softmax(np.einsum("bqc,bkc->bqk", rows(query), rows(key)))
    found = np.einsum("bqk,bkc->bqc", expected_scores, rows(value))
    found = found.reshape(2, 6, 4, -1)
    expected = images + 0.6 * project(found, layer.output_convolution)
    np.testing.assert_allclose(scores, expected_scores, atol=1e-6)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)
