"""Checkpoints of everything that training needs."""

from __future__ import annotations

import json
import os
import pathlib
import re

import tensorflow as tf
from absl import logging

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.gan import SAGAN, optimization

_NAME = re.compile(r"step_(\d{8,})")
_STATE = "state"
_MANIFEST = "manifest.json"


class Checkpoints:
    """The checkpoints of a run, one directory per step.

    A checkpoint is written aside and renamed when it is whole; in a store,
    which cannot rename, its manifest comes last and goes first. It holds both
    networks, the averaged generator, both optimizers and the step, from which
    data position and random numbers follow.

    Args:
        directory: where they are.
        keep: how many of the newest stay.
        keep_every: checkpoints at multiples of this step stay for good; 0 for
            none.
    """

    def __init__(
        self,
        directory: storage.PathLike,
        keep: int = 3,
        keep_every: int = 0,
    ):
        self.directory = storage.at(directory)
        self._in_store = storage.is_stored(directory)
        self.keep = keep
        self.keep_every = keep_every

    def steps(self) -> list[int]:
        """Returns the steps of the whole checkpoints, oldest first."""
        return sorted(step for step, path in self._all() if _is_whole(path))

    def _all(self) -> list[tuple[int, storage.AnyPath]]:
        found = []
        for path in self.directory.glob("step_*"):
            match = _NAME.fullmatch(path.name)
            if match and not self._is_begun(path):
                found.append((int(match.group(1)), path))
        return sorted(found)

    def _is_begun(self, path: storage.AnyPath) -> bool:
        """Whether a checkpoint in a store is half-written or half-removed."""
        return self._in_store and not (path / _MANIFEST).exists()

    def path(self, step: int) -> storage.AnyPath:
        """Returns the directory of a step."""
        return self.directory / f"step_{step:08d}"

    def clean(self) -> None:
        """Removes what a killed run left half-written or half-removed."""
        asides = self.directory.glob(".step_*.tmp")
        begun = filter(self._is_begun, self.directory.glob("step_*"))
        for path in (*asides, *begun):
            logging.info("removing %s, which a killed run left", path)
            storage.remove_tree(path)

    def save(self, gan: SAGAN) -> storage.AnyPath:
        """Saves all that training needs; returns the checkpoint's directory.

        Raises:
            OSError: if it cannot be written; earlier ones stay.
        """
        step = int(gan.step.numpy())
        final = self.path(step)
        aside = self.directory / f".{final.name}.tmp"
        if self._in_store:
            self._remove(final)
            aside = final
        storage.remove_tree(aside)
        try:
            aside.mkdir(parents=True, exist_ok=True)
            _trackables(gan).write(str(aside / _STATE))
            _write_manifest(aside, step)
            if not self._in_store:
                _flush(aside)
                self._remove(final)
                aside.rename(final)
                _flush_directory(self.directory)
        except (tf.errors.OpError, OSError) as error:
            storage.remove_tree(aside)
            raise OSError(
                f"cannot write checkpoint {final}: {error}"
            ) from error
        self._remove_old()
        return final

    def _remove_old(self) -> None:
        for step in self.steps()[: -self.keep]:
            if not (self.keep_every and step % self.keep_every == 0):
                self._remove(self.path(step))

    def _remove(self, path: storage.AnyPath) -> None:
        """Removes a checkpoint so that nobody ever sees half of it."""
        aside = self.directory / f".{path.name}.old.tmp"
        if self._in_store:
            (path / _MANIFEST).unlink(missing_ok=True)
            aside = path
        elif path.exists():
            path.rename(aside)
        storage.remove_tree(aside)

    def restore_latest(self, gan: SAGAN) -> int:
        """Restores the newest checkpoint that can be read.

        Args:
            gan: the compiled model to restore into.

        Returns:
            Its step; 0 if there is no checkpoint.

        Raises:
            UserError: if there are checkpoints and none can be read, or one is
                of another model.
        """
        found = self._all()
        optimizers = gan.optimizers.values()
        # The run may go on with other ones than the checkpoint has.
        given = [optimization.hyperparameters(each) for each in optimizers]
        for step, path in reversed(found):
            if self._restore(gan, path):
                for optimizer, values in zip(optimizers, given):
                    optimization.set_hyperparameters(optimizer, values)
                return step
        if found:
            raise UserError(
                f"{self.directory} should hold a readable checkpoint. "
                f"Received: {len(found)} damaged ones; move them away to "
                "start afresh"
            )
        return 0

    def _restore(self, gan: SAGAN, path: storage.AnyPath) -> bool:
        if not _is_whole(path):
            logging.warning("%s is damaged; looking for an earlier one", path)
            return False
        try:
            status = _trackables(gan).read(str(path / _STATE))
        except tf.errors.OpError as error:
            logging.warning("%s cannot be read: %s", path, error.message)
            return False
        except ValueError as error:
            raise _other_model(path, error) from error
        try:
            status.assert_existing_objects_matched()
        except AssertionError as error:
            raise _other_model(path, error) from error
        return True

    def restore_generator(
        self, generator: tf.keras.Model, step: int, averaged: bool = True
    ) -> None:
        """Restores only the generator of a checkpoint.

        Args:
            generator: a built generator of the run's architecture.
            step: the checkpoint's step.
            averaged: whether to take the averaged generator.

        Raises:
            UserError: if the checkpoint is missing, damaged, or of another
                architecture.
        """
        name = "ema_generator" if averaged else "generator"
        self._restore_network(generator, name, step)

    def restore_discriminator(
        self, discriminator: tf.keras.Model, step: int
    ) -> None:
        """Restores only the discriminator of a checkpoint.

        Args:
            discriminator: a built discriminator of the run's architecture.
            step: the checkpoint's step.

        Raises:
            UserError: as `restore_generator`.
        """
        self._restore_network(discriminator, "discriminator", step)

    def _restore_network(
        self, network: tf.keras.Model, name: str, step: int
    ) -> None:
        path = self.path(step)
        if not _is_whole(path):
            raise UserError(
                f"a checkpoint of step {step} should be whole in "
                f"{self.directory}. Received: steps {self.steps() or 'none'}"
            )
        try:
            status = tf.train.Checkpoint(**{name: network}).read(
                str(path / _STATE)
            )
            status.expect_partial().assert_existing_objects_matched()
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            raise _other_model(path, error) from error


