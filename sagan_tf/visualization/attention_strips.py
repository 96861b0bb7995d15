"""Attention in strips, quickly drawn: what a run records as it goes."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw

from sagan_tf.visualization import attention_figures, attention_maps, sheets
from sagan_tf.visualization.attention_capture import CapturedAttention

# Pixels of an image's longer side.
_SIDE = 96
# Points down and right: the same ones can be followed over a run.
POINTS = ((0.3, 0.3), (0.3, 0.7), (0.7, 0.3), (0.7, 0.7))


def sheet(
    seen: CapturedAttention, names: Sequence[str], title: str
) -> np.ndarray:
    """Draws a row for each image and map: the image, and where points look.

    Args:
        seen: the images and their attention.
        names: of the classes; none without classes.
        title: a line above.

    Returns:
        `(height, width, 3)`, uint8.
    """
    strips, captions = [], []
    for index, image in enumerate(sheets.to_uint8(seen.images)):
        image = attention_figures.enlarge(image, _SIDE)
        name = names[seen.labels[index]] if names else ""
        for size, scores in seen.scores.items():
            strips += strip(image, scores[index])
            several = len(seen.scores) > 1 or not name
            captions.append(f"{name} {size}".strip() if several else name)
    return sheets.image_grid(
        np.stack(strips), 1 + len(POINTS), row_labels=captions, title=title
    )


def strip(image: np.ndarray, scores: np.ndarray) -> list[np.ndarray]:
    """Returns an image with a dot for each point, and a heat map of each.

    Args:
        image: `(height, width, 3)`, uint8.
        scores: `(queries, keys)`.
    """
    form = height, width = image.shape[:2]
    panels = [image]
    for point in POINTS:
        query = attention_maps.query_at(*point, len(scores), form)
        panels.append(attention_figures.heat_over(image, scores[query]))
    marks = zip(POINTS, attention_figures.COLORS)
    for index, ((down, right), color) in enumerate(marks, 1):
        for panel in (0, index):
            panels[panel] = _mark(
                panels[panel], down * height, right * width, color
            )
    return panels


def _mark(
    image: np.ndarray, down: float, right: float, color: str
) -> np.ndarray:
    drawn = Image.fromarray(image)
    size = max(2.0, min(image.shape[:2]) / 24)
    box = (right - size, down - size, right + size, down + size)
    ImageDraw.Draw(drawn).ellipse(box, color, "white")
    return np.asarray(drawn)
