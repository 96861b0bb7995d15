"""Data sets that TensorFlow Datasets has prepared, or prepares if asked to."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Iterator

from absl import logging

from sagan_tf.data.readers import Reader
from sagan_tf.data.record_sets import RecordSet
from sagan_tf.data.tfds_held import held_examples
from sagan_tf.data.tfds_readers import HeldReader, Keys, RecordsReader
from sagan_tf.errors import UserError, one_line

_INFO = "dataset_info.json"
_IMAGE_FOLDER = "image_folder"


def open_tfds(
    *,
    path: str,
    num_classes: int | None = None,
    dataset: str,
    split: str = "train",
    label_key: str = "",
    download: bool = False,
) -> Reader:
    """Open a data set by its name in TensorFlow Datasets.

    Args:
        path: directory of all prepared data sets, that of this one's version
            (which needs no code of the data set), or empty for the default;
            for `image_folder` the directory of its splits.
        num_classes: 0 for an unconditional run.
        dataset: name, `/config` and `:version` if wanted; or `image_folder`.
        split: such as `train`, `validation` or `train[:90%]`.
        label_key: feature of the labels; empty for the only one.
        download: whether to download and prepare it.

    Raises:
        UserError: if it is not there, or has no such split or feature.
    """
    with _quiet():
        return _open(path, num_classes, dataset, split, label_key, download)


def _open(
    path: str,
    num_classes: int | None,
    dataset: str,
    split: str,
    label_key: str,
    download: bool,
) -> Reader:
    builder = _builder(dataset, path)
    prepared = dataset == _IMAGE_FOLDER or _is_prepared(builder)
    if download and not prepared:
        _prepare(builder, dataset)
    elif not prepared:
        raise UserError(
            f"data set `tfds:{dataset}` is not prepared in {builder.data_dir}: "
            "set `path` to the directory that holds it, or `download` to True."
        )
    keys = _keys(builder, dataset, label_key, num_classes)
    words = f"tfds {builder.info.full_name} {split}"
    if label_key:
        words += f" by {label_key}"
    files = _files(builder, dataset, split)
    if files is not None:
        return RecordsReader(files, keys, words, builder.data_dir)
    return HeldReader(
        held_examples(builder, dataset, split, keys),
        keys,
        words,
        builder.data_dir,
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what TFDS says of each file, but not its warnings."""
    before = logging.get_verbosity()
    logging.set_verbosity(min(before, logging.WARNING))
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _builder(dataset: str, path: str) -> Any:
    import tensorflow_datasets as tfds

    path = os.path.expanduser(path)
    if path and not os.path.isdir(path):
        raise UserError(
            f"`path` of data set `tfds:{dataset}` should name a folder: there "
            f"is none at {path}."
        )
    try:
        if dataset == _IMAGE_FOLDER:
            return tfds.ImageFolder(path)
        if path and os.path.isfile(os.path.join(path, _INFO)):
            return _check_name(tfds.builder_from_directory(path), dataset, path)
        return tfds.builder(dataset, data_dir=path or None, try_gcs=False)
    except UserError:
        raise
    # An unknown name, configuration or version, or broken files, each raise
    # errors of their own.
    except Exception as error:
        place = f" in {path}" if path else ""
        # TFDS lists hundreds of names behind the first sentence.
        reason = one_line(error).split("Available datasets")[0][:300]
        reason = reason.strip(" ;")
        raise UserError(
            f"data set `tfds:{dataset}` cannot be opened{place}: {reason}"
        ) from error


def _is_prepared(builder: Any) -> bool:
    return os.path.isfile(os.path.join(os.fspath(builder.data_dir), _INFO))


def _prepare(builder: Any, dataset: str) -> None:
    import tensorflow_datasets as tfds

    # From its source, or the archives that the user has put there.
    options = tfds.download.DownloadConfig(try_download_gcs=False)
    try:
        builder.download_and_prepare(download_config=options)
    # Missing archives, networks, disks and libraries raise what they like.
    except Exception as error:
        raise UserError(
            f"data set `tfds:{dataset}` cannot be prepared: "
            f"{one_line(error)[:400]}"
        ) from error


def _check_name(builder: Any, dataset: str, path: str) -> Any:
    asked = dataset.partition("/")[0].partition(":")[0]
    if builder.name != asked:
        raise UserError(
            f"{path} holds the data set {builder.name}: expected {asked}, as "
            "in `name`."
        )
    return builder


def _keys(
    builder: Any, dataset: str, label_key: str, num_classes: int | None
) -> Keys:
    import tensorflow_datasets as tfds

    features = builder.info.features
    by_type = {
        kind: [
            name for name, each in features.items() if isinstance(each, kind)
        ]
        for kind in (tfds.features.Image, tfds.features.ClassLabel)
    }
    images, labels = by_type.values()
    image = "image" if "image" in images else "".join(images[:1])
    if not image:
        raise UserError(
            f"data set `tfds:{dataset}` should have pictures. Received: "
            f"{', '.join(features)}."
        )
    label = label_key or ("label" if "label" in labels else "")
    if not label and len(labels) == 1:
        label = labels[0]
    if label and label not in labels:
        known = ", ".join(sorted(labels)) or "none"
        raise UserError(
            f"`label_key` of data set `tfds:{dataset}` should be one of its "
            f"features of classes ({known}). Received: {label!r}."
        )
    if not label and labels and num_classes != 0:
        raise UserError(
            f"data set `tfds:{dataset}` has labels of several kinds: "
            f"`label_key` should be one of {', '.join(labels)}."
        )
    return Keys(image, label, _class_names(features, label))


def _class_names(features: Any, label: str) -> tuple[str, ...]:
    if not label:
        return ()
    count = features[label].num_classes or 0
    return tuple(features[label].int2str(number) for number in range(count))


def _files(builder: Any, dataset: str, split: str) -> RecordSet | None:
    """Return the TFRecords of a split; None where there are no such files."""
    import tensorflow_datasets as tfds

    splits = builder.info.splits
    if not splits:
        return None
    try:
        parts = splits[split].file_instructions
    except (KeyError, ValueError) as error:
        raise UserError(
            f"data set `tfds:{dataset}` has the splits {', '.join(splits)}: "
            f"`split` should be one, or a part such as train[:90%]. "
            f"Received: {split!r}."
        ) from error
    paths = [os.fspath(part.filename) for part in parts]
    directory = os.fspath(builder.data_dir)
    paths = [os.path.join(directory, path) for path in paths]
    if not paths or dataset == _IMAGE_FOLDER:
        return None
    missing = [path for path in paths if not os.path.isfile(path)]
    if missing and _is_prepared(builder):
        raise UserError(
            f"data set `tfds:{dataset}` should have the file {missing[0]}: "
            "there is none."
        )
    if missing or builder.info.file_format != tfds.core.FileFormat.TFRECORD:
        return None
    return RecordSet(
        paths, [part.skip for part in parts], [part.take for part in parts]
    )
