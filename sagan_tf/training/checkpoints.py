"""Checkpoints of everything that training needs."""

from __future__ import annotations

import re
from typing import Callable

import tensorflow as tf
from absl import logging

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.gan import SAGAN, optimization
from sagan_tf.training import networks_file
from sagan_tf.training.whole_checkpoint import (
    flush,
    flush_directory,
    is_whole,
    write_manifest,
)
from sagan_tf.whole_files import MANIFEST

_NAME = re.compile(r"step_(\d{8,})")
# What training needs; or networks alone, of which no training goes on.
_STATE, _NETWORKS = "state", "networks.npz"


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
        return sorted(step for step, path in self._all() if is_whole(path))

    def _all(self) -> list[tuple[int, storage.AnyPath]]:
        found = []
        for path in self.directory.glob("step_*"):
            match = _NAME.fullmatch(path.name)
            if match and not self._is_begun(path):
                found.append((int(match.group(1)), path))
        return sorted(found)

    def _is_begun(self, path: storage.AnyPath) -> bool:
        """Whether a checkpoint in a store is half-written or half-removed."""
        return self._in_store and not (path / MANIFEST).exists()

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
        return self._save(
            int(gan.step.numpy()),
            lambda aside: _trackables(gan).write(str(aside / _STATE)),
        )

    def save_networks(
        self,
        step: int,
        generator: tf.keras.Model,
        discriminator: tf.keras.Model,
    ) -> storage.AnyPath:
        """Saves networks alone, in float16; returns the directory.

        Args:
            step: the step of their training.
            generator: the averaged generator.
            discriminator: the discriminator.

        Raises:
            UserError: if a weight is not finite.
            OSError: if it cannot be written.
        """
        networks = {"ema_generator": generator, "discriminator": discriminator}
        return self._save(
            step,
            lambda aside: networks_file.write(aside / _NETWORKS, networks),
        )

    def _save(
        self, step: int, write: Callable[[storage.AnyPath], object]
    ) -> storage.AnyPath:
        final = self.path(step)
        aside = self.directory / f".{final.name}.tmp"
        if self._in_store:
            self._remove(final)
            aside = final
        storage.remove_tree(aside)
        try:
            aside.mkdir(parents=True, exist_ok=True)
            write(aside)
            write_manifest(aside, step)
            if not self._in_store:
                flush(aside)
                self._remove(final)
                aside.rename(final)
                flush_directory(self.directory)
        except BaseException as error:
            storage.remove_tree(aside)
            if not isinstance(error, (tf.errors.OpError, OSError)):
                raise
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
            (path / MANIFEST).unlink(missing_ok=True)
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
        if not is_whole(path):
            logging.warning("%s is damaged; looking for an earlier one", path)
            return False
        if (path / _NETWORKS).exists():
            raise UserError(
                f"{path} should hold all that training needs, not networks "
                "alone: a new run starts from them by config.train.init_from"
            )
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
            UserError: as `restore_network`.
        """
        name = "ema_generator" if averaged else "generator"
        self.restore_network(generator, name, step)

    def restore_network(
        self, network: tf.keras.Model, name: str, step: int
    ) -> None:
        """Restores only one network of a checkpoint.

        Args:
            network: a built network of the run's architecture.
            name: `generator`, `ema_generator` or `discriminator`.
            step: the checkpoint's step.

        Raises:
            UserError: if the checkpoint is missing, damaged, or of another
                architecture.
        """
        path = self.path(step)
        if not is_whole(path):
            raise UserError(
                f"a checkpoint of step {step} should be whole in "
                f"{self.directory}. Received: steps {self.steps() or 'none'}"
            )
        try:
            if (path / _NETWORKS).exists():
                networks_file.restore(path / _NETWORKS, name, network)
                return
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
