"""Which files of a folder are images, and of which class."""

from __future__ import annotations

import collections
import os
from typing import NamedTuple

import numpy as np

from sagan_tf.data import decoding
from sagan_tf.data.label_tables import read_table
from sagan_tf.data.trees import Tree
from sagan_tf.errors import UserError, printable

_SPLITS = frozenset(
    "train training val valid validation test testing eval dev".split()
)


class Listing(NamedTuple):
    """Files, their labels, and the names of the classes in text order.

    Attributes:
        names: of the files below the root.
        labels: numbers of the classes, in the order of `class_names`.
        class_names: none if there are no classes.
        left_out: number of the other files, by ending or another reason.
        table: name of the file that the labels come from, if one does.
    """

    names: list[str]
    labels: np.ndarray
    class_names: tuple[str, ...]
    left_out: collections.Counter
    table: str = ""


def list_images(tree: Tree, label_key: str = "") -> Listing:
    """Returns the images of a folder in a fixed mixed order.

    A `dataset.json`, `metadata.csv` or `metadata.jsonl` says which class each
    is of. Without one the folders below the root are classes, whose images may
    lie at any depth, and a folder of nothing but files has none. The order
    depends on the names alone, and the first few are a fair sample.

    Args:
        tree: the files.
        label_key: column of the table; empty for `label`.

    Raises:
        UserError: if there is no image, or none in a class folder, if there are
            images beside class folders, or splits in the place of classes.
    """
    images, left_out = image_names(tree)
    table = read_table(tree, label_key)
    if table:
        name, labels = table
        del left_out[os.path.splitext(name)[1]]
        beside = set(images) - set(labels)
        left_out.update({f"not in {name}": len(beside)} if beside else {})
        listing = _listing(labels, left_out, name)
    elif tree.folders:
        listing = _listing(_by_folder(tree, images, left_out), left_out)
    else:
        listing = _listing(dict.fromkeys(images, ""), left_out)
    if not listing.names:
        raise UserError(
            f"there is no {decoding.KINDS} file in {tree.root}{_but(left_out)}"
        )
    return _mix(listing)


def image_names(tree: Tree) -> tuple[list[str], collections.Counter]:
    """Returns the names of the images, and how many other files there are.

    Args:
        tree: the files.

    Returns:
        Names, and the number of other files by ending.
    """
    images, left_out = [], collections.Counter()
    for name in tree.names:
        ending = os.path.splitext(name)[1].lower()
        if ending in decoding.ENDINGS or not ending and _begins(tree, name):
            images.append(name)
        else:
            left_out[printable(ending) or "without ending"] += 1
    return images, left_out


def _begins(tree: Tree, name: str) -> bool:
    try:
        return decoding.looks_like_image(tree.read(name)[:16])
    except decoding.UnreadableError:
        return False


def _by_folder(
    tree: Tree, images: list[str], left_out: collections.Counter
) -> dict[str, str]:
    """Returns the class folder of each image."""
    found = {name: name.partition("/")[0] for name in images}
    loose = sorted(name for name in images if "/" not in name)
    if loose and len(loose) < len(images):
        raise UserError(
            f"{tree.root} should hold images or class folders, not both: found "
            f"{loose[0]} beside {min(set(found.values()) - set(loose))}/"
        )
    if loose:
        # The folders hold something else.
        return dict.fromkeys(images, "")
    empty = sorted(tree.folders - set(found.values()))
    if images and empty:
        folder = tree.where(empty[0])
        raise UserError(
            f"there is no {decoding.KINDS} file in the class folder {folder}"
            f"{_but(left_out)}"
        )
    deep = any(name.count("/") > 1 for name in images)
    names = set(found.values())
    are_splits = names and {name.lower() for name in names} <= _SPLITS
    if are_splits and (deep or len(names) > 1):
        split = "train" if "train" in names else min(names)
        raise UserError(
            f"{tree.root} holds splits where classes were expected: did you "
            f"mean {tree.where(split)}?"
        )
    return found


def _listing(
    labels: dict[str, str], left_out: collections.Counter, table: str = ""
) -> Listing:
    names = sorted(labels, key=lambda n: (labels[n], n.split("/")))
    classes = sorted(set(labels.values()))
    numbers = {name: number for number, name in enumerate(classes)}
    return Listing(
        names,
        np.array([numbers[labels[name]] for name in names], np.int32),
        () if classes == [""] else tuple(classes),
        left_out,
        table,
    )


def _mix(listing: Listing) -> Listing:
    # `RandomState` promises the same numbers in every release of NumPy.
    order = np.random.RandomState(0).permutation(len(listing.names))
    names = [listing.names[index] for index in order]
    return listing._replace(names=names, labels=listing.labels[order])


def in_words(left_out: collections.Counter) -> str:
    """Returns counts in words, the largest first."""
    return ", ".join(
        f"{count} {what}" for what, count in left_out.most_common()
    )


def _but(left_out: collections.Counter) -> str:
    return f"; found {in_words(left_out)}" if left_out else ""
