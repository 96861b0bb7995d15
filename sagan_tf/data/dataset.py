"""Batches of images out of a store that can be read in any order."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.data.channels import to_floats
from sagan_tf.data.framing import Framing
from sagan_tf.data.importer import Importer, checked_count
from sagan_tf.data.order import (
    Pipeline,
    endless,
    epoch_order,
    shuffled_indices,
)
from sagan_tf.data.service import serve
from sagan_tf.data.stores import ImageStore, Load
from sagan_tf.errors import UserError


class ImageDataset:
    """A named set of images that yields batches.

    A batch is `(images, labels)`: images `(batch, height, width, channels)`
    float32 in [-1, 1] and labels `(batch,)` int32 in `[0, num_classes)`.
    Without classes every label is 0.

    Args:
        store: where the images are read from.
        name: the name by which it was opened.
        framing: how the images came to one size and kind.
        class_names: one name a class, in the order of the labels; empty if
            there are no labels, or none are wanted.
        identity: gives words that tell these images from others, wherever they
            are; by default `name`.
        shard_sizes: numbers of images that lie together in a file each; by
            default all are in one.
        importer: where the images were before they came to one size, if they
            are in files.
    """

    def __init__(
        self,
        store: ImageStore,
        *,
        name: str,
        framing: Framing,
        class_names: Sequence[str] = (),
        identity: Callable[[], str] | None = None,
        shard_sizes: Sequence[int] = (),
        importer: Importer | None = None,
    ) -> None:
        self.name = name
        self.image_size = framing.image_size
        self.channels = framing.channels
        self.background = framing.background
        self.fit = framing.fit
        self.class_names = tuple(class_names)
        self.importer = importer
        self.identity = identity or (lambda: name)
        self._shard_sizes = tuple(shard_sizes) or (store.num_examples,)
        self._store = store
        # How batches come about; whoever opens the data set may set another.
        self.pipeline = Pipeline()
        # The store's `load` without Python, where a service makes the batches.
        self.remote_load: Load | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 if the labels mean nothing."""
        return len(self.class_names)

    @property
    def num_examples(self) -> int:
        """Number of images."""
        return self._store.num_examples

    @property
    def labels(self) -> np.ndarray | None:
        """Labels `(num_examples,)`, if they are known without reading."""
        return self._store.labels

    def origin(self, index: int) -> str:
        """Returns a name by which the user knows an image: its file's."""
        return self._store.origin(index)

    def training_batches(
        self,
        batch_size: int,
        *,
        seed: int,
        start_batch: int = 0,
        updates: int = 1,
        num_replicas: int = 1,
        replicas: range = range(1),
    ) -> tf.data.Dataset:
        """Returns an endless stream of shuffled batches, or of parts of them.

        Each epoch is one permutation of the images, which depends on `seed`
        and on the number of the epoch alone. Batches run across the borders of
        epochs, so each has exactly `batch_size` images. Together replicas get
        the same images in each update, whatever their number; a process reads
        the images of its own replicas only.

        Args:
            batch_size: number of images a batch, over all replicas.
            seed: an integer.
            start_batch: number of batches left out at the start. They are not
                computed, and what follows is the same as if they had been.
            updates: a batch is cut into so many, one after the other, before
                each is shared.
            num_replicas: number of replicas; `updates * num_replicas` divides
                the batch.
            replicas: numbers of those that read here.

        Returns:
            A `tf.data.Dataset` of infinite cardinality: one batch for each of
            `replicas` in turn, `batch_size / num_replicas` images each.
        """
        _check_batch_size(batch_size)
        order = epoch_order(
            self.num_examples,
            self._shard_sizes,
            self.pipeline,
            seed,
            self.labels,
        )
        indices = shuffled_indices(
            self.num_examples, batch_size, order, start_batch=start_batch
        )

        def cut(batch: tf.Tensor) -> tf.Tensor:
            parts = tf.reshape(batch, (updates, num_replicas, -1))
            parts = tf.transpose(parts, (1, 0, 2))
            parts = parts[replicas.start : replicas.stop]
            return tf.reshape(
                parts, (len(replicas), batch_size // num_replicas)
            )

        if num_replicas > 1:
            indices = endless(indices.map(cut).unbatch())
        return self._load(indices, training=True)

    def ordered_batches(
        self, batch_size: int, *, num_examples: int | None = None
    ) -> tf.data.Dataset:
        """Returns one pass in the order of the indices.

        Args:
            batch_size: number of images a batch; the last may have fewer.
            num_examples: only the first so many images; all by default.

        Returns:
            A finite `tf.data.Dataset`.

        Raises:
            UserError: if there are not so many images.
        """
        _check_batch_size(batch_size)
        count = checked_count(self.name, self.num_examples, num_examples)
        return self._load(tf.data.Dataset.range(count).batch(batch_size))

    def images(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns some images as they are, and their labels.

        Args:
            indices: `(batch,)` numbers from 0 to `num_examples - 1`.

        Returns:
            Images `(batch, height, width, channels)` uint8 and labels
            `(batch,)` int32.
        """
        images, labels = self._store.load(tf.constant(indices, tf.int64))
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
            read = self.remote_load if service else self._store.load
            images, labels = read(chosen)
            if flips:
                is_flipped = (batch < 0)[:, None, None, None]
                images = tf.where(is_flipped, images[:, :, ::-1], images)
            if not self.num_classes:
                labels = tf.zeros_like(labels)
            return to_floats(tf.cast(images, tf.float32)), labels

        # A gather costs less than handing it to another thread.
        calls = None if self._store.in_memory else tf.data.AUTOTUNE
        batches = indices.map(load, num_parallel_calls=calls)
        if service:
            batches = serve(batches, service)
        return batches.prefetch(self.pipeline.prefetch)


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise UserError(
            f"`batch_size` should be positive. Received: {batch_size}"
        )
