"""Pictures of attention: dots for queries, and a heat map for each of them."""

from __future__ import annotations

import dataclasses
from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sagan_tf.visualization import attention_maps, sheets

# Told apart by people who do not see red and green alike: Okabe and Ito.
COLORS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
    (240, 228, 66),
    (120, 120, 120),
)
_PAPER, _INK, _PALE_INK = (255, 255, 255), (25, 25, 25), (110, 110, 110)
_GAP, _MARGIN, _BORDER = 10, 24, 4
# The picture's own grey, where there is no attention.
_DARK, _LIGHT = 12.0, 84.0
# Colours of attention, from little to the most.
_RAMP = np.array(
    [
        (50, 10, 94),
        (120, 28, 109),
        (203, 65, 73),
        (250, 158, 30),
        (252, 250, 170),
    ]
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One picture, and where some of its queries look.

    Attributes:
        image: `(height, width, 3)`, as `sheets.to_uint8` takes it.
        scores: `(queries, keys)`.
        queries: which queries to show.
        caption: what stands on the left, may have several lines.
    """

    image: np.ndarray
    scores: np.ndarray
    queries: Sequence[int]
    caption: str = ""


def page(
    rows: Sequence[Row],
    title: str,
    notes: Sequence[str] = (),
    side: int = 160,
    across: int = 1,
) -> np.ndarray:
    """Draws a page that explains itself.

    Args:
        rows: the pictures.
        title: the headline.
        notes: lines below it.
        side: pixels of a picture's side on the page.
        across: how many rows stand side by side.

    Returns:
        `(height, width, 3)`, uint8.
    """
    small, large = _font(side // 11), _font(side // 7)
    indent = max(_width(small, row.caption) for row in rows)
    indent += 2 * _GAP if indent else 0
    panels = 1 + max(len(row.queries) for row in rows)
    block = (
        indent + panels * (side + _GAP) + _MARGIN,
        side + int(small.size * 1.6) + _GAP,
    )
    words = max(_width(large, title), *(_width(small, n) for n in notes), 0)
    head = _MARGIN + int(large.size * 1.7 + len(notes) * small.size * 1.5)
    head += 2 * _GAP
    foot = head + -(-len(rows) // across) * block[1] + _GAP
    width = max(across * block[0] + _MARGIN, words + 2 * _MARGIN)
    sheet = Image.new("RGB", (width, foot + small.size + _MARGIN), _PAPER)
    _draw_words(sheet, title, notes, small, large)
    for index, row in enumerate(rows):
        down, right = divmod(index, across)
        corner = (_MARGIN + right * block[0] + indent, head + down * block[1])
        _draw_row(sheet, row, corner, side, small)
    _draw_legend(sheet, (_MARGIN + indent, foot), small)
    return np.asarray(sheet)


def _draw_words(
    sheet: Image.Image,
    title: str,
    notes: Sequence[str],
    small: ImageFont.FreeTypeFont,
    large: ImageFont.FreeTypeFont,
) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), title, _INK, large)
    for index, note in enumerate(notes):
        top = _MARGIN + large.size * 1.7 + index * small.size * 1.5
        draw.text((_MARGIN, top), note, _PALE_INK, small)


def _draw_row(
    sheet: Image.Image,
    row: Row,
    corner: tuple[int, int],
    side: int,
    font: ImageFont.FreeTypeFont,
) -> None:
    left, top = corner
    draw = ImageDraw.Draw(sheet)
    if row.caption:
        middle = (left - 2 * _GAP, top + side / 2)
        draw.text(middle, row.caption, _INK, font, anchor="rm", align="right")
    image = _enlarge(sheets.to_uint8(row.image), side)
    sheet.paste(with_dots(image, row), (left, top))
    distances = attention_maps.mean_distances(row.scores)
    for column, query in enumerate(row.queries, start=1):
        x = left + column * (side + _GAP)
        panel = heat_over(image, row.scores[query])
        color = _color(column - 1)
        panel = _framed(_dot(panel, query, len(row.scores), color), color)
        sheet.paste(panel, (x, top))
        text = f"looks {distances[query]:.2f} away"
        place = (x + side / 2, top + side + 0.2 * font.size)
        draw.text(place, text, _PALE_INK, font, anchor="ma")


def with_dots(image: Image.Image, row: Row) -> Image.Image:
    """Returns the picture with a dot of its colour for each query."""
    for index, query in enumerate(row.queries):
        image = _dot(image, query, len(row.scores), _color(index))
    return image


def heat_over(image: Image.Image, weights: np.ndarray) -> Image.Image:
    """Lays a row of attention over a picture in grey.

    Args:
        image: the picture, of the size wanted.
        weights: `(keys,)`; the largest one is the brightest.

    Returns:
        The picture, of the same size.
    """
    heat = upsample(weights, image.size[0])
    grey = np.asarray(image.convert("L"), np.float32)
    return Image.fromarray(_glow(heat / max(heat.max(), 1e-12), grey))


def _glow(heat: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Colours by heat, in [0, 1], with a dim picture where it is low."""
    dim = (_DARK + (_LIGHT - _DARK) * grey / 255.0)[..., np.newaxis]
    stops = np.linspace(0.0, 1.0, len(_RAMP))
    color = [np.interp(heat, stops, _RAMP[:, i]) for i in range(3)]
    share = np.minimum(1.5 * heat, 0.92)[..., np.newaxis]
    mixed = (1.0 - share) * dim + share * np.stack(color, axis=-1)
    return np.uint8(np.clip(mixed, 0, 255))


def upsample(weights: np.ndarray, side: int) -> np.ndarray:
    """Spreads a row of attention over a picture, smoothly.

    Args:
        weights: `(keys,)` of a square map.
        side: pixels of the picture's side.

    Returns:
        `(side, side)`, not negative.
    """
    keys = attention_maps.map_side(len(weights))
    grid = np.asarray(weights, np.float32).reshape(keys, keys)
    image = Image.fromarray(grid, mode="F")
    return np.maximum(np.asarray(image.resize((side, side), Image.BICUBIC)), 0)


def _enlarge(image: np.ndarray, side: int) -> Image.Image:
    if image.shape[-1] == 1:
        image = np.repeat(image, 3, axis=-1)
    # Sharp pixels of small pictures; smooth ones of large ones.
    small = image.shape[0] < side
    kind = Image.NEAREST if small else Image.LANCZOS
    return Image.fromarray(image).resize((side, side), kind)


def _dot(
    image: Image.Image, query: int, queries: int, color: tuple[int, int, int]
) -> Image.Image:
    """Marks a query; drawn four times as large, for smooth edges."""
    side, fine = image.size[0], 4
    down, right = attention_maps.places(queries)[query]
    radius = max(3.0, side / 26)
    mark = Image.new("RGBA", (side * fine, side * fine))
    draw = ImageDraw.Draw(mark)
    for size, fill in (
        (radius * 1.45, (20, 20, 20)),
        (radius * 1.25, (255, 255, 255)),
        (radius * 0.9, color),
    ):
        x, y, r = right * side * fine, down * side * fine, size * fine
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(*fill, 255))
    mark = mark.resize(image.size, Image.LANCZOS)
    return Image.alpha_composite(image.convert("RGBA"), mark).convert("RGB")


