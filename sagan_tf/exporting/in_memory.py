"""What an export has, without a file."""

from __future__ import annotations

from typing import Any

from sagan_tf.exporting.exported import SignedGenerator
from sagan_tf.exporting.signatures import Signatures
from sagan_tf.networks import StagedGenerator, bake


def sign(generator: StagedGenerator, card: dict[str, Any]) -> SignedGenerator:
    """Returns a generator with the signatures that `export` would write.

    Args:
        generator: a built generator that computes in float32.
        card: the model card, of which `class_names` are read.
    """
    has_attention = bool(generator.attention_layers())
    return SignedGenerator(
        Signatures(bake(generator)).functions(has_attention),
        card,
        generator.latent_dim,
        generator.num_classes,
    )
