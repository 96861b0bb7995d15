"""Which latents and labels make a sheet that shows something."""

from __future__ import annotations

import dataclasses
from typing import Sequence

import numpy as np

from sagan_tf.gan import latents as latent_numbers

# Rows of a truncation sweep; 0 is none.
TRUNCATIONS = (0.0, 2.0, 1.5, 1.0, 0.5, 0.25)
_MOST_COLUMNS = 16
_FEWEST_COLUMNS = 4


@dataclasses.dataclass(frozen=True)
class Arrangement:
    """The images of a sheet, row by row.

    Attributes:
        latents: `(images, latent_dim)`.
        labels: `(images,)`, or shares `(images, num_classes)` of the classes.
        columns: images in a row.
        captions: one for each row, or None.
    """

    latents: np.ndarray
    labels: np.ndarray
    columns: int
    captions: list[str] | None = None


def samples(
    seeds: np.ndarray,
    labels: Sequence[int],
    class_names: Sequence[str],
    latent_dim: int,
    truncation: float = 0.0,
) -> Arrangement:
    """Returns images class by class, under the names of their classes.

    Args:
        seeds: a seed for each image.
        labels: the classes to show; where the images do not share out evenly,
            the first ones get one more.
        class_names: a name for each class of the generator; empty if it has
            none.
        latent_dim: length of a latent.
        truncation: size that no number of a latent exceeds; 0 for none.
    """
    count = len(seeds)
    latents = latent_numbers.draw_each(seeds, latent_dim, truncation).numpy()
    each, rest = divmod(count, len(labels))
    columns = 0 if rest else _columns(each)
    if not columns:
        columns = min(int(np.ceil(np.sqrt(count))), _MOST_COLUMNS)
    order = np.sort(np.resize(np.arange(len(labels)), count))
    chosen = np.asarray(labels)[order]
    captions = _row_captions(chosen, columns, class_names)
    return Arrangement(latents, chosen, columns, captions)


def of_latents(
    latents: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> Arrangement:
    """Returns given images in their order.

    Args:
        latents: `(images, latent_dim)`.
        labels: `(images,)`, or shares `(images, num_classes)` of the classes.
        class_names: a name for each class of the generator; empty if it has
            none.
    """
    columns = min(int(np.ceil(np.sqrt(len(latents)))), _MOST_COLUMNS)
    captions = None
    if labels.ndim == 1:
        captions = _row_captions(labels, columns, class_names)
    return Arrangement(latents, labels, columns, captions)


def _row_captions(
    labels: np.ndarray, columns: int, class_names: Sequence[str]
) -> list[str] | None:
    """Returns what begins in each row, or the first and the last of several."""
    if not class_names:
        return None
    captions, before = [], None
    for start in range(0, len(labels), columns):
        first, last = (
            class_names[n] for n in labels[start:][:columns][[0, -1]]
        )
        caption = first if first == last else f"{first} to {last}"
        captions.append("" if caption == before else caption)
        before = caption
    return captions


def _columns(each: int) -> int:
    """Returns how to break the images of a class into rows, 0 if not."""
    if each <= _MOST_COLUMNS:
        return each
    fitting = [n for n in range(_MOST_COLUMNS, 0, -1) if each % n == 0]
    return fitting[0] if fitting[0] >= _FEWEST_COLUMNS else 0


def truncation_sweep(
    seeds: np.ndarray, labels: Sequence[int], latent_dim: int, rows: int
) -> Arrangement:
    """Returns the same images in every row, at a smaller truncation in each.

    Args:
        seeds: one for each column.
        labels: the classes of the columns, in turn.
        latent_dim: length of a latent.
        rows: how many of `TRUNCATIONS` to show.
    """
    limits = TRUNCATIONS[:rows]
    latents = [
        latent_numbers.draw_each(seeds, latent_dim, limit).numpy()
        for limit in limits
    ]
    chosen = np.tile(np.resize(labels, len(seeds)), rows)
    captions = [f"{limit:g}" if limit else "none" for limit in limits]
    return Arrangement(np.concatenate(latents), chosen, len(seeds), captions)
