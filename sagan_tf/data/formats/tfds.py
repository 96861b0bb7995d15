"""Data sets of TensorFlow Datasets: what is read of them, and how."""

from __future__ import annotations

import os
from typing import Any, Iterator, NamedTuple

import numpy as np

from sagan_tf.data import decoding
from sagan_tf.data.formats.tfds_builders import (
    IMAGE_FOLDER,
    errors_named,
    is_prepared,
    open_builder,
    quiet,
)
from sagan_tf.data.importer import Importer, Sample
from sagan_tf.data.tfrecords import RecordImporter, TFRecords, single
from sagan_tf.errors import UserError

# Bytes of encoded images that are held where they cannot be read by number.
_MEMORY_LIMIT = 2**30


class _Keys(NamedTuple):
    """The features that hold the image and the label, and the classes."""

    image: str
    label: str
    class_names: tuple[str, ...]


class _Tfds(RecordImporter):
    """Encoded images of a split."""

    def __init__(
        self, stored: TFRecords | _Held, keys: _Keys, words: str, root: Any
    ) -> None:
        self._keys, self._words = keys, words
        super().__init__("tfds", root, stored, keys.class_names)

    def identity(self) -> str:
        """Returns the data set, its version and split, and its size."""
        if isinstance(self._records, _Held):
            return f"{self._words}, {self._records.num_bytes} bytes"
        return f"{self._words}, {self.count} records"

    def read(self, index: int) -> Sample:
        """Returns an image and its label."""
        features, label = self._records.read(index), 0
        if self.class_names:
            label = single(features, self._keys.label, int)
            label = self.checked_label(index, label)
        encoded = single(features, self._keys.image, bytes)
        return Sample(decoding.decode(encoded), label)


class _Held:
    """Encoded images in memory, numbered as records are."""

    shard_sizes = ()

    def __init__(self, words: str) -> None:
        self._examples, self._words, self.num_bytes = [], words, 0

    def append(self, features: dict[str, list], num_bytes: int) -> None:
        self._examples.append(features)
        self.num_bytes += num_bytes

    def __len__(self) -> int:
        return len(self._examples)

    def where(self, index: int) -> str:
        return f"{self._words}: example {index}"

    origin = where

    def read(self, index: int) -> dict[str, list]:
        return self._examples[index]


def open_tfds(
    path: str,
    dataset: str,
    num_classes: int | None = None,
    split: str = "train",
    label_key: str = "",
    download: bool = False,
) -> Importer:
    """Opens a data set by its name in TensorFlow Datasets.

    Args:
        path: directory of all prepared data sets, that of this one's version
            (which needs no code of the data set), or empty for the default;
            for `image_folder` the directory of its splits.
        dataset: name, `/config` and `:version` if wanted; or `image_folder`.
        num_classes: 0 for an unconditional run.
        split: such as `train`, `validation` or `train[:90%]`.
        label_key: feature of the labels; empty for the only one.
        download: whether to download and prepare it.

    Raises:
        UserError: if it is not there, or has no such split or feature.
    """
    with quiet():
        builder = open_builder(dataset, path, download)
        keys = _keys(builder, dataset, label_key, num_classes)
        words = f"tfds {builder.info.full_name} {split}"
        words += f" by {label_key}" if label_key else ""
        stored = _records(builder, dataset, split)
        stored = stored or _held(builder, dataset, split, keys, words)
        return _Tfds(stored, keys, words, builder.data_dir)


def _keys(
    builder: Any, dataset: str, label_key: str, num_classes: int | None
) -> _Keys:
    import tensorflow_datasets as tfds

    features = dict(_flat(builder.info.features))
    images, labels = (
        [name for name, each in features.items() if isinstance(each, kind)]
        for kind in (tfds.features.Image, tfds.features.ClassLabel)
    )
    numbers = [
        name
        for name, each in features.items()
        if name not in labels and _kind_of_number(each)
    ]
    image = "image" if "image" in images else "".join(images[:1])
    if not image:
        raise UserError(
            f"data set `tfds:{dataset}` should have images. Received: "
            f"{', '.join(features)}"
        )
    label = label_key or ("label" if "label" in labels else "")
    if not label and len(labels) == 1:
        label = labels[0]
    if label and label not in (*labels, *numbers):
        known = ", ".join(sorted({*labels, *numbers})) or "none"
        raise UserError(
            f"`label_key` of data set `tfds:{dataset}` should be one of its "
            f"features of classes ({known}). Received: {label!r}"
        )
    if label in numbers:
        kind = _kind_of_number(features[label])
        return _Keys(image, label, _names(dataset, label, kind, num_classes))
    if not label and labels and num_classes != 0:
        raise UserError(
            f"data set `tfds:{dataset}` has labels of several kinds: "
            f"`label_key` should be one of {', '.join(labels)}"
        )
    count = (features[label].num_classes or 0) if label else 0
    names = tuple(features[label].int2str(number) for number in range(count))
    return _Keys(image, label, names)


