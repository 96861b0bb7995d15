"""Do the two halves of an image of twins agree in colour?

The measure that the embedded data set allows (data set `twins`): each of
its images shows two shapes of one colour, far apart, so a generator gets it
right only if it carries the colour from one side to the other. Worked out from
pixels alone.
"""

from __future__ import annotations

import numpy as np

from sagan_tf.evaluation.features.feature_network import checked_images

# Largest distance of two hues that agree, where the circle of hues is 1 long.
# Unrelated hues agree with a probability of 2 * 0.06 = 0.12.
_TOLERANCE = 0.06
# Share of the pixels of a half that speaks for its shape: the most saturated.
# The smallest shape, a star, covers about 7 per cent.
_FOREGROUND_SHARE = 0.04
# Least chroma (maximum minus minimum of RGB in [0, 1]) of a shape, and least
# excess over the median pixel, which is background: shapes of the data have
# more than 0.6 and 0.4, backgrounds less than 0.2.
_LEAST_CHROMA = 0.3
_LEAST_EXCESS = 0.15
# Equal parts of the circle of hues.
_COLOURS = 12


def half_hues(images: np.ndarray) -> np.ndarray:
    """Returns the hue of the shape in the left and in the right half.

    It is the hue of the mean, weighted by chroma, of the most saturated 4 per
    cent of the pixels. A half has no hue if that mean is not saturated, as in
    grey or noise, or no more saturated than the rest of the half.

    Args:
        images: `(batch, height, width, 3)` floats in [-1, 1]. The column in
            the middle of an odd width belongs to neither half.

    Returns:
        `(batch, 2)` float32 in [0, 1), red at 0, green at 1/3; NaN where there
        is none.

    Raises:
        ValueError: if `images` have another shape, type or range.
    """
    images = (checked_images(images) + 1) / 2
    half = images.shape[2] // 2
    if not half:
        raise ValueError("`images` should be two or more wide. Received: 1")
    halves = images[:, :, :half], images[:, :, -half:]
    return np.stack([_foreground_hue(side) for side in halves], axis=-1)


def share_that_agrees(hues: np.ndarray) -> float:
    """Returns the coherence of images by their `half_hues`.

    0 to 1, more is better; it needs the pixels of generated twins alone. Real
    images score 1, halves of different images about 0.12, and images without
    a coloured shape in each half 0. Source: this project.
    """
    return float(np.mean(_agree(*hues.T)))


def share_by_chance(hues: np.ndarray) -> float:
    """Returns the coherence of images whose right halves change places.

    0 to 1: what chance gives, to be held against `share_that_agrees` of the
    same images, which it needs. Source: this project.
    """
    # One cycle through all images: none meets itself.
    order = np.random.default_rng(0).permutation(len(hues))
    left, right = hues[order].T
    return float(np.mean(_agree(left, np.roll(right, 1))))


def hue_coverage(hues: np.ndarray) -> float:
    """Returns how often the rarest colour is drawn, by how often it should.

    The circle of hues is cut into twelve equal parts, around red, orange,
    yellow and so on, which twins have equally often. It is the least share of
    all halves that one of them has, times 12: 0 if a colour is never drawn, 1
    if all are drawn alike. Chance alone takes some of it: 10,000 real images
    have about 0.95, and 1,000 about 0.83. A half without a hue draws none.

    It needs no network and no real images. Source: this project.

    Args:
        hues: `(images, 2)` from `half_hues`.

    Returns:
        A number in [0, 1]; more is better.
    """
    found = hues[np.isfinite(hues)]
    nearest = np.rint(found * _COLOURS).astype(int) % _COLOURS
    counts = np.bincount(nearest, minlength=_COLOURS)
    return float(counts.min() * _COLOURS / hues.size)


def _agree(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Returns whether hues agree, round the circle; NaN agrees with nothing."""
    apart = np.abs(left - right)
    # A comparison with NaN is false.
    return np.minimum(apart, 1 - apart) <= _TOLERANCE


def _foreground_hue(half: np.ndarray) -> np.ndarray:
    """Returns `(batch,)` hues of `(batch, height, width, 3)` in [0, 1]."""
    pixels = half.reshape(len(half), -1, 3)
    chroma = np.ptp(pixels, axis=-1)
    count = max(1, round(_FOREGROUND_SHARE * chroma.shape[1]))
    best = np.argpartition(chroma, -count, axis=1)[:, -count:]
    weights = np.take_along_axis(chroma, best, axis=1)[..., None]
    colours = np.take_along_axis(pixels, best[..., None], axis=1)
    total = np.maximum(weights.sum(axis=1), 1e-12)
    colour = (weights * colours).sum(axis=1) / total
    excess = np.ptp(colour, axis=-1) - np.median(chroma, axis=1)
    found = (np.ptp(colour, axis=-1) >= _LEAST_CHROMA) & (
        excess >= _LEAST_EXCESS
    )
    return np.where(found, _hue(colour), np.float32(np.nan))


def _hue(colours: np.ndarray) -> np.ndarray:
    """Returns the hue in [0, 1) of `(batch, 3)` RGB; 0 for grey."""
    red, green, blue = colours.T
    largest, chroma = colours.max(axis=-1), np.ptp(colours, axis=-1)
    span = np.where(chroma > 0, chroma, 1)
    sixths = np.select(
        [red == largest, green == largest],
        [(green - blue) / span, 2 + (blue - red) / span],
        4 + (red - green) / span,
    )
    return (sixths / 6) % 1
