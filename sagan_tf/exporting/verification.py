"""Proof that a SavedModel draws what the network draws."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.gan import latents as latent_numbers
from sagan_tf.networks import StagedGenerator

# Where the network and what is made of it are compared: a GPU rounds in other
# places, and in TensorFloat-32 by more than the tolerance.
DEVICE = "CPU:0"

# Greatest difference of float images in [-1, 1]: some hundred roundings in
# float32, whose unit is 6e-8.
TOLERANCE = 1e-5
# An odd number of images, and none that training used.
_NUM_IMAGES = 7
_SEED = 1234
_TRUNCATION = 1.5

# Runs in a process of its own, which knows TensorFlow and NumPy alone.
_PROGRAM = """
import sys
import numpy as np
import tensorflow as tf

path, asked, answered = sys.argv[1:]
signatures = tf.saved_model.load(path).signatures
inputs = dict(np.load(asked))
answers = {}
for name, function in signatures.items():
    _, wanted = function.structured_input_signature
    given = {key: tf.constant(inputs[key]) for key in wanted}
    for key, value in function(**given).items():
        answers[name + "/" + key] = value.numpy()
images = [tf.io.decode_png(png) for png in answers.pop("png/png_bytes")]
answers["png/images"] = np.stack(images)
answers["foreign"] = sorted({name.split(".")[0] for name in sys.modules})
np.savez(answered, **answers)
"""


def verify(path: pathlib.Path, generator: StagedGenerator) -> float:
    """Runs a SavedModel in a fresh process and compares it with the network.

    Both compute on the processor, and the fresh process holds no GPU.

    Args:
        path: the SavedModel's directory.
        generator: the network that it was made of.

    Returns:
        The greatest difference of float images in [-1, 1].

    Raises:
        UserError: if they differ by more than `TOLERANCE`, or the SavedModel
            does not run.
    """
    with tf.device(DEVICE):
        inputs = _questions(generator)
        live, scores = _live(generator, inputs["latents"], inputs["labels"])
        drawn = latent_numbers.draw_each(
            _SEED + np.arange(_count(generator)),
            generator.latent_dim,
            _TRUNCATION,
        )
        sampled, _ = _live(generator, drawn, inputs["labels"])
    answers = _ask(path, inputs)
    difference = float(np.abs(answers["generate/images"] - live).max())
    # Bytes may differ by one where a number lies between two of them.
    unit = 1.0 / 127.5
    limits = {
        "generate/images": (live, TOLERANCE),
        "serving_default/images": (live, unit),
        "sample/images": (sampled, unit),
        "png/images": (sampled, unit),
    }
    if scores is not None:
        limits["attention/images"] = (live, unit)
        limits["attention/attention"] = (scores, TOLERANCE)
    for name, (expected, limit) in limits.items():
        _compare(name, answers[name], expected, limit)
    return difference


def _count(generator: StagedGenerator) -> int:
    # A scalar seed asks for one image where no labels tell how many.
    return _NUM_IMAGES if generator.num_classes else 1


def _questions(generator: StagedGenerator) -> dict[str, np.ndarray]:
    labels = np.arange(_NUM_IMAGES) % max(generator.num_classes, 1)
    latents = latent_numbers.draw(_NUM_IMAGES, generator.latent_dim, _SEED)
    return {
        "latents": latents.numpy(),
        "labels": labels.astype(np.int32),
        "seed": np.int32(_SEED),
        "truncation": np.float32(_TRUNCATION),
    }


def _live(
    generator: StagedGenerator, latents: tf.Tensor, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    inputs = [latents, labels[: len(latents)]]
    images, scores = generator(
        inputs if generator.num_classes else latents,
        training=False,
        return_attention_scores=True,
    )
    last = list(scores.values())[-1].numpy() if scores else None
    return images.numpy(), last


def _ask(
    path: pathlib.Path, inputs: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Calls every signature in a fresh process that sees no GPU."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = (os.path.join(folder, n) for n in ("q.npz", "a.npz"))
        np.savez(asked, **inputs)
        command = [sys.executable, "-I", "-c", _PROGRAM]
        done = subprocess.run(
            [*command, str(path.resolve()), asked, answered],
            cwd=folder,
            env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
            raise UserError(
                f"the SavedModel should run in a fresh process. Received: "
                f"{reason}"
            )
        answers = dict(np.load(answered))
    if "sagan_tf" in answers.pop("foreign"):
        raise UserError("the SavedModel should not need the package sagan_tf")
    return answers


def _compare(
    name: str, given: np.ndarray, expected: np.ndarray, limit: float
) -> None:
    if given.dtype == np.uint8:
        given = given / 127.5 - 1.0
    difference = np.inf
    if given.shape == expected.shape:
        difference = float(np.abs(given - expected).max())
    # Written so that NaN fails too.
    if not difference <= limit * 1.01:
        raise UserError(
            f"the SavedModel's {name} should be those of the network within "
            f"{limit:.1g}. Received: a difference of {difference:.3g}"
        )
