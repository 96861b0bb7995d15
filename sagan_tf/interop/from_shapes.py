"""Our networks, built as the shapes in a checkpoint ask and filled from it.

Each argument is read from the first variable of several that is there. Where
none is, a default stands in, so that the check of all variables can list what
is missing.
"""

from __future__ import annotations

import re
from typing import Any, Sequence

import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.image_sizes import fits
from sagan_tf.interop.assignment import assign
from sagan_tf.interop.checkpoint import (
    Naming,
    Reader,
    Shapes,
    find_scope,
    variables,
)
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.networks.widths import discriminator_widths, generator_widths


def load_networks(
    prefix: str,
    naming: Naming,
    attention_resolutions: Sequence[int] | None = None,
) -> tuple[Generator, Discriminator]:
    """Reads networks from a TensorFlow 1 checkpoint.

    Widths, classes, resolution and the place of the attention (none or a map
    size, in each network by itself) are told from the variables' names and
    shapes. Optimizer slots and counters are ignored, and logged.

    Args:
        prefix: path of the checkpoint without `.index`.
        naming: the implementation that wrote it, and its layers' options.
        attention_resolutions: needed only where maps of several sizes have
            the channels of the attention: those that have it.

    Returns:
        A generator and a discriminator with the checkpoint's weights, moving
        statistics and vectors `u`.

    Raises:
        UserError: if there is no such checkpoint, if variables are missing or
            left over or do not fit (it lists them), or if the number of
            blocks, a width or the place of the attention is none of ours.
    """
    reader = Reader(prefix)
    wanted = None if attention_resolutions is None else {*attention_resolutions}
    arguments = _generator_arguments(reader.shapes, naming, wanted)
    image_size, classes = arguments["image_size"], arguments["num_classes"]
    generator = Generator(**arguments)
    discriminator = Discriminator(
        num_classes=classes,
        **_discriminator_arguments(reader.shapes, naming, image_size, wanted),
    )
    labels = tf.zeros((1,), tf.int32)
    generator([tf.zeros((1, generator.latent_dim)), labels])
    discriminator([tf.zeros((1, *discriminator.image_shape)), labels])
    networks = (generator, discriminator)
    assign(reader, variables(networks, reader.shapes, naming), naming.source)
    return networks


def _generator_arguments(
    shapes: Shapes, naming: Naming, wanted: set[int] | None
) -> dict[str, Any]:
    scope = find_scope(shapes, "g_")
    blocks = _count_blocks(shapes, f"{scope}g_block")
    image_size = 4 * 2**blocks
    if not fits(image_size):
        raise UserError(
            "`checkpoint` should have 3 to 7 blocks in its generator. "
            f"Received: {blocks}"
        )
    widths = generator_widths(image_size)[1:]
    dense = naming.names("dense", f"{scope}g_snh0")
    tables = naming.names("conditional_norm", f"{scope}g_block1/cbn_0")
    convolution = naming.names("convolution", f"{scope}g_block{blocks}/snconv2")
    last = naming.names("convolution", f"{scope}g_snconv_last")
    channels = _axis(
        shapes, (convolution["bias"], 0), (last["kernel"], 2), (None, 64)
    )
    base_channels = _base_channels(channels, widths[-1], "generator")
    return {
        **naming.options,
        **naming.generator_options,
        "image_size": image_size,
        "num_classes": _axis(
            shapes, (tables["gain"], 0), (tables["bias"], 0), (None, 1)
        ),
        "latent_dim": _axis(shapes, (dense["kernel"], 0), (None, 128)),
        "base_channels": base_channels,
        **_attention_arguments(
            shapes,
            naming,
            f"{scope}g_{naming.attention}",
            _places(Generator(image_size, 0, 1, base_channels, ())),
            wanted,
        ),
    }


def _discriminator_arguments(
    shapes: Shapes, naming: Naming, image_size: int, wanted: set[int] | None
) -> dict[str, Any]:
    """Returns arguments of `Discriminator`, but for the classes."""
    scope = find_scope(shapes, "d_")
    block = f"{scope}d_optimized_block1"
    first = naming.names("convolution", f"{block}/sn_conv1")
    second = naming.names("convolution", f"{block}/sn_conv2")
    widths = discriminator_widths(image_size)
    channels = _axis(
        shapes, (first["bias"], 0), (second["bias"], 0), (None, 64)
    )
    base_channels = _base_channels(channels, widths[0], "discriminator")
    return {
        **naming.options,
        "image_size": image_size,
        "base_channels": base_channels,
        **_attention_arguments(
            shapes,
            naming,
            f"{scope}d_{naming.attention}",
            _places(Discriminator(image_size, 0, base_channels, ())),
            wanted,
        ),
    }


def _count_blocks(shapes: Shapes, start: str) -> int:
    pattern = re.compile(rf"{re.escape(start)}(\d+)/")
    return max(int(match[1]) for match in map(pattern.match, shapes) if match)


def _axis(shapes: Shapes, *candidates: tuple[Any, int]) -> int:
    """Returns the size of an axis of the first variable there is."""
    for name, axis in candidates:
        if name is None:
            return axis
        if name in shapes and len(shapes[name]) > axis:
            return shapes[name][axis]
    raise KeyError(candidates)


def _base_channels(channels: int, width: int, network: str) -> int:
    if channels % width:
        raise UserError(
            f"`checkpoint` should have a multiple of {width} channels at its "
            f"{network}'s full resolution. Received: {channels}"
        )
    return channels // width


def _places(network: Generator | Discriminator) -> dict[int, set[int]]:
    """Returns the sizes of a network's maps by their number of channels."""
    places: dict[int, set[int]] = {}
    for (size, _, channels), _ in network.stage_shapes():
        places.setdefault(channels, set()).add(size)
    return places


def _attention_arguments(
    shapes: Shapes,
    naming: Naming,
    scope: str,
    places: dict[int, set[int]],
    wanted: set[int] | None,
) -> dict[str, Any]:
    """Returns place and divisors of the attention.

    The name says nothing about the place, so the number of channels does: that
    of the map behind which it stands.
    """
    if not any(name.startswith(f"{scope}/") for name in shapes):
        return {"attention_resolutions": ()}
    query, key, value, output = (
        naming.names("projection", f"{scope}/sn_conv_{part}")["kernel"]
        for part in ("theta", "phi", "g", "attn")
    )
    channels = _axis(
        shapes, (query, 2), (key, 2), (value, 2), (output, 3), (None, 0)
    )
    sizes = places.get(channels, set())
    if len(sizes) > 1 and wanted is not None:
        sizes = sizes & wanted
    if len(sizes) != 1:
        raise UserError(
            f"`checkpoint` should have attention {scope} with the channels of "
            f"one map: {_listed(places)}. Received: {channels} channels; "
            "`attention_resolutions` chooses where several maps fit"
        )
    query_channels = _axis(shapes, (query, 3), (key, 3), (None, 0))
    value_channels = _axis(shapes, (value, 3), (output, 2), (None, 0))
    return {
        "attention_resolutions": tuple(sizes),
        "attention_options": {
            **naming.attention_options,
            "key_divisor": _divisor(channels, query_channels, 8),
            "value_divisor": _divisor(channels, value_channels, 2),
        },
    }


def _divisor(channels: int, part: int, usual: int) -> int:
    if not part or channels // usual == part:
        return usual
    return max(channels // part, 1)


def _listed(places: dict[int, set[int]]) -> str:
    return ", ".join(
        f"{channels} at "
        + " or ".join(f"{size}x{size}" for size in sorted(sizes))
        for channels, sizes in places.items()
    )
