"""Batches of images out of a store that can be read in any order."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.data.importer import Importer, checked_count
from sagan_tf.data.order import (
    Pipeline,
    endless,
    epoch_order,
    shuffled_indices,
)
from sagan_tf.data.service import Load, serve
from sagan_tf.data.stores import ImageStore
from sagan_tf.errors import UserError
from sagan_tf.image_sizes import ImageSize, as_size


class ImageDataset:
    """A named set of images that yields batches.

    A batch is `(images, labels)`: images `(batch, height, width, channels)`
    float32 in [-1, 1] and labels `(batch,)` int32 in `[0, num_classes)`.
    Without classes every label is 0.

    Args:
        store: where the images are read from.
        name: the name by which it was opened.
        image_size: height and width of the images, in pixels.
        channels: of the images: 1, 3 or 4.
        background: colour that what is transparent is laid on where a network
            sees three channels.
        class_names: one name a class, in the order of the labels; empty if
            there are no labels.
        num_classes: `None` or `len(class_names)` for these labels, 0 to ignore
            them.
        identity: gives words that tell these images from others, wherever they
            are; by default `name`.
        shard_sizes: numbers of images that lie together in a file each; by
            default all are in one.
        importer: where the images were before they came to one size, if they
            are in files.
        fit: how they came to it, as `Framing` takes it.

    Raises:
        UserError: if `num_classes` is neither, or if there is no image.
    """

    def __init__(
        self,
        store: ImageStore,
        *,
        name: str,
        image_size: ImageSize,
        channels: int = 3,
        background: str = "white",
        class_names: Sequence[str] = (),
        num_classes: int | None = None,
        identity: Callable[[], str] | None = None,
        shard_sizes: Sequence[int] = (),
        importer: Importer | None = None,
        fit: str = "crop",
    ) -> None:
        if len(store) == 0:
            raise UserError(f"data set `{name}` should hold an image: none")
        if num_classes not in (None, 0, len(class_names)):
            raise UserError(
                f"data set `{name}` has {len(class_names)} classes: "
                f"`num_classes` should be {len(class_names)} or 0. Received: "
                f"{num_classes}"
            )
        self.name = name
        self.image_size = as_size(image_size)
        self.channels = channels
        self.background = background
        self.class_names = () if num_classes == 0 else tuple(class_names)
        self.importer = importer
        self.fit = fit
        self.identity = identity or (lambda: name)
        self._shard_sizes = tuple(shard_sizes) or (len(store),)
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
        return len(self._store)

    @property
    def labels(self) -> np.ndarray | None:
        """Labels `(num_examples,)`, if they are known without reading."""
        return getattr(self._store, "labels", None)

    def origin(self, index: int) -> str:
        """Returns a name by which the user knows an image: its file's."""
        named = self._store.origin
        return named(index) if named else f"image {index}"

    def training_batches(
        self, batch_size: int, *, seed: int, start_batch: int = 0
    ) -> tf.data.Dataset:
        """Returns an endless stream of shuffled batches.

        Each epoch is one permutation of the images, which depends on `seed`
        and on the number of the epoch alone. Batches run across the borders of
        epochs, so each has exactly `batch_size` images.

        Args:
            batch_size: number of images a batch.
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
            self.num_examples,
            self._shard_sizes,
            self.pipeline,
            seed,
            self.labels,
        )
        return shuffled_indices(
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
        """Returns the parts of `training_batches` that some replicas take.

        Together the replicas get the same images in each update, whatever their
        number; a process reads the images of its own replicas only.

        Args:
            batch_size: number of images a batch, over all replicas.
            seed: an integer.
            start_batch: number of batches left out at the start.
            updates: a batch is cut into so many, one after the other, before
                each is shared.
            num_replicas: number of replicas; `updates * num_replicas` divides
                the batch.
            replicas: numbers of those that read here.

        Returns:
            An endless `tf.data.Dataset` of one batch for each of `replicas` in
            turn, `batch_size / num_replicas` images each.
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
        shares = endless(batches.map(cut).unbatch())
        return self._load(shares, training=True)

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
            return scale_images(images), labels

        # A gather costs less than handing it to another thread.
        in_memory = getattr(self._store, "in_memory", False)
        calls = None if in_memory else tf.data.AUTOTUNE
        batches = indices.map(load, num_parallel_calls=calls)
        if service:
            batches = serve(batches, service)
        return batches.prefetch(self.pipeline.prefetch)


def scale_images(images: tf.Tensor) -> tf.Tensor:
    """Returns uint8 images as float32 in [-1, 1]: 0 is -1 and 255 is 1."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise UserError(
            f"`batch_size` should be positive. Received: {batch_size}"
        )
