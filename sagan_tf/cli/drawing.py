"""What the commands that draw images have in common: which ones."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np
from absl import logging

from sagan_tf.errors import UserError, nearest_name, one_line, printable
from sagan_tf.image_sizes import ImageSize, sides
from sagan_tf.user_cache import local_copy

# Classes on a page, where nobody says which.
_SOME = 10
_LARGEST_SEED = 2**31 - 1


def choose_labels(
    given: Sequence[str] | None, num_classes: int, names: Sequence[str] = ()
) -> list[int]:
    """Returns the classes to draw.

    Args:
        given: the value of `--labels`, or None if it is not given.
        num_classes: number of classes; 0 for an unconditional generator.
        names: of the classes, if they are known.

    Returns:
        Labels; without a wish all classes, or ten among more. `[0]` if there
        are no classes.

    Raises:
        UserError: if a label is no class.
    """
    if given is None:
        count = max(num_classes, 1)
        some = np.linspace(0, count - 1, min(count, _SOME))
        return [int(label) for label in np.rint(some)]
    if not num_classes:
        raise UserError(
            "--labels should not be given: the generator has no classes"
        )
    if not given:
        raise UserError("--labels should name a class. Received: none")
    return [_label(printable(w.strip()), num_classes, names) for w in given]


def _label(word: str, num_classes: int, names: Sequence[str]) -> int:
    number = int(word) if word.isdecimal() else num_classes
    named = names.index(word) if word in names else number
    if number < num_classes:
        if named != number:
            logging.warning(
                "--labels: %s is taken as the number of the class %s, not as "
                "the name of number %d",
                word,
                names[number],
                named,
            )
        return number
    if named < num_classes:
        return named
    raise UserError(
        f"--labels should be numbers from 0 to {num_classes - 1} or names of "
        f"classes, with commas between. Received: {word!r}"
        f"{nearest_name(word, names)}"
    )


def check_truncation(truncation: float) -> float:
    """Returns a truncation that makes sense.

    Raises:
        UserError: if it is negative or not finite.
    """
    if not (math.isfinite(truncation) and truncation >= 0.0):
        raise UserError(
            "--truncation should be the size that no number of a latent "
            f"exceeds, such as 1.0, or 0 for none. Received: {truncation}"
        )
    return truncation


def count_seeds(seed: int, count: int) -> np.ndarray:
    """Returns a seed for each image, `(count,)`, from the first one on.

    Raises:
        UserError: if one of them is negative or has more than 31 bits.
    """
    if not 0 <= seed <= _LARGEST_SEED - count:
        raise UserError(
            f"--seed should be from 0 to {_LARGEST_SEED - count}. "
            f"Received: {seed}"
        )
    return np.arange(seed, seed + count, dtype=np.int32)


def read_latents(
    path: str, latent_dim: int, num_classes: int, labels: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Reads latents that were saved, by `sagan_tf.sample` or the playground.

    Args:
        path: an NPZ file with `latents` and, if they have classes of their
            own, `labels`: whole ones or shares.
        latent_dim: length of a latent.
        num_classes: number of classes; 0 for an unconditional generator.
        labels: the classes in turn where the file has none.

    Returns:
        Latents `(images, latent_dim)`, float32, and labels `(images,)` or
        `(images, num_classes)`.

    Raises:
        UserError: if the file does not fit the generator.
    """
    try:
        with np.load(local_copy(path), allow_pickle=False) as file:
            latents = np.asarray(file["latents"], np.float32)
            given = file["labels"] if "labels" in file else labels
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            "--latents should be an NPZ file with an array latents. "
            f"Received: {path} ({one_line(error)})"
        ) from error
    fits = latents.ndim == 2 and latents.shape[1] == latent_dim and len(latents)
    if not fits or not np.isfinite(latents).all():
        raise UserError(
            f"--latents should be finite, of shape (images, {latent_dim}). "
            f"Received: {latents.shape} in {path}"
        )
    if not num_classes:
        return latents, np.zeros(len(latents), np.int32)
    given = np.asarray(given)
    if given.ndim < 2:
        given = np.resize(given, len(latents)).astype(np.int32)
        right = ((0 <= given) & (given < num_classes)).all()
    else:
        right = given.shape == (len(latents), num_classes)
    if not right:
        raise UserError(
            f"the labels in {path} should be from 0 to {num_classes - 1}, or "
            f"shares of {num_classes} classes. Received: shape {given.shape}"
        )
    return latents, given


def parse_points(
    words: Sequence[str], image_size: ImageSize
) -> list[tuple[float, float]]:
    """Reads points of an image.

    Args:
        words: such as `8:20`, pixels from the left and from the top.
        image_size: height and width of the image in pixels.

    Returns:
        Pairs of pixels from the left and from the top.

    Raises:
        UserError: if one is no point of the image.
    """
    points, (height, width) = [], sides(image_size)
    for word in words:
        parts = word.split(":")
        try:
            right, down = (float(part) for part in parts)
        except ValueError:
            right = down = -1.0
        if not (0 <= right < width and 0 <= down < height):
            last = width - 1 if width == height else f"{width - 1}:{height - 1}"
            raise UserError(
                "--points should be RIGHT:DOWN, pixels from 0 to "
                f"{last}. Received: {word!r}"
            )
        points.append((right, down))
    if not points:
        raise UserError("--points should name a point. Received: none")
    return points
