"""From a workdir to the trained networks of its run."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import Any

import ml_collections
import numpy as np

from sagan_tf import builders, config_validation
from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.latents import draw_each
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.sampling import Sampler
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir

# Directory of the checkpoint that scored best, in a workdir.
_BEST = "best"
_FEW = 8
# Real pictures to choose from.
_REAL_IMAGES = 1000


@dataclasses.dataclass(frozen=True)
class Seen:
    """Pictures and what a network attended to in them.

    Attributes:
        images: `(images, height, width, 3)` in [-1, 1].
        labels: `(images,)`.
        scores: `(images, queries, keys)` by the size of the map.
        gates: by the size of the map.
    """

    images: np.ndarray
    labels: np.ndarray
    scores: dict[int, np.ndarray]
    gates: dict[int, float]


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

    def look_with_generator(
        self,
        seeds: np.ndarray,
        labels: np.ndarray,
        truncation: float = 0.0,
        averaged: bool = True,
    ) -> Seen:
        """Draws pictures and keeps the attention.

        Args:
            seeds: `(images,)`.
            labels: `(images,)`, ignored by an unconditional generator.
            truncation: size that no number of a latent exceeds; 0 for none.
            averaged: whether to take the averaged generator.
        """
        generator = self.load_generator(averaged)
        latents = draw_each(seeds, generator.latent_dim, truncation)
        images, scores = _look(generator, latents, labels)
        return Seen(images, labels, scores, _gates(generator))

    def look_with_discriminator(self, labels: np.ndarray, seed: int) -> Seen:
        """Shows the discriminator real pictures and keeps the attention.

        Args:
            labels: `(images,)`: of which classes, ignored without classes.
            seed: decides which pictures of a class.

        Raises:
            UserError: if the data are not there, or hold too few of a class.
        """
        images = _real_images(self.open_dataset(), labels, seed)
        discriminator = self.load_discriminator()
        _, scores = _look(discriminator, images, labels)
        return Seen(images, labels, scores, _gates(discriminator))

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
            names = self.open_dataset().class_names
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
    config = ml_collections.ConfigDict(files.read_config())
    config_validation.validate(config)
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


def _look(
    network: Generator | Discriminator, inputs: Any, labels: np.ndarray
) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Returns the outputs of a network, and its attention by map size."""
    parts = []
    # A few at a time: attention on large maps takes much memory.
    for start in range(0, len(labels), _FEW):
        few = inputs[start : start + _FEW]
        pair = [few, labels[start : start + _FEW]]
        parts.append(
            network(
                pair if network.num_classes else few,
                training=False,
                return_attention_scores=True,
            )
        )
    outputs, scores = zip(*parts)
    return np.concatenate(outputs), {
        size: np.concatenate([part[size] for part in scores])
        for size in scores[0]
    }


def _gates(network: Generator | Discriminator) -> dict[int, float]:
    layers = network.attention_layers()
    return {size: float(layer.gate.numpy()) for size, layer in layers.items()}


def _real_images(
    dataset: ImageDataset, labels: np.ndarray, seed: int
) -> np.ndarray:
    """Picks real pictures of given classes from the first thousand."""
    batch = min(dataset.num_examples, _REAL_IMAGES)
    images, classes = next(iter(dataset.ordered_batches(batch)))
    order = list(np.random.default_rng(seed).permutation(batch))
    chosen = []
    for label in labels:
        fitting = [
            index
            for index in order
            if not dataset.num_classes or classes[index] == label
        ]
        if not fitting:
            raise UserError(
                f"the first {batch} real pictures should hold enough of class "
                f"{label}. Received: too few; ask for fewer --num_images"
            )
        chosen.append(fitting[0])
        order.remove(fitting[0])
    return images.numpy()[chosen]
