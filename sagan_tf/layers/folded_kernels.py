"""A convolution and the resampling beside it as one kernel.

Upsampling by repetition followed by a 3x3 convolution is one transposed
convolution of stride 2, because each input pixel reaches a 4x4 patch of the
output through fixed sums of the nine weights. A 3x3 convolution followed by a
2x2 mean is one convolution of stride 2, because the mean of four shifted 3x3
windows is one 4x4 window. With `K` of shape 3x3 and `S` the sum of its four
shifts inside a 4x4 frame,

    S[i, j] = K[i, j] + K[i - 1, j] + K[i, j - 1] + K[i - 1, j - 1],

the first kernel is `S` (as TensorFlow's transposed convolution wants it,
rotated by half a turn) and the second is `S / 4`. Both hold at the borders
too, where zero padding commutes with the repetition and with the mean. Sixteen
multiplications replace 36 per pixel of the smaller map. A 1x1 convolution
commutes with both resamplings, so it works on the smaller map.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def sum_of_shifts(kernel: tf.Tensor) -> tf.Tensor:
    """Returns the sum of the four shifts of a kernel in a larger frame.

    Args:
        kernel: `(height, width, in_channels, out_channels)`.

    Returns:
        `(height + 1, width + 1, in_channels, out_channels)`.
    """
    height, width, *channels = kernel.shape
    # One product with a matrix of zeros and ones reads the kernel once, which
    # four shifted copies and their sums do not.
    shifts = np.kron(_shift_both_ways(height), _shift_both_ways(width))
    summed = tf.matmul(
        tf.constant(shifts, kernel.dtype),
        tf.reshape(kernel, (height * width, -1)),
    )
    return tf.reshape(summed, (height + 1, width + 1, *channels))


def _shift_both_ways(size: int) -> np.ndarray:
    """Returns what adds a vector to its shift by one: `(size + 1, size)`."""
    return np.eye(size + 1, size) + np.eye(size + 1, size, -1)


def transposed_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """Returns the kernel of upsampling and convolution as one.

    Args:
        kernel: `(3, 3, in_channels, out_channels)`.

    Returns:
        `(4, 4, out_channels, in_channels)`, for a transposed convolution of
        stride 2.
    """
    kernel = tf.reverse(sum_of_shifts(kernel), (0, 1))
    return tf.transpose(kernel, (0, 1, 3, 2))


def pooled_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """Returns the kernel of convolution and mean pooling as one.

    Args:
        kernel: `(3, 3, in_channels, out_channels)`.

    Returns:
        `(4, 4, in_channels, out_channels)`, for a convolution of stride 2.
    """
    return sum_of_shifts(kernel) / 4.0
