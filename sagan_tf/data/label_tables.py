"""Labels that stand in a file beside the images.

StyleGAN's `dataset.json`, and `metadata.csv` or `metadata.jsonl` of Hugging
Face's image folders.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Callable, Iterable

from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.trees import Tree
from sagan_tf.errors import UserError

# Column of the names of files in Hugging Face's tables, and the usual label.
_FILE, _LABEL = "file_name", "label"


def read_table(tree: Tree, label_key: str) -> tuple[str, dict[str, str]] | None:
    """Returns a table's name, and labels by names of files; None without one.

    Args:
        tree: the files.
        label_key: column of the labels; empty for `label`, if there is one.

    Raises:
        UserError: if the table is broken, has no such column, or a label that
            is neither a name nor a whole number.
    """
    name = next((name for name in _READERS if name in tree.names), None)
    if name is None:
        if label_key:
            raise UserError(
                f"`label_key` should be empty: {tree.root} has none of "
                f"{', '.join(_READERS)}. Received: {label_key!r}"
            )
        return None
    where = tree.where(name)
    try:
        text = tree.read(name).decode("utf-8-sig")
        labels = _READERS[name](text, label_key)
    # JSON and CSV of another kind raise errors of several kinds.
    except (
        AttributeError,
        KeyError,
        TypeError,
        UnreadableError,
        ValueError,
        csv.Error,
    ) as error:
        if isinstance(error, UserError):
            raise UserError(f"{where}: {error}") from error
        raise UserError(
            f"{where} cannot be used as a table of labels: {error}"
        ) from error
    if labels is None:
        return None
    return name, {f: _checked(where, f, label) for f, label in labels.items()}


def _stylegan(text: str, label_key: str) -> dict[str, Any] | None:
    """Reads `{"labels": [["00000/img00000000.png", 6], ...]}`, or null."""
    labels = json.loads(text)["labels"]
    if label_key or not labels:
        return None
    return {
        file.replace("\\", "/"): label for file, label in dict(labels).items()
    }


def _csv(text: str, label_key: str) -> dict[str, Any] | None:
    return _hugging_face(csv.DictReader(io.StringIO(text)), label_key)


def _jsonl(text: str, label_key: str) -> dict[str, Any] | None:
    lines = (line for line in text.splitlines() if line.strip())
    return _hugging_face(map(json.loads, lines), label_key)


def _hugging_face(
    rows: Iterable[dict[str, Any]], label_key: str
) -> dict[str, Any] | None:
    rows = list(rows)
    key = label_key or _LABEL
    if not any(key in row for row in rows):
        if not label_key:
            return None
        known = ", ".join(name for name in (*rows, {})[0] if name != _FILE)
        raise UserError(
            f"`label_key` should be one of its columns ({known}). Received: "
            f"{label_key!r}"
        )
    return {row[_FILE]: row[key] for row in rows}


def _checked(where: str, file: str, label: Any) -> str:
    if not isinstance(label, (str, int)) or label == "":
        raise UserError(
            f"{where}: the label of {file} should be a name or a whole number. "
            f"Received: {label!r}"
        )
    return str(label)


_Reader = Callable[[str, str], "dict[str, Any] | None"]
# By the name of the table, in the order to look.
_READERS: dict[str, _Reader] = {
    "dataset.json": _stylegan,
    "metadata.jsonl": _jsonl,
    "metadata.csv": _csv,
}
