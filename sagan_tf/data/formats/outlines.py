"""Ten kinds of shapes as signed distances.

Each function takes the coordinates `x` (to the right) and `y` (downwards) of
points in units of the radius of the shape, whose centre is at 0, and returns
their distance to its outline in the same units: negative inside. All of a
shape lies in -1 <= x, y <= 1. Where two edges meet the distance is to the
longer line of the two, which keeps corners sharp.
"""

from __future__ import annotations

import math
from typing import Callable, Sequence

import numpy as np

Shape = Callable[[np.ndarray, np.ndarray], np.ndarray]


def disc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to a full circle."""
    return np.sqrt(x * x + y * y) - 0.95


def ring(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to a circle with a wide hole."""
    return np.abs(np.sqrt(x * x + y * y) - 0.76) - 0.22


def diamond(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to a square that stands on a corner."""
    return (np.abs(x) + np.abs(y) - 1.0) * math.sqrt(0.5)


def triangle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to a triangle that points upwards."""
    return _convex(x, y, [(0.0, -1.0), (1.0, 0.8), (-1.0, 0.8)])


def plus(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to an upright cross."""
    return np.minimum(_box(x, y, 0.97, 0.29), _box(x, y, 0.29, 0.97))


def saltire(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to a diagonal cross."""
    along, across = (x + y) * math.sqrt(0.5), (x - y) * math.sqrt(0.5)
    upright = _box(along, across, 1.1, 0.27)
    return np.minimum(upright, _box(along, across, 0.27, 1.1))


def star(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to a star of five points, one of them upwards."""
    y = y - 0.06
    fifth = 2 * math.pi / 5
    angle = np.arctan2(x, -y)
    # All ten edges are one edge, once the angle is folded to the nearest point.
    angle = np.abs(angle - fifth * np.rint(angle / fifth))
    length = np.sqrt(x * x + y * y)
    point = (1.05, 0.0)
    notch = (0.46 * math.cos(fifth / 2), 0.46 * math.sin(fifth / 2))
    return _half_plane(
        length * np.cos(angle), length * np.sin(angle), point, notch
    )


def heart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to a heart."""
    x = np.abs(x)
    centre_x, centre_y, radius, tip = 0.49, -0.36, 0.51, 0.95
    lobe = np.sqrt((x - centre_x) ** 2 + (y - centre_y) ** 2) - radius
    # The flank leaves the tip and touches the lobe.
    rise = math.hypot(centre_x, tip - centre_y)
    lean = math.atan2(centre_x, tip - centre_y) + math.asin(radius / rise)
    flank = x * math.cos(lean) + (y - tip) * math.sin(lean)
    across = (x - centre_x) * math.sin(lean) - (y - centre_y) * math.cos(lean)
    body = np.maximum(flank, np.maximum(across, centre_y - y))
    return np.minimum(lobe, body)


def moon(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to a crescent, open to the right."""
    x = x - 0.16
    outer = np.sqrt(x * x + y * y) - 0.98
    inner = np.sqrt((x - 0.5) ** 2 + y * y) - 0.74
    return np.maximum(outer, -inner)


def hourglass(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns the distance to two triangles, tip on tip."""
    half = [(-0.92, -0.95), (0.92, -0.95), (0.0, 0.16)]
    return _convex(x, -np.abs(y), half)


SHAPES: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (
        disc,
        ring,
        diamond,
        triangle,
        plus,
        saltire,
        star,
        heart,
        moon,
        hourglass,
    )
}


def _box(
    x: np.ndarray, y: np.ndarray, half_width: float, half_height: float
) -> np.ndarray:
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def _convex(
    x: np.ndarray, y: np.ndarray, corners: Sequence[tuple[float, float]]
) -> np.ndarray:
    """Returns the distance to a convex polygon, corners clockwise as seen."""
    following = [*corners[1:], corners[0]]
    distance = _half_plane(x, y, corners[0], following[0])
    for start, end in zip(corners[1:], following[1:]):
        distance = np.maximum(distance, _half_plane(x, y, start, end))
    return distance


def _half_plane(
    x: np.ndarray,
    y: np.ndarray,
    start: tuple[float, float],
    end: tuple[float, float],
) -> np.ndarray:
    """Returns the distance to the line, negative on the right of its way."""
    right, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(right, down)
    return ((x - start[0]) * down - (y - start[1]) * right) / length
