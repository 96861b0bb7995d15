"""A copy of a generator that only draws, with every kernel prepared once.

A generator that trains divides each kernel by its norm, and folds the
upsampling into it, in every call. The copy is of the same class. Its kernels
are divided and folded, a bias ahead of a normalization is a part of its mean,
and a normalization without classes is a part of the kernels ahead of it.
"""

from __future__ import annotations

import tensorflow as tf

from sagan_tf.layers import (
    ConditionalBatchNormalization,
    ResidualUpBlock,
    SpectralNormalization,
    TransposedConvolutionBlock,
)
from sagan_tf.layers.folded_kernels import transposed_kernel
from sagan_tf.networks.sides import StagedGenerator

# Tensors by the path of their variable in the network.
_Values = dict[str, tf.Tensor]


def bake(
    generator: StagedGenerator,
    into: StagedGenerator | None = None,
    dtype: str = "",
) -> StagedGenerator:
    """Returns a copy for inference, which equals the generator up to rounding.

    It does not follow a generator that trains on, and is in inference even if
    it is called with `training=True`. Its variables are not trainable, and of
    the dtype that the network computes in.

    Args:
        generator: a generator; it is not changed.
        into: an earlier copy of it, to be filled anew, so that a function that
            has been traced draws with the present weights.
        dtype: that the copy computes in; empty for the generator's.
    """
    if not generator.built:
        generator.build_from_config({})
    baked = into or _copy(generator, dtype)
    values = _inference_values(generator)
    for _, stage in baked.stages:
        if isinstance(stage, ResidualUpBlock):
            _fold_up_block(values, stage)
        elif isinstance(stage, TransposedConvolutionBlock):
            norm = f"{stage.name}/norm"
            scale, shift = _affine(values, norm, stage.batch_norm.epsilon)
            path = f"{stage.name}/convolution"
            # The output's channels are the last axis but one.
            _scale(values, path, scale[:, tf.newaxis], scale, shift)
    if _ends_in_block(baked):
        last = baked.stages[-1][1].name
        epsilon = baked.batch_norm.epsilon
        scale, shift = _affine(values, "norm", epsilon)
        _scale(values, f"{last}/conv_2", scale, scale, shift)
        _scale(values, f"{last}/shortcut", scale, scale, 0.0)
    for variable in baked.variables:
        variable.assign(tf.cast(values[_path(variable, baked)], variable.dtype))
    return baked


def _copy(generator: StagedGenerator, dtype: str) -> StagedGenerator:
    """Returns a network of the same form without what is to be folded in."""
    config = generator.get_config()
    options = {**config["attention_options"], "spectral_normalization": None}
    plain = {**config["batch_norm"], "normalized_tables": None}
    config.update(
        name="baked",
        # Not a mixed one: it would cast the variables in every call.
        dtype=dtype or generator.compute_dtype,
        attention_options=options,
        batch_norm=plain,
        spectral_normalization=None,
    )
    if "fold_resampling" in config:
        config["fold_resampling"] = True
    baked = type(generator).from_config(config)
    for _, stage in baked.stages:
        if isinstance(stage, ResidualUpBlock):
            stage.conv_1 = tf.keras.layers.Conv2DTranspose(
                stage.filters,
                kernel_size=4,
                strides=2,
                padding="same",
                use_bias=False,
                name="conv_1",
                dtype=baked.dtype_policy,
            )
        elif isinstance(stage, TransposedConvolutionBlock):
            stage.norm = _identity(baked)
    if _ends_in_block(baked):
        baked.norm = _identity(baked)
    baked.build_from_config({})
    baked.trainable = False
    return baked


def _identity(network: StagedGenerator) -> tf.keras.layers.Layer:
    return tf.keras.layers.Activation("linear", dtype=network.dtype_policy)


def _ends_in_block(network: StagedGenerator) -> bool:
    """Returns whether a residual block stands before the last normalization."""
    return isinstance(network.stages[-1][1], ResidualUpBlock)


def _inference_values(generator: StagedGenerator) -> _Values:
    """Returns the weights as inference sees them, float32."""
    values = {
        _path(variable, generator): tf.cast(
            tf.convert_to_tensor(variable), tf.float32
        )
        for variable in generator.variables
    }
    for layer in generator.submodules:
        if isinstance(layer, SpectralNormalization):
            path = _path(layer.u, generator)
            values[path.replace("/u:0", "/kernel:0")] = (
                layer.normalized_kernel()
            )
        elif isinstance(layer, ConditionalBatchNormalization):
            path = _path(layer.moving_mean, generator)
            for name, table in zip(("gain", "bias"), layer.tables()):
                values[path.replace("moving_mean", name)] = table
    return values


def _path(variable: tf.Variable, network: StagedGenerator) -> str:
    return variable.name.partition(f"{network.name}/")[2]


def _fold_up_block(values: _Values, block: ResidualUpBlock) -> None:
    kernel = f"{block.name}/conv_1/kernel:0"
    values[kernel] = transposed_kernel(values[kernel])
    values[f"{block.name}/norm_2/moving_mean:0"] -= values[
        f"{block.name}/conv_1/bias:0"
    ]


def _affine(
    values: _Values, norm: str, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a normalization as a scale and a shift by channel."""
    gain, bias, mean, variance = (
        values[f"{norm}/{name}:0"]
        for name in ("gain", "bias", "moving_mean", "moving_variance")
    )
    scale = gain * tf.math.rsqrt(variance + epsilon)
    return scale, bias - mean * scale


def _scale(
    values: _Values,
    path: str,
    kernel_scale: tf.Tensor,
    scale: tf.Tensor,
    shift: tf.Tensor | float,
) -> None:
    """Scales and shifts what a convolution gives."""
    values[f"{path}/kernel:0"] *= kernel_scale
    values[f"{path}/bias:0"] = values[f"{path}/bias:0"] * scale + shift
