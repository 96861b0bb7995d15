"""From a workdir to the trained networks of its run."""

from __future__ import annotations

import dataclasses
import os
import pathlib

import ml_collections
import numpy as np

from sagan_tf.configuration import builders, validation
from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.gan.sampling import Sampler
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir

# Directory of the checkpoint that scored best, in a workdir.
_BEST = "best"


@dataclasses.dataclass(frozen=True)
class Run:
    """One checkpoint of a run.

    Attributes:
        config: the run's configuration.
        step: the checkpoint's step.
        workdir: the run's directory.
        checkpoints: where the checkpoint is.
    """

    config: ml_collections.ConfigDict
    step: int
    workdir: Workdir
    checkpoints: Checkpoints

    def load_generator(self, averaged: bool = True) -> Generator:
        """Builds the generator in float32 and restores it.

        Args:
            averaged: whether to take the averaged generator.

        Raises:
            UserError: if the checkpoint cannot be read.
        """
        # Training may run in bfloat16; pictures need no such haste.
        generator = builders.build_generator(self.config, dtype="float32")
        generator.build_from_config({})
        self.checkpoints.restore_generator(generator, self.step, averaged)
        return generator

    def source(self, averaged: bool = True) -> LiveGenerator:
        """Restores the generator as something that draws.

        Args:
            averaged: whether to take the averaged generator.
        """
        return LiveGenerator(self.load_generator(averaged), self.class_names())

    def load_discriminator(self) -> Discriminator:
        """Builds the discriminator and restores it.

        Raises:
            UserError: if the checkpoint cannot be read.
        """
        config = self.config.copy_and_resolve_references()
        config.dtype = "float32"
        discriminator = builders.build_discriminator(config)
        discriminator.build_from_config({})
        self.checkpoints.restore_discriminator(discriminator, self.step)
        return discriminator

    def open_dataset(self) -> ImageDataset:
        """Opens the run's data.

        Raises:
            UserError: if they are not there any more.
        """
        return builders.build_dataset(self.config)

    def class_names(self) -> tuple[str, ...]:
        """Returns a name for each class: of the data, or its number."""
        count = self.config.dataset.num_classes
        try:
            names = builders.class_names(self.config)
        except (UserError, OSError):
            # A workdir may have come here without its data.
            names = ()
        return tuple(names) or tuple(f"class {n}" for n in range(count))


class LiveGenerator:
    """Draws with a restored generator, as an exported one draws.

    Args:
        generator: a built generator.
        class_names: a name for each of its classes.
    """

    def __init__(self, generator: Generator, class_names: tuple[str, ...]):
        self.generator = generator
        self.latent_dim = generator.latent_dim
        self.num_classes = generator.num_classes
        self._class_names = class_names
        self._sampler = Sampler(generator)

    def class_names(self) -> tuple[str, ...]:
        """Returns a name for each class."""
        return self._class_names

    def draw(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws pictures: `(batch, height, width, 3)` float32 in [-1, 1].

        Args:
            latents: `(batch, latent_dim)`.
            labels: `(batch,)`, ignored by an unconditional generator; or
                shares `(batch, num_classes)` of the classes.
        """
        if labels.ndim == 1:
            return self._sampler(latents, labels)
        size = self._sampler.batch_size
        return np.concatenate(
            [
                self.generator([latents[i : i + size], labels[i : i + size]])
                for i in range(0, len(latents), size)
            ]
        )


def open_run(
    workdir: str | os.PathLike[str], checkpoint: str = "latest"
) -> Run:
    """Opens a run at one of its checkpoints.

    Args:
        workdir: the run's directory.
        checkpoint: `"latest"`, `"best"` (by the scores) or a step.

    Raises:
        UserError: if there is no run, or no such checkpoint.
    """
    path = pathlib.Path(workdir)
    if not path.is_dir():
        raise UserError(
            f"--workdir should be the directory of a run. Received: {path}, "
            "which is no directory"
        )
    files = Workdir(path)
    config = validation.complete(files.read_config())
    validation.validate(config)
    checkpoints = Checkpoints(files.checkpoints)
    if checkpoint == "best":
        checkpoints = Checkpoints(path / _BEST)
    step = _choose(checkpoint, checkpoints)
    return Run(config, step, files, checkpoints)


def _choose(checkpoint: str, checkpoints: Checkpoints) -> int:
    """Returns the step that a request means."""
    if checkpoint not in ("latest", "best") and not checkpoint.isdecimal():
        raise UserError(
            "--checkpoint should be latest, best or a step. "
            f"Received: {checkpoint!r}"
        )
    steps = checkpoints.steps()
    if not steps:
        hint = "; score the run first" if checkpoint == "best" else ""
        raise UserError(
            f"{checkpoints.directory} should hold a checkpoint. "
            f"Received: none{hint}"
        )
    if not checkpoint.isdecimal():
        return steps[-1]
    if int(checkpoint) not in steps:
        raise UserError(
            f"--checkpoint should be one of {steps}. Received: {checkpoint}"
        )
    return int(checkpoint)
