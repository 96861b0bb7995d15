"""From the variables of a checkpoint to those of our layers."""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator

import numpy as np
import tensorflow as tf
from absl import logging

from sagan_tf.errors import UserError

Shapes = dict[str, tuple[int, ...]]

# Counters and optimizer state that stand beside a model's variables.
_COUNTER = re.compile(
    r"(^|.*/)((global|local|d|g)_step|beta[12]_power(_\d+)?)$"
)


def variable(layer: tf.keras.layers.Layer, attribute: str) -> tf.Variable:
    """Returns a variable of a layer, spectrally normalized or not.

    Args:
        layer: the layer.
        attribute: such as `kernel` (which is raw where it is normalized, and
            may be that of an embedding), `bias`, `u` or `gate`.
    """
    if attribute == "kernel":
        name = "raw_kernel" if hasattr(layer, "raw_kernel") else "kernel"
        return getattr(layer, name)
    if attribute == "bias" and hasattr(layer, "raw_kernel"):
        return layer.layer.bias
    return getattr(layer, attribute)


def by_name(
    layers: Iterable[tuple[tf.keras.layers.Layer, dict[str, str]]],
) -> dict[str, tf.Variable]:
    """Returns variables by their name in a checkpoint.

    Args:
        layers: each with the names of its variables by our attribute.
    """
    return {
        name: variable(layer, attribute)
        for layer, names in layers
        for attribute, name in names.items()
    }


def assign(reader: Any, expected: dict[str, tf.Variable], source: str) -> None:
    """Assigns every variable its value in the checkpoint.

    Args:
        reader: the checkpoint, a `Reader` or what has its attributes.
        expected: variables by their name in the checkpoint.
        source: the implementation that wrote it.

    Raises:
        UserError: if variables are missing or left over, or do not fit. None
            is assigned then.
    """
    ignored = _optimizer_state(reader.shapes, expected)
    faults = {
        "missing": sorted(set(expected) - set(reader.shapes)),
        "left over": sorted(set(reader.shapes) - set(expected) - ignored),
        "misfitting": sorted(_misfits(reader.shapes, expected)),
    }
    if any(faults.values()):
        listed = "; ".join(
            f"{fault}: {', '.join(names)}"
            for fault, names in faults.items()
            if names
        )
        raise UserError(
            f"`checkpoint` should hold the variables of {source}. "
            f"Received: {reader.prefix} with {listed}"
        )
    for name, variable in expected.items():
        variable.assign(np.reshape(reader.value(name), variable.shape))
    logging.info("Read %d variables of %s.", len(expected), reader.prefix)
    if ignored:
        logging.info(
            "Ignored optimizer slots and counters in %s: %s.",
            reader.prefix,
            ", ".join(sorted(ignored)),
        )


def _optimizer_state(shapes: Shapes, expected: Iterable[str]) -> set[str]:
    """Returns counters, and slots: a variable's name plus one more part."""
    expected = set(expected)
    return {
        name
        for name in set(shapes) - expected
        if _COUNTER.match(name) or name.rsplit("/", 1)[0] in expected
    }


def _misfits(shapes: Shapes, expected: dict[str, tf.Variable]) -> Iterator[str]:
    for name, variable in expected.items():
        ours = tuple(variable.shape)
        theirs = shapes.get(name, ours)
        # A class table, a statistic or `u` may have further axes of size 1.
        is_exact = variable.name.endswith(("kernel:0", "embeddings:0"))
        if theirs != ours and (is_exact or _plain(theirs) != _plain(ours)):
            yield f"{name} (expected {ours}, received {theirs})"


def _plain(shape: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(size for size in shape if size != 1)
