"""In which order images are seen: worked out, not kept.

The order of an epoch depends on the seed and on the epoch's number alone, so a
run that starts again at any batch sees what it would have seen.
"""

from __future__ import annotations

import dataclasses
from typing import Callable, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class Pipeline:
    """How images come from where they are to where they are wanted.

    Attributes:
        flip: whether each image is mirrored, left for right, or not, by
            chance.
        prefetch: batches made ahead.
        shuffle_window: 0 mixes all images with all. A number mixes so many
            at a time, which come from few files: for disks that are slow to
            jump.
        interleave: files that are read at once, if there is a window.
        service: address of the dispatcher of a `tf.data` service that makes
            the batches; empty to make them here.
        balance: whether each class is shown equally often.
    """

    flip: bool = False
    prefetch: int = 8
    shuffle_window: int = 0
    interleave: int = 16
    service: str = ""
    balance: bool = False


def epoch_order(
    num_examples: int,
    shard_sizes: Sequence[int],
    pipeline: Pipeline,
    seed: int,
    labels: np.ndarray | None = None,
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what orders the images of an epoch.

    Args:
        num_examples: number of images.
        shard_sizes: how many of them, in turn, lie in a file each.
        pipeline: how they are mixed and flipped.
        seed: an integer.
        labels: `(num_examples,)`, where classes are balanced.

    Returns:
        A function from the epoch's number to `(num_examples,)` int64: each
        index once, unless classes are balanced, and `-1 - index` if the image
        is flipped.
    """
    balanced = _balanced(labels) if pipeline.balance else None
    key = _interleaving_key(num_examples, shard_sizes, pipeline.interleave)

    def order(epoch: tf.Tensor) -> tf.Tensor:
        seeds = tf.stack([tf.constant(seed, tf.int64), epoch])
        if balanced:
            indices = balanced(seeds)
        elif pipeline.shuffle_window:
            indices = _in_windows(key, pipeline.shuffle_window, seeds)
        else:
            indices = tf.random.experimental.stateless_shuffle(
                tf.range(num_examples, dtype=tf.int64), seed=seeds
            )
        if not pipeline.flip:
            return indices
        fold = tf.random.experimental.stateless_fold_in
        chance = tf.random.stateless_uniform((num_examples,), fold(seeds, 3))
        return tf.where(chance < 0.5, -1 - indices, indices)

    return order


def _interleaving_key(
    num_examples: int, shard_sizes: Sequence[int], interleave: int
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what gives each image its place, given an order of the files.

    Groups of files are read one after the other, and the files of a group in
    turn, one image of each.
    """
    sizes = np.asarray(shard_sizes, np.int64)
    shards = np.repeat(np.arange(len(sizes)), sizes)[:num_examples]
    starts = np.cumsum(sizes) - sizes
    positions = np.arange(num_examples) - starts[shards]
    stride = int(sizes.max()) * interleave

    def key(seeds: tf.Tensor) -> tf.Tensor:
        ranks = tf.random.experimental.stateless_shuffle(
            tf.range(len(sizes), dtype=tf.int64), seed=seeds
        )
        rank = tf.gather(ranks, tf.constant(shards))
        group, turn = rank // interleave, rank % interleave
        return group * stride + tf.constant(positions) * interleave + turn

    return key


def _in_windows(
    key: Callable[[tf.Tensor], tf.Tensor], window: int, seeds: tf.Tensor
) -> tf.Tensor:
    fold = tf.random.experimental.stateless_fold_in
    read = tf.argsort(key(fold(seeds, 1)))
    # Windows stay in their order, chance decides within each.
    slot = tf.range(tf.size(read), dtype=tf.int64) // window
    mixed = _mixed_in_groups(slot, fold(seeds, 2))
    return tf.cast(tf.gather(read, mixed), tf.int64)


def _balanced(labels: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what shows each class equally often, given a seed.

    Images of a class come again when all others of it have come. Of a class
    with more images than its share of an epoch each epoch shows others.
    """
    classes, counts = np.unique(labels, return_counts=True)
    share = -(-len(labels) // len(classes))
    images, groups, places, start = [], [], [], 0
    for label, count in zip(classes, counts):
        rounds = -(-share // count)
        images.append(np.tile(np.flatnonzero(labels == label), rounds))
        groups.append(len(groups) * share + np.repeat(np.arange(rounds), count))
        places.append(start + np.arange(share))
        start += rounds * count
    images, groups, places = map(np.concatenate, (images, groups, places))

    def order(seeds: tf.Tensor) -> tf.Tensor:
        fold = tf.random.experimental.stateless_fold_in
        mixed = _mixed_in_groups(tf.constant(groups, tf.int64), fold(seeds, 4))
        chosen = tf.gather(images, tf.gather(mixed, places))
        shuffle = tf.random.experimental.stateless_shuffle
        return tf.cast(shuffle(chosen, fold(seeds, 5))[: len(labels)], tf.int64)

    return order


def _mixed_in_groups(groups: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """Returns places in the order of their groups, by chance within each."""
    chance = tf.random.stateless_uniform(
        tf.shape(groups), seeds, minval=None, maxval=None, dtype=tf.int32
    )
    return tf.argsort(groups * 2**33 + tf.cast(chance, tf.int64))


def shuffled_indices(
    num_examples: int,
    batch_size: int,
    order: Callable[[tf.Tensor], tf.Tensor],
    *,
    start_batch: int,
) -> tf.data.Dataset:
    """Returns endless batches of indices, which run across borders of epochs.

    Args as in `ImageDataset.training_batches`; `order` is `epoch_order`'s.
    """
    if start_batch < 0:
        raise UserError(
            f"`start_batch` should not be negative. Received: {start_batch}"
        )
    first_epoch, offset = divmod(start_batch * batch_size, num_examples)

    def permutation(epoch: tf.Tensor) -> tf.Tensor:
        return order(epoch)[tf.where(epoch == first_epoch, offset, 0) :]

    epochs = tf.data.Dataset.counter(first_epoch, dtype=tf.int64)
    permutations = epochs.map(permutation)
    return endless(permutations.rebatch(batch_size, drop_remainder=True))


def endless(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Says that it has no end, which is forgotten and Keras wants to know."""
    return dataset.apply(
        tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    )
