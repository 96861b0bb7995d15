"""From a configuration to the real pictures; `builders` passes it on."""

from __future__ import annotations

import ml_collections

from sagan_tf.configuration.fields.dataset import EMBEDDED
from sagan_tf.data import ImageDataset, open_dataset, readers

Config = ml_collections.ConfigDict

# Fields of the section `dataset` that are arguments of `open_dataset`.
_PASSED_ON = (
    "on_unreadable",
    "on_small",
    "crop",
    "resize",
    "label_key",
    "label_offset",
    "download",
    "cache",
    "flip",
    "prefetch",
    "shuffle_window",
    "interleave",
    "service",
)


def build_dataset(config: Config) -> ImageDataset:
    """Opens the pictures that a run trains on.

    Args:
        config: a validated configuration.

    Raises:
        UserError: if the data do not fit the configuration.
    """
    dataset = config.dataset
    return _open(config, dataset.path, dataset.split, dataset.num_examples)


def evaluation_split(config: Config) -> str:
    """Returns the name of the split that a run is scored against."""
    dataset = config.dataset
    if dataset.evaluation_path:
        return dataset.evaluation_split or "evaluation"
    return dataset.evaluation_split or dataset.split


def build_evaluation_dataset(config: Config, split: str) -> ImageDataset:
    """Opens the pictures that a run is scored against.

    Args:
        config: a validated configuration.
        split: `evaluation_split(config)`, or another that the data have.

    Raises:
        UserError: if the data do not fit the configuration.
    """
    dataset = config.dataset
    is_apart = bool(dataset.evaluation_path) and split != dataset.split
    path = dataset.evaluation_path if is_apart else dataset.path
    # Several shapes have no splits but files of their own.
    has_splits = dataset.name in EMBEDDED or ":" in dataset.name
    name = split if has_splits or not is_apart else "train"
    count = dataset.num_examples if split == dataset.split else 0
    return _open(config, path, name, count)


def _open(
    config: Config, path: str, split: str, num_examples: int
) -> ImageDataset:
    dataset = config.dataset
    return open_dataset(
        dataset.name,
        path=path,
        image_size=dataset.image_size,
        num_classes=dataset.num_classes,
        num_examples=num_examples or None,
        split=split,
        **{name: dataset[name] for name in _PASSED_ON},
    )


def class_names(config: Config) -> tuple[str, ...]:
    """Returns the names of the classes; no file is decoded or downloaded.

    Args:
        config: a validated configuration.

    Returns:
        A name for each class; none for an unconditional run.

    Raises:
        UserError: if the data are not there.
    """
    dataset = config.dataset
    if not dataset.num_classes:
        return ()
    if not readers.has_reader(dataset.name):
        return build_dataset(config).class_names
    reader = readers.open_reader(
        dataset.name,
        path=dataset.path,
        num_classes=dataset.num_classes,
        split=dataset.split,
        label_key=dataset.label_key,
        label_offset=dataset.label_offset,
    )
    readers.check_classes(reader, dataset.num_classes)
    return reader.class_names
