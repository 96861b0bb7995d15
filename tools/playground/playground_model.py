"""What the playground asks of a generator."""

from __future__ import annotations

from typing import Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.cli import drawing
from sagan_tf.errors import UserError
from sagan_tf.exporting import SignedGenerator
from sagan_tf.gan import latents as latent_numbers
from sagan_tf.image_sizes import as_size, sides
from sagan_tf.visualization import sheets, ways
from tools.playground.nearest import NearestSearch
from tools.playground.samples import Samples

# More than this is slow to draw, and too small to look at.
MOST_IMAGES = 200


class PlaygroundModel:
    """Draws samples, what lies between latents, and attention.

    Args:
        generator: what `sagan_tf.export` wrote, or would write.
        nearest: finds what it draws nearest to an image, which takes more than
            an export has.

    Attributes:
        nearest: the same.
        num_classes: number of classes; 0 for none.
        class_names: a name for each.
        has_attention: whether it has an attention layer.
        about: what the card tells of its images, its step and their size.
    """

    def __init__(
        self,
        generator: SignedGenerator,
        nearest: NearestSearch | None = None,
    ):
        self._generator, self.nearest = generator, nearest
        self.num_classes = generator.num_classes
        self.class_names = generator.class_names()
        self.has_attention = "attention" in generator.signatures
        card = generator.card
        facts = [f"step {card['step']:,}"] if "step" in card else []
        if "image_size" in card:
            height, width = sides(as_size(card["image_size"]))
            facts.append(f"{height} x {width} pixels")
        data = [card["data"]] if "data" in card else []
        self.about = "; ".join([*data, ", ".join(facts)])

    def warm_up(self) -> None:
        """Calls everything once: the first call of a graph takes longest."""
        drawn = self.grid(self.first_classes(), 0, 2, 1.0)
        self.between(self.first_classes(), 0, 1, 0.5, 1.0)
        self.attention(drawn, 0)

    def first_classes(self) -> list[int]:
        """Returns the classes to start with: all, or ten of many."""
        return drawing.choose_labels(None, self.num_classes)

    def grid(
        self, labels: Sequence[int], seed: int, columns: int, truncation: float
    ) -> Samples:
        """Draws a row for each class; a column has one latent.

        Args:
            labels: the classes; `[0]` without classes.
            seed: that of the first column, the others count on.
            columns: images of each class.
            truncation: size that no number of a latent exceeds; 0 for none.

        Raises:
            UserError: if one of them makes no sense.
        """
        labels = self.check_labels(labels)
        _check_count(len(labels), columns)
        drawing.check_truncation(truncation)
        seeds = drawing.count_seeds(seed, columns)
        latents = self._latents(seeds, truncation)
        return self._draw(
            np.tile(latents, (len(labels), 1)),
            np.repeat(labels, columns),
            columns,
            [self.class_names[n] for n in labels] if self.num_classes else [],
            {
                "seeds": np.tile(seeds, len(labels)),
                "truncation": np.float32(truncation),
            },
        )

    def between(
        self,
        labels: Sequence[int],
        first: int,
        second: int,
        position: float,
        truncation: float,
        start: np.ndarray | None = None,
    ) -> Samples:
        """Draws a latent on the way between two, one image for each class.

        The way is that of `ways.interpolate_on_sphere`.

        Args:
            labels: the classes; `[0]` without classes.
            first: seed of the latent where the way starts.
            second: seed of the latent where it ends.
            position: share of the way, in [0, 1].
            truncation: of ends that are drawn; 0 for none.
            start: a latent, `(latent_dim,)`, in place of the first.

        Raises:
            UserError: if one of them makes no sense.
        """
        labels = self.check_labels(labels)
        _check_count(1, len(labels))
        drawing.check_truncation(truncation)
        if not 0.0 <= position <= 1.0:
            raise UserError(
                f"the position should be from 0 to 1. Received: {position}"
            )
        seeds = [int(drawing.count_seeds(n, 1)[0]) for n in (first, second)]
        ends = self._latents(seeds, truncation)
        if start is not None:
            seeds, ends = seeds[1:], np.stack([start, ends[1]])
        latent = ways.interpolate_on_sphere(
            *ends, np.array([position], np.float32)
        )
        return self._draw(
            np.repeat(latent, len(labels), axis=0),
            np.array(labels),
            len(labels),
            [],
            {
                "seeds": np.array(seeds),
                "ends": ends,
                "position": np.float32(position),
                "truncation": np.float32(truncation),
            },
        )

    def attention(self, drawn: Samples, index: int) -> np.ndarray | None:
        """Returns an image's attention, `(queries, keys)`, if it has any."""
        if not self.has_attention:
            return None
        inputs = {"latents": tf.constant(drawn.latents[index : index + 1])}
        if self.num_classes:
            inputs["labels"] = tf.constant(
                drawn.labels[index : index + 1], tf.int32
            )
        answer = self._generator.signatures["attention"](**inputs)
        return answer["attention"][0].numpy()

    def check_labels(self, labels: Sequence[int]) -> list[int]:
        """Returns classes, `[0]` where there are none.

        Raises:
            UserError: if there is no such class, or none is named.
        """
        if not self.num_classes:
            return [0]
        words = [str(label) for label in labels]
        return drawing.choose_labels(words, self.num_classes)

    def _latents(self, seeds: Sequence[int], truncation: float) -> np.ndarray:
        return latent_numbers.draw_each(
            seeds, self._generator.latent_dim, truncation
        ).numpy()

    def _draw(
        self,
        latents: np.ndarray,
        labels: np.ndarray,
        columns: int,
        captions: list[str],
        origin: dict[str, np.ndarray],
    ) -> Samples:
        images = sheets.to_uint8(self._generator.draw(latents, labels))
        return Samples(images, latents, labels, columns, captions, origin)


def _check_count(rows: int, columns: int) -> None:
    if not 1 <= rows * columns <= MOST_IMAGES:
        raise UserError(
            f"there should be 1 to {MOST_IMAGES} images at once. "
            f"Received: {rows} rows of {columns}"
        )
