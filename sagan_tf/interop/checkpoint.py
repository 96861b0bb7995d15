"""What the readers of TensorFlow 1 checkpoints share.

The release and TF-GAN's example name their blocks alike and differ in the
names of single variables, in where attention is called what, and in options of
the layers. A `Naming` holds these differences.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, Iterable, Iterator, Mapping, NamedTuple

import numpy as np
import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.interop.assignment import Shapes, by_name
from sagan_tf.layers import SelfAttention
from sagan_tf.networks import Discriminator, Generator

# What TensorFlow raises, by version and by fault of the file.
_UNREADABLE = (tf.errors.OpError, ValueError, RuntimeError, IndexError)


class Naming(NamedTuple):
    """How an implementation names its variables, and what sets it apart.

    Attributes:
        source: the implementation, as an error names it.
        attention: name of the attention's scope behind `g_` and `d_`.
        templates: for each kind of layer, from attribute to the variable's
            name below the layer's scope, where `{leaf}` is the last part of
            that scope and `{scope}` the whole of it.
        options: arguments of both networks.
        generator_options: further arguments of the generator.
        attention_options: arguments of the attention.
    """

    source: str
    attention: str
    templates: dict[str, dict[str, str]]
    options: Mapping[str, Any] = MappingProxyType({})
    generator_options: Mapping[str, Any] = MappingProxyType({})
    attention_options: Mapping[str, Any] = MappingProxyType({})

    def names(self, kind: str, scope: str) -> dict[str, str]:
        """Returns the names of a layer's variables by our attribute."""
        leaf = scope.rsplit("/", 1)[-1]
        return {
            attribute: f"{scope}/{template.format(leaf=leaf, scope=scope)}"
            for attribute, template in self.templates[kind].items()
        }


class Reader:
    """A TensorFlow 1 checkpoint.

    Args:
        prefix: path of the checkpoint without `.index`, or a directory with a
            file `checkpoint` that names the latest.

    Raises:
        UserError: if there is no checkpoint, or it cannot be read.
    """

    def __init__(self, prefix: str):
        self.prefix = str(prefix)
        try:
            self._reader = tf.train.load_checkpoint(self.prefix)
        except _UNREADABLE as error:
            raise self._unreadable(error) from error
        self.shapes: Shapes = {
            name: tuple(shape)
            for name, shape in self._reader.get_variable_to_shape_map().items()
        }

    def _unreadable(self, error: Exception) -> UserError:
        reason = " ".join(str(error).split())
        return UserError(
            "`checkpoint` should be the prefix of a TensorFlow 1 checkpoint "
            f"(PREFIX.index and PREFIX.data-*). Received: {self.prefix} "
            f"({reason})"
        )

    def value(self, name: str) -> np.ndarray:
        """Returns a variable's value."""
        try:
            return self._reader.get_tensor(name)
        except _UNREADABLE as error:
            raise self._unreadable(error) from error


def find_scope(shapes: Shapes, network: str) -> str:
    """Returns what stands before `g_block1` or `d_block2` in the names.

    Args:
        shapes: shapes of the checkpoint's variables by name.
        network: `g_` or `d_`.

    Raises:
        UserError: if no variable belongs to a block of that network.
    """
    pattern = re.compile(rf"(|.*?/){network}(optimized_)?block\d+/")
    scopes = {match[1] for match in map(pattern.match, shapes) if match}
    if not scopes:
        raise UserError(
            f"`checkpoint` should hold variables named {network}block*. "
            f"Received: {len(shapes)} variables, none of them named so"
        )
    return min(scopes, key=len)


def layers(
    network: Generator | Discriminator, shapes: Shapes, naming: Naming
) -> Iterator[tuple[str, str, tf.keras.layers.Layer]]:
    """Yields kind, scope in the checkpoint and layer, in order."""
    if isinstance(network, Generator):
        return _generator_layers(network, shapes, naming)
    return _discriminator_layers(network, shapes, naming)


def _generator_layers(
    network: Generator, shapes: Shapes, naming: Naming
) -> Iterator[tuple[str, str, tf.keras.layers.Layer]]:
    scope = find_scope(shapes, "g_")
    yield "dense", f"{scope}g_snh0", network.dense
    number = 0
    for _, stage in network.stages:
        if isinstance(stage, SelfAttention):
            yield from _attention(stage, f"{scope}g_{naming.attention}")
            continue
        number += 1
        block = f"{scope}g_block{number}"
        yield "conditional_norm", f"{block}/cbn_0", stage.norm_1
        yield "convolution", f"{block}/snconv1", stage.conv_1
        yield "conditional_norm", f"{block}/cbn_1", stage.norm_2
        yield "convolution", f"{block}/snconv2", stage.conv_2
        yield "convolution", f"{block}/snconv3", stage.shortcut
    yield "norm", f"{scope}g_bn", network.norm
    yield "convolution", f"{scope}g_snconv_last", network.to_rgb


def _discriminator_layers(
    network: Discriminator, shapes: Shapes, naming: Naming
) -> Iterator[tuple[str, str, tf.keras.layers.Layer]]:
    scope = find_scope(shapes, "d_")
    number = 0
    for _, stage in network.stages:
        if isinstance(stage, SelfAttention):
            yield from _attention(stage, f"{scope}d_{naming.attention}")
            continue
        number += 1
        first = "optimized_" if number == 1 else ""
        block = f"{scope}d_{first}block{number}"
        yield "convolution", f"{block}/sn_conv1", stage.conv_1
        yield "convolution", f"{block}/sn_conv2", stage.conv_2
        if stage.shortcut is not None:
            yield "convolution", f"{block}/sn_conv3", stage.shortcut
    yield "dense", f"{scope}d_sn_linear", network.dense
    yield "embedding", f"{scope}d_embedding", network.embedding


def _attention(
    layer: SelfAttention, scope: str
) -> Iterator[tuple[str, str, tf.keras.layers.Layer]]:
    yield "projection", f"{scope}/sn_conv_theta", layer.query
    yield "projection", f"{scope}/sn_conv_phi", layer.key
    yield "projection", f"{scope}/sn_conv_g", layer.value
    yield "attention", scope, layer
    yield "projection", f"{scope}/sn_conv_attn", layer.output_convolution


def variables(
    networks: Iterable[tf.keras.Model], shapes: Shapes, naming: Naming
) -> dict[str, tf.Variable]:
    """Returns our variables by the name that the checkpoint gives them."""
    return by_name(
        (layer, naming.names(kind, scope))
        for network in networks
        for kind, scope, layer in layers(network, shapes, naming)
    )
