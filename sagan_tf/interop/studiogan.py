"""Checkpoints of PyTorch-StudioGAN's class-conditional SAGAN."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.image_sizes import fits
from sagan_tf.interop.assignment import assign, by_name
from sagan_tf.interop.pytorch_file import read_pair
from sagan_tf.interop.state_dict import State, StateDict, to_tensorflow
from sagan_tf.layers import BatchNorm, SelfAttention, SpectralNorm
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.networks.widths import discriminator_widths, generator_widths

SOURCE = "PyTorch-StudioGAN's class-conditional SAGAN"

# Decay and epsilon of all its batch normalizations, and the form of its class
# tables.
_GENERATOR_OPTIONS = {
    "batch_norm": BatchNorm(0.9, 1e-4, normalized_tables=SpectralNorm()),
    "output_momentum": 0.9,
}


def load(
    path: str, attention_resolutions: Sequence[int] | None = None
) -> tuple[Generator, Discriminator]:
    """Reads the two files of a training step.

    Widths, classes, resolution and the place of the attention are told from
    names and shapes.

    Args:
        path: the generator's file, such as
            `model=G-best-weights-step=100000.pth` (or `model=G_ema-...`, the
            averaged one); that of the discriminator stands beside it.
        attention_resolutions: None, as the names tell the place.

    Returns:
        A generator and a discriminator with the weights, moving statistics and
        vectors `u`.

    Raises:
        UserError: if a file is missing or cannot be read, or arrays are
            missing or left over or do not fit.
    """
    if attention_resolutions is not None:
        raise UserError(
            "`attention_resolutions` should not be given: the names of "
            f"{SOURCE} tell the place. Received: "
            f"{tuple(attention_resolutions)}"
        )
    return convert(*read_pair(path), path)


def convert(
    generator_state: StateDict,
    discriminator_state: StateDict,
    path: str = "the state dicts",
) -> tuple[Generator, Discriminator]:
    """Builds networks from the state dicts of both.

    Args:
        generator_state: arrays by name.
        discriminator_state: arrays by name.
        path: what to call them in an error.

    Raises:
        UserError: if arrays are missing or left over or do not fit.
    """
    ours, theirs = (
        State(state, path, _to_ours)
        for state in (generator_state, discriminator_state)
    )
    arguments = _generator_arguments(ours)
    size, classes = arguments["image_size"], arguments["num_classes"]
    generator = Generator(**arguments)
    discriminator = Discriminator(
        image_size=size,
        num_classes=classes,
        base_channels=theirs.axis("blocks.0.0.conv2d1.bias", 0, SOURCE)
        // discriminator_widths(size)[0],
        attention_resolutions=_places(theirs, lambda blocks: size // 2**blocks),
        rectified_shortcuts=True,
    )
    for network, state, layers in (
        (generator, ours, _generator_layers),
        (discriminator, theirs, _discriminator_layers),
    ):
        network.build_from_config({})
        assign(state, by_name(layers(network)), SOURCE)
    return generator, discriminator


def _to_ours(name: str, array: np.ndarray) -> np.ndarray:
    """Returns an array in our layout."""
    if name.startswith("linear0.") and len(array) % 16 == 0:
        # The 4x4 map has its channels first there, and last here.
        array = array.reshape(-1, 16, *array.shape[1:])
        array = np.swapaxes(array, 0, 1)
        array = array.reshape(-1, *array.shape[2:])
    # An embedding has a row for each class in both.
    return array if name.startswith("embedding.") else to_tensorflow(array)


def _generator_arguments(state: State) -> dict[str, Any]:
    blocks = _count_blocks(state)
    size = 4 * 2**blocks
    if not fits(size):
        raise UserError(
            f"`checkpoint` should hold {SOURCE}, with 3 to 7 residual blocks "
            f"in its generator. Received: {state.prefix} with {blocks}"
        )
    return {
        **_GENERATOR_OPTIONS,
        "image_size": size,
        "num_classes": state.axis("blocks.0.0.bn1.gain.weight_orig", 0, SOURCE),
        "latent_dim": state.axis("linear0.weight_orig", 0, SOURCE),
        "base_channels": state.axis("conv2d5.weight_orig", 2, SOURCE)
        // generator_widths(size)[-1],
        "attention_resolutions": _places(state, lambda blocks: 4 * 2**blocks),
    }


def _count_blocks(state: State) -> int:
    return sum(name.endswith(".conv2d0.weight_orig") for name in state.shapes)


def _places(state: State, size_behind: Any) -> tuple[int, ...]:
    """Sizes of the maps with attention; its block has a gate alone."""
    gates = {
        int(name.split(".")[1])
        for name in state.shapes
        if name.startswith("blocks.") and name.endswith(".sigma")
    }
    return tuple(
        # The attentions before it have taken numbers from the residual blocks.
        size_behind(index - before)
        for before, index in enumerate(sorted(gates))
    )


def _generator_layers(
    network: Generator,
) -> Iterator[tuple[tf.keras.layers.Layer, dict[str, str]]]:
    """Yields layers, and the names of their variables by our attribute."""
    yield network.dense, _names("linear0")
    for index, (_, stage) in enumerate(network.stages):
        scope = f"blocks.{index}.0"
        if isinstance(stage, SelfAttention):
            yield from _attention(stage, scope)
            continue
        for number, norm in ((1, stage.norm_1), (2, stage.norm_2)):
            yield norm, _statistics(f"{scope}.bn{number}.bn")
            yield norm.gain, _names(f"{scope}.bn{number}.gain", bias=False)
            yield norm.bias, _names(f"{scope}.bn{number}.bias", bias=False)
        yield stage.shortcut, _names(f"{scope}.conv2d0")
        yield stage.conv_1, _names(f"{scope}.conv2d1")
        yield stage.conv_2, _names(f"{scope}.conv2d2")
    affine = {"gain": "bn4.weight", "bias": "bn4.bias"}
    yield network.norm, {**affine, **_statistics("bn4")}
    yield network.to_rgb, _names("conv2d5")


def _discriminator_layers(
    network: Discriminator,
) -> Iterator[tuple[tf.keras.layers.Layer, dict[str, str]]]:
    """Yields layers, and the names of their variables by our attribute."""
    for index, (_, stage) in enumerate(network.stages):
        scope = f"blocks.{index}.0"
        if isinstance(stage, SelfAttention):
            yield from _attention(stage, scope)
            continue
        if stage.shortcut is not None:
            yield stage.shortcut, _names(f"{scope}.conv2d0")
        yield stage.conv_1, _names(f"{scope}.conv2d1")
        yield stage.conv_2, _names(f"{scope}.conv2d2")
    yield network.dense, _names("linear1")
    yield network.embedding, _names("embedding", bias=False)


def _attention(
    layer: SelfAttention, scope: str
) -> Iterator[tuple[tf.keras.layers.Layer, dict[str, str]]]:
    yield layer, {"gate": f"{scope}.sigma"}
    for part, name in (
        (layer.query, "theta"),
        (layer.key, "phi"),
        (layer.value, "g"),
        (layer.output_convolution, "attn"),
    ):
        yield part, _names(f"{scope}.conv1x1_{name}", bias=False)


def _names(scope: str, bias: bool = True) -> dict[str, str]:
    names = {"kernel": f"{scope}.weight_orig", "u": f"{scope}.weight_u"}
    return {**names, "bias": f"{scope}.bias"} if bias else names


def _statistics(scope: str) -> dict[str, str]:
    return {
        "moving_mean": f"{scope}.running_mean",
        "moving_variance": f"{scope}.running_var",
    }
