"""What a run is about to learn from, said and drawn before it starts."""

from __future__ import annotations

import numpy as np

from sagan_tf.data import ImageDataset
from sagan_tf.data.findings import Findings, inspect
from sagan_tf.data.importer import spread
from sagan_tf.visualization import sheets

_ROWS, _COLUMNS = 10, 8
# Smaller images are enlarged, so that they can be seen.
_SMALLEST = 64


def look(dataset: ImageDataset) -> tuple[Findings, str]:
    """Looks at the real images.

    Returns:
        What was found, and the same in several lines.

    Raises:
        UserError: if nothing could be learned from them.
    """
    findings = inspect(dataset)
    return findings, "\n".join(findings.lines(dataset.class_names))


def sheet(dataset: ImageDataset, findings: Findings) -> np.ndarray:
    """Returns real images under their labels."""
    rows, captions = [], []
    for label in _some_classes(findings):
        rows.append(_row(dataset, findings, label))
        if dataset.class_names:
            captions.append(f"{label} {dataset.class_names[label]}")
        else:
            captions.append("real")
    return sheets.image_grid(
        np.concatenate(rows),
        _COLUMNS,
        row_labels=captions,
        enlarge_to=_SMALLEST,
    )


def _some_classes(findings: Findings) -> np.ndarray:
    present = np.flatnonzero(findings.class_counts)
    return present[spread(len(present), _ROWS)]


def _row(dataset: ImageDataset, findings: Findings, label: int) -> np.ndarray:
    """Returns images of a class; white where there are too few."""
    if findings.all_labels:
        indices = np.flatnonzero(dataset.labels == label)[:_COLUMNS]
        images, _ = dataset.images(indices)
    else:
        images = findings.images[findings.labels == label][:_COLUMNS]
    row = np.full((_COLUMNS, *images.shape[1:]), 255, np.uint8)
    row[: len(images)] = images
    return row
