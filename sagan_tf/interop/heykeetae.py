"""Checkpoints of heykeetae/Self-Attention-GAN, in PyTorch."""

from __future__ import annotations

from typing import Iterator, Sequence

import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.image_sizes import fits
from sagan_tf.interop.assignment import assign, by_name
from sagan_tf.interop.pytorch_file import read_pair
from sagan_tf.interop.state_dict import State, StateDict, to_tensorflow
from sagan_tf.layers import BatchNorm, SelfAttention
from sagan_tf.networks import DCGANDiscriminator, DCGANGenerator

SOURCE = "heykeetae/Self-Attention-GAN"

# Decay of PyTorch's batch normalization.
_MOMENTUM = 0.9


def load(
    path: str, attention_resolutions: Sequence[int] | None = None
) -> tuple[DCGANGenerator, DCGANDiscriminator]:
    """Reads the two files of a training step.

    Args:
        path: the generator's file, such as `models/10000_G.pth`; that of the
            discriminator stands beside it with `D` in the place of `G`.
        attention_resolutions: None, as the place is always the same.

    Returns:
        A generator and a discriminator with the weights, moving statistics and
        vectors `u`.

    Raises:
        UserError: if a file is missing or cannot be read, or arrays are
            missing or left over or do not fit.
    """
    if attention_resolutions is not None:
        raise UserError(
            "`attention_resolutions` should not be given: the place of the "
            f"attention in {SOURCE} is fixed. Received: "
            f"{tuple(attention_resolutions)}"
        )
    return convert(*read_pair(path), path)


def convert(
    generator_state: StateDict,
    discriminator_state: StateDict,
    path: str = "the state dicts",
) -> tuple[DCGANGenerator, DCGANDiscriminator]:
    """Builds networks from the state dicts of both.

    Args:
        generator_state: arrays by name.
        discriminator_state: arrays by name.
        path: what to call them in an error.

    Raises:
        UserError: if arrays are missing or left over or do not fit.
    """
    ours, theirs = (
        State(state, path, lambda _, array: to_tensorflow(array))
        for state in (generator_state, discriminator_state)
    )
    generator = DCGANGenerator(
        image_size=_image_size(ours),
        latent_dim=ours.axis("l1.0.module.weight_bar", -1, SOURCE),
        base_channels=ours.axis("last.0.weight", -1, SOURCE),
        batch_norm=BatchNorm(_MOMENTUM),
    )
    discriminator = DCGANDiscriminator(
        image_size=_image_size(theirs),
        base_channels=theirs.axis("l1.0.module.weight_bar", -1, SOURCE),
    )
    for network, state in ((generator, ours), (discriminator, theirs)):
        network.build_from_config({})
        assign(state, by_name(_layers(network)), SOURCE)
    return generator, discriminator


def _image_size(state: State) -> int:
    blocks = sum(name.endswith("weight_bar") for name in state.shapes)
    size = 4 * 2**blocks
    if not fits(size):
        raise UserError(
            f"`checkpoint` should hold the arrays of {SOURCE}, a weight_bar in "
            f"each of 3 to 7 layers. Received: {state.prefix} with {blocks}"
        )
    return size


def _layers(
    network: DCGANGenerator | DCGANDiscriminator,
) -> Iterator[tuple[tf.keras.layers.Layer, dict[str, str]]]:
    """Yields layers, and the names of their variables by our attribute."""
    block, attention = 0, 0
    for _, stage in network.stages:
        if isinstance(stage, SelfAttention):
            attention += 1
            yield from _attention(stage, f"attn{attention}")
            continue
        block += 1
        yield (
            stage.convolution,
            {
                "kernel": f"l{block}.0.module.weight_bar",
                "bias": f"l{block}.0.module.bias",
                "u": f"l{block}.0.module.weight_u",
            },
        )
        if isinstance(network, DCGANGenerator):
            yield stage.norm, _norm_names(f"l{block}.1")
    is_generator = isinstance(network, DCGANGenerator)
    last = network.to_rgb if is_generator else network.to_logit
    yield last, {"kernel": "last.0.weight", "bias": "last.0.bias"}


def _norm_names(scope: str) -> dict[str, str]:
    return {
        "gain": f"{scope}.weight",
        "bias": f"{scope}.bias",
        "moving_mean": f"{scope}.running_mean",
        "moving_variance": f"{scope}.running_var",
    }


def _attention(
    layer: SelfAttention, scope: str
) -> Iterator[tuple[tf.keras.layers.Layer, dict[str, str]]]:
    yield layer, {"gate": f"{scope}.gamma"}
    for part in ("query", "key", "value"):
        name = f"{scope}.{part}_conv"
        yield (
            getattr(layer, part),
            {"kernel": f"{name}.weight", "bias": f"{name}.bias"},
        )
