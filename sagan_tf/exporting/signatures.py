"""What an exported generator can be asked for."""

from __future__ import annotations

from typing import Any, Callable

import tensorflow as tf

from sagan_tf.gan import latents as latent_numbers
from sagan_tf.networks import StagedGenerator

_LABELS = tf.TensorSpec((None,), tf.int32, "labels")
# A number for all images, or one for each.
_SEED = tf.TensorSpec(None, tf.int32, "seed")
_TRUNCATION = tf.TensorSpec(None, tf.float32, "truncation")


class Signatures:
    """The functions of an exported generator.

    Each takes any number of images. `labels` is left out of every one of
    them if the generator has no classes. Arguments that make no sense (a label
    out of its range, a negative truncation) end in an `InvalidArgumentError`.

    Args:
        generator: what draws: a copy for inference.
    """

    def __init__(self, generator: StagedGenerator):
        self._generator = generator

    def functions(self) -> dict[str, Any]:
        """Returns the functions, as graphs, by name."""
        functions = {
            "serving_default": self._given(self.serve),
            "generate": self._given(self.generate),
            "sample": self._drawn(self.sample),
            "png": self._drawn(self.png),
        }
        if self._generator.attention_layers():
            functions["attention"] = self._given(self.attention)
        return functions

    def _given(self, function: Callable[..., Any]) -> Any:
        """Returns a function of latents and labels, as a graph."""
        latents = tf.TensorSpec(
            (None, self._generator.latent_dim), tf.float32, "latents"
        )
        if not self._generator.num_classes:
            return _compile(
                function.__name__, lambda latents: function(latents), latents
            )
        return _compile(
            function.__name__,
            lambda latents, labels: function(latents, labels),
            *(latents, _LABELS),
        )

    def _drawn(self, function: Callable[..., Any]) -> Any:
        """Returns a function of labels and seeds, as a graph."""
        none = tf.constant(0.0)
        if not self._generator.num_classes:
            return _compile(
                function.__name__,
                lambda seed, truncation=none: function(seed, truncation),
                *(_SEED, _TRUNCATION),
            )
        return _compile(
            function.__name__,
            lambda labels, seed, truncation=none: function(
                seed, truncation, labels
            ),
            *(_LABELS, _SEED, _TRUNCATION),
        )

    def generate(
        self, latents: tf.Tensor, labels: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Draws from latents: `images`, float32 in [-1, 1]."""
        images = self._generator(self._inputs(latents, labels))
        return {"images": images}

    def serve(
        self, latents: tf.Tensor, labels: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Draws from latents: `images`, uint8."""
        return {"images": _to_uint8(self.generate(latents, labels)["images"])}

    def sample(
        self,
        seed: tf.Tensor,
        truncation: tf.Tensor,
        labels: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Draws from seeds: `images`, uint8.

        Args:
            seed: one for each image; or a scalar, the first image's, which
                the others count on from.
            truncation: size that no number of a latent exceeds, 0 for none;
                for each image, or a scalar for all.
            labels: `(batch,)`.
        """
        seeds = _spread_seed(seed, labels)
        limits = _spread_truncation(truncation, seeds)
        values = latent_numbers.draw_each(
            seeds, self._generator.latent_dim, limits
        )
        return self.serve(values, labels)

    def png(
        self,
        seed: tf.Tensor,
        truncation: tf.Tensor,
        labels: tf.Tensor | None = None,
    ) -> dict[str, tf.Tensor]:
        """Draws as `sample` does: `png_bytes`, strings that hold PNG files.

        The name's ending makes TensorFlow Serving's REST interface encode them
        as `{"b64": ...}`.
        """
        images = self.sample(seed, truncation, labels)["images"]
        return {
            "png_bytes": tf.map_fn(
                tf.io.encode_png,
                images,
                fn_output_signature=tf.TensorSpec((), tf.string),
            )
        }

    def attention(
        self, latents: tf.Tensor, labels: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Draws from latents: `images` and the last layer's `attention`.

        Attention is `(batch, queries, keys)`, each row of sum 1; queries and
        keys are positions, row by row, of maps of the image's form.
        """
        images, scores = self._generator(
            self._inputs(latents, labels), return_attention_scores=True
        )
        return {
            "images": _to_uint8(images),
            "attention": tf.cast(list(scores.values())[-1], tf.float32),
        }

    def _inputs(self, latents: tf.Tensor, labels: tf.Tensor | None) -> Any:
        num_classes = self._generator.num_classes
        if not num_classes:
            return latents
        labels = _checked(
            labels,
            (labels >= 0) & (labels < num_classes),
            f"`labels` should be in [0, {num_classes})",
        )
        return [latents, labels]


def _compile(
    name: str, function: Callable[..., Any], *specs: tf.TensorSpec
) -> Any:
    # It stands in every error.
    function.__name__ = name
    return tf.function(function, input_signature=specs, autograph=False)


def _to_uint8(images: tf.Tensor) -> tf.Tensor:
    """As `sheets.to_uint8` does it: to the nearest byte."""
    return tf.cast(
        tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0.0, 255.0),
        tf.uint8,
    )


def _spread_seed(seed: tf.Tensor, labels: tf.Tensor | None) -> tf.Tensor:
    """Returns a seed for each image, `(batch,)`."""
    seeds = tf.reshape(seed, (-1,))
    if labels is None:
        return seeds
    count = tf.shape(labels)[0]
    is_scalar = tf.equal(tf.rank(seed), 0)
    seeds = _checked(
        seeds,
        is_scalar | tf.equal(tf.size(seed), count),
        "`seed` should be one number, or one for each label",
    )
    return tf.where(is_scalar, tf.range(count), tf.zeros_like(labels)) + seeds


def _spread_truncation(truncation: tf.Tensor, seeds: tf.Tensor) -> tf.Tensor:
    """Returns a truncation for each image, `(batch,)`."""
    limits = tf.reshape(truncation, (-1,))
    limits = _checked(
        limits,
        tf.equal(tf.rank(truncation), 0)
        | tf.equal(tf.size(truncation), tf.size(seeds)),
        "`truncation` should be one number, or one for each image",
    )
    limits = _checked(
        limits,
        limits >= 0.0,
        "`truncation` should not be negative; 0 is none",
    )
    return tf.broadcast_to(limits, tf.shape(seeds))


def _checked(value: tf.Tensor, is_right: tf.Tensor, expected: str) -> tf.Tensor:
    """Returns a value, which nobody sees unless all of it is right.

    Args:
        value: what to check.
        is_right: whether it is, as a whole or number by number.
        expected: to begin the error with.
    """
    wrong = value
    if is_right.shape.rank != 0:
        wrong = tf.boolean_mask(value, ~is_right)
    message = tf.strings.format(f"{expected}. Received: {{}}", wrong)
    check = tf.debugging.Assert(tf.reduce_all(is_right), [message])
    with tf.control_dependencies([check]):
        return tf.identity(value)
