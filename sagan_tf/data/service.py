"""Batches that other machines make: `tf.data` service.

A worker gets the graph of the pipeline, so this graph must not call Python:
only prepared shards, whose pictures TensorFlow finds and decodes by itself, can
be served. The workers need the files under the same path.
"""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf

from sagan_tf.data.shards import ShardsReader
from sagan_tf.data.sources import Source
from sagan_tf.errors import UserError


class ShardsSource:
    """Pictures of prepared shards, by Python here and without it elsewhere.

    Args:
        reader: the shards.
        local: the source that is read here.
        count: number of pictures asked for, the first of the shards.
        image_size: height and width of the pictures, in pixels.

    Raises:
        UserError: if the shards were prepared at another size, or `local` has
            skipped unreadable pictures.
    """

    def __init__(
        self, reader: ShardsReader, local: Source, count: int, image_size: int
    ) -> None:
        stored = reader.settings["framing"]["image_size"]
        if stored != image_size:
            raise UserError(
                f"`service` needs shards of {image_size} pixels, as "
                f"`image_size` says: {reader.root} has {stored}."
            )
        if len(local) != count:
            # Those behind a skipped one have other numbers here than there.
            raise UserError(
                "`service` needs shards without unreadable pictures: "
                f"{reader.root} has {count - len(local)} among {count}; "
                "prepare them again."
            )
        self._local = local
        self.labels = local.labels
        rows = reader.rows[:count]
        files = [os.path.join(reader.root, s.file) for s in reader.shards]
        self._files = tf.constant(files)
        self._sizes = tf.constant(
            [s.num_bytes for s in reader.shards], tf.int64
        )
        self._shard = np.ascontiguousarray(rows["shard"])
        self._offset = np.ascontiguousarray(rows["image_offset"])
        self._length = rows["image_length"].astype(np.int64)
        self._shape = (image_size, image_size, 3)

    @property
    def failure(self) -> Exception | None:
        """The user's error that a batch made here ended with."""
        return getattr(self._local, "failure", None)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._local)

    def load(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the pictures and the labels at `indices`."""
        return self._local.load(indices)

    def remote(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the same by operations of TensorFlow alone."""
        images = tf.map_fn(self._read, indices, fn_output_signature=tf.uint8)
        labels = tf.gather(tf.constant(self.labels, tf.int32), indices)
        return tf.ensure_shape(images, (*indices.shape, *self._shape)), labels

    def _read(self, index: tf.Tensor) -> tf.Tensor:
        shard = tf.gather(self._shard, index)
        start = tf.gather(self._offset, index)
        length = tf.gather(self._length, index)
        # A file of one record, once what is before and behind it is left out.
        record = tf.data.FixedLengthRecordDataset(
            tf.gather(self._files, shard),
            record_bytes=length,
            header_bytes=start,
            footer_bytes=tf.gather(self._sizes, shard) - start - length,
        ).get_single_element()
        return tf.ensure_shape(tf.io.decode_png(record, 3), self._shape)


def serve(batches: tf.data.Dataset, address: str) -> tf.data.Dataset:
    """Return batches that the workers of a service make.

    With one worker they are the same in the same order. With several each
    takes whole epochs, and their batches alternate as they come.

    Args:
        batches: what a worker makes.
        address: of the dispatcher, such as `grpc://10.0.0.1:5000`.
    """
    served = batches.apply(
        tf.data.experimental.service.distribute(
            tf.data.experimental.service.ShardingPolicy.DYNAMIC, address
        )
    )
    return served.apply(
        tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    )
