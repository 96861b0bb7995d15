"""How the playground shows images, and finds what was clicked."""

from __future__ import annotations

import base64
import dataclasses
import html

import numpy as np

from sagan_tf.visualization import attention_figures, attention_maps, sheets
from tools.playground.samples import Samples

# Pixels of an image in a sheet, at least, and of the large one.
_CELL, _LARGE = 64, 448
_GAP = 4
_MARK = "#d55e00"
_LETTER = 0.55
_FONT = 15


@dataclasses.dataclass(frozen=True)
class Point:
    """A point of one image.

    Attributes:
        index: which image.
        right: share of the image's width from its left, in [0, 1).
        down: share of its height from its top, in [0, 1).
    """

    index: int
    right: float = 0.5
    down: float = 0.5


class Sheet:
    """The images side by side, with room for captions on the left.

    Each has at least `cell` pixels of height.
    """

    def __init__(self, drawn: Samples, cell: int = _CELL):
        self._count, height, width = drawn.images.shape[:3]
        self._captions = drawn.captions
        self._columns = drawn.columns
        factor = sheets.enlargement(height, cell)
        self._height, self._width = height * factor, width * factor
        longest = max(map(len, drawn.captions), default=0)
        self._margin = int(longest * _FONT * _LETTER + 8) if longest else 0
        self._images, self._cell = drawn.images, cell

    def image(self) -> np.ndarray:
        """Returns the sheet: `(height, width, 3 or 4)`, uint8."""
        grid = sheets.image_grid(
            self._images, self._columns, _GAP, enlarge_to=self._cell
        )
        margin = ((0, 0), (self._margin, 0), (0, 0))
        return np.pad(grid, margin, constant_values=255)

    def point_at(self, x: float, y: float) -> Point | None:
        """Returns the point of an image at a place of the sheet, in pixels.

        None if there is no image.
        """
        column, right = divmod(x - self._margin - _GAP, self._width + _GAP)
        row, down = divmod(y - _GAP, self._height + _GAP)
        inside = 0 <= column < self._columns and 0 <= row
        inside = inside and right < self._width and down < self._height
        index = int(row * self._columns + column)
        if not inside or index >= self._count:
            return None
        return Point(index, right / self._width, down / self._height)

    def marks(self, point: Point | None) -> str:
        """Returns SVG with the captions, and a frame where the point is."""
        marks = [
            f'<text x="0" y="{self._corner(row * self._columns)[1]}" '
            f'dy="{self._height / 2 + _FONT / 3:.0f}" font-size="{_FONT}" '
            f'fill="#333">{html.escape(caption)}</text>'
            for row, caption in enumerate(self._captions)
        ]
        if point is not None:
            left, top = self._corner(point.index)
            x = left + point.right * self._width
            y = top + point.down * self._height
            marks.append(
                f'<rect x="{left - 2}" y="{top - 2}" '
                f'width="{self._width + 4}" height="{self._height + 4}" '
                f'fill="none" stroke="{_MARK}" stroke-width="4"/>'
                + _circle(x, y, 4, _MARK)
            )
        return "".join(marks)

    def _corner(self, index: int) -> tuple[int, int]:
        row, column = divmod(index, self._columns)
        left = _GAP + column * (self._width + _GAP)
        return self._margin + left, _GAP + row * (self._height + _GAP)


def alone(image: np.ndarray, cell: int) -> np.ndarray:
    """Returns an image as large as one of a sheet with such cells.

    Args:
        image: `(height, width, channels)`, floats in [-1, 1].
        cell: pixels of its side, at least.
    """
    return sheets.image_grid(image[np.newaxis], 1, _GAP, enlarge_to=cell)


def telling_point(
    image: np.ndarray, scores: np.ndarray | None, index: int
) -> Point:
    """Returns the point of an image that it is worth to start with."""
    if scores is None:
        return Point(index)
    form = image.shape[:2]
    query = attention_maps.telling_queries(scores, 1, form)[0]
    down, right = attention_maps.places(len(scores), form)[query]
    return Point(index, float(right), float(down))


def overlay(
    image: np.ndarray, scores: np.ndarray | None, point: Point
) -> np.ndarray:
    """Lays over an image what a point of it attends to.

    Args:
        image: `(height, width, channels)`, uint8.
        scores: `(queries, keys)`; None gives the image as it is.
        point: the point.

    Returns:
        `(height, width, 3)`, uint8.
    """
    large = attention_figures.enlarge(image, _LARGE)
    if scores is None:
        return large
    query = _query(image, scores, point)
    return attention_figures.heat_over(large, scores[query])


def dot(image: np.ndarray, scores: np.ndarray | None, point: Point) -> str:
    """Returns SVG that marks the query under a point of the large image."""
    if scores is None:
        return ""
    places = attention_maps.places(len(scores), image.shape[:2])
    size = attention_figures.enlarged_size(image, _LARGE)
    down, right = size * places[_query(image, scores, point)]
    return _circle(right, down, 15, attention_figures.COLORS[0])


def _circle(x: float, y: float, radius: int, color: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}" '
        f'stroke="white" stroke-width="{2 + radius // 5}"/>'
    )


def describe(image: np.ndarray, scores: np.ndarray, point: Point) -> str:
    """Returns in words how far and how evenly a point looks."""
    query, form = _query(image, scores, point), image.shape[:2]
    away = attention_maps.mean_distances(scores, form)[query]
    even = attention_maps.uniform_distance(*scores.shape, form)
    spread = attention_maps.spreads(scores[query])
    return (
        f"Looks {away:.2f} sides away on average ({even:.2f} if it looked "
        f"everywhere alike); spread {spread:.2f} of 1."
    )


def as_url(image: np.ndarray) -> str:
    """Returns an image as a URL that holds it."""
    data = base64.b64encode(sheets.png_bytes(image)).decode()
    return f"data:image/png;base64,{data}"


def _query(image: np.ndarray, scores: np.ndarray, point: Point) -> int:
    return attention_maps.query_at(
        point.down, point.right, len(scores), image.shape[:2]
    )


def point_in_large(
    image: np.ndarray, index: int, x: float, y: float
) -> Point | None:
    """Returns the point at a place of the large image, if it is inside."""
    height, width = attention_figures.enlarged_size(image, _LARGE)
    right, down = x / width, y / height
    if not (0.0 <= right < 1.0 and 0.0 <= down < 1.0):
        return None
    return Point(index, right, down)
