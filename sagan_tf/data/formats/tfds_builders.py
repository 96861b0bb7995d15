"""Data sets that TensorFlow Datasets has prepared, or prepares if asked to."""

from __future__ import annotations

import contextlib
import os
from typing import Any, Iterator

from absl import logging

from sagan_tf.errors import UserError, one_line

IMAGE_FOLDER = "image_folder"
_INFO = "dataset_info.json"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Leaves out what TFDS says of each file, but not its warnings."""
    before = logging.get_verbosity()
    logging.set_verbosity(min(before, logging.WARNING))
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextlib.contextmanager
def errors_named(what: str, most: int = 300) -> Iterator[None]:
    """Makes one line of an error; each library of TFDS has its own kinds."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # TFDS lists hundreds of names behind the first sentence.
        reason = one_line(error).split("Available datasets")[0][:most]
        raise UserError(f"{what}: {reason.strip(' ;')}") from error


def open_builder(dataset: str, path: str, download: bool) -> Any:
    """Returns what knows a data set, prepared with `download`; see `open_tfds`.

    Raises:
        UserError: if it is not there or cannot be prepared.
    """
    builder = _builder(dataset, path)
    if dataset != IMAGE_FOLDER and not is_prepared(builder):
        _prepare(builder, dataset, download)
    return builder


def _builder(dataset: str, path: str) -> Any:
    import tensorflow_datasets as tfds

    if path and not os.path.isdir(path):
        raise UserError(
            f"`path` of data set `tfds:{dataset}` should name a folder: there "
            f"is none at {path}"
        )
    place = f" in {path}" if path else ""
    with errors_named(f"data set `tfds:{dataset}` cannot be opened{place}"):
        if dataset == IMAGE_FOLDER:
            return tfds.ImageFolder(path)
        if not path or not os.path.isfile(os.path.join(path, _INFO)):
            return tfds.builder(dataset, data_dir=path or None, try_gcs=False)
        builder = tfds.builder_from_directory(path)
        asked = dataset.partition("/")[0].partition(":")[0]
        if builder.name != asked:
            raise UserError(
                f"{path} holds the data set {builder.name}: expected {asked}, "
                "as in `name`"
            )
        return builder


def is_prepared(builder: Any) -> bool:
    """Returns whether the files of a data set are there."""
    return os.path.isfile(os.path.join(os.fspath(builder.data_dir), _INFO))


def _prepare(builder: Any, dataset: str, download: bool) -> None:
    import tensorflow_datasets as tfds

    if not download:
        raise UserError(
            f"data set `tfds:{dataset}` is not prepared in {builder.data_dir}: "
            "set `path` to the directory that holds it, or `download` to True"
        )
    # From its source, or the archives that the user has put there.
    options = tfds.download.DownloadConfig(try_download_gcs=False)
    with errors_named(f"data set `tfds:{dataset}` cannot be prepared", 400):
        builder.download_and_prepare(download_config=options)
