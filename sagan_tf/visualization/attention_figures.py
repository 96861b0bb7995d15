"""Pages of attention: dots for queries, and a heat map for each of them."""

from __future__ import annotations

import dataclasses
import io
import itertools
import warnings
from typing import Any, Sequence

import numpy as np
from PIL import Image

from sagan_tf.data.channels import to_channels
from sagan_tf.image_sizes import ImageSize, sides
from sagan_tf.visualization import attention_maps, sheets

# Told apart by people who do not see red and green alike: Okabe and Ito.
COLORS = (
    *("#e69f00", "#56b4e9", "#009e73", "#d55e00"),
    *("#cc79a7", "#0072b2", "#f0e442", "#787878"),
)
# Of attention, from little to the most.
_RAMP = ("#320a5e", "#781c6d", "#cb4149", "#fa9e1e", "#fcfaaa")
_INK, _PALE_INK = "#191919", "#6e6e6e"
_GAP, _MARGIN, _FRAME = 10, 24, 4
# The image's own grey, where there is no attention.
_DARK, _LIGHT = 12.0, 84.0
# Images up to this size keep sharp pixels when they are enlarged.
_LARGEST_SHARP = 64
# At this resolution a point is a pixel.
_DPI = 72


@dataclasses.dataclass(frozen=True)
class Row:
    """One image, and where some of its queries look.

    Attributes:
        image: `(height, width, channels)`, as `sheets.to_uint8` takes it.
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
        rows: the images.
        title: the headline.
        notes: lines below it.
        side: pixels of an image's longer side on the page.
        across: how many rows stand side by side.

    Returns:
        `(height, width, 3)`, uint8.
    """
    from matplotlib.figure import Figure

    small, large = max(11, side // 11), max(14, side // 7)
    captions = [line for row in rows for line in row.caption.splitlines()]
    sheets.say_what_lacks("".join(captions))
    indent = max(1, int(0.65 * small * max(map(len, captions), default=0)))
    panels = 1 + max(len(row.queries) for row in rows)
    tall, wide = enlarged_size(rows[0].image, side)
    widths = [indent, *[wide] * panels] * across
    below, down = 2 * small + _GAP, -(-len(rows) // across)
    width = sum(widths) + _GAP * (len(widths) - 1)
    height = down * (tall + below) - below
    figure = Figure((width / _DPI, height / _DPI), dpi=_DPI)
    grid = {
        "left": 0,
        "bottom": 0,
        "right": 1,
        "top": 1,
        "width_ratios": widths,
    }
    # Spaces count in means of the axes that they are between.
    grid.update(wspace=_GAP * len(widths) / sum(widths), hspace=below / tall)
    axes = figure.subplots(down, len(widths), squeeze=False, gridspec_kw=grid)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, row in enumerate(rows):
        line, block = divmod(index, across)
        _draw_row(axes[line, block * (1 + panels) :], row, side, small)
    # Words may go beyond the axes: `_pixels` makes room.
    pale = {"color": _PALE_INK, "size": small}
    top = 1.0 + 2 * _GAP / height
    figure.text(0, top, "\n".join(notes), linespacing=1.5, **pale)
    top += (1.7 * len(notes) * small + _GAP) / height
    figure.text(0, top, title, color=_INK, size=large)
    unit = small / width
    top = -1.5 * below / height
    bar = figure.add_axes((8 * unit, top, 12 * unit, small / height))
    _draw_legend(bar, {"va": "center", **pale})
    return _pixels(figure)


def _draw_row(axes: Sequence[Any], row: Row, side: int, size: int) -> None:
    caption, first, *others = axes
    # The name of a class may hold any sign.
    place = {"ha": "right", "va": "center", "parse_math": False}
    caption.text(1, 0.5, row.caption, color=_INK, size=size, **place)
    image = enlarge(sheets.to_uint8(row.image), side)
    _show(first, image)
    form = image.shape[:2]
    distances = attention_maps.mean_distances(row.scores, form)
    strengths = attention_maps.strengths(row.scores)
    for axis, query, color in zip(others, row.queries, itertools.cycle(COLORS)):
        _show(axis, heat_over(image, row.scores[query]))
        axis.set_axis_on()
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(color=color, linewidth=_FRAME)
        even = "" if strengths[query] == 1.0 else ", uniform"
        text = f"{distances[query]:.2f} away{even}"
        axis.set_xlabel(text, color=_PALE_INK, size=size)
        place = attention_maps.places(len(row.scores), form)[query]
        for panel in (first, axis):
            _mark(panel, place, color, max(6.0, side / 13))


def _show(axis: Any, image: np.ndarray) -> None:
    axis.imshow(
        image, extent=(0, 1, 1, 0), interpolation="nearest", aspect="auto"
    )
    axis.autoscale(False)


def _mark(axis: Any, place: np.ndarray, color: str, size: float) -> None:
    down, right = place
    for factor, fill in ((1.45, "#141414"), (1.25, "white"), (0.9, color)):
        style = {"color": fill, "markersize": factor * size, "mew": 0}
        axis.plot(right, down, "o", clip_on=False, **style)


def _draw_legend(axis: Any, style: dict[str, Any]) -> None:
    share = np.linspace(0.0, 1.0, 256)[np.newaxis]
    bar = _colors(share, np.full_like(share, 128.0))
    axis.imshow(bar, aspect="auto", extent=(0, 1, 0, 1))
    axis.set_axis_off()
    axis.text(-0.05, 0.4, "no attention", ha="right", **style)
    axis.text(1.05, 0.4, "the most of this point's", ha="left", **style)


def _pixels(figure: Any) -> np.ndarray:
    file = io.BytesIO()
    margin = _MARGIN / _DPI
    # What stands beyond the axes has room then, however long it is.
    options = {"bbox_inches": "tight", "pad_inches": margin}
    with warnings.catch_warnings():
        # `sheets` says which characters have no glyph.
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(file, format="png", **options)
    return np.asarray(Image.open(file).convert("RGB"))


def enlarged_size(image: np.ndarray, side: int) -> tuple[int, int]:
    """Returns height and width of an image whose longer side is that long."""
    height, width = image.shape[:2]
    longer = max(height, width)
    return round(side * height / longer), round(side * width / longer)


def enlarge(image: np.ndarray, side: int) -> np.ndarray:
    """Brings an image to the size of a page, in RGB.

    Args:
        image: `(height, width, channels)`, uint8, with 1, 3 or 4 channels;
            what is transparent is laid on white.
        side: pixels of the longer side.

    Returns:
        `(height, width, 3)`, uint8.
    """
    height, width = enlarged_size(image, side)
    sharp = max(image.shape[:2]) <= min(_LARGEST_SHARP, side)
    kind = Image.Resampling.NEAREST if sharp else Image.Resampling.LANCZOS
    image = to_channels(sheets.to_image(image))
    return np.asarray(image.resize((width, height), kind))


def heat_over(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Lays a row of attention over an image in grey.

    Args:
        image: `(height, width, 3)`, uint8.
        weights: `(keys,)`; the largest one is the brightest, but dim where
            all are nearly alike.

    Returns:
        The image, of the same shape and type.
    """
    heat = upsample(weights, image.shape[:2])
    grey = np.asarray(Image.fromarray(image).convert("L"), np.float32)
    strength = attention_maps.strengths(weights)
    return _colors(strength * heat / max(heat.max(), 1e-12), grey)


def _colors(heat: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Colours by heat, in [0, 1], with a dim image where it is low."""
    from matplotlib import colors

    ramp = colors.LinearSegmentedColormap.from_list("heat", _RAMP)
    color = ramp(heat)[..., :3] * 255.0
    dim = (_DARK + (_LIGHT - _DARK) * grey / 255.0)[..., np.newaxis]
    share = np.minimum(1.5 * heat, 0.92)[..., np.newaxis]
    return np.uint8((1.0 - share) * dim + share * color)


def upsample(weights: np.ndarray, image_size: ImageSize) -> np.ndarray:
    """Spreads a row of attention over an image, smoothly.

    Args:
        weights: `(keys,)` of a map of the image's form.
        image_size: height and width of the image in pixels.

    Returns:
        `(height, width)`, not negative.
    """
    height, width = sides(image_size)
    shape = attention_maps.map_shape(len(weights), (height, width))
    grid = np.asarray(weights, np.float32).reshape(shape)
    image = Image.fromarray(grid).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return np.maximum(np.asarray(image), 0.0)
