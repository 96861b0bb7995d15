import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import SelfAttention, SpectralNormalization

# float32 rounding of sums of a few dozen products.
TOLERANCE = 1e-5
GATED = {"gate_initializer": tf.keras.initializers.Constant(0.7)}


def random(*shape):
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def effective_kernel(convolution):
    if isinstance(convolution, SpectralNormalization):
        return convolution.normalized_kernel().numpy()[0, 0]
    return convolution.kernel.numpy()[0, 0]


def reference(layer, inputs):
    """Equations 1 to 3 of the paper in NumPy."""
    batch, height, width, channels = inputs.shape

    def project(convolution):
        return np.einsum("bhwc,cd->bhwd", inputs, effective_kernel(convolution))

    def pool(maps):
        shape = (batch, height // 2, 2, width // 2, 2, maps.shape[-1])
        return maps.reshape(shape).max((2, 4))

    query, key, value = map(project, (layer.query, layer.key, layer.value))
    if layer.pooled:
        key, value = pool(key), pool(value)
    query, key, value = (
        maps.reshape(batch, -1, maps.shape[-1]) for maps in (query, key, value)
    )
    weights = np.exp(np.einsum("bqc,bkc->bqk", query, key))
    weights /= weights.sum(-1, keepdims=True)
    found = np.einsum("bqk,bkc->bqc", weights, value)
    if layer.output_convolution is not None:
        found = found @ effective_kernel(layer.output_convolution)
    found = found.reshape(batch, height, width, channels)
    return inputs + layer.gate.numpy() * found, weights


@pytest.mark.parametrize("pooled", [True, False])
def test_gate_of_zero_is_the_identity_bit_for_bit(pooled):
    inputs = random(2, 4, 6, 16)
    outputs = SelfAttention(pooled=pooled)(inputs, training=True)
    np.testing.assert_array_equal(outputs, inputs)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pooled": False, "value_divisor": 8},
        {"key_divisor": 1, "value_divisor": 1, "output_projection": False},
        {"spectral_normalization": False},
        {"key_divisor": 4, "pooled": False},
    ],
)
def test_known_answer(options):
    layer = SelfAttention(**GATED, **options)
    inputs = random(2, 4, 6, 16)
    outputs, scores = layer(inputs, return_attention_scores=True)
    expected, weights = reference(layer, inputs)
    np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)
    np.testing.assert_allclose(scores, weights, atol=TOLERANCE)
    np.testing.assert_array_equal(layer(inputs), outputs)


@pytest.mark.parametrize(("pooled", "keys"), [(True, 6), (False, 24)])
def test_scores_have_a_row_of_sum_one_for_each_position(pooled, keys):
    layer = SelfAttention(pooled=pooled)
    _, scores = layer(random(3, 4, 6, 8), return_attention_scores=True)
    assert scores.shape == (3, 24, keys)
    assert scores.dtype == tf.float32
    np.testing.assert_allclose(
        tf.reduce_sum(scores, -1), np.ones((3, 24)), atol=TOLERANCE
    )


@pytest.mark.parametrize("k", [1, 2, 4, 8])
def test_form_of_the_paper(k):
    layer = SelfAttention(k, 8, pooled=False, name="attend")
    layer(tf.zeros((1, 4, 4, 16)))
    assert {v.name: tuple(v.shape) for v in layer.trainable_variables} == {
        "attend/query/kernel:0": (1, 1, 16, 16 // k),
        "attend/key/kernel:0": (1, 1, 16, 16 // k),
        "attend/value/kernel:0": (1, 1, 16, 2),
        "attend/output/kernel:0": (1, 1, 2, 16),
        "attend/gate:0": (),
    }


def test_form_of_the_release_is_the_default():
    layer = SelfAttention()
    layer(tf.zeros((1, 4, 4, 16)))
    assert [tuple(v.shape) for v in layer.trainable_variables] == [
        (),
        (1, 1, 16, 2),
        (1, 1, 16, 2),
        (1, 1, 16, 8),
        (1, 1, 8, 16),
    ]
    assert layer.gate.numpy() == 0.0
    for part in ("query", "key", "value", "output_convolution"):
        assert isinstance(getattr(layer, part), SpectralNormalization)


def test_biases_on_demand():
    layer = SelfAttention(use_bias=True)
    layer(tf.zeros((1, 4, 4, 16)))
    names = [v.name for v in layer.trainable_variables]
    assert sum("bias" in name for name in names) == 4


def test_gate_learns_from_the_start():
    layer, inputs = SelfAttention(), random(2, 4, 4, 8)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs) ** 2)
    assert tape.gradient(loss, layer.gate).numpy() != 0.0


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"key_divisor": 0}, "`key_divisor` should be at least 1"),
        ({"value_divisor": 0}, "`value_divisor` should be at least 1"),
        ({"output_projection": False}, "`value_divisor` should be 1"),
    ],
)
def test_wrong_arguments(options, part):
    with pytest.raises(ValueError, match=part):
        SelfAttention(**options)