def _flat(features: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yields features by their names in the records: `attributes/Smiling`."""
    for name, feature in features.items():
        if hasattr(feature, "items"):
            yield from _flat(feature, f"{above}{name}/")
        else:
            yield above + name, feature


def _kind_of_number(feature: Any) -> str:
    """Returns `b` for a boolean, `i` or `u` for an integer, else nothing."""
    if feature.shape != ():
        return ""
    kind = np.dtype(getattr(feature, "np_dtype", None) or object).kind
    return kind if kind in "biu" else ""


def _names(
    dataset: str, label: str, kind: str, num_classes: int | None
) -> tuple[str, ...]:
    """Returns names for the values of a feature that has none."""
    if kind == "b":
        word = label.rpartition("/")[2]
        return f"not {word}", word
    if num_classes is None:
        raise UserError(
            f"`num_classes` should be given with `label_key` {label!r} of data "
            f"set `tfds:{dataset}`: an integer does not say it. Received: None"
        )
    return tuple(f"class {number}" for number in range(num_classes))


def _records(builder: Any, dataset: str, split: str) -> TFRecords | None:
    """Returns the TFRecords of a split; None where there are no such files."""
    splits = builder.info.splits
    if not splits:
        return None
    try:
        parts = splits[split].file_instructions
    except (KeyError, ValueError) as error:
        raise UserError(
            f"data set `tfds:{dataset}` has the splits {', '.join(splits)}: "
            f"`split` should be one, or a part such as train[:90%]. "
            f"Received: {split!r}"
        ) from error
    directory = os.fspath(builder.data_dir)
    paths = [os.path.join(directory, os.fspath(p.filename)) for p in parts]
    if not paths or dataset == IMAGE_FOLDER:
        return None
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing and is_prepared(builder):
        raise UserError(
            f"data set `tfds:{dataset}` should have the file {missing[0]}: "
            "there is none"
        )
    if missing or _file_format(builder) != "tfrecord":
        return None
    # All that are left, where a part takes -1.
    ends = (None if p.take < 0 else p.skip + p.take for p in parts)
    kept = [slice(part.skip, end) for part, end in zip(parts, ends)]
    return TFRecords(paths, kept)


def _file_format(builder: Any) -> str:
    # An image folder has none.
    return getattr(builder.info.file_format, "value", "")


def _value(features: Any, name: str) -> Any:
    for part in name.split("/"):
        features = features[part]
    return features


def _held(
    builder: Any, dataset: str, split: str, keys: _Keys, words: str
) -> _Held:
    import tensorflow_datasets as tfds

    held = _Held(words)
    decoders = {keys.image: tfds.decode.SkipDecoding()}
    options = {"split": split, "decoders": decoders}
    what = f"data set `tfds:{dataset}` cannot be read, split {split!r}"
    with errors_named(what):
        # The one format that TFDS does not read as a `tf.data.Dataset`.
        if _file_format(builder) == "array_record":
            stream = builder.as_data_source(**options)
        else:
            stream = builder.as_dataset(shuffle_files=False, **options)
            stream = stream.as_numpy_iterator()
        for features in stream:
            encoded = features[keys.image]
            label = int(_value(features, keys.label)) if keys.label else 0
            values = {keys.image: [encoded], keys.label: [label]}
            held.append(values, len(encoded))
            if held.num_bytes > _MEMORY_LIMIT:
                raise UserError(
                    f"data set `tfds:{dataset}` is too large to be held: open "
                    "its files as data set `folder`, or prepare them"
                )
    return held
