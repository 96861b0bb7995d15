"""Fields of the section `dataset`: where the real images come from."""

from __future__ import annotations

from typing import Any, Callable

from PIL import ImageColor

from sagan_tf import image_sizes
from sagan_tf.configuration.fields.field import (
    BOOLEAN,
    INTEGER,
    NAME,
    PATH,
    TEXT,
    Check,
    Field,
    OnlyIf,
    integer,
    is_integer,
    is_number,
    one_of,
    original,
)
from sagan_tf.data import formats
from sagan_tf.data.formats import Format

_COLORS = Check(
    lambda value: isinstance(value, str) and _is_color(value),
    'a colour such as "white", "black" or "#336699"',
)
_RANGES = Check(
    lambda value: (
        isinstance(value, tuple)
        and (
            not value
            or (
                len(value) == 2
                and all(map(is_number, value))
                and value[0] != value[1]
            )
        )
    ),
    "() or two different numbers, such as (0, 4095)",
)


def _is_color(name: str) -> bool:
    try:
        return len(ImageColor.getrgb(name)) == 3
    except ValueError:
        return False


def _only_with(accepts: Callable[[Format], bool]) -> OnlyIf:
    def is_used(name: Any) -> bool:
        found = formats.find(name) if isinstance(name, str) else None
        return found is None or accepts(found)

    return OnlyIf("dataset.name", is_used)


def _of_option(option: formats.Option) -> Field:
    """Declares what one format takes, as the table of formats has it."""
    checks = {bool: BOOLEAN, int: INTEGER, str: TEXT}
    return Field(
        f"dataset.{option.name}",
        option.default,
        checks[type(option.default)],
        option.doc,
        only_if=_only_with(lambda found: option in found.options),
        may_change=option.may_change,
    )


_OF_FILES = _only_with(lambda found: not found.embedded)
_WITH_SPLITS = _only_with(lambda found: found.has_splits)

FIELDS = (
    original(
        "dataset.name",
        "twins",
        Check(
            lambda value: (
                isinstance(value, str) and formats.find(value) is not None
            ),
            f"one of {', '.join(formats.by_written_name())}",
            tuple(formats.FORMATS),
        ),
        "; ".join(
            f'"{n}" ({f.doc})' for n, f in formats.by_written_name().items()
        ),
    ),
    original(
        "dataset.path",
        "",
        PATH,
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
        only_if=_WITH_SPLITS,
    ),
    Field(
        "dataset.evaluation_split",
        "",
        TEXT,
        "split to score against; empty is the same as split",
        only_if=_WITH_SPLITS,
        may_change=True,
    ),
    Field(
        "dataset.evaluation_path",
        "",
        PATH,
        "file or directory of the images to score against, where they are "
        "apart; empty is the same as path",
        only_if=_OF_FILES,
        may_change=True,
    ),
    original(
        "dataset.image_size",
        32,
        Check(
            image_sizes.fits,
            image_sizes.EXPECTED,
            nearest=image_sizes.nearest,
        ),
        "height and width in pixels: one number for squares, else a pair such "
        "as (64, 96)",
        type=object,
    ),
    Field(
        "dataset.channels",
        3,
        Check(
            lambda value: is_integer(value) and value in (1, 3, 4), "1, 3 or 4"
        ),
        "of the images: 1 (grey), 3 (RGB) or 4 (RGBA, with transparency)",
    ),
    Field(
        "dataset.background",
        "white",
        _COLORS,
        "colour that what is transparent is laid on, unless there are four "
        "channels; around what is padded, and below four channels where scores "
        "see three",
        only_if=_OF_FILES,
    ),
    Field(
        "dataset.value_range",
        (),
        _RANGES,
        "what becomes black and white in images of 16 bits or of floats; () is "
        "0 and 65,535, or 0 and 1",
        only_if=_OF_FILES,
    ),
    Field(
        "dataset.fit",
        "crop",
        one_of("crop", "pad", "stretch"),
        'how an image of another form fits: "crop" takes its largest part in '
        'the middle, "pad" all of it with a border of background (small images '
        'keep their pixels), "stretch" resizes both sides',
        only_if=_OF_FILES,
    ),
    original(
        "dataset.num_classes",
        10,
        Check(
            lambda value: is_integer(value) and value >= 0 and value != 1,
            "0 (no classes) or an integer of 2 or more",
        ),
        "number of classes, at least 2; 0 trains without classes",
    ),
    original(
        "dataset.num_examples",
        0,
        integer(0),
        "number of images to use; 0 is all, or the set's own number",
    ),
    Field(
        "dataset.crop",
        0,
        integer(0),
        "side in pixels of the square that is cut out of the middle of each "
        "image before anything else; 0 is none",
        only_if=_OF_FILES,
    ),
    Field(
        "dataset.resize",
        "lanczos",
        one_of("lanczos", "bicubic", "bilinear", "box"),
        "antialiasing filter of the resizing; the release's is bilinear",
        only_if=_OF_FILES,
    ),
    Field(
        "dataset.on_small",
        "refuse",
        one_of("refuse", "enlarge"),
        "what an image of fewer pixels than image_size does: stop, or be "
        "resized",
        only_if=_OF_FILES,
    ),
    original(
        "dataset.on_unreadable",
        "refuse",
        one_of("refuse", "skip"),
        'what an unreadable file does: "refuse" stops before training, "skip" '
        "names it and goes on without it",
        only_if=_OF_FILES,
        may_change=True,
    ),
    Field(
        "dataset.cache",
        "",
        PATH,
        'where decoded images are kept: "memory", a directory or an address '
        '(for all machines), "none", or empty, which is memory if they take '
        "less than a gigabyte, else the user's cache",
        only_if=_OF_FILES,
        may_change=True,
    ),
    Field(
        "dataset.flip",
        False,
        BOOLEAN,
        "whether each image is mirrored or not by chance; the release does not",
        may_change=True,
    ),
    Field(
        "dataset.balance",
        False,
        BOOLEAN,
        "whether each class is shown equally often, however many images it has",
        only_if=OnlyIf("dataset.num_classes", lambda count: count != 0),
    ),
    Field(
        "dataset.prefetch",
        8,
        integer(1),
        "batches made ahead",
        may_change=True,
    ),
    Field(
        "dataset.shuffle_window",
        0,
        integer(0),
        "images that are mixed at a time, for files on a disk that is slow to "
        "jump; 0 mixes all with all",
    ),
    Field(
        "dataset.interleave",
        16,
        integer(1),
        "files that are read at once, if there is a shuffle_window",
    ),
    Field(
        "dataset.service",
        "",
        TEXT,
        'dispatcher of a tf.data service that makes the batches of "shards", '
        'such as "grpc://10.0.0.1:5000"; empty makes them here',
        only_if=_only_with(lambda found: found.served),
        may_change=True,
    ),
)
FIELDS += tuple(
    _of_option(option)
    for name, option in formats.OPTIONS.items()
    if name != "split"
)
