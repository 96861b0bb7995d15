"""Weights that a run starts from: those of another one that fit."""

from __future__ import annotations

import re

import tensorflow as tf
from absl import logging

from sagan_tf.errors import UserError
from sagan_tf.gan import SAGAN

# Vectors of spectral normalization belong to the kernel beside them.
_VECTOR, _KERNELS = "u:0", ("kernel:0", "embeddings:0")
_MOST_LISTED = 20


def parse_source(text: str) -> tuple[str, str]:
    """Returns the workdir and the checkpoint of `WORKDIR[:STEP]`.

    Args:
        text: a directory, and behind a colon a step, `latest` or `best`;
            without one it is the latest.
    """
    found = re.fullmatch(r"(.+):(\d+|latest|best)", text)
    return found.groups() if found else (text, "latest")


def start_from(
    gan: SAGAN, generator: tf.keras.Model, discriminator: tf.keras.Model
) -> list[str]:
    """Gives a model the weights of other networks, where they fit.

    The average starts as a copy; step and optimizers are left as they are.

    Args:
        gan: a model that has not been trained.
        generator: a built generator.
        discriminator: a built discriminator.

    Returns:
        Lines that say how many weights were taken, and which were not.

    Raises:
        UserError: if a block that is frozen has weights that were not.
    """
    lines = []
    for ours, theirs in (
        (gan.generator, generator),
        (gan.discriminator, discriminator),
    ):
        left = take_weights(ours, theirs)
        total = len(ours.variables)
        others = _differences(ours, theirs)
        _check_frozen(ours, left, others)
        if len(left) > total / 2:
            logging.warning(
                "config.train.init_from gave the %s %d of its %d weights: %s",
                *(ours.name, total - len(left), total, others),
            )
        lines.append(
            f"{ours.name:<16}{total - len(left)} of {total} weights taken"
            + (", afresh:" if left else "")
        )
        lines += [f"  {reason}" for reason in left[:_MOST_LISTED]]
        if left[_MOST_LISTED:]:
            lines.append(f"  and {len(left) - _MOST_LISTED} more")
    gan.restart_average()
    return lines


def _differences(ours: tf.keras.Model, theirs: tf.keras.Model) -> str:
    """Returns `base_channels is 16 here and 8 there`, for what differs."""
    here, there = ours.get_config(), theirs.get_config()
    names = [name for name in here if here[name] != there.get(name)]
    return "; ".join(
        f"{name} is {here[name]} here and {there.get(name)} there"
        for name in names
        if name != "name"
    )


def _check_frozen(
    discriminator: tf.keras.Model, left: list[str], others: str
) -> None:
    for _, layer in discriminator.stages:
        afresh = [each for each in left if each.startswith(f"{layer.name}/")]
        if afresh and not layer.trainable:
            raise UserError(
                "config.train.freeze_discriminator should keep blocks whose "
                f"weights config.train.init_from has. Received: {layer.name}, "
                f"where {len(afresh)} of them start afresh ({others})"
            )


def take_weights(ours: tf.keras.Model, theirs: tf.keras.Model) -> list[str]:
    """Copies the variables that fit, by name and shape.

    Args:
        ours: a built network, to be filled.
        theirs: another one.

    Returns:
        The names of the variables that were left, each with the reason.
    """
    there = {_path(variable): variable for variable in theirs.variables}
    left, fitting = {}, {}
    for variable in ours.variables:
        path = _path(variable)
        found = there.get(path)
        if found is None:
            left[path] = "not there"
        elif found.shape != variable.shape:
            left[path] = f"{found.shape} there, {variable.shape} here"
        else:
            fitting[path] = variable
    for path, variable in fitting.items():
        scope, _, name = path.rpartition("/")
        kernels = {f"{scope}/{kernel}" for kernel in _KERNELS}
        if name == _VECTOR and kernels & left.keys():
            left[path] = "as its kernel"
        else:
            variable.assign(there[path].numpy())
    return [f"{path.partition(':')[0]}: {why}" for path, why in left.items()]


def _path(variable: tf.Variable) -> str:
    return variable.name.partition("/")[2]
