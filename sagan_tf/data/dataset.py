"""Batches of pictures out of a source that can be read in any order."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.data.counts import first_examples, resolve_classes
from sagan_tf.data.order import Pipeline, epoch_order
from sagan_tf.data.service import serve
from sagan_tf.data.sources import Source
from sagan_tf.errors import UserError


class ImageDataset:
    """A named set of pictures that yields batches.

    A batch is `(images, labels)`: images `(batch, size, size, 3)` float32 in
    [-1, 1] and labels `(batch,)` int32 in `[0, num_classes)`. Without classes
    every label is 0.

    Args:
        source: a `sagan_tf.data.sources.Source`.
        name: the name by which it was opened.
        image_size: height and width of the pictures, in pixels.
        class_names: one name a class, in the order of the labels; empty if the
            source has no labels.
        num_classes: `None` or `len(class_names)` for the labels of the source,
            0 to ignore them.
        identity: gives words that tell these pictures from others, wherever
            they are; by default `name`.
        shard_sizes: numbers of pictures that lie together in a file each; by
            default all are in one.

    Raises:
        UserError: if `num_classes` is neither, or if there is no picture.
    """

    def __init__(
        self,
        source: Source,
        *,
        name: str,
        image_size: int,
        class_names: Sequence[str] = (),
        num_classes: int | None = None,
        identity: Callable[[], str] | None = None,
        shard_sizes: Sequence[int] = (),
    ) -> None:
        if len(source) == 0:
            raise UserError(f"data set `{name}` should hold a picture: none.")
        self.name = name
        self.image_size = image_size
        self.class_names = resolve_classes(name, class_names, num_classes)
        self.identity = identity or (lambda: name)
        self._shard_sizes = tuple(shard_sizes) or (len(source),)
        self._source = source
        # How batches come about; whoever opens the data set may set another.
        self.pipeline = Pipeline()

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 if the labels mean nothing."""
        return len(self.class_names)

    @property
    def num_examples(self) -> int:
        """Number of pictures."""
        return len(self._source)

    @property
    def labels(self) -> np.ndarray | None:
        """Labels `(num_examples,)`, if they are known without reading."""
        return getattr(self._source, "labels", None)

    @property
    def failure(self) -> Exception | None:
        """The user's error that a batch ended with, if one did."""
        return getattr(self._source, "failure", None)

    def training_batches(
        self, batch_size: int, *, seed: int, start_batch: int = 0
    ) -> tf.data.Dataset:
        """Return an endless stream of shuffled batches.

        Each epoch is one permutation of the pictures, which depends on `seed`
        and on the number of the epoch alone. Batches run across the borders of
        epochs, so each has exactly `batch_size` pictures.

        Args:
            batch_size: number of pictures a batch.
            seed: an integer.
            start_batch: number of batches left out at the start. They are not
                computed, and what follows is the same as if they had been.

        Returns:
            A `tf.data.Dataset` of infinite cardinality.
        """
        _check_batch_size(batch_size)
        indices = self._shuffled(batch_size, seed, start_batch)
        return self._load(indices, training=True)

    def _shuffled(
        self, batch_size: int, seed: int, start_batch: int
    ) -> tf.data.Dataset:
        order = epoch_order(
            self.num_examples, self._shard_sizes, self.pipeline, seed
        )
        return _shuffled_indices(
            self.num_examples, batch_size, order, start_batch=start_batch
        )

    def training_shares(
        self,
        batch_size: int,
        *,
        seed: int,
        start_batch: int = 0,
        updates: int = 1,
        num_replicas: int,
        replicas: range,
    ) -> tf.data.Dataset:
        """Return the parts of `training_batches` that some replicas take.

        Together the replicas get the same pictures in each update, whatever
        their number; a process reads the pictures of its own replicas only.

        Args:
            batch_size: number of pictures a batch, over all replicas.
            seed: an integer.
            start_batch: number of batches left out at the start.
            updates: a batch is cut into so many, one after the other, before
                each is shared.
            num_replicas: number of replicas; `updates * num_replicas` divides
                the batch.
            replicas: numbers of those that read here.

        Returns:
            An endless `tf.data.Dataset` of one batch for each of `replicas` in
            turn, `batch_size / num_replicas` pictures each.
        """
        _check_batch_size(batch_size)

        def cut(indices: tf.Tensor) -> tf.Tensor:
            parts = tf.reshape(indices, (updates, num_replicas, -1))
            parts = tf.transpose(parts, (1, 0, 2))
            parts = parts[replicas.start : replicas.stop]
            return tf.reshape(
                parts, (len(replicas), batch_size // num_replicas)
            )

        batches = self._shuffled(batch_size, seed, start_batch)
        shares = _endless(batches.map(cut).unbatch())
        return self._load(shares, training=True)

    def ordered_batches(
        self, batch_size: int, *, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Return one pass in the order of the indices.

        Args:
            batch_size: number of pictures a batch; the last may have fewer.
            num_examples: only the first so many pictures; all by default.

        Returns:
            A finite `tf.data.Dataset`.

        Raises:
            UserError: if there are not so many pictures.
        """
        _check_batch_size(batch_size)
        count = first_examples(self.name, self.num_examples, num_examples)
        return self._load(tf.data.Dataset.range(count).batch(batch_size))

    def pictures(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return some pictures as they are, and their labels.

        Args:
            indices: `(batch,)` numbers from 0 to `num_examples - 1`.

        Returns:
            Images `(batch, size, size, 3)` uint8 and labels `(batch,)` int32.
        """
        images, labels = self._source.load(tf.constant(indices, tf.int64))
        if not self.num_classes:
            labels = tf.zeros_like(labels)
        return images.numpy(), labels.numpy()

    def _load(
        self, indices: tf.data.Dataset, training: bool = False
    ) -> tf.data.Dataset:
        flips = training and self.pipeline.flip
        service = self.pipeline.service if training else ""

        def load(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            chosen = tf.where(batch < 0, -1 - batch, batch) if flips else batch
            source = self._source.load if not service else self._source.remote
            images, labels = source(chosen)
            if flips:
                is_flipped = (batch < 0)[:, None, None, None]
                images = tf.where(is_flipped, images[:, :, ::-1], images)
            if not self.num_classes:
                labels = tf.zeros_like(labels)
            return scale_images(images), labels

        # A gather costs less than handing it to another thread.
        in_memory = getattr(self._source, "in_memory", False)
        calls = None if in_memory else tf.data.AUTOTUNE
        batches = indices.map(load, num_parallel_calls=calls)
        if service:
            batches = serve(batches, service)
        return batches.prefetch(self.pipeline.prefetch)


def scale_images(images: tf.Tensor) -> tf.Tensor:
    """Return uint8 images as float32 in [-1, 1]: 0 is -1 and 255 is 1."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def _shuffled_indices(
    num_examples: int,
    batch_size: int,
    order: Callable[[tf.Tensor], tf.Tensor],
    *,
    start_batch: int,
) -> tf.data.Dataset:
    if start_batch < 0:
        raise UserError(
            f"`start_batch` should not be negative. Received: {start_batch}."
        )
    first_epoch, offset = divmod(start_batch * batch_size, num_examples)

    def permutation(epoch: tf.Tensor) -> tf.Tensor:
        return order(epoch)[tf.where(epoch == first_epoch, offset, 0) :]

    epochs = tf.data.Dataset.counter(first_epoch, dtype=tf.int64)
    permutations = epochs.map(permutation)
    batches = permutations.rebatch(batch_size, drop_remainder=True)
    return _endless(batches)


def _endless(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Say that it has no end, which is forgotten and Keras wants to know."""
    return dataset.apply(
        tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    )


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise UserError(
            f"`batch_size` should be positive. Received: {batch_size}."
        )
