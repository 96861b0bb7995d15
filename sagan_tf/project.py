"""Finds the latent of an image: `python -m sagan_tf.project --image=...`.

What the generator draws nearest to it, by pixels and by the features of the
discriminator. The latent can be drawn by `sagan_tf.sample --latents`; beside it
stands a sheet of the image, the start and the nearest.
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import numpy as np
from absl import flags

from sagan_tf import runs, storage
from sagan_tf.cli import drawing, run_flags
from sagan_tf.errors import UserError
from sagan_tf.gan.projection import Projection, Projector
from sagan_tf.training import devices
from sagan_tf.visualization import films, sheets
from sagan_tf.whole_files import write_npz

_WORKDIR, _PRETRAINED = run_flags.define()
_IMAGE = command.define_path("image", None, "The image, framed as the data.")
_OUTPUT = command.define_path(
    "output", None, "PATH.npz of the latent; PATH.png beside it is the sheet."
)
_FILM = command.define_path(
    "film", "", "PATH.gif, PATH.webp or PATH.mp4 for a film of the way."
)
_LABELS = flags.DEFINE_list(
    "labels", None, "Classes to try, by number or name; all without it."
)
_STEPS = flags.DEFINE_integer("steps", 500, "Steps of Adam.", 1)
_LEARNING_RATE = flags.DEFINE_float(
    "learning_rate", 0.1, "Rate of the first step; it falls to 0.", 0.0
)
_STARTS = flags.DEFINE_integer(
    "starts", 200, "Images drawn at first, over all classes.", 1
)
_TRIES = flags.DEFINE_integer(
    "tries", 16, "So many of the nearest are brought nearer.", 1
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the first latent.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Of the run: latest, best or a step."
)
_EMA = flags.DEFINE_bool("ema", True, "Draw with the averaged generator.")

_FILM_RATE, _SIDE = 20.0, 128
# The last image of a film stays.
_REST = 20


def main(argv: list[str]) -> None:
    """Looks for the latent, writes what was found, and says how near it is."""
    del argv
    devices.prepare()
    output = storage.at(_OUTPUT.value)
    _check_files(output)
    chosen = run_flags.only_one(_WORKDIR, _PRETRAINED)
    run = runs.open_run(chosen.value, _CHECKPOINT.value)
    names, count = run.class_names(), run.config.dataset.num_classes
    labels = range(max(count, 1))
    if _LABELS.value is not None:
        labels = drawing.choose_labels(_LABELS.value, count, names)
    drawing.count_seeds(_SEED.value, _STARTS.value)
    image = run.read_image(_IMAGE.value)
    projector = Projector(
        run.load_generator(_EMA.value), run.load_discriminator(), image
    )
    starts = projector.find_starts(
        labels, _STARTS.value, _TRIES.value, _SEED.value
    )
    found = projector.bring_nearer(*starts, _STEPS.value, _LEARNING_RATE.value)
    _write(output, image, found)
    name = f", {names[found.labels[0]]}" if names else ""
    sys.stdout.write(f"{output}: {found.in_words()}{name}\n")


def _check_files(output: storage.AnyPath) -> None:
    if output.suffix.lower() != ".npz" or output.is_dir():
        raise UserError(f"--output should be PATH.npz. Received: {output}")
    if _FILM.value:
        films.check_path(_FILM.value, "--film")


def _write(
    output: storage.AnyPath, image: np.ndarray, found: Projection
) -> None:
    write_npz(
        output,
        latents=found.latents,
        labels=found.labels,
        pixels=found.pixels,
        features=found.features,
    )
    images = np.stack([image, found.images[0], found.images[-1]])
    sheet = sheets.image_grid(
        images, 3, enlarge_to=_SIDE, title="image, start, nearest"
    )
    sheets.write_png(str(output.with_suffix(".png")), sheet)
    if _FILM.value:
        pairs = np.stack(
            [np.concatenate([image, each], axis=1) for each in found.images]
        )
        factor = sheets.enlargement(image.shape[0], _SIDE)
        frames = pairs.repeat(factor, axis=1).repeat(factor, axis=2)
        rest = [frames[-1]] * _REST
        films.write_film(_FILM.value, [*frames, *rest], _FILM_RATE)


def cli() -> None:
    """Runs this command: what `sagan-project` calls."""
    command.run(main, required_flags=("image", "output"))


if __name__ == "__main__":
    cli()
