"""Self-attention over the positions of a feature map."""

from __future__ import annotations

from typing import Any, Iterator

import tensorflow as tf

from sagan_tf.layers.dot_product_attention import attend, score_blocks
from sagan_tf.layers.gated_layer import GatedLayer
from sagan_tf.layers.options import SpectralNorm, arguments

# Beyond so many weights per image, they are taken in blocks.
_MAX_SCORES = 2**20


@tf.keras.utils.register_keras_serializable("sagan_tf")
class SelfAttention(GatedLayer):
    """Adds to each position what it finds at related positions.

    Query, key and value are 1x1 convolutions. Each position's query is
    compared with every key by a dot product (without division by the square
    root of their length); a softmax over the keys weighs the values, and a 1x1
    convolution maps their sum back to the input's channels:

        outputs = inputs + gate * output(softmax(query key^T) value)

    The scalar `gate` starts at zero, so the layer starts as the identity.
    Convolutions are spectrally normalized and have no bias. The default is the
    form of the released SAGAN: keys and values max-pooled 2x2, value and
    output with half the channels. The paper's text has `pooled=False` and
    `value_divisor=8`.

    Reference: Zhang et al., "Self-Attention Generative Adversarial Networks"
    (arXiv:1805.08318), section 3 and figure 2.

    Args:
        key_divisor: query and key have `channels / key_divisor` channels,
            rounded down as in the release; `k` in the paper, which tries 1, 2,
            4 and 8.
        value_divisor: the value has `channels / value_divisor` channels,
            rounded down.
        pooled: whether keys and values are max-pooled 2x2.
        use_bias: whether the convolutions add a bias.
        output_projection: whether a convolution follows the weighted sum;
            without one `value_divisor` must be 1.
        spectral_normalization: how the convolutions are normalized; None for
            not at all.
        gate_initializer: initializer of the scalar gate.
        max_scores: weights per image beyond which the queries are taken in
            blocks, whose weights the backward pass computes anew: the same
            result in far less memory, where a map is larger than 32x32 with
            pooled keys. None never does, nor does a call that returns the
            weights or whose height and width are unknown.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.
        return_attention_scores: whether to return the weights as well.

    Returns:
        `(batch, height, width, channels)`; with `return_attention_scores=True`
        also the weights `(batch, queries, keys)`, float32, each row of sum 1,
        where `queries` is `height * width` and `keys` is a quarter of that
        (all of it if not `pooled`), both row by row.

    Raises:
        ValueError: if there are fewer channels than a divisor, `max_scores` is
            less than 1, or height or width is odd where keys are pooled.

    Example:

    >>> layer = SelfAttention()
    >>> outputs, scores = layer(
    ...     tf.ones((1, 8, 8, 16)), return_attention_scores=True)
    >>> scores.shape
    TensorShape([1, 64, 16])
    """

    def __init__(
        self,
        key_divisor: int = 8,
        value_divisor: int = 2,
        pooled: bool = True,
        use_bias: bool = False,
        output_projection: bool = True,
        spectral_normalization: SpectralNorm | None = SpectralNorm(),
        gate_initializer: Any = "zeros",
        max_scores: int | None = _MAX_SCORES,
        **kwargs: Any,
    ):
        super().__init__(
            key_divisor,
            value_divisor,
            gate_initializer,
            spectral_normalization=spectral_normalization,
            **kwargs,
        )
        if not output_projection and value_divisor != 1:
            raise ValueError(
                "`value_divisor` should be 1 where `output_projection` is "
                f"off. Received: {value_divisor}"
            )
        if max_scores is not None and max_scores < 1:
            raise ValueError(
                "`max_scores` should be at least 1, or None for attention at "
                f"once. Received: {max_scores}"
            )
        self.pooled = pooled
        self.use_bias = use_bias
        self.output_projection = output_projection
        self.max_scores = max_scores

    def build(self, input_shape: Any) -> None:
        """Creates the convolutions and the gate."""
        channels, bias = tf.TensorShape(input_shape)[-1], self.use_bias
        keys, values = (
            channels // self.key_divisor,
            channels // self.value_divisor,
        )
        super().build(input_shape)
        self.query = self._convolution("query", keys, bias=bias)
        self.key = self._convolution("key", keys, bias=bias)
        self.value = self._convolution("value", values, bias=bias)
        self.output_convolution = None
        if self.output_projection:
            self.output_convolution = self._convolution(
                "output", channels, bias=bias
            )

    def call(
        self,
        inputs: tf.Tensor,
        return_attention_scores: bool = False,
    ) -> Any:
        """Attends over the positions of `inputs`."""
        self._check_size(*inputs.shape[1:3])
        found, scores = attend(
            self.query(inputs),
            self.key(inputs),
            self.value(inputs),
            self.pooled,
            None if return_attention_scores else self.max_scores,
        )
        if self.output_convolution is not None:
            found = self.output_convolution(found)
        outputs = self._add_gated(inputs, found)
        return (outputs, scores) if return_attention_scores else outputs

    def score_blocks(self, inputs: tf.Tensor) -> Iterator[tf.Tensor]:
        """Yields the weights `(batch, some queries, keys)`, block by block.

        Args:
            inputs: `(batch, height, width, channels)`.
        """
        yield from score_blocks(
            self.query(inputs),
            self.key(inputs),
            self.pooled,
            self.max_scores or _MAX_SCORES,
        )

    def _check_size(self, height: int | None, width: int | None) -> None:
        if self.pooled and ((height or 0) % 2 or (width or 0) % 2):
            raise ValueError(
                "`inputs` should have even height and width where keys are "
                f"pooled. Received: {height} x {width}; pooled=False would fit"
            )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("pooled", "use_bias", "output_projection", "max_scores")
        return {**super().get_config(), **arguments(self, *names)}
