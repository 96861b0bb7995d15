import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import SelfAttention
from sagan_tf.layers import dot_product_attention as attention

# The promise of the blocks, of outputs and gradients of size 1.
TOLERANCE = 1e-5


def random(*shape, seed=2):
    return tf.random.stateless_normal(shape, (seed, 0))


def differentiate(layer, inputs, compiled):
    """Outputs, and the gradients of inputs and variables."""

    @tf.function(jit_compile=compiled)
    def run():
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(tf.sin(tf.cast(outputs, tf.float32)))
        sources = [inputs, *layer.trainable_variables]
        return [outputs, *tape.gradient(loss, sources)]

    return run()


def pair(max_scores, **options):
    """Two layers of the same weights, the first one at once."""
    layers = [
        SelfAttention(
            gate_initializer=tf.keras.initializers.Constant(0.7),
            max_scores=limit,
            **options,
        )
        for limit in (None, max_scores)
    ]
    inputs = random(2, 4, 6, 16)
    for layer in layers:
        layer(inputs)
    layers[1].set_weights(layers[0].get_weights())
    return layers, inputs


@pytest.mark.parametrize("max_scores", [1, 18, 100])
@pytest.mark.parametrize("options", [{}, {"pooled": False}], ids=str)
def test_blocks_equal_attention_at_once_with_gradients(max_scores, options):
    layers, inputs = pair(max_scores, **options)
    for ours, expected in zip(
        *(differentiate(layer, inputs, False) for layer in reversed(layers))
    ):
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(
            ours, expected, rtol=0, atol=TOLERANCE * scale
        )
        assert np.abs(expected).max() > 1e-3


def test_blocks_compile():
    layers, inputs = pair(18)
    for ours, expected in zip(
        differentiate(layers[1], inputs, True),
        differentiate(layers[0], inputs, False),
    ):
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(
            ours, expected, rtol=0, atol=TOLERANCE * scale
        )


def test_blocks_in_bfloat16():
    layers, inputs = pair(18, dtype="mixed_bfloat16")
    ours, expected = (
        differentiate(layer, inputs, False) for layer in reversed(layers)
    )
    for value, other in zip(ours, expected):
        assert value.dtype == other.dtype
        value, other = (tf.cast(x, tf.float32).numpy() for x in (value, other))
        # Eight bits of precision, some operations in a row.
        np.testing.assert_allclose(
            value, other, rtol=0, atol=0.03 * np.abs(other).max()
        )


@pytest.mark.parametrize(
    ("queries", "keys", "max_scores", "blocks"),
    [
        (1024, 256, 2**20, 1),
        (4096, 1024, 2**20, 4),
        (16384, 4096, 2**20, 64),
        (9, 4, 20, 3),
        (9, 4, 35, 3),
        (9, 4, 36, 1),
        (9, 4, 3, 9),
        (9, 4, None, 1),
        (None, 4, 1, 1),
    ],
)
def test_number_of_blocks(queries, keys, max_scores, blocks):
    assert attention.count_blocks(queries, keys, max_scores) == blocks


def test_blocks_keep_no_weights():
    """No tensor of the forward pass has a weight for each query and key."""
    layers, inputs = pair(24)
    largest = []
    for layer in layers:
        graph = tf.function(layer).get_concrete_function(inputs).graph
        sizes = [
            output.shape.num_elements() or 0
            for operation in graph.get_operations()
            for output in operation.outputs
            if output.shape.rank is not None
        ]
        # 24 queries and 6 keys in each of 2 images; the map has 768 numbers.
        largest.append(2 * 24 * 6 in sizes)
    assert largest == [True, False]


def test_weights_are_returned_whole():
    layers, inputs = pair(18)
    results = [layer(inputs, return_attention_scores=True) for layer in layers]
    for ours, expected in zip(results[1], results[0]):
        np.testing.assert_array_equal(ours, expected)
    assert results[0][1].shape == (2, 24, 6)


def test_wrong_limit():
    with pytest.raises(ValueError, match="`max_scores` should be at least 1"):
        SelfAttention(max_scores=0)
