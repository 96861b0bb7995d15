"""From a configuration to the real images; `builders` passes it on."""

from __future__ import annotations

from typing import Any, Sequence

import ml_collections

from sagan_tf.data import ImageDataset, formats, open_dataset
from sagan_tf.data.framing import Framing
from sagan_tf.image_sizes import as_size

Config = ml_collections.ConfigDict
ClassOrder = Sequence[str] | None

# Fields of the section `dataset` that are arguments of `open_dataset`.
_PASSED_ON = (
    "on_unreadable",
    "on_small",
    "crop",
    "resize",
    "fit",
    "channels",
    "background",
    "value_range",
    "cache",
    "flip",
    "balance",
    "prefetch",
    "shuffle_window",
    "interleave",
    "service",
)


def build_dataset(
    config: Config, class_order: ClassOrder = None
) -> ImageDataset:
    """Opens the images that a run trains on.

    Args:
        class_order: what `training.classes.known_names` says of the run.

    Raises:
        UserError: if the data do not fit the configuration.
    """
    dataset = config.dataset
    return _open(
        config, dataset.path, dataset.split, dataset.num_examples, class_order
    )


def evaluation_split(config: Config) -> str:
    """Returns the name of the split that a run is scored against."""
    dataset = config.dataset
    if dataset.evaluation_path:
        return dataset.evaluation_split or "evaluation"
    return dataset.evaluation_split or dataset.split


def build_evaluation_dataset(
    config: Config, split: str, class_order: ClassOrder = None
) -> ImageDataset:
    """Opens the images that a run is scored against.

    Args:
        split: `evaluation_split(config)`, or another that the data have.
        class_order: as above.

    Raises:
        UserError: if the data do not fit the configuration.
    """
    dataset = config.dataset
    is_apart = bool(dataset.evaluation_path) and split != dataset.split
    path = dataset.evaluation_path if is_apart else dataset.path
    # Several formats have no splits but files of their own.
    has_splits = formats.find(dataset.name).has_splits
    name = split if has_splits or not is_apart else "train"
    count = dataset.num_examples if split == dataset.split else 0
    return _open(config, path, name, count, class_order)


def _open(
    config: Config,
    path: str,
    split: str,
    num_examples: int,
    class_order: ClassOrder,
) -> ImageDataset:
    dataset = config.dataset
    return open_dataset(
        dataset.name,
        path=path,
        image_size=dataset.image_size,
        num_classes=dataset.num_classes,
        num_examples=num_examples or None,
        class_order=class_order,
        split=split,
        **{name: dataset[name] for name in _PASSED_ON},
        **_options(config),
    )


def build_framing(config: Config) -> Framing:
    """Returns how an image from elsewhere comes to the form of the data."""
    names = ("crop", "resize", "fit", "channels", "background", "value_range")
    fields = {name: config.dataset[name] for name in names}
    size = as_size(config.dataset.image_size)
    return Framing(size, on_small="enlarge", **fields).checked()


def class_names(config: Config) -> tuple[str, ...]:
    """Returns the names of the classes; no file is decoded or downloaded.

    Returns:
        A name for each class; none for an unconditional run.

    Raises:
        UserError: if the data are not there.
    """
    dataset = config.dataset
    if not dataset.num_classes:
        return ()
    options = {**_options(config), "split": dataset.split}
    importer = formats.open_importer(
        dataset.name,
        path=dataset.path,
        num_classes=dataset.num_classes,
        # A run whose names are asked of its data is older than their list.
        class_order=(),
        **{name: v for name, v in options.items() if name != "download"},
    )
    return importer.class_names


def _options(config: Config) -> dict[str, Any]:
    """Returns what formats take of their own; unused ones are at default."""
    names = formats.OPTIONS.keys() - {"split"}
    return {name: config.dataset[name] for name in names}
