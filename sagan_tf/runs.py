"""From a workdir to the trained networks of its run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any

import ml_collections
import numpy as np

from sagan_tf import storage, weights
from sagan_tf.configuration import builders, validation
from sagan_tf.data import ImageDataset, decoding
from sagan_tf.data.channels import to_floats
from sagan_tf.data.framing import TooSmallError
from sagan_tf.errors import UserError
from sagan_tf.evaluation.results.best import BestCheckpoint, requested_steps
from sagan_tf.evaluation.results.score_table import ScoreTable
from sagan_tf.exporting.exported import read_card
from sagan_tf.gan import SAGAN
from sagan_tf.gan.sampling import Sampler
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.training import classes, initialization
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir


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
        # Training may run in bfloat16; images are worth float32.
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
        network = builders.build_discriminator(config)
        network.build_from_config({})
        self.checkpoints.restore_network(network, "discriminator", self.step)
        return network

    def open_dataset(self) -> ImageDataset:
        """Opens the run's data.

        Raises:
            UserError: if they are not there any more.
        """
        order = classes.known_names(self.workdir)
        return builders.build_dataset(self.config, order)

    def read_image(self, path: storage.PathLike) -> np.ndarray:
        """Reads an image file as the run's data are read; enlarges a small one.

        Returns:
            `(height, width, channels)`, float32 in [-1, 1].

        Raises:
            UserError: if it is no image.
        """
        return self.decode_image(storage.at(path).read_bytes(), str(path))

    def decode_image(self, encoded: bytes, name: str) -> np.ndarray:
        """Does the same with the content of a file, which messages name.

        Returns:
            `(height, width, channels)`, float32 in [-1, 1].

        Raises:
            UserError: if it is no image, or one that does not fit.
        """
        framing = builders.build_framing(self.config)
        try:
            return to_floats(framing(decoding.decode(encoded)))
        except decoding.UnreadableError as error:
            raise UserError(f"{name} should be an image: {error}") from error
        except TooSmallError as error:
            raise UserError(f"{name} is too small: {error}") from error

    def class_names(self) -> tuple[str, ...]:
        """Returns a name for each class, by the run, its data or a number."""
        count = self.config.dataset.num_classes
        names = classes.known_names(self.workdir)
        # A workdir may have come here without its data.
        with contextlib.suppress(UserError, OSError):
            names = names or builders.class_names(self.config)
        return tuple(names or ()) or tuple(f"class {n}" for n in range(count))

    def card(self) -> dict[str, Any]:
        """Returns what is known of weights that were made to travel.

        Returns:
            What `tools.make_pretrained` says of them, with `class_names` and
            `config`; nothing of other runs.

        Raises:
            UserError: if the card cannot be read.
        """
        card = read_card(self.workdir.card)
        if card:
            card["class_names"] = list(self.class_names())
            card["config"] = json.loads(self.config.to_json())
        return card


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
        """Draws images: `(batch, height, width, channels)` float32 in [-1, 1].

        Args:
            latents: `(batch, latent_dim)`.
            labels: `(batch,)`, ignored by an unconditional generator; or
                shares `(batch, num_classes)` of the classes.
        """
        return self._sampler(latents, labels)


def open_run(workdir: storage.PathLike, checkpoint: str = "latest") -> Run:
    """Opens a run at one of its checkpoints.

    Args:
        workdir: the run's directory; or `pretrained:NAME`, weights that come
            with the package.
        checkpoint: `"latest"`, `"best"` (by the scores) or a step.

    Raises:
        UserError: if there is no run, or no such checkpoint.
    """
    path = weights.resolve(workdir)
    if not path.is_dir():
        raise UserError(
            f"--workdir should be the directory of a run. Received: {path}, "
            "which is no directory"
        )
    files = Workdir(path)
    config = read_config(files)
    best = best_checkpoint(files)
    (step,) = requested_steps(checkpoint, steps(files), best)
    return Run(config, step, files, place_of(files, step))


def read_config(workdir: Workdir) -> ml_collections.ConfigDict:
    """Reads the configuration of a run, completed and checked.

    Raises:
        UserError: if there is none, or it is not valid.
    """
    config = validation.complete(validation.read_stored(workdir.config))
    validation.validate(config)
    return config


def places(workdir: Workdir) -> list[Checkpoints]:
    """Returns where checkpoints of a run may be, in the order to look."""
    # Training may have removed the best one from its own place.
    return [Checkpoints(workdir.checkpoints), Checkpoints(workdir.best)]


def place_of(workdir: Workdir, step: int) -> Checkpoints:
    """Returns where the checkpoint of a step is, or should be."""
    have_it = [place for place in places(workdir) if step in place.steps()]
    return (have_it or places(workdir))[0]


def steps(workdir: Workdir) -> list[int]:
    """Returns the steps that have a checkpoint, oldest first."""
    return sorted({s for place in places(workdir) for s in place.steps()})


def best_checkpoint(workdir: Workdir, metric: str = "") -> BestCheckpoint:
    """Returns what tells the best checkpoint of a run.

    Args:
        workdir: the run's directory.
        metric: what is best by; empty for the run's own.
    """
    return BestCheckpoint(ScoreTable(workdir.scores), workdir.best, metric)


def start_from(gan: SAGAN, source: str) -> str:
    """Gives a new run the weights of another; returns what there is to say.

    Args:
        gan: the model of the new run.
        source: `WORKDIR[:STEP]` or `pretrained:NAME`, as
            `config.train.init_from` has it.

    Raises:
        UserError: if there is no such run or checkpoint.
    """
    path, checkpoint = initialization.parse_source(source)
    try:
        run = open_run(path, checkpoint)
        networks = run.load_generator(), run.load_discriminator()
    except UserError as error:
        reason = str(error).replace("--workdir", path)
        raise UserError(f"config.train.init_from: {reason}") from error
    lines = initialization.start_from(gan, *networks)
    return "\n".join([f"{'starts from':<16}{path}, step {run.step:,}", *lines])
