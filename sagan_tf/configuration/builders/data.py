"""From a configuration to the real images; `builders` passes it on."""

from __future__ import annotations

from typing import Sequence

import ml_collections

from sagan_tf.data import ImageDataset, formats, open_dataset
from sagan_tf.data.framing import Framing

Config = ml_collections.ConfigDict

# Fields of the section `dataset` that say which images; all others are
# arguments of `open_dataset`.
_WHICH = (
    "name",
    "path",
    "split",
    "num_examples",
    "evaluation_path",
    "evaluation_split",
)


def build_dataset(
    config: Config, class_order: Sequence[str] | None = None, split: str = ""
) -> ImageDataset:
    """Opens the images that a run trains on, or those it is scored against.

    Args:
        class_order: what `training.classes.known_names` says of the run.
        split: `evaluation_split(config)`, or another that the data have; empty
            for that which is trained on.

    Raises:
        UserError: if the data do not fit the configuration.
    """
    dataset = config.dataset
    split = split or dataset.split
    is_other = split != dataset.split
    is_apart = is_other and bool(dataset.evaluation_path)
    # Several formats have no splits but files of their own.
    has_splits = formats.find(dataset.name).has_splits
    return open_dataset(
        dataset.name,
        path=dataset.evaluation_path if is_apart else dataset.path,
        split=split if has_splits or not is_apart else "train",
        num_examples=None if is_other else dataset.num_examples or None,
        class_order=class_order,
        **{key: dataset[key] for key in dataset if key not in _WHICH},
    )


def evaluation_split(config: Config) -> str:
    """Returns the name of the split that a run is scored against."""
    dataset = config.dataset
    if dataset.evaluation_path:
        return dataset.evaluation_split or "evaluation"
    return dataset.evaluation_split or dataset.split


def build_framing(config: Config) -> Framing:
    """Returns how an image from elsewhere comes to the form of the data."""
    names = ("crop", "resize", "fit", "channels", "background", "value_range")
    fields = {name: config.dataset[name] for name in names}
    size = config.dataset.image_size
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
    options = formats.OPTIONS.keys() - {"download"}
    importer = formats.open_importer(
        dataset.name,
        path=dataset.path,
        num_classes=dataset.num_classes,
        # A run whose names are asked of its data is older than their list.
        class_order=(),
        **{name: dataset[name] for name in options},
    )
    return importer.class_names
