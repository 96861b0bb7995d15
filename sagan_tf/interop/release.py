"""Checkpoints of the released TensorFlow 1 networks."""

from __future__ import annotations

from typing import Sequence

from sagan_tf.interop.checkpoint import Naming
from sagan_tf.interop.from_shapes import load_networks
from sagan_tf.networks import Discriminator, Generator

NAMING = Naming(
    source="the release",
    attention="non_local",
    templates={
        "dense": {"kernel": "Matrix", "bias": "bias", "u": "u"},
        "convolution": {"kernel": "w", "bias": "biases", "u": "u"},
        "projection": {"kernel": "w", "u": "u"},
        "embedding": {"kernel": "embedding_map", "u": "u"},
        "attention": {"gate": "sigma_ratio"},
        "conditional_norm": {
            "gain": "gamma",
            "bias": "beta",
            "moving_mean": "mean",
            "moving_variance": "var",
        },
        "norm": {
            "gain": "gamma",
            "bias": "beta",
            "moving_mean": "moving_mean",
            "moving_variance": "moving_variance",
        },
    },
)


def load(
    prefix: str, attention_resolutions: Sequence[int] | None = None
) -> tuple[Generator, Discriminator]:
    """Reads a checkpoint of the release.

    Widths, classes, resolution and the place of the attention (none or a map
    size, in each network by itself) are told from the variables' names and
    shapes. Optimizer slots and counters are ignored, and logged.

    Args:
        prefix: path of a TensorFlow 1 checkpoint without `.index`.
        attention_resolutions: needed only where maps of several sizes have
            the channels of the attention: those that have it.

    Returns:
        A generator and a discriminator with the checkpoint's weights, moving
        statistics and vectors `u`.

    Raises:
        UserError: if there is no such checkpoint, if variables are missing or
            left over or do not fit (it lists them), or if the place of the
            attention cannot be told from its channels.
    """
    return load_networks(prefix, NAMING, attention_resolutions)
