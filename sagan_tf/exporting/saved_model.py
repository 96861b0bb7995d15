"""Writes a generator as a SavedModel, and proves it before it is seen."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import tensorflow as tf

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.exporting.exported import CARD
from sagan_tf.exporting.signatures import Signatures
from sagan_tf.exporting.verification import DEVICE, verify
from sagan_tf.networks import StagedGenerator, bake
from sagan_tf.whole_files import replacing


def export(
    generator: StagedGenerator,
    path: storage.PathLike,
    card: dict[str, Any] | None = None,
    dtype: str = "float32",
) -> float:
    """Writes a generator as a SavedModel and compares it with the network.

    Spectral normalization is divided in, resampling folded, the moving
    statistics are constants. The SavedModel needs TensorFlow and nothing else.

    Args:
        generator: a built generator that computes in float32.
        path: the directory to write; it must not exist, or be empty.
        card: what the model card says beside the sizes.
        dtype: that it computes in: `"float32"`, `"float16"` or `"bfloat16"`,
            whose weights take half the room.

    Returns:
        The greatest difference from the network, of float images in [-1, 1].

    Raises:
        UserError: if the directory is taken, or the SavedModel does not draw
            what the network draws; then none is left.
    """
    path = storage.at(path)
    check_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, last="saved_model.pb") as aside:
        _write(generator, aside, dtype)
        proof = verify(aside, generator, dtype)
        files = [path for path in aside.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        text = card_text(generator, {**(card or {}), **proof.card(size)})
        (aside / CARD).parent.mkdir(exist_ok=True)
        (aside / CARD).write_text(text)
    return proof.difference


def check_free(path: storage.AnyPath) -> None:
    """Refuses a place where something stands.

    Raises:
        UserError: if it is a file or a directory that is not empty.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UserError(
            "--output should be a new or empty directory. "
            f"Received: {path}, where something stands already"
        )


def _write(generator: StagedGenerator, path: pathlib.Path, dtype: str) -> None:
    with tf.device(DEVICE):
        baked = bake(generator, dtype=dtype)
    functions = Signatures(baked).functions()
    module = tf.Module(name="sagan")
    # Not the generator: a SavedModel shall hold no Keras layers.
    module.weights = baked.variables
    for name, function in functions.items():
        # As a method it has its defaults, which a signature has for servers
        # alone.
        setattr(module, name, function)
    tf.saved_model.save(module, str(path), signatures=functions)


def card_text(generator: StagedGenerator, card: dict[str, Any]) -> str:
    """Returns the model card: the sizes, and what the card says beside."""
    sizes = {
        "image_size": generator.image_size,
        "channels": generator.channels,
        "num_classes": generator.num_classes,
        "latent_dim": generator.latent_dim,
        "attention_maps": list(generator.attention_layers()),
        "parameters": generator.count_params(),
    }
    return json.dumps({**sizes, **card}, indent=2) + "\n"
