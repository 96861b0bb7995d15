import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import (
    DownsampleConv2D,
    SpectralNormalization,
    UpsampleConv2D,
)
from sagan_tf.layers.folded_kernels import sum_of_shifts
from sagan_tf.layers.resampling import mean_pool, upsample

# float64 rounding of sums of a few hundred products: folding is exact.
TOLERANCE = 1e-12
BOTH = pytest.mark.parametrize(
    "layer_class", [UpsampleConv2D, DownsampleConv2D]
)
KERNELS = pytest.mark.parametrize("kernel_size", [1, 3])


def random(*shape):
    return np.random.default_rng(4).normal(size=shape)


def convolve(images, kernel):
    """Zero-padded convolution of stride 1, by loops over the window."""
    size = kernel.shape[0]
    _, height, width, _ = images.shape
    margin = (size // 2, size // 2)
    padded = np.pad(images, ((0, 0), margin, margin, (0, 0)))
    return sum(
        padded[:, i : i + height, j : j + width] @ kernel[i, j]
        for i in range(size)
        for j in range(size)
    )


def repeat(images):
    return images.repeat(2, axis=1).repeat(2, axis=2)


def squares(images):
    batch, height, width, channels = images.shape
    shape = (batch, height // 2, 2, width // 2, 2, channels)
    return images.reshape(shape).mean((2, 4))


def pair(layer_class, kernel_size, channels, **options):
    """A folded and an unfolded layer with the same random weights."""
    layers = []
    for folded in (True, False):
        layer = layer_class(
            3, kernel_size, folded=folded, **{"dtype": "float64", **options}
        )
        layer.build((None, None, None, channels))
        layer.kernel.assign(random(*layer.kernel.shape))
        layer.bias.assign(random(3))
        layers.append(layer)
    return layers


def outputs_and_gradients(layer, inputs):
    inputs = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
        # Each output has a weight of its own in the loss.
        loss = tf.reduce_sum(outputs * random(*outputs.shape))
    return outputs, *tape.gradient(loss, [inputs, layer.kernel, layer.bias])


def test_sum_of_shifts_of_a_single_weight_is_a_square_of_ones():
    kernel = np.zeros((3, 3, 1, 1))
    kernel[1, 2] = 1.0
    expected = np.zeros((4, 4))
    expected[1:3, 2:4] = 1.0
    np.testing.assert_array_equal(
        sum_of_shifts(tf.constant(kernel))[:, :, 0, 0], expected
    )


def test_upsample_repeats_each_pixel():
    images = random(2, 3, 5, 4)
    np.testing.assert_array_equal(upsample(tf.constant(images)), repeat(images))


def test_mean_pool_averages_squares():
    images = random(2, 4, 6, 3)
    np.testing.assert_allclose(
        mean_pool(tf.constant(images)), squares(images), atol=TOLERANCE
    )


@KERNELS
@pytest.mark.parametrize("folded", [True, False])
def test_upsampling_known_answer(kernel_size, folded):
    layer = pair(UpsampleConv2D, kernel_size, 2)[not folded]
    inputs = random(2, 3, 2, 2)
    expected = convolve(repeat(inputs), layer.kernel.numpy()) + layer.bias
    np.testing.assert_allclose(layer(inputs), expected, atol=TOLERANCE)


@KERNELS
@pytest.mark.parametrize("folded", [True, False])
def test_downsampling_known_answer(kernel_size, folded):
    layer = pair(DownsampleConv2D, kernel_size, 2)[not folded]
    inputs = random(2, 4, 6, 2)
    expected = squares(convolve(inputs, layer.kernel.numpy())) + layer.bias
    np.testing.assert_allclose(layer(inputs), expected, atol=TOLERANCE)


@BOTH
@KERNELS
@pytest.mark.parametrize("size", [2, 4, 6, 10, 32])
@pytest.mark.parametrize("channels", [1, 5])
def test_folding_is_exact(layer_class, kernel_size, size, channels):
    folded, unfolded = pair(layer_class, kernel_size, channels)
    inputs = random(2, size, size, channels)
    ours = outputs_and_gradients(folded, inputs)
    theirs = outputs_and_gradients(unfolded, inputs)
    for value, expected in zip(ours, theirs):
        scale = np.abs(expected).max()
        np.testing.assert_allclose(
            value, expected, atol=TOLERANCE * max(scale, 1.0)
        )


@KERNELS
def test_upsampling_takes_odd_sizes(kernel_size):
    folded, unfolded = pair(UpsampleConv2D, kernel_size, 2)
    inputs = random(1, 5, 1, 2)
    np.testing.assert_allclose(folded(inputs), unfolded(inputs), atol=TOLERANCE)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("shape", [(1, 5, 4, 2), (1, 4, 5, 2)])
def test_downsampling_refuses_odd_sizes(folded, shape):
    message = f"Received: {shape[1]} x {shape[2]}"
    with pytest.raises(ValueError, match=message):
        DownsampleConv2D(3, folded=folded)(tf.zeros(shape))


@pytest.mark.parametrize("folded", [True, False])
def test_downsampling_refuses_an_odd_size_after_an_even_one(folded):
    layer = DownsampleConv2D(3, folded=folded)
    layer(tf.zeros((1, 4, 4, 2)))
    with pytest.raises(ValueError, match="Received: 5 x 4"):
        layer(tf.zeros((1, 5, 4, 2)))


@BOTH
def test_kernel_size_is_one_or_three(layer_class):
    with pytest.raises(ValueError, match="`kernel_size` should be 1 or 3"):
        layer_class(3, kernel_size=5)


@BOTH
@KERNELS
def test_dynamic_height_and_width(layer_class, kernel_size):
    folded, unfolded = pair(layer_class, kernel_size, 2)
    call = tf.function(
        lambda x: (folded(x), unfolded(x)),
        input_signature=[tf.TensorSpec((None, None, None, 2), tf.float64)],
    )
    for shape in ((1, 4, 6, 2), (2, 2, 8, 2)):
        inputs = random(*shape)
        for outputs in call(inputs):
            np.testing.assert_allclose(
                outputs, unfolded(inputs), atol=TOLERANCE
            )


@BOTH
@KERNELS
@pytest.mark.parametrize("folded", [True, False])
def test_symbolic_shape_is_that_of_the_outputs(
    layer_class, kernel_size, folded
):
    layer = layer_class(7, kernel_size, folded=folded)
    outputs = layer(tf.keras.Input((4, 6, 3)))
    expected = (8, 12) if layer_class is UpsampleConv2D else (2, 3)
    assert outputs.shape == (None, *expected, 7)
    assert layer.compute_output_shape((None, 4, 6, 3)) == outputs.shape
    assert layer(tf.zeros((2, 4, 6, 3))).shape == (2, *expected, 7)


@BOTH
def test_without_bias(layer_class):
    layer = layer_class(3, use_bias=False)
    outputs = layer(tf.zeros((1, 4, 4, 2)))
    assert [v.name.split("/")[-1] for v in layer.weights] == ["kernel:0"]
    np.testing.assert_array_equal(outputs, np.zeros(outputs.shape))


@BOTH
def test_folded_kernel_is_rounded_once(layer_class):
    """Sums of small shifts survive only where they are added in float32."""
    layer = layer_class(1, dtype="mixed_bfloat16", kernel_initializer="zeros")
    wrapped = SpectralNormalization(layer, minimum_divisor=1.0)
    wrapped.build((None, 4, 4, 1))
    # 0.5 and three times 2^-10: each is lost beside 0.5 in eight bits, but
    # together they round it up.
    kernel = np.full((3, 3, 1, 1), 2.0**-10, np.float32)
    kernel[0, 0] = 0.5
    layer.kernel.assign(kernel)
    inputs = np.zeros((1, 4, 4, 1), np.float32)
    inputs[0, 2, 2] = 1.0
    outputs = tf.cast(wrapped(inputs), tf.float32).numpy().max()
    total = np.float32(0.5 + 3 * 2.0**-10)
    total /= 1.0 if layer_class is UpsampleConv2D else 4.0
    assert outputs == tf.cast(tf.cast(total, tf.bfloat16), tf.float32).numpy()
    assert outputs != (0.5 if layer_class is UpsampleConv2D else 0.125)


@BOTH
def test_config_round_trip(layer_class):
    layer = layer_class(
        7, 1, False, False, kernel_initializer="orthogonal", name="fold"
    )
    copy = layer_class.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert (copy.filters, copy.kernel_size) == (7, 1)
    assert (copy.use_bias, copy.folded) == (False, False)
    assert isinstance(copy.kernel_initializer, tf.keras.initializers.Orthogonal)
