"""One door to every data set: a name in, batches of pictures out."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from sagan_tf.data.dataset import ImageDataset
from sagan_tf.errors import UserError

__all__ = ["ImageDataset", "open_dataset"]


class _Opener(NamedTuple):
    """Where a data set is opened, and what its function takes."""

    module: str
    function: str
    takes: tuple[str, ...]


# Imported when wanted: a run pays for the libraries of its own data only.
_OPENERS = {
    "twins": _Opener("sagan_tf.data.twins", "open_twins", ("split", "seed")),
    "digits": _Opener("sagan_tf.data.digits", "open_digits", ("split",)),
    "folder": _Opener(
        "sagan_tf.data.folder", "open_folder", ("path", "on_unreadable")
    ),
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
) -> ImageDataset:
    """Open the data set `name`.

    - `twins`: drawn by the program: two shapes of one kind and one colour.
    - `digits`: the handwritten digits that scikit-learn carries, enlarged.
    - `folder`: the user's own PNG and JPEG files, in one folder a class, or in
      one folder without classes.

    Args:
        name: one of the names above.
        path: where the files are; only `folder` takes one.
        image_size: height and width of the pictures it yields, in pixels.
        num_classes: `None` for the classes that the data set has, their number
            to make sure of it, 0 to ignore them (unconditional training).
        num_examples: the first so many pictures; `None` for all, which for
            `twins` means 20,000 to train on and 10,000 to test with.
        split: `"train"` or `"test"`; no picture is in both. `folder` has the
            first alone.
        seed: which pictures are drawn; only `twins` draws.
        on_unreadable: what to do about a file in `folder` that is no picture:
            `"refuse"` the whole folder, or `"skip"` the file with a warning.

    Returns:
        An `ImageDataset`.

    Raises:
        UserError: if an argument does not fit, or the files do not.
    """
    opener = _OPENERS.get(name)
    if opener is None:
        raise UserError(
            f"`name` of a data set should be one of {', '.join(_OPENERS)}. "
            f"Received: {name!r}."
        )
    if image_size < 1:
        raise UserError(
            f"`image_size` should be positive. Received: {image_size}."
        )
    _refuse_what_is_not_taken(name, opener, path=path, split=split)
    given = {
        "path": path,
        "split": split,
        "seed": seed,
        "on_unreadable": on_unreadable,
    }
    module = importlib.import_module(opener.module)
    return getattr(module, opener.function)(
        image_size=image_size,
        num_classes=num_classes,
        num_examples=num_examples,
        **{key: given[key] for key in opener.takes},
    )


def _refuse_what_is_not_taken(
    name: str, opener: _Opener, *, path: str, split: str
) -> None:
    if path and "path" not in opener.takes:
        raise UserError(
            f"data set `{name}` reads no files: `path` should be empty. "
            f"Received: {path!r}."
        )
    if split != "train" and "split" not in opener.takes:
        raise UserError(
            f"data set `{name}` is not split: `split` should be 'train'. "
            f"Received: {split!r}."
        )
