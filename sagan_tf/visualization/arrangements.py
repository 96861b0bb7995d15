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
    """Returns images class by class where they share out evenly, else mixed.

    Args:
        seeds: a seed for each image.
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
    captions = [""] * (count // columns) if class_names else None
    if captions:
        captions[:: each // columns] = [class_names[n] for n in labels]
    return Arrangement(latents, np.repeat(labels, each), columns, captions)


def _columns(each: int) -> int:
    """Returns how to break the images of a class into rows, 0 if not."""
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
    """Returns in each row a way from one latent to another, in one class.

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
    """Returns in each row one latent on its way from a class to the next.

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


def interpolate(
    start: np.ndarray, end: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Returns vectors on the straight line between two.

    Args:
        start: `(size,)`.
        end: `(size,)`.
        shares: `(steps,)` of the way, in [0, 1].

    Returns:
        `(steps, size)`, float32.
    """
    return np.float32(np.outer(1.0 - shares, start) + np.outer(shares, end))


def interpolate_on_sphere(
    start: np.ndarray, end: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Returns vectors from turning one into another at an even pace.

    Long random latents have nearly one length, which a straight way leaves.
    Arguments and result are those of `interpolate`.

    Reference: Shoemake, "Animating Rotation with Quaternion Curves" (1985);
    for latents: White (arXiv:1609.04468).
    """
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    cosine = np.dot(start, end) / max(lengths, 1e-12)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    if lengths == 0.0 or np.sin(angle) < 1e-4:
        return interpolate(start, end, shares)
    way = np.outer(np.sin((1.0 - shares) * angle), start)
    way += np.outer(np.sin(shares * angle), end)
    return np.float32(way / np.sin(angle))