def _framed(image: Image.Image, color: tuple[int, int, int]) -> Image.Image:
    image = image.copy()
    last = image.size[0] - 1
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, last, last), outline=color, width=_BORDER)
    return image


def _draw_legend(
    sheet: Image.Image, corner: tuple[int, int], font: ImageFont.FreeTypeFont
) -> None:
    left, top = corner
    height, length = int(font.size), int(font.size * 12)
    heat = np.tile(np.linspace(0.0, 1.0, length), (height, 1))
    bar = _glow(heat, np.full_like(heat, 128.0))
    draw = ImageDraw.Draw(sheet)
    middle = top + height / 2
    first = "no attention"
    draw.text((left, middle), first, _PALE_INK, font, anchor="lm")
    left += _width(font, first) + _GAP
    sheet.paste(Image.fromarray(bar), (left, top))
    draw.text(
        (left + length + _GAP, middle),
        "the most of this point's",
        _PALE_INK,
        font,
        anchor="lm",
    )


def _color(index: int) -> tuple[int, int, int]:
    return COLORS[index % len(COLORS)]


def _font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=max(11, int(size)))


def _width(font: ImageFont.FreeTypeFont, text: str) -> int:
    lines = text.splitlines() or [""]
    return int(np.ceil(max(font.getlength(line) for line in lines)))
