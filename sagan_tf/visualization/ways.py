"""Ways between latents and between classes."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from sagan_tf.gan import latents as latent_numbers
from sagan_tf.visualization.arrangements import Arrangement


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


def closed_walk(
    seeds: np.ndarray,
    labels: Sequence[int],
    num_classes: int,
    latent_dim: int,
    steps: int,
    truncation: float = 0.0,
) -> Arrangement:
    """Returns images of a way that comes back to where it starts.

    Args:
        seeds: one for each stop.
        labels: the classes of the stops, in turn; between two the shares of
            the classes change.
        num_classes: number of classes of the generator.
        latent_dim: length of a latent.
        steps: images from one stop to the next.
        truncation: of the latents at the stops; 0 for none.
    """
    stops = latent_numbers.draw_each(seeds, latent_dim, truncation).numpy()
    shares = np.arange(steps) / steps
    pairs = [(i, (i + 1) % len(stops)) for i in range(len(stops))]
    latents = [
        interpolate_on_sphere(stops[i], stops[j], shares) for i, j in pairs
    ]
    chosen = np.resize(labels, len(stops))
    all_labels = np.repeat(chosen, steps)
    if len(set(labels)) > 1:
        unit = np.eye(num_classes, dtype=np.float32)[chosen]
        mixed = [interpolate(unit[i], unit[j], shares) for i, j in pairs]
        all_labels = np.concatenate(mixed)
    return Arrangement(np.concatenate(latents), all_labels, steps)


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
