"""Ways around what TensorFlow's libraries do slowly on processors.

Nothing here changes a result but by rounding, and `are_needed` is the one
condition: elsewhere each function is the plain operation.

The gradient of a convolution's kernel is a product of two matrices for each
position of the kernel: the inputs that this position met, and the gradients of
the outputs. oneDNN computes it slowly in bfloat16 where maps are small and
channels many; there the products are taken one by one.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def are_needed() -> bool:
    """Returns whether the device is a processor."""
    return not (
        tf.config.list_logical_devices("GPU")
        or tf.config.list_logical_devices("TPU")
    )


@tf.custom_gradient
def _rectify(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    outputs = tf.maximum(x, tf.zeros((), x.dtype))
    return outputs, lambda upstream: tf.raw_ops.ReluGrad(
        gradients=upstream, features=outputs
    )


def rectify_shared(x: tf.Tensor) -> tf.Tensor:
    """Returns the ReLU of what a shortcut reads as well.

    TensorFlow's graph optimizer would merge the ReLU of a sum into the
    convolution ahead of it, find that the sum is still wanted, and give up all
    its merging in the whole graph. It does not know a maximum.
    """
    return _rectify(x) if are_needed() else tf.nn.relu(x)


@tf.keras.utils.register_keras_serializable("sagan_tf")
class Convolution(tf.keras.layers.Conv2D):
    """`tf.keras.layers.Conv2D` by `convolve`: stride 1, zero padding.

    Args:
        filters: output channels.
        kernel_size: side of the kernel, odd.
        padding: `"same"`.
        strides: 1.
        **kwargs: further keyword arguments of `tf.keras.layers.Conv2D`.

    Call arguments:
        inputs: `(batch, height, width, in_channels)`.

    Returns:
        `(batch, height, width, filters)`.

    Raises:
        ValueError: if an argument asks for another convolution.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        padding: str = "same",
        strides: Any = 1,
        **kwargs: Any,
    ):
        super().__init__(
            filters, kernel_size, strides, padding=padding, **kwargs
        )
        for name, expected in (
            ("padding", "same"),
            ("strides", (1, 1)),
            ("dilation_rate", (1, 1)),
            ("groups", 1),
            ("data_format", "channels_last"),
        ):
            if getattr(self, name) != expected:
                raise ValueError(
                    f"`{name}` should be {expected!r}. "
                    f"Received: {getattr(self, name)!r}"
                )

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolves, as Keras asks it of its subclasses."""
        # Without spectral normalization the kernel is a variable, which a
        # function with a gradient of its own would want to know.
        return convolve(inputs, tf.convert_to_tensor(kernel))


def convolve(
    images: tf.Tensor, kernel: tf.Tensor, stride: int = 1
) -> tf.Tensor:
    """Convolves with zero padding.

    Args:
        images: `(batch, height, width, in_channels)`; with `stride=2` height
            and width are even.
        kernel: `(side, side, in_channels, filters)` in the dtype of `images`;
            `side` is odd, or 4 with `stride=2`.
        stride: 1 or 2.

    Returns:
        `(batch, height / stride, width / stride, filters)`.
    """
    if not products_are_faster(images, kernel, stride):
        return tf.nn.conv2d(images, kernel, stride, "SAME")

    @tf.custom_gradient
    def run(images: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            to_images = tf.nn.conv2d_transpose(
                upstream, kernel, tf.shape(images), stride, "SAME"
            )
            return to_images, kernel_gradient(
                images, upstream, kernel.shape[0], stride
            )

        return tf.nn.conv2d(images, kernel, stride, "SAME"), gradients

    return run(images, kernel)


def convolve_transposed(images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Runs the transposed convolution of stride 2 that doubles a map.

    Args:
        images: `(batch, height, width, in_channels)`.
        kernel: `(4, 4, filters, in_channels)` in the dtype of `images`.

    Returns:
        `(batch, 2 * height, 2 * width, filters)`.
    """
    batch, height, width = (
        images.shape[axis] or tf.shape(images)[axis] for axis in range(3)
    )
    shape = (batch, 2 * height, 2 * width, kernel.shape[2])

    def transpose(images: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d_transpose(images, kernel, shape, 2, "SAME")

    if not products_are_faster(images, kernel, 1):
        return transpose(images, kernel)

    @tf.custom_gradient
    def run(images: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            to_images = tf.nn.conv2d(upstream, kernel, 2, "SAME")
            return to_images, kernel_gradient(upstream, images, 4, 2)

        return transpose(images, kernel), gradients

    return run(images, kernel)


def products_are_faster(
    images: tf.Tensor, kernel: tf.Tensor, stride: int
) -> bool:
    """Returns whether a kernel's gradient should be computed by products.

    So it is in bfloat16 if the smaller map has no more positions than the
    kernel has channels on either side.
    """
    positions = images.shape[1:3].num_elements()
    return (
        are_needed()
        and images.dtype == tf.bfloat16
        and kernel.shape[0] > 1
        and positions is not None
        and positions // stride**2 <= min(kernel.shape[2:])
    )


def kernel_gradient(
    images: tf.Tensor, upstream: tf.Tensor, side: int, stride: int
) -> tf.Tensor:
    """Returns the gradient of a kernel as products of matrices.

    Args:
        images: what the kernel met, `(batch, height, width, in_channels)`;
            with `stride=2` height and width are even.
        upstream: gradient of the result,
            `(batch, height / stride, width / stride, filters)`.
        side: side of the kernel: odd with `stride=1`, 4 with `stride=2`.
        stride: 1 or 2.

    Returns:
        `(side, side, in_channels, filters)`.
    """
    channels, filters = images.shape[-1], upstream.shape[-1]
    upstream_rows = tf.reshape(upstream, (-1, filters))
    products = [
        tf.matmul(
            tf.reshape(window, (-1, channels)), upstream_rows, transpose_a=True
        )
        for window in _windows(images, side, stride)
    ]
    return tf.reshape(tf.stack(products), (side, side, channels, filters))


def _windows(images: tf.Tensor, side: int, stride: int) -> list[tf.Tensor]:
    """Returns what each position of a kernel meets, row by row."""
    batch, height, width, channels = (
        images.shape[axis] or tf.shape(images)[axis] for axis in range(4)
    )
    border = (side - stride) // 2
    images = tf.pad(images, ((0, 0), *[(border, border)] * 2, (0, 0)))
    positions = [(i, j) for i in range(side) for j in range(side)]
    if stride == 1:
        return [images[:, i : i + height, j : j + width] for i, j in positions]
    # Even and odd rows and columns apart, so that no slice has a stride: a
    # strided one takes ten times as long.
    height, width = height // 2, width // 2
    phases = tf.transpose(
        tf.reshape(
            images, (batch, height + border, 2, width + border, 2, channels)
        ),
        (2, 4, 0, 1, 3, 5),
    )
    return [
        phases[
            i % 2, j % 2, :, i // 2 : i // 2 + height, j // 2 : j // 2 + width
        ]
        for i, j in positions
    ]
