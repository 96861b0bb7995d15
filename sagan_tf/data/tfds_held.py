"""A split of TensorFlow Datasets that is not stored as TFRecords, in memory."""

from __future__ import annotations

from typing import Any, Iterable, Iterator

from sagan_tf.data.tfds_readers import Keys
from sagan_tf.errors import UserError, one_line

# Bytes of encoded pictures.
_MEMORY_LIMIT = 2**30


def held_examples(
    builder: Any, dataset: str, split: str, keys: Keys
) -> list[tuple[bytes, int]]:
    """Read the encoded pictures of a split and their labels.

    Args:
        builder: of a data set that is prepared.
        dataset: its name, for errors.
        split: its split, or a part of one.
        keys: where its pictures and labels are.

    Raises:
        UserError: if there is no such split, it cannot be read or is too large.
    """
    found, size = [], 0
    for features in _read(_stream(builder, dataset, split, keys), dataset):
        label = int(features[keys.label]) if keys.label else 0
        found.append((features[keys.image], label))
        size += len(features[keys.image])
        if size > _MEMORY_LIMIT:
            raise UserError(
                f"data set `tfds:{dataset}` is too large to be held: open its "
                "files as data set `folder`, or prepare them."
            )
    return found


def _stream(
    builder: Any, dataset: str, split: str, keys: Keys
) -> Iterable[dict[str, Any]]:
    import tensorflow_datasets as tfds

    decoders = {keys.image: tfds.decode.SkipDecoding()}
    try:
        if builder.info.file_format == tfds.core.FileFormat.ARRAY_RECORD:
            # The one format that TFDS does not read as a `tf.data.Dataset`.
            return builder.as_data_source(split=split, decoders=decoders)
        return builder.as_dataset(
            split=split, shuffle_files=False, decoders=decoders
        ).as_numpy_iterator()
    except (KeyError, ValueError) as error:
        raise UserError(
            f"data set `tfds:{dataset}` has no split {split!r}: "
            f"{one_line(error)}"
        ) from error
    # A format whose library is missing, or a broken file.
    except Exception as error:
        raise _unreadable(dataset, error) from error


def _read(
    stream: Iterable[dict[str, Any]], dataset: str
) -> Iterator[dict[str, Any]]:
    try:
        yield from stream
    # The library of each format raises errors of its own.
    except Exception as error:
        raise _unreadable(dataset, error) from error


def _unreadable(dataset: str, error: Exception) -> UserError:
    return UserError(
        f"data set `tfds:{dataset}` cannot be read: {one_line(error)[:300]}"
    )
