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
    """The pictures of a sheet, row by row.

    Attributes:
        latents: `(images, latent_dim)`.
        labels: `(images,)`, or shares `(images, num_classes)` of the classes.
        columns: pictures in a row.
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
    """Class by class where the pictures can be shared out evenly, else mixed.

    Args:
        seeds: a seed for each picture.
        labels: the classes to show.
        class_names: a name for each class of the generator; empty if it has
            none.
        latent_dim: length of a latent.
        truncation: size that no number of a latent exceeds; 0 for none.
    """
    count = len(seeds)
    latents = latent_numbers.draw_each(seeds, latent_dim, truncation).numpy()
    each, rest = divmod(count, len(labels))
    columns = _columns(each)
    if rest or not columns:
        mixed = np.resize(labels, count)
        side = int(np.ceil(np.sqrt(count)))
        return Arrangement(latents, mixed, min(side, _MOST_COLUMNS))
    captions = None
    if class_names:
        blank = [""] * (each // columns - 1)
        captions = [
            text for label in labels for text in (class_names[label], *blank)
        ]
    return Arrangement(latents, np.repeat(labels, each), columns, captions)


def _columns(each: int) -> int:
    """Returns how to break the pictures of a class into rows, 0 if not."""
    if each <= _MOST_COLUMNS:
        return each
    fitting = [n for n in range(_MOST_COLUMNS, 0, -1) if each % n == 0]
    return fitting[0] if fitting[0] >= _FEWEST_COLUMNS else 0


def latent_paths(
    seeds: np.ndarray,
    labels: Sequence[int],
    class_names: Sequence[str],
    latent_dim: int,
    columns: int,
    truncation: float = 0.0,
    spherical: bool = True,
) -> Arrangement:
    """In each row a way from one latent to another, in one class.

    Args:
        seeds: two for each row: where it starts and where it ends.
        labels: the classes of the rows, in turn.
        class_names: a name for each class of the generator.
        latent_dim: length of a latent.
        columns: steps of a way, its ends among them.
        truncation: of the ends; 0 for none.
        spherical: whether the way follows the sphere, where latents are, or
            is straight.
    """
    ends = latent_numbers.draw_each(seeds, latent_dim, truncation).numpy()
    way = interpolate_on_sphere if spherical else interpolate
    shares = np.linspace(0.0, 1.0, columns)
    rows = [way(ends[i], ends[i + 1], shares) for i in range(0, len(ends), 2)]
    chosen = np.resize(labels, len(rows))
    captions = [class_names[label] for label in chosen] if class_names else None
    return Arrangement(
        np.concatenate(rows), np.repeat(chosen, columns), columns, captions
    )


def class_paths(
    seeds: np.ndarray,
    labels: Sequence[int],
    class_names: Sequence[str],
    latent_dim: int,
    columns: int,
    truncation: float = 0.0,
) -> Arrangement:
    """In each row one latent on its way from a class to the next.

    The way is straight: what changes are the gains and biases of the
    normalizations, of which a share of each class is taken.

    Args:
        seeds: one for each row.
        labels: the classes, each row from one to the one behind it.
        class_names: a name for each class of the generator.
        latent_dim: length of a latent.
        columns: steps of a way, its ends among them.
        truncation: of the latents; 0 for none.
    """
    latents = latent_numbers.draw_each(seeds, latent_dim, truncation).numpy()
    starts = np.resize(labels, len(seeds))
    ends = np.resize(np.roll(labels, -1), len(seeds))
    unit = np.eye(len(class_names), dtype=np.float32)
    steps = np.linspace(0.0, 1.0, columns)
    shares = [
        interpolate(unit[start], unit[end], steps)
        for start, end in zip(starts, ends)
    ]
    captions = [
        f"{class_names[start]} to {class_names[end]}"
        for start, end in zip(starts, ends)
    ]
    return Arrangement(
        np.repeat(latents, columns, axis=0),
        np.concatenate(shares),
        columns,
        captions,
    )


def truncation_sweep(
    seeds: np.ndarray, labels: Sequence[int], latent_dim: int, rows: int
) -> Arrangement:
    """The same pictures in every row, at a smaller truncation in each.

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


def interpolate(
    start: np.ndarray, end: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Goes straight from a vector to another.

    Args:
        start: `(size,)`.
        end: `(size,)`.
        shares: `(steps,)` of the way, in [0, 1].

    Returns:
        `(steps, size)`, float32.
    """
    shares = shares[:, np.newaxis]
    return ((1.0 - shares) * start + shares * end).astype(np.float32)


def interpolate_on_sphere(
    start: np.ndarray, end: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Turns a vector into another at an even pace.

    Long random latents have nearly one length, which a straight way leaves.

    Reference: Shoemake, "Animating Rotation with Quaternion Curves" (1985);
    for latents: White (arXiv:1609.04468).

    Args:
        start: `(size,)`.
        end: `(size,)`.
        shares: `(steps,)` of the way, in [0, 1].

    Returns:
        `(steps, size)`, float32.
    """
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    cosine = np.dot(start, end) / max(lengths, 1e-12)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if lengths == 0.0 or np.sin(angle) < 1e-4:
        return interpolate(start, end, shares)
    shares = shares[:, np.newaxis]
    way = np.sin((1.0 - shares) * angle) * start + np.sin(shares * angle) * end
    return (way / np.sin(angle)).astype(np.float32)