@pytest.mark.parametrize(
    ("options", "shape", "part"),
    [
        ({}, (1, 4, 4, 4), "4 channels; 8 would fit"),
        (
            {"key_divisor": 1, "value_divisor": 9},
            (1, 4, 4, 8),
            "8 channels; 9 would fit",
        ),
        ({}, (1, 5, 4, 8), "5 x 4; pooled=False would fit"),
        ({}, (1, 4, 7, 8), "4 x 7; pooled=False would fit"),
    ],
)
def test_input_that_does_not_fit(options, shape, part):
    with pytest.raises(ValueError, match=part):
        SelfAttention(**options)(tf.zeros(shape))


def test_channels_are_rounded_down():
    layer = SelfAttention()
    layer(tf.zeros((1, 4, 4, 29)))
    assert layer.query.layer.filters == layer.key.layer.filters == 3
    assert layer.value.layer.filters == 14


def test_odd_size_is_refused_after_an_even_one_too():
    layer = SelfAttention()
    layer(random(1, 4, 4, 8))
    with pytest.raises(ValueError, match="3 x 4; pooled=False would fit"):
        layer(random(1, 3, 4, 8))


def test_odd_size_fits_without_pooling():
    layer = SelfAttention(pooled=False, **GATED)
    inputs = random(1, 3, 5, 8)
    outputs = layer(inputs)
    expected, _ = reference(layer, inputs)
    np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy):
    layer = SelfAttention(dtype=policy, **GATED)
    inputs = random(2, 4, 4, 16)
    outputs, scores = layer(inputs, return_attention_scores=True)
    expected, weights = reference(layer, inputs)
    assert outputs.dtype == policy.split("_")[1]
    assert layer.gate.dtype == scores.dtype == tf.float32
    np.testing.assert_allclose(tf.reduce_sum(scores, -1), 1.0, atol=TOLERANCE)
    # bfloat16 has eight bits of precision, and values reach 4.
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), expected, atol=0.1)
    np.testing.assert_allclose(scores, weights, atol=0.02)


def test_config_round_trip():
    layer = SelfAttention(
        4, 1, False, True, False, False, "ones", name="attend"
    )
    config = layer.get_config()
    copy = SelfAttention.from_config(config)
    assert copy.get_config() == config
    assert (copy.key_divisor, copy.value_divisor) == (4, 1)
    assert isinstance(copy.gate_initializer, tf.keras.initializers.Ones)
    flags = ("pooled", "use_bias", "output_projection")
    assert [getattr(copy, flag) for flag in flags] == [False, True, False]
    assert copy.spectral_normalization is None


def test_functional_model_of_any_size():
    inputs = tf.keras.Input((None, None, 8))
    layer = SelfAttention(**GATED)
    model = tf.keras.Model(inputs, layer(inputs, return_attention_scores=True))
    for size in (4, 6):
        images = random(2, size, size, 8)
        outputs, scores = model(images)
        expected, weights = reference(layer, images)
        np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)
        np.testing.assert_allclose(scores, weights, atol=TOLERANCE)
