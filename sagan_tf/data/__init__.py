"""One door to every data set: a name in, batches of pictures out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

from sagan_tf.data import readers
from sagan_tf.data.pictures import RESIZES, Framing
from sagan_tf.errors import UserError

if TYPE_CHECKING:
    from sagan_tf.data.dataset import ImageDataset

__all__ = ["ImageDataset", "open_dataset"]


def __getattr__(name: str) -> Any:
    """Import TensorFlow when a data set is wanted, not for a reader."""
    if name != "ImageDataset":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("sagan_tf.data.dataset").ImageDataset


class _Opener(NamedTuple):
    """Where a data set is opened, and what its function takes."""

    module: str
    function: str
    takes: tuple[str, ...]


# Imported when wanted: a run pays for the libraries of its own data only.
_EMBEDDED = {
    "twins": _Opener("sagan_tf.data.twins", "open_twins", ("split", "seed")),
    "digits": _Opener("sagan_tf.data.digits", "open_digits", ("split",)),
}


def open_dataset(
    name: str,
    *,
    path: str = "",
    image_size: int,
    num_classes: int | None = None,
    num_examples: int | None = None,
    split: str = "train",
    seed: int = 0,
    on_unreadable: str = "refuse",
    on_small: str = "refuse",
    crop: int = 0,
    resize: str = "lanczos",
    label_key: str = "",
    label_offset: int = 0,
    download: bool = False,
    cache: str = "",
    **pipeline: Any,
) -> ImageDataset:
    """Open the data set `name`.

    - `twins`: drawn by the program: two shapes of one kind and one colour.
    - `digits`: the handwritten digits that scikit-learn carries, enlarged.
    - `folder`: the user's own PNG and JPEG files, in one folder a class, or in
      one folder without classes.
    - `shards`: what `tools.prepare_dataset` made of any of the others.
    - `tfds:NAME[/config][:version]`: prepared by TensorFlow Datasets.
    - `improved_gan`: the TFRecords that the release trains from.
    - `hdf5`: one file in the layout of BigGAN-PyTorch.

    Args:
        name: one of the names above.
        path: where the files are, unless they are embedded.
        image_size: height and width of the pictures it yields, in pixels.
        num_classes: `None` for the classes that the data set has, their number
            to make sure of it, 0 to ignore them (unconditional training).
        num_examples: the first so many pictures; `None` for all, which for
            `twins` means 20,000 to train on and 10,000 to test with.
        split: `"train"` or `"test"` of the embedded data, of which no picture
            is in both; any split of `tfds`. The others have the first alone.
        seed: which pictures are drawn; only `twins` draws.
        on_unreadable: what to do about a file that is no whole picture:
            `"refuse"` them all, or `"skip"` the file with a warning.
        on_small: what to do about a picture of fewer pixels: `"refuse"` it, or
            `"enlarge"` it.
        crop: side of the square that is cut out of the middle; 0 for the
            largest.
        resize: filter: lanczos, bicubic, bilinear or box.
        label_key: feature of the labels of `tfds`; empty for the only one.
        label_offset: what is added to the labels of `improved_gan`.
        download: whether `tfds` may download and prepare.
        cache: `"memory"` or a directory to keep decoded pictures in, `"none"`
            to decode them whenever they are wanted; empty for memory if they
            fit into a gigabyte.
        **pipeline: attributes of `sagan_tf.data.order.Pipeline`: flip,
            prefetch, shuffle_window, interleave, service.

    Returns:
        An `ImageDataset`.

    Raises:
        UserError: if an argument does not fit, or the files do not.
    """
    _check_names(on_unreadable, on_small, resize)
    if image_size < 1:
        raise UserError(
            f"`image_size` should be positive. Received: {image_size}."
        )
    sizes = {
        "num_classes": num_classes,
        "num_examples": num_examples,
    }
    if name in _EMBEDDED:
        service = pipeline.get("service", "")
        _refuse_files(name, path=path, crop=crop, cache=cache, service=service)
        dataset = _open_embedded(
            name, image_size=image_size, **sizes, split=split, seed=seed
        )
        return _with_pipeline(dataset, pipeline)
    if not readers.has_reader(name):
        known = [*_EMBEDDED, *readers.READERS]
        raise UserError(
            f"`name` of a data set should be one of {', '.join(known)}:NAME. "
            f"Received: {name!r}."
        )
    reader = readers.open_reader(
        name,
        path=path,
        num_classes=num_classes,
        split=split,
        label_key=label_key,
        label_offset=label_offset,
        download=download,
    )
    opening = importlib.import_module("sagan_tf.data.opening")
    dataset = opening.open_pictures(
        reader,
        framing=Framing(image_size, crop, resize, on_small),
        on_unreadable=on_unreadable,
        cache=cache,
        served=bool(pipeline.get("service")),
        **sizes,
    )
    return _with_pipeline(dataset, pipeline)


def _with_pipeline(
    dataset: ImageDataset, pipeline: dict[str, Any]
) -> ImageDataset:
    order = importlib.import_module("sagan_tf.data.order")
    dataset.pipeline = order.Pipeline(**pipeline)
    return dataset


def _open_embedded(name: str, **given: Any) -> ImageDataset:
    opener = _EMBEDDED[name]
    unused = {"split", "seed"} - set(opener.takes)
    module = importlib.import_module(opener.module)
    return getattr(module, opener.function)(
        **{key: value for key, value in given.items() if key not in unused}
    )


def _check_names(on_unreadable: str, on_small: str, resize: str) -> None:
    for argument, value, names in (
        ("on_unreadable", on_unreadable, ("refuse", "skip")),
        ("on_small", on_small, ("refuse", "enlarge")),
        ("resize", resize, tuple(RESIZES)),
    ):
        if value not in names:
            raise UserError(
                f"`{argument}` should be {' or '.join(names)}. Received: "
                f"{value!r}."
            )


def _refuse_files(name: str, *, path: str, **others: Any) -> None:
    if path:
        raise UserError(
            f"data set `{name}` reads no files: `path` should be empty. "
            f"Received: {path!r}."
        )
    for argument, value in others.items():
        if value:
            raise UserError(
                f"data set `{name}` is embedded: `{argument}` should be left "
                f"at its default. Received: {value!r}."
            )
