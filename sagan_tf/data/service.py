"""Batches that other machines make: `tf.data` service.

A worker gets the graph of the pipeline, so this graph must not call Python:
only prepared shards, whose images TensorFlow finds and decodes by itself, can
be served. The workers need the files under the same path.
"""

from __future__ import annotations

from typing import Callable

import numpy as np
import tensorflow as tf

from sagan_tf.data.formats.shards import Shards
from sagan_tf.data.framing import Framing
from sagan_tf.data.importer import Importer
from sagan_tf.data.order import endless
from sagan_tf.data.shard_writing import BLOCK, BLOCK_HEADER
from sagan_tf.data.stores import Load
from sagan_tf.errors import UserError


def remote_load(
    shards: Importer, count: int, readable: int, framing: Framing
) -> Load:
    """Returns the `load` of a store by operations of TensorFlow alone.

    Args:
        shards: where the images are.
        count: number of images asked for, the first of the shards.
        readable: number of those that the store here has.
        framing: how the images should be, in size and channels.

    Raises:
        UserError: if they are no shards, were prepared otherwise, or
            some cannot be read.
    """
    if not isinstance(shards, Shards):
        raise UserError(
            f"data set `{shards.name}` cannot be read by other machines: with "
            "`service` prepare it as shards with tools.prepare_dataset"
        )
    for name in ("image_size", "channels"):
        asked, found = getattr(framing, name), getattr(shards, name)
        if asked != found:
            raise UserError(
                f"`service` needs shards of the `{name}` {asked}: "
                f"{shards.root} has {found}"
            )
    if readable != count:
        # Those behind a skipped one have other numbers here than there.
        raise UserError(
            f"`service` needs shards without unreadable images: {shards.root} "
            f"has {count - readable} among {count}; prepare them again"
        )
    read = _reader(shards)
    labels = tf.constant(shards.labels[:count], tf.int32)
    shape = framing.shape

    def load(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.map_fn(
            lambda index: tf.ensure_shape(read(index), shape),
            indices,
            fn_output_signature=tf.uint8,
        )
        images = tf.ensure_shape(images, (*indices.shape, *shape))
        return images, tf.gather(labels, indices)

    return load


def _reader(shards: Shards) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns what reads one image."""
    rows = np.ascontiguousarray
    shard_of, offsets = rows(shards.rows["shard"]), shards.rows["image_offset"]
    offsets, lengths = rows(offsets), shards.rows["image_length"].astype(int)
    sizes = tf.constant(shards.file_sizes, tf.int64)
    # Old files are not cut into blocks.
    header = 0 if shards.is_old else BLOCK_HEADER
    block = max(shards.file_sizes) if shards.is_old else BLOCK
    held = block - header

    def read(index: tf.Tensor) -> tf.Tensor:
        shard = tf.gather(shard_of, index)
        first = tf.gather(offsets, index)
        last = first + tf.gather(lengths, index) - 1
        blocks = tf.range(first // held, last // held + 1) * block
        start, end = (
            place // held * block + header + place % held
            for place in (first, last)
        )
        # A file of one record, once what is before and behind it is left out.
        record = tf.data.FixedLengthRecordDataset(
            tf.gather(tf.constant(shards.files), shard),
            record_bytes=end + 1 - start,
            header_bytes=start,
            footer_bytes=tf.gather(sizes, shard) - end - 1,
        ).get_single_element()
        # What lies in several blocks has their headers in between.
        begins = tf.maximum(blocks + header, start)
        ends = tf.minimum(blocks + block, end + 1)
        parts = tf.strings.substr(
            tf.fill(tf.shape(blocks), record), begins - start, ends - begins
        )
        return tf.io.decode_png(tf.strings.reduce_join(parts), shards.channels)

    return read


def serve(batches: tf.data.Dataset, address: str) -> tf.data.Dataset:
    """Returns batches that the workers of a service make.

    With one worker they are the same in the same order. With several each
    takes whole epochs, and their batches alternate as they come.

    Args:
        batches: what a worker makes.
        address: of the dispatcher, such as `grpc://10.0.0.1:5000`.
    """
    return endless(
        batches.apply(
            tf.data.experimental.service.distribute(
                tf.data.experimental.service.ShardingPolicy.DYNAMIC, address
            )
        )
    )
