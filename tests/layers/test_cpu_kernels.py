import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import cpu_kernels


@pytest.fixture
def by_products(monkeypatch):
    monkeypatch.setattr(cpu_kernels, "products_are_faster", lambda *_: True)


def draw(*shape, dtype=tf.float32):
    random = np.random.default_rng(sum(shape))
    return tf.constant(random.standard_normal(shape, np.float32), dtype)


def gradients(function, *arguments):
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        results = function(*arguments)
        loss = tf.reduce_sum(results * draw(*results.shape))
    return [results, *tape.gradient(loss, arguments)]


def assert_close(found, expected, tolerance=1e-5):
    for one, other in zip(found, expected):
        scale = tf.reduce_max(tf.abs(other))
        np.testing.assert_allclose(one / scale, other / scale, atol=tolerance)


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (8, 8)])
@pytest.mark.parametrize("channels", [(1, 1), (3, 5), (8, 4)])
@pytest.mark.parametrize(("side", "stride"), [(1, 1), (3, 1), (5, 1), (4, 2)])
def test_products_are_the_gradients_of_a_convolution(
    by_products, size, channels, side, stride
):
    images, kernel = draw(2, *size, channels[0]), draw(side, side, *channels)
    assert_close(
        gradients(
            lambda x, k: cpu_kernels.convolve(x, k, stride), images, kernel
        ),
        gradients(
            lambda x, k: tf.nn.conv2d(x, k, stride, "SAME"), images, kernel
        ),
    )


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4)])
@pytest.mark.parametrize("channels", [(1, 1), (3, 5)])
def test_products_are_the_gradients_of_a_transposed_convolution(
    by_products, size, channels
):
    images, kernel = draw(2, *size, channels[0]), draw(4, 4, *channels[::-1])
    shape = (2, 2 * size[0], 2 * size[1], channels[1])
    assert_close(
        gradients(cpu_kernels.convolve_transposed, images, kernel),
        gradients(
            lambda x, k: tf.nn.conv2d_transpose(x, k, shape, 2), images, kernel
        ),
    )


def test_products_take_a_batch_of_any_size(by_products):
    kernel = draw(3, 3, 2, 4)

    @tf.function(input_signature=[tf.TensorSpec((None, 4, 4, 2))])
    def compute(images):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            results = cpu_kernels.convolve(images, kernel)
        return tape.gradient(results, kernel)

    images = draw(3, 4, 4, 2)
    expected = tf.raw_ops.Conv2DBackpropFilter(
        input=images,
        filter_sizes=kernel.shape,
        out_backprop=tf.ones((3, 4, 4, 4)),
        strides=[1, 1, 1, 1],
        padding="SAME",
    )
    np.testing.assert_allclose(compute(images), expected, atol=1e-5)


@pytest.mark.parametrize(("side", "stride"), [(3, 1), (4, 2)])
def test_products_have_second_derivatives(by_products, side, stride):
    images, kernel = draw(1, 4, 4, 2), draw(side, side, 2, 3)

    def second(convolve):
        with tf.GradientTape() as outer:
            outer.watch(kernel)
            with tf.GradientTape() as inner:
                inner.watch(images)
                results = tf.square(convolve(images, kernel))
            slope = inner.gradient(results, images)
            penalty = tf.reduce_sum(tf.square(slope))
        return [outer.gradient(penalty, kernel)]

    assert_close(
        second(lambda x, k: cpu_kernels.convolve(x, k, stride)),
        second(lambda x, k: tf.nn.conv2d(x, k, stride, "SAME")),
    )


def test_bfloat16_differs_by_its_rounding_alone():
    images = draw(8, 4, 4, 64, dtype=tf.bfloat16)
    upstream = draw(8, 4, 4, 32, dtype=tf.bfloat16)
    found = cpu_kernels.kernel_gradient(images, upstream, 3, 1)
    precise = cpu_kernels.kernel_gradient(
        tf.cast(images, tf.float32), tf.cast(upstream, tf.float32), 3, 1
    )
    assert found.dtype == tf.bfloat16
    assert_close([tf.cast(found, tf.float32)], [precise], tolerance=4e-3)


@pytest.mark.parametrize(
    ("dtype", "side", "size", "channels", "expected"),
    [
        (tf.bfloat16, 3, 8, 64, True),
        (tf.bfloat16, 3, 8, 32, False),
        (tf.bfloat16, 1, 8, 64, False),
        (tf.float32, 3, 8, 64, False),
    ],
)
def test_small_maps_of_many_channels_in_bfloat16_use_products(
    dtype, side, size, channels, expected
):
    images = tf.zeros((1, size, size, channels), dtype)
    kernel = tf.zeros((side, side, channels, channels), dtype)
    assert cpu_kernels.products_are_faster(images, kernel, 1) == expected


def test_a_map_of_unknown_size_uses_no_products():
    images = tf.keras.Input((None, None, 64), dtype="bfloat16")
    kernel = tf.zeros((3, 3, 64, 64), tf.bfloat16)
    assert not cpu_kernels.products_are_faster(images, kernel, 1)


def test_the_layer_is_kerass_with_zero_padding():
    layer = cpu_kernels.Convolution(4, 3)
    images = draw(2, 6, 5, 3)
    results = layer(images)
    expected = tf.nn.conv2d(images, layer.kernel, 1, "SAME") + layer.bias
    np.testing.assert_allclose(results, expected, atol=1e-6)
    copy = cpu_kernels.Convolution.from_config(layer.get_config())
    assert copy(images).shape == results.shape


@pytest.mark.parametrize(
    "options",
    [
        {"padding": "valid"},
        {"strides": 2},
        {"dilation_rate": 2},
        {"groups": 3},
        {"data_format": "channels_first"},
    ],
)
def test_another_convolution_is_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"`{name}` should be"):
        cpu_kernels.Convolution(3, 3, **options)


def test_elsewhere_nothing_is_worked_around(monkeypatch):
    monkeypatch.setattr(cpu_kernels, "are_needed", lambda: False)
    images = tf.zeros((1, 4, 4, 64), tf.bfloat16)
    kernel = tf.zeros((3, 3, 64, 64), tf.bfloat16)
    assert not cpu_kernels.products_are_faster(images, kernel, 1)
    x = draw(2, 3)
    np.testing.assert_array_equal(cpu_kernels.rectify_shared(x), tf.nn.relu(x))


def test_the_shared_relu_is_a_relu():
    x = tf.constant([-2.0, -0.5, 0.0, 0.5, float("nan")])
    found = gradients(cpu_kernels.rectify_shared, x[:4])
    for one, other in zip(found, gradients(tf.nn.relu, x[:4])):
        np.testing.assert_array_equal(one, other)
    assert np.isnan(cpu_kernels.rectify_shared(x)[-1])
