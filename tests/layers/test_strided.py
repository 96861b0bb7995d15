"""One strided convolution by the sums that define it."""

import numpy as np
import pytest

from sagan_tf.layers import (
    BatchNorm,
    SpectralNormalization,
    StridedConvolutionBlock,
    TransposedConvolutionBlock,
)


def random(*shape):
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


def convolve(images, kernel, strides, padding):
    """`(batch, height, width, out)`: a window of 4x4 at every stride."""
    images = np.pad(images, ((0, 0), (padding,) * 2, (padding,) * 2, (0, 0)))
    size = (images.shape[1] - 4) // strides + 1
    result = np.zeros((len(images), size, size, kernel.shape[-1]))
    for i in range(size):
        for j in range(size):
            top, left = i * strides, j * strides
            window = images[:, top : top + 4, left : left + 4]
            result[:, i, j] = np.einsum("bhwc,hwco->bo", window, kernel)
    return result


def transpose(images, kernel, strides, padding):
    """The reverse: each pixel paints 4x4, `kernel` is `(4, 4, out, in)`."""
    batch, size = images.shape[:2]
    side = (size - 1) * strides + 4
    full = np.zeros((batch, side, side, kernel.shape[2]))
    for i in range(size):
        for j in range(size):
            top, left = i * strides, j * strides
            full[:, top : top + 4, left : left + 4] += np.einsum(
                "bc,hwoc->bhwo", images[:, i, j], kernel
            )
    end = full.shape[1] - padding
    return full[:, padding:end, padding:end]


@pytest.mark.parametrize(("strides", "size"), [(2, 3), (1, 1), (1, 4)])
def test_strided_block_known_answer(strides, size):
    block = StridedConvolutionBlock(5, strides, spectral_normalization=False)
    side = 2 * size if strides == 2 else size + 3
    images = random(2, side, side, 3)
    block(images)
    block.convolution.bias.assign(random(5))
    found = convolve(
        images, block.convolution.kernel.numpy(), strides, strides - 1
    )
    found += random(5)
    expected = np.where(found > 0, found, 0.1 * found)
    assert expected.shape == (2, size, size, 5)
    np.testing.assert_allclose(block(images), expected, atol=1e-4)


@pytest.mark.parametrize(("strides", "size"), [(2, 3), (1, 1)])
def test_transposed_block_known_answer(strides, size):
    block = TransposedConvolutionBlock(
        5,
        strides,
        batch_norm=BatchNorm(epsilon=0.5),
        spectral_normalization=False,
    )
    images = random(2, size, size, 3)
    block(images)
    block.norm.gain.assign(random(5))
    block.norm.bias.assign(random(5) + 0.5)
    found = transpose(
        images, block.convolution.kernel.numpy(), strides, strides - 1
    )
    found = found * random(5) / np.sqrt(1.5) + random(5) + 0.5
    side = 2 * size if strides == 2 else size + 3
    assert found.shape == (2, side, side, 5)
    np.testing.assert_allclose(
        block(images, training=False), np.maximum(found, 0.0), atol=1e-4
    )


@pytest.mark.parametrize(
    "block_class", [StridedConvolutionBlock, TransposedConvolutionBlock]
)
def test_kernels_are_divided_by_their_norm(block_class):
    block = block_class(5)
    block(random(1, 4, 4, 3))
    assert isinstance(block.convolution, SpectralNormalization)
    for _ in range(100):
        block(random(1, 4, 4, 3), training=True)
    # That of the matrix whose rows, in PyTorch, are the first axis: the
    # outputs of a convolution, the inputs of a transposed one.
    kernel = block.convolution.normalized_kernel().numpy()
    matrix = kernel.reshape(-1, kernel.shape[-1])
    np.testing.assert_allclose(np.linalg.norm(matrix, 2), 1.0, rtol=1e-4)
    assert len(block.trainable_variables) == (
        2 if block_class is StridedConvolutionBlock else 4
    )
