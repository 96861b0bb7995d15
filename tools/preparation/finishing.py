"""The end of a preparation: index, sheet to look at, summary."""

from __future__ import annotations

import glob
import io
import json
import os
import shutil
from typing import Any

import numpy as np

from sagan_tf.data.shards import FORMAT, INDEX, ROWS, ShardsReader, sha256
from sagan_tf.errors import UserError
from sagan_tf.visualization import sheets
from tools.preparation.plan import Plan, write_aside
from tools.preparation.writing import read_entry, read_rows

SHEET = "sheet.png"
_SHEET_ROWS, _SHEET_COLUMNS = 10, 8
_SHEET_PIXELS = 64


def write_index(output: str, progress: str, plan: Plan) -> None:
    """Join what is known of the shards; the directory can then be read.

    Args:
        output: directory of the shards.
        progress: directory of their entries, which is removed.
        plan: what was done.

    Raises:
        UserError: if no picture could be used.
    """
    entries = [read_entry(progress, n) for n in range(plan.num_shards)]
    rows = np.concatenate(
        [read_rows(progress, n) for n in range(plan.num_shards)]
    )
    if not len(rows):
        raise UserError(f"no picture could be used: {entries[0]['skipped'][0]}")
    file = io.BytesIO()
    np.save(file, rows)
    write_aside(os.path.join(output, ROWS), file.getvalue())
    index = {
        "format": FORMAT,
        "settings": plan.settings(),
        "num_examples": len(rows),
        "class_names": list(plan.class_names),
        "class_counts": _class_counts(rows, plan).tolist(),
        "skipped": [reason for each in entries for reason in each["skipped"]],
        "rows_sha256": sha256(os.path.join(output, ROWS)),
        "shards": [
            {
                "file": plan.file(number),
                **{
                    key: entry[key]
                    for key in ("num_examples", "num_bytes", "sha256")
                },
            }
            for number, entry in enumerate(entries)
        ],
    }
    data = json.dumps(index, indent=1).encode()
    write_aside(os.path.join(output, INDEX), data)
    clean(output, progress)


def clean(output: str, progress: str) -> None:
    """Remove what a kill may have left beside finished shards."""
    shutil.rmtree(progress, ignore_errors=True)
    remove_leftovers(output)


def remove_leftovers(output: str) -> None:
    """Remove files that were not finished."""
    for path in glob.glob(os.path.join(glob.escape(output), "*.tmp")):
        try:
            os.remove(path)
        except FileNotFoundError:
            pass


def _class_counts(rows: np.ndarray, plan: Plan) -> np.ndarray:
    return np.bincount(rows["label"], minlength=len(plan.class_names))


def read_index(output: str) -> dict[str, Any] | None:
    """Return the index of finished shards; `None` if there is none.

    Raises:
        UserError: if there is something else under its name.
    """
    path = os.path.join(output, INDEX)
    if not os.path.isfile(path):
        return None
    try:
        with open(path, encoding="utf-8") as file:
            index = json.load(file)
    except ValueError:
        index = None
    is_ours = isinstance(index, dict) and index.get("format") == FORMAT
    if not is_ours or not isinstance(index.get("settings"), dict):
        raise UserError(
            "--output should be empty or hold this preparation. Received: "
            f"{output}, whose {INDEX} is not of the format {FORMAT!r}"
        )
    return index


def write_sheet(output: str) -> str:
    """Draw some pictures of some classes, to be looked at.

    Returns:
        The file.
    """
    reader = ShardsReader(path=output)
    labels = reader.labels
    classes = np.unique(labels)
    some = np.unique(np.linspace(0, len(classes) - 1, _SHEET_ROWS).astype(int))
    pictures, names = [], []
    for label in classes[some]:
        found = np.flatnonzero(labels == label)[:_SHEET_COLUMNS]
        row = [np.asarray(reader.read(int(index)).image) for index in found]
        blank = np.full_like(row[0], 255)
        pictures += row + [blank] * (_SHEET_COLUMNS - len(row))
        name = reader.class_names[label] if reader.class_names else ""
        names.append(f"{label} {name}" if name else "pictures")
    path = os.path.join(output, SHEET)
    grid = sheets.image_grid(
        np.stack(pictures),
        _SHEET_COLUMNS,
        row_labels=names,
        enlarge_to=_SHEET_PIXELS,
    )
    sheets.write_png(path, grid)
    return path


def summary(output: str) -> str:
    """Return what the shards hold, in some lines."""
    index = read_index(output)
    counts = np.array(index["class_counts"])
    sizes = [shard["num_bytes"] for shard in index["shards"]]
    framing = index["settings"]["framing"]
    lines = [
        f"{index['num_examples']:,} pictures of {framing['image_size']}x"
        f"{framing['image_size']} pixels in {len(sizes)} shards of "
        f"{min(sizes) / 2**20:.1f} to {max(sizes) / 2**20:.1f} MiB, "
        f"{sum(sizes) / 2**20:.1f} MiB together",
        f"cut: {_cut(framing)}",
        f"from: {index['settings']['source']}",
    ]
    names = index["class_names"]
    if names:
        low, high = int(counts.argmin()), int(counts.argmax())
        lines.append(
            f"{len(names)} classes: {counts.min():,} pictures ({names[low]}) "
            f"to {counts.max():,} ({names[high]}) in each"
        )
        if len(names) <= 20:
            lines += [f"  {c:>9,}  {n}" for c, n in zip(counts, names)]
    else:
        lines.append("no classes")
    if index["skipped"]:
        lines.append(f"skipped {len(index['skipped'])}: {index['skipped'][0]}")
    return "\n".join(lines)


def _cut(framing: dict[str, Any]) -> str:
    side = framing["crop"] or "largest"
    square = (
        f"the middle {side} square"
        if framing["crop"]
        else ("the largest square in the middle")
    )
    return f"{square}, resized by Pillow's antialiasing {framing['resize']}"
