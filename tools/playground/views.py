"""How the playground shows pictures, and finds what was clicked."""

from __future__ import annotations

import base64
import dataclasses
import html

import numpy as np
from PIL import Image

from sagan_tf.visualization import attention_figures, attention_maps, sheets
from tools.playground.model import Drawn

# Pixels of a picture in a sheet, at least, and of the large one.
_CELL, _LARGE = 64, 448
_GAP = 4
_LETTER = 0.55
_FONT = 15


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of one picture.

    Attributes:
        index: which picture.
        right: sides of the picture from its left, in [0, 1).
        down: sides of the picture from its top, in [0, 1).
    """

    index: int
    right: float = 0.5
    down: float = 0.5


class Sheet:
    """The pictures side by side, with room for captions on the left.

    Args:
        drawn: the pictures.
    """

    def __init__(self, drawn: Drawn):
        self._count, size = drawn.images.shape[:2]
        self._captions = drawn.captions
        self._columns = drawn.columns
        self._scale = max(1, _CELL // size)
        self._cell = size * self._scale
        longest = max(map(len, drawn.captions), default=0)
        self._margin = int(longest * _FONT * _LETTER + 8) if longest else 0
        self._images = drawn.images

    def picture(self) -> np.ndarray:
        """Returns the sheet: `(height, width, 3)`, uint8."""
        grid = sheets.image_grid(
            sheets.upscale(self._images, self._scale), self._columns, _GAP
        )
        margin = ((0, 0), (self._margin, 0), (0, 0))
        return np.pad(grid, margin, constant_values=255)

    def point_at(self, x: float, y: float) -> Point | None:
        """Returns the point of a picture at a place of the sheet, in pixels.

        None if there is no picture.
        """
        step = self._cell + _GAP
        column, right = divmod(x - self._margin - _GAP, step)
        row, down = divmod(y - _GAP, step)
        inside = 0 <= column < self._columns and 0 <= row
        inside = inside and right < self._cell and down < self._cell
        index = int(row * self._columns + column)
        if not inside or index >= self._count:
            return None
        return Point(index, right / self._cell, down / self._cell)

    def marks(self, point: Point | None) -> str:
        """Returns SVG with the captions, and a frame where the point is."""
        parts = [
            f'<text x="0" y="{self._corner(row * self._columns)[1]}" '
            f'dy="{self._cell / 2 + _FONT / 3:.0f}" font-size="{_FONT}" '
            f'fill="#333">{html.escape(caption)}</text>'
            for row, caption in enumerate(self._captions)
        ]
        if point is not None:
            left, top = self._corner(point.index)
            x = left + point.right * self._cell
            y = top + point.down * self._cell
            parts.append(
                f'<rect x="{left - 2}" y="{top - 2}" '
                f'width="{self._cell + 4}" height="{self._cell + 4}" '
                'fill="none" stroke="#d55e00" stroke-width="4"/>'
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#d55e00" '
                'stroke="white" stroke-width="2"/>'
            )
        return "".join(parts)

    def _corner(self, index: int) -> tuple[int, int]:
        row, column = divmod(index, self._columns)
        step = self._cell + _GAP
        return self._margin + _GAP + column * step, _GAP + row * step


def most_telling(scores: np.ndarray | None, index: int) -> Point:
    """Returns the point of a picture that it is worth to start with."""
    if scores is None:
        return Point(index)
    query = attention_maps.telling_queries(scores, 1)[0]
    down, right = attention_maps.places(len(scores))[query]
    return Point(index, float(right), float(down))


def overlay(
    image: np.ndarray, scores: np.ndarray | None, point: Point
) -> np.ndarray:
    """Lays over a picture what a point of it attends to, and marks the point.

    Args:
        image: `(height, width, 3)`, uint8.
        scores: `(queries, keys)`; None gives the picture as it is.
        point: the point.

    Returns:
        `(side, side, 3)`, uint8.
    """
    # Sharp pixels of small pictures; smooth ones of large ones.
    kind = Image.NEAREST if image.shape[0] <= 64 else Image.BICUBIC
    large = Image.fromarray(image).resize((_LARGE, _LARGE), kind)
    if scores is None:
        return np.asarray(large)
    query = _query(scores, point)
    heat = attention_figures.heat_over(large, scores[query])
    row = attention_figures.Row(image, scores, [query])
    return np.asarray(attention_figures.with_dots(heat, row))


def describe(scores: np.ndarray, point: Point) -> str:
    """Says how far and how evenly a point looks."""
    query = _query(scores, point)
    away = attention_maps.mean_distances(scores)[query]
    even = attention_maps.uniform_distance(*scores.shape)
    spread = attention_maps.spreads(scores[query])
    return (
        f"Looks {away:.2f} sides away on average ({even:.2f} if it looked "
        f"everywhere alike); spread {spread:.2f} of 1."
    )


def as_url(image: np.ndarray) -> str:
    """Returns a picture as a URL that holds it."""
    data = base64.b64encode(sheets.png_bytes(image)).decode()
    return f"data:image/png;base64,{data}"


def _query(scores: np.ndarray, point: Point) -> int:
    return attention_maps.query_at(point.down, point.right, len(scores))


def point_in_large(index: int, x: float, y: float) -> Point | None:
    """Returns the point at a place of the large picture, if it is inside."""
    right, down = x / _LARGE, y / _LARGE
    if not (0.0 <= right < 1.0 and 0.0 <= down < 1.0):
        return None
    return Point(index, right, down)
