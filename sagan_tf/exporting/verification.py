"""Proof that a SavedModel draws what the network draws."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable

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
# The same in the root mean square, where numbers are kept in less: several
# times what was measured (docs/serving.md), and far below a wrong image.
ROUNDED = {"float16": 0.01, "bfloat16": 0.03, "int8": 0.05}
# How long drawing is timed.
_SECONDS = 0.5
# An odd number of images, and none that training used.
_NUM_IMAGES = 7
_SEED = 1234
_TRUNCATION = 1.5

# Runs in a process of its own, which knows TensorFlow and NumPy alone.
_PROGRAM = """
import sys
import time
import numpy as np
import tensorflow as tf

path, asked, answered, seconds = sys.argv[1:]
signatures = tf.saved_model.load(path).signatures
inputs = dict(np.load(asked))
answers = {}
for name, function in signatures.items():
    _, wanted = function.structured_input_signature
    given = {key: tf.constant(inputs[key]) for key in wanted}
    for key, value in function(**given).items():
        answers[name + "/" + key] = value.numpy()
begun, count = time.perf_counter(), 0
function = signatures["generate"]
_, wanted = function.structured_input_signature
given = {key: tf.constant(inputs[key]) for key in wanted}
while time.perf_counter() - begun < float(seconds):
    count += len(function(**given)["images"])
answers["speed"] = count / (time.perf_counter() - begun)
images = [tf.io.decode_png(png) for png in answers.pop("png/png_bytes")]
answers["png/images"] = np.stack(images)
answers["foreign"] = sorted({name.split(".")[0] for name in sys.modules})
np.savez(answered, **answers)
"""


@dataclasses.dataclass(frozen=True)
class Proof:
    """How an export compares with the network.

    Attributes:
        dtype: that it computes in, or keeps its weights in.
        difference: the greatest, of float images in [-1, 1].
        root_mean_square: the same over all numbers.
        images_per_second: that it draws.
        at_once: images in each call.
    """

    dtype: str
    difference: float
    root_mean_square: float
    images_per_second: float
    at_once: int

    def card(self, num_bytes: int) -> dict[str, Any]:
        """Returns what the model card says of it.

        Args:
            num_bytes: size of the files.
        """
        return {
            "dtype": self.dtype,
            "difference": self.difference,
            "root_mean_square_difference": self.root_mean_square,
            "num_bytes": num_bytes,
            "images_per_second": round(self.images_per_second, 1),
            "timed": f"{self.at_once} at once, CPU, {os.cpu_count()} cores",
        }


def verify(
    path: pathlib.Path, generator: StagedGenerator, dtype: str = "float32"
) -> Proof:
    """Runs a SavedModel in a fresh process and compares it with the network.

    Both compute on the processor, and the fresh process holds no GPU.

    Args:
        path: the SavedModel's directory.
        generator: the network that it was made of.
        dtype: that the SavedModel computes in.

    Raises:
        UserError: if they differ by more than the dtype may, or the SavedModel
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
    expected = {
        "generate/images": live,
        "serving_default/images": live,
        "sample/images": sampled,
        "png/images": sampled,
    }
    if scores is not None:
        expected["attention/images"] = live
        expected["attention/attention"] = scores
    found = {
        name: compare(f"the SavedModel's {name}", answers[name], value, dtype)
        for name, value in expected.items()
    }
    speed = float(answers["speed"])
    return Proof(dtype, *found["generate/images"], speed, len(live))


def speed_of(draw: Callable[[], Any], at_once: int) -> float:
    """Returns how many images a second a function draws.

    Args:
        draw: draws some; the first call is not timed.
        at_once: how many each call draws.
    """
    draw()
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < _SECONDS:
        draw()
        count += at_once
    return count / (time.perf_counter() - begun)


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
            [*command, str(path.resolve()), asked, answered, str(_SECONDS)],
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


def compare(
    what: str, given: np.ndarray, expected: np.ndarray, dtype: str
) -> tuple[float, float]:
    """Returns the greatest difference, and that in the root mean square.

    Args:
        what: is compared, to begin the error with.
        given: images, bytes or floats in [-1, 1], or weights of attention.
        expected: those of the network, floats.
        dtype: by which rounding they may differ.

    Raises:
        UserError: if they differ by more.
    """
    limit, allowance = ROUNDED.get(dtype, TOLERANCE), 0.01 * TOLERANCE
    if given.dtype == np.uint8:
        # By one where a number lies between two bytes.
        given, allowance = given / 127.5 - 1.0, 1.01 / 127.5
    greatest = rms = np.inf
    if given.shape == expected.shape:
        apart = np.abs(given - expected)
        greatest = float(apart.max())
        rms = float(np.sqrt(np.mean(np.square(apart, dtype=np.float64))))
    # Written so that NaN fails too.
    if not (rms if dtype in ROUNDED else greatest) <= limit + allowance:
        raise UserError(
            f"{what} should be those of the network within {limit:.1g}"
            f"{' in the root mean square' if dtype in ROUNDED else ''}. "
            f"Received: a difference of {greatest:.3g} ({rms:.3g} in the root "
            "mean square)"
        )
    return greatest, rms