def _trackables(gan: SAGAN) -> tf.train.Checkpoint:
    adapting = {}
    if gan.augmenter.probability is not None:
        adapting["augmentation"] = gan.augmenter.probability
    return tf.train.Checkpoint(
        **adapting,
        generator=gan.generator,
        discriminator=gan.discriminator,
        ema_generator=gan.ema_generator,
        generator_optimizer=gan.generator_optimizer,
        discriminator_optimizer=gan.discriminator_optimizer,
        step=gan.step,
    )


def _other_model(path: storage.AnyPath, error: Exception) -> UserError:
    return UserError(
        f"{path} should hold networks like this run's. Received: "
        f"{str(error).splitlines()[0]}"
    )


def _write_manifest(directory: storage.AnyPath, step: int) -> None:
    files = filter(lambda path: path.is_file(), sorted(directory.iterdir()))
    sizes = {path.name: path.stat().st_size for path in files}
    manifest = {"step": step, "sizes": sizes}
    (directory / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def _flush(directory: pathlib.Path) -> None:
    """Waits until a directory's files are on the disk, not only in memory."""
    for path in directory.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _flush_directory(directory)


def _flush_directory(directory: pathlib.Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_whole(directory: storage.AnyPath) -> bool:
    """Whether every file that the manifest lists has its size."""
    try:
        sizes = json.loads((directory / _MANIFEST).read_text())["sizes"]
        return all(
            (directory / name).stat().st_size == size
            for name, size in sizes.items()
        )
    except (OSError, ValueError, KeyError, AttributeError):
        return False
