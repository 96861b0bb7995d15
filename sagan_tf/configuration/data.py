"""Refuses fields of the data that contradict each other."""

from typing import Any, Dict

from sagan_tf.configuration.rules import field_error as _error

# Data sets that are in no files.
EMBEDDED = ("twins", "digits")
# Fields of the data that some of the data sets have a use for.
_OF_FILES = {
    "path": "",
    "evaluation_path": "",
    "on_unreadable": "refuse",
    "on_small": "refuse",
    "crop": 0,
    "resize": "lanczos",
    "cache": "",
}
_OF_ONE_SHAPE = {
    "label_key": ("tfds", ""),
    "download": ("tfds", False),
    "label_offset": ("improved_gan", 0),
    "service": ("shards", ""),
}


def _check_data_fields(fields: Dict[str, Any]) -> None:
    name = fields["dataset.name"]
    shape = name.partition(":")[0]
    expected = f'left at its default with the data set "{name}"'
    for field, default in _OF_FILES.items():
        value = fields[f"dataset.{field}"]
        if shape in EMBEDDED and value != default:
            raise _error(f"dataset.{field}", expected, value)
    for field, (only, default) in _OF_ONE_SHAPE.items():
        value = fields[f"dataset.{field}"]
        if shape != only and value != default:
            raise _error(f"dataset.{field}", expected, value)
    if shape not in (*EMBEDDED, "tfds"):
        for field, default in (("split", "train"), ("evaluation_split", "")):
            value = fields[f"dataset.{field}"]
            if value != default:
                raise _error(f"dataset.{field}", expected, value)
        if not fields["dataset.path"]:
            what = "the file" if shape == "hdf5" else "the directory"
            raise _error("dataset.path", f"{what} of pictures", "")


def _check_evaluation_data(fields: Dict[str, Any]) -> None:
    # By its name it is known whether a split is the one that is trained on.
    split = fields["dataset.split"]
    value = fields["dataset.evaluation_split"]
    if fields["dataset.evaluation_path"] and split == (value or "evaluation"):
        expected = f'another than dataset.split ("{split}")'
        hint = "; with dataset.evaluation_path write train[:100%] for train"
        raise _error("dataset.evaluation_split", expected, value, hint)


def _check_embedded_data(fields: Dict[str, Any]) -> None:
    name = fields["dataset.name"]
    classes, size = fields["dataset.num_classes"], fields["dataset.image_size"]
    if name in EMBEDDED and classes not in (0, 10):
        expected = f'10 or 0 with the data set "{name}"'
        raise _error("dataset.num_classes", expected, classes)
    if name == "digits" and size != 32:
        expected = '32 with the data set "digits"'
        raise _error("dataset.image_size", expected, size)


CHECKS = (_check_data_fields, _check_evaluation_data, _check_embedded_data)
