"""The formats of images: one table, and the importers.

A new format is a file here, whose class or function takes what it needs by
name (`path`, `num_classes`, `split`, `dataset`, its own options), and a line in
`FORMATS`. Importing the table imports no importer and no TensorFlow.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple, Sequence

from sagan_tf import storage
from sagan_tf.errors import UserError, nearest_name
from sagan_tf.user_cache import local_copy

if TYPE_CHECKING:
    from sagan_tf.data.importer import Importer


class Option(NamedTuple):
    """What one format takes; also a field of the section `dataset`.

    Attributes:
        name: of the field and of the opener's argument.
        default: a string, a number or a boolean; one without a meaning
            elsewhere.
        doc: what it means.
        may_change: whether a run that goes on may have another value.
    """

    name: str
    default: Any
    doc: str
    may_change: bool = False


@dataclasses.dataclass(frozen=True)
class Format:
    """Where an importer is, and what may be said about its images.

    Attributes:
        module: its file in this folder.
        opener: the class or the function in it that returns an importer.
        doc: what its images are, in a few words.
        path: what `path` names, such as `"folder"` or `"file"`; empty for
            images that are embedded: they have no files and nothing to say
            about these.
        needs_path: whether `path` must be given.
        takes_name: whether it is written `FORMAT:NAME`.
        has_splits: whether `split` chooses among its images.
        served: whether a `tf.data` service can read it.
        num_classes: number of its classes, where all of its data have it.
        image_size: the only size that a configuration may ask for; 0 for any.
        options: what it alone takes.
    """

    module: str
    opener: str
    doc: str
    path: str = "folder"
    needs_path: bool = True
    takes_name: bool = False
    has_splits: bool = False
    served: bool = False
    num_classes: int | None = None
    image_size: int = 0
    options: tuple[Option, ...] = ()

    @property
    def embedded(self) -> bool:
        """Whether the images are in no files of the user."""
        return not self.path


_LABEL_KEY = Option(
    "label_key",
    "",
    "feature of tfds, or column of a folder's metadata.csv, that holds the "
    "labels; empty is the only one, or `label`",
)
_DOWNLOAD = Option(
    "download",
    False,
    "whether TensorFlow Datasets downloads and prepares what is not there",
    may_change=True,
)
_LABEL_OFFSET = Option(
    "label_offset", 0, "added to each label: 0, or -1 if they start at 1"
)
_FILES = "folder, a file or a pattern"
_EMBEDDED = {
    "path": "",
    "needs_path": False,
    "has_splits": True,
    "num_classes": 10,
}
FORMATS = {
    "twins": Format("twins", "Twins", "drawn by the program", **_EMBEDDED),
    "digits": Format(
        "digits",
        "Digits",
        "handwritten, from scikit-learn",
        image_size=32,
        **_EMBEDDED,
    ),
    "folder": Format(
        "folder",
        "Folder",
        "your own images in one sub-folder per class, also in a .zip or .tar",
        options=(_LABEL_KEY,),
    ),
    "shards": Format(
        "shards",
        "Shards",
        "what `tools.prepare_dataset` writes",
        served=True,
    ),
    "tfds": Format(
        "tfds",
        "open_tfds",
        "TensorFlow Datasets; the name may have a /config",
        needs_path=False,
        takes_name=True,
        has_splits=True,
        options=(_LABEL_KEY, _DOWNLOAD),
    ),
    "improved_gan": Format(
        "labelled_records",
        "ImprovedGan",
        "the release's TFRecords",
        path=_FILES,
        options=(_LABEL_OFFSET,),
    ),
    "tfrecords": Format(
        "labelled_records",
        "EncodedRecords",
        "TFRecords of encoded images, as ImageNet's usual ones",
        path=_FILES,
        has_splits=True,
        options=(_LABEL_OFFSET,),
    ),
    "idx": Format(
        "idx", "Idx", "the four files of MNIST's family", has_splits=True
    ),
    "hdf5": Format("hdf5", "Hdf5", "BigGAN-PyTorch's file", path="file"),
}
_SPLIT = Option("split", "train", "split to read")
# All options of all formats, by name.
OPTIONS = {
    option.name: option
    for option in (_SPLIT, *(o for f in FORMATS.values() for o in f.options))
}


def find(name: str) -> Format | None:
    """Returns the format that a data set is of; `None` if there is none.

    Args:
        name: name of a data set, `FORMAT` or `FORMAT:NAME`.
    """
    key, colon, rest = name.partition(":")
    found = FORMATS.get(key)
    if found is None or bool(colon) != bool(rest):
        return None
    return found if found.takes_name == bool(rest) else None


def by_written_name() -> dict[str, Format]:
    """Returns the formats by how their data sets are called."""
    return {
        f"{key}:NAME" if each.takes_name else key: each
        for key, each in FORMATS.items()
    }


def open_importer(
    name: str,
    *,
    path: str = "",
    num_classes: int | None = None,
    class_order: Sequence[str] | None = None,
    **options: Any,
) -> Importer:
    """Opens images of any format; none is decoded.

    Args:
        name: name of the data set: `FORMAT`, or `FORMAT:NAME`.
        path: where it is; what is in a store is copied to this machine.
        num_classes: `None` for the classes that the data have, their number to
            make sure of it, 0 for an unconditional run.
        class_order: names of the classes in the order that a run began with;
            see `open_dataset`.
        **options: those of `OPTIONS` that are given.

    Raises:
        UserError: if the data cannot be used, hold no image or have other
            classes, or an option has no meaning.
    """
    found = find(name)
    if found is None:
        hint = nearest_name(name, FORMATS)
        raise UserError(
            "`name` of a data set should be one of "
            f"{', '.join(by_written_name())}. Received: {name!r}{hint}"
        )
    if found.needs_path and not path:
        raise UserError(
            f"`path` of data set `{name}` should name a {found.path}. "
            "Received: ''"
        )
    _refuse_unused(name, found, options)
    given = {key: option.default for key, option in OPTIONS.items()}
    given.update(options, path=_here(name, path), num_classes=num_classes)
    given["class_order"] = class_order
    given["dataset"] = name.partition(":")[2]
    module = importlib.import_module(f"{__name__}.{found.module}")
    opener = getattr(module, found.opener)
    takes = inspect.signature(opener).parameters
    importer = opener(**{key: given[key] for key in takes})
    if not importer.count:
        raise UserError(
            f"data set `{name}` should hold an image: {importer.root} has none"
        )
    importer.check_classes(num_classes)
    return importer


def _here(name: str, path: str) -> str:
    """Returns where a data set lies on this machine."""
    is_tree = name.startswith("tfds:") and storage.is_stored(path)
    if is_tree and not (storage.at(path) / "dataset_info.json").exists():
        raise UserError(
            f"`path` of data set `{name}` should, in a store, be the directory "
            "of its version, with dataset_info.json: all of it is copied. "
            f"Received: {path}"
        )
    return local_copy(path)


def _refuse_unused(name: str, found: Format, options: dict[str, Any]) -> None:
    takes = {option.name for option in found.options}
    takes |= {"split"} if found.has_splits else set()
    for key, value in options.items():
        default = OPTIONS[key].default
        if value != default and key not in takes:
            raise UserError(
                f"data set `{name}` has no `{key}` to choose: `{key}` should "
                f"be {default!r}. Received: {value!r}"
            )
