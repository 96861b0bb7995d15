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
    """Reads a checkpoint of the release, as `load_networks` does."""
    return load_networks(prefix, NAMING, attention_resolutions)
