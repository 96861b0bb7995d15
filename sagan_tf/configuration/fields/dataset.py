"""Fields of the section `dataset`: where the real images come from."""

from __future__ import annotations

import re
from typing import Any

from sagan_tf.configuration.fields.field import (
    BOOLEAN,
    INTEGER,
    NAME,
    TEXT,
    Check,
    Field,
    OnlyIf,
    integer,
    is_integer,
    one_of,
)

# Data sets that are in no files.
EMBEDDED = ("twins", "digits")
_NAMES = (*EMBEDDED, "folder", "shards", "improved_gan", "hdf5")
IMAGE_SIZES = (32, 64, 128, 256)


def _kind(name: Any) -> str:
    """Returns `tfds` for `tfds:cifar10`."""
    return str(name).partition(":")[0]


def _only_with(*kinds: str) -> OnlyIf:
    return OnlyIf("dataset.name", lambda name: _kind(name) in kinds)


_OF_FILES = OnlyIf("dataset.name", lambda name: _kind(name) not in EMBEDDED)
_WITH_SPLITS = _only_with(*EMBEDDED, "tfds")

FIELDS = (
    Field(
        "dataset.name",
        "twins",
        Check(
            lambda value: (
                isinstance(value, str)
                and (value in _NAMES or bool(re.fullmatch(r"tfds:\S+", value)))
            ),
            f"one of {', '.join(_NAMES)} or tfds:NAME",
            (*_NAMES, "tfds:"),
        ),
        '"twins" (drawn by the program), "digits" (handwritten, from '
        'scikit-learn), "folder" (your own PNG and JPEG files in one '
        'sub-folder per class), "shards" (what `tools.prepare_dataset` '
        'writes), "tfds:NAME[/config]" (TensorFlow Datasets), "improved_gan" '
        "(the release's TFRecords) or \"hdf5\" (BigGAN-PyTorch's file)",
    ),
    Field(
        "dataset.path",
        "",
        TEXT,
        "file or directory of the images; empty for the embedded data, and "
        'for "tfds:" if they are in TensorFlow Datasets\' usual directory',
        only_if=_OF_FILES,
        may_change=True,
    ),
    Field(
        "dataset.split",
        "train",
        NAME,
        'split to train on: "train", or any that "tfds:NAME" has',
        since="train",
        only_if=_WITH_SPLITS,
    ),
    Field(
        "dataset.evaluation_split",
        "",
        TEXT,
        "split to score against; empty is the same as split",
        since="",
        only_if=_WITH_SPLITS,
        may_change=True,
    ),
    Field(
        "dataset.evaluation_path",
        "",
        TEXT,
        "file or directory of the images to score against, where they are "
        "apart; empty is the same as path",
        since="",
        only_if=_OF_FILES,
        may_change=True,
    ),
    Field(
        "dataset.download",
        False,
        BOOLEAN,
        "whether TensorFlow Datasets downloads and prepares what is not there",
        since=False,
        only_if=_only_with("tfds"),
        may_change=True,
    ),
    Field(
        "dataset.image_size",
        32,
        Check(
            lambda value: is_integer(value) and value in IMAGE_SIZES,
            "32, 64, 128 or 256",
        ),
        "height and width in pixels: 32, 64, 128 or 256",
    ),
    Field(
        "dataset.num_classes",
        10,
        Check(
            lambda value: is_integer(value) and value >= 0 and value != 1,
            "0 (no classes) or an integer of 2 or more",
        ),
        "number of classes, at least 2; 0 trains without classes",
    ),
    Field(
        "dataset.num_examples",
        0,
        integer(0),
        "number of images to use; 0 is all, or the set's own number",
    ),
    Field(
        "dataset.label_key",
        "",
        TEXT,
        'feature that holds the labels in "tfds:NAME"; empty is the only one',
        since="",
        only_if=_only_with("tfds"),
    ),
    Field(
        "dataset.label_offset",
        0,
        INTEGER,
        'added to each label of "improved_gan": 0, or -1 if they start at 1',
        since=0,
        only_if=_only_with("improved_gan"),
    ),
    Field(
        "dataset.crop",
        0,
        integer(0),
        "side in pixels of the square that is cut out of the middle of each "
        "image before it is resized; 0 is the largest square",
        since=0,
        only_if=_OF_FILES,
    ),
    Field(
        "dataset.resize",
        "lanczos",
        one_of("lanczos", "bicubic", "bilinear", "box"),
        "antialiasing filter of the resizing; the release's is bilinear",
        since="lanczos",
        only_if=_OF_FILES,
    ),
    Field(
        "dataset.on_small",
        "refuse",
        one_of("refuse", "enlarge"),
        "what an image of fewer pixels than image_size does: stop, or be "
        "resized",
        since="refuse",
        only_if=_OF_FILES,
    ),
    Field(
        "dataset.on_unreadable",
        "refuse",
        one_of("refuse", "skip"),
        'what an unreadable file does: "refuse" stops before training, "skip" '
        "names it and goes on without it",
        only_if=_OF_FILES,
    ),
    Field(
        "dataset.cache",
        "",
        TEXT,
        'where decoded images are kept: "memory", a directory, "none", or '
        "empty, which is memory if they take less than a gigabyte",
        since="",
        only_if=_OF_FILES,
        may_change=True,
    ),
    Field(
        "dataset.flip",
        False,
        BOOLEAN,
        "whether each image is mirrored or not by chance; the release does not",
        since=False,
    ),
    Field(
        "dataset.prefetch",
        8,
        integer(1),
        "batches made ahead",
        since=8,
        may_change=True,
    ),
    Field(
        "dataset.shuffle_window",
        0,
        integer(0),
        "images that are mixed at a time, for files on a disk that is slow to "
        "jump; 0 mixes all with all",
        since=0,
    ),
    Field(
        "dataset.interleave",
        16,
        integer(1),
        "files that are read at once, if there is a shuffle_window",
        since=16,
    ),
    Field(
        "dataset.service",
        "",
        TEXT,
        'dispatcher of a tf.data service that makes the batches of "shards", '
        'such as "grpc://10.0.0.1:5000"; empty makes them here',
        since="",
        only_if=_only_with("shards"),
        may_change=True,
    ),
)
