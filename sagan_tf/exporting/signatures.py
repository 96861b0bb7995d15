"""What an exported generator can be asked for."""

from __future__ import annotations

from typing import Any, Callable

import tensorflow as tf

from sagan_tf.gan import latents as latent_numbers
from sagan_tf.networks import StagedGenerator


class Signatures(tf.Module):
    """The functions of an exported generator.

    Each takes any number of images. `labels` is left out of every one of
    them if the generator has no classes. Arguments that make no sense (a label
    out of its range, a negative truncation) end in an `InvalidArgumentError`.

    Args:
        generator: what draws: a copy for inference.
    """

    def __init__(self, generator: StagedGenerator):
        super().__init__(name="sagan")
        self.weights = generator.variables
        # A function, not a tracked attribute: a SavedModel shall hold the
        # weights and the signatures, but no Keras layers.
        self._generator = lambda: generator

    def concrete(self, with_attention: bool) -> dict[str, Any]:
        """Traces the signatures.

        Args:
            with_attention: whether the generator has an attention layer.

        Returns:
            Concrete functions by name.
        """
        latents = tf.TensorSpec(
            (None, self._generator().latent_dim), tf.float32
        )
        given = {"latents": latents}
        # A number for all images, or one for each.
        drawn = {
            "seed": tf.TensorSpec(None, tf.int32),
            "truncation": tf.TensorSpec(None, tf.float32),
        }
        functions: dict[str, tuple[Callable, dict[str, tf.TensorSpec]]] = {
            "serving_default": (self.serve, given),
            "generate": (self.generate, given),
            "sample": (self.sample, drawn),
            "png": (self.png, drawn),
        }
        if with_attention:
            functions["attention"] = (self.attention, given)
        return {
            name: _trace(function, self._with_labels(specs))
            for name, (function, specs) in functions.items()
        }

    def _with_labels(
        self, specs: dict[str, tf.TensorSpec]
    ) -> dict[str, tf.TensorSpec]:
        if not self._generator().num_classes:
            return specs
        return {**specs, "labels": tf.TensorSpec((None,), tf.int32)}

    def generate(
        self, latents: tf.Tensor, labels: tf.Tensor | None = None
    ) -> dict[str, tf.Tensor]:
        """Draws from latents: `images`, float32 in [-1, 1]."""
        images = self._generator()(self._inputs(latents, labels))
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
            seeds, self._generator().latent_dim, limits
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
        keys are positions, row by row, of maps as high as they are wide.
        """
        images, scores = self._generator()(
            self._inputs(latents, labels), return_attention_scores=True
        )
        return {
            "images": _to_uint8(images),
            "attention": list(scores.values())[-1],
        }

    def _inputs(self, latents: tf.Tensor, labels: tf.Tensor | None) -> Any:
        num_classes = self._generator().num_classes
        if not num_classes:
            return latents
        labels = _checked(
            labels,
            (labels >= 0) & (labels < num_classes),
            f"`labels` should be in [0, {num_classes})",
        )
        return [latents, labels]


def _trace(function: Callable, specs: dict[str, tf.TensorSpec]) -> Any:
    named = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name)
        for name, spec in specs.items()
    }
    return tf.function(function).get_concrete_function(**named)


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


def _checked(value: tf.Tensor, condition: Any, expected: str) -> tf.Tensor:
    """Returns the value, which nobody sees unless the condition holds."""
    message = f"{expected}. Received:"
    check = tf.debugging.Assert(tf.reduce_all(condition), [message, value])
    with tf.control_dependencies([check]):
        return tf.identity(value)
