"""Keras layers of SAGAN: leaves without config, flags or data."""

from sagan_tf.layers.conditional_batch_norm import (
    ConditionalBatchNormalization,
)
from sagan_tf.layers.options import BatchNorm, SpectralNorm
from sagan_tf.layers.resampling import DownsampleConv2D, UpsampleConv2D
from sagan_tf.layers.residual import ResidualDownBlock, ResidualUpBlock
from sagan_tf.layers.residual_replacement import ResidualReplacement
from sagan_tf.layers.self_attention import SelfAttention
from sagan_tf.layers.spectral_normalization import SpectralNormalization
from sagan_tf.layers.strided import (
    StridedConvolutionBlock,
    TransposedConvolutionBlock,
)

__all__ = [
    "ATTENTION",
    "BatchNorm",
    "ConditionalBatchNormalization",
    "DownsampleConv2D",
    "ResidualDownBlock",
    "ResidualReplacement",
    "ResidualUpBlock",
    "SelfAttention",
    "SpectralNorm",
    "SpectralNormalization",
    "StridedConvolutionBlock",
    "TransposedConvolutionBlock",
    "UpsampleConv2D",
]

# What a network may have where it attends, by the name that it is chosen by;
# each takes those of the options of attention that its constructor knows.
ATTENTION = {
    "attention": SelfAttention,
    "residual": ResidualReplacement,
}
