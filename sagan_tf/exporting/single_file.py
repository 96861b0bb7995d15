"""Generators as single files that other runtimes draw with."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import tensorflow as tf

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.exporting import onnx_format, tflite_format
from sagan_tf.exporting.saved_model import card_text
from sagan_tf.exporting.verification import (
    DEVICE,
    Proof,
    compare,
    speed_of,
)
from sagan_tf.gan import latents as latent_numbers
from sagan_tf.networks import StagedGenerator, bake
from sagan_tf.whole_files import replacing

FORMATS = {"onnx": onnx_format, "tflite": tflite_format}
# One image and an odd number of them: any batch size works.
_BATCHES = (1, 7)
_SEED = 4321


def export_file(
    generator: StagedGenerator,
    path: storage.PathLike,
    format_name: str,
    card: dict[str, Any] | None = None,
    dtype: str = "float32",
) -> float:
    """Writes a generator as one file, once its runtime draws what it draws.

    The file takes `latents` `(batch, latent_dim)`, float32, and with classes
    `labels` `(batch,)`, int32, and gives `images`, float32 in [-1, 1]. Beside
    it stands the model card, `PATH.json`.

    Args:
        generator: a built generator that computes in float32.
        path: the file to write; it must not exist.
        format_name: a key of `FORMATS`.
        card: what the model card says beside the sizes.
        dtype: one of the format's `DTYPES`.

    Returns:
        The greatest difference from the network, of float images in [-1, 1].

    Raises:
        UserError: if the file exists, a package is missing, or the runtime
            does not draw what the network draws; then nothing is written.
        OSError: if it cannot be written; then nothing is left.
    """
    path = storage.at(path)
    check_file(path, format_name)
    module = FORMATS[format_name]
    with tf.device(DEVICE):
        baked = bake(generator)
    content = _convert(baked, module, dtype)
    proof = _prove(generator, content, module, dtype)
    text = card_text(generator, {**(card or {}), **proof.card(len(content))})
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, content, text)
    return proof.difference


def check_file(path: storage.AnyPath, format_name: str) -> None:
    """Refuses what cannot end well, before anything is computed.

    Raises:
        UserError: if the name has another ending than the format's, something
            stands there, or a package is missing.
    """
    if path.suffix.lower() != f".{format_name}":
        raise UserError(
            f"--output should end in .{format_name} with "
            f"--format={format_name}. Received: {path}"
        )
    for taken in (path, _card_path(path)):
        if taken.exists():
            raise UserError(
                f"--output should be a new file. Received: {path}, but "
                f"{taken} exists"
            )
    FORMATS[format_name].check_installed()


def _card_path(path: storage.AnyPath) -> storage.AnyPath:
    return path.with_name(path.name + ".json")


def _write(path: storage.AnyPath, content: bytes, text: str) -> None:
    """Writes a file and its card, or neither."""
    card = _card_path(path)
    try:
        with replacing(path) as aside:
            aside.write_bytes(content)
            with replacing(card) as card_aside:
                card_aside.write_text(text)
    except BaseException:
        # It would stand in the way of the next attempt.
        card.unlink(missing_ok=True)
        raise


def _convert(
    baked: StagedGenerator, module: types.ModuleType, dtype: str
) -> bytes:
    specs = {
        "latents": tf.TensorSpec(
            (None, baked.latent_dim), tf.float32, "latents"
        )
    }
    if baked.num_classes:
        specs["labels"] = tf.TensorSpec((None,), tf.int32, "labels")
    owner = tf.Module()
    owner.weights = baked.variables

    @tf.function
    def draw(
        latents: tf.Tensor, labels: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        inputs: Any = latents
        if labels is not None:
            # Some runtimes count negative ones from the last class back; what
            # is beyond it, all of them refuse.
            beyond = tf.fill(tf.shape(labels), baked.num_classes)
            inputs = [latents, tf.where(labels < 0, beyond, labels)]
        # Weights are asked for so that attention is not taken in blocks, whose
        # loop not every runtime has.
        images, _ = baked(inputs, return_attention_scores=True)
        return {"images": images}

    return module.convert(draw, specs, owner, dtype)


def _prove(
    generator: StagedGenerator,
    content: bytes,
    module: types.ModuleType,
    dtype: str,
) -> Proof:
    """Compares some images with the network's, and times drawing them."""
    draw, gaps = module.load(content), []
    for count in _BATCHES:
        inputs, live = _questions(generator, count)
        drawn = draw(inputs)["images"]
        what = f"the images of {module.NAME}"
        gaps.append(compare(what, drawn, live, dtype))
    speed = speed_of(lambda: draw(inputs), count)
    return Proof(dtype, *max(gaps), speed, count)


def _questions(
    generator: StagedGenerator, count: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns what to draw, and what the network draws."""
    latents = latent_numbers.draw(count, generator.latent_dim, _SEED).numpy()
    inputs = {"latents": latents}
    live_inputs: Any = latents
    if generator.num_classes:
        labels = np.arange(count, dtype=np.int32) % generator.num_classes
        inputs["labels"] = labels
        live_inputs = [latents, labels]
    with tf.device(DEVICE):
        live = generator(live_inputs, training=False).numpy()
    return inputs, live
