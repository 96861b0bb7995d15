"""Properties that every layer has, each tested once over all of them."""

import json

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import layers
from tests import golden

# float32 rounding, magnified by normalizations and ten products in a row.
TOLERANCE = 1e-4
GATED = {"gate_initializer": tf.keras.initializers.Constant(0.5)}


def maps(*shape):
    return np.random.default_rng(6).normal(size=shape).astype(np.float32)


IMAGES = maps(4, 4, 4, 8)
LABELS = np.array([2, 0, 1, 2], np.int32)


def spectral(layer_class, *arguments):
    def factory(dtype=None):
        layer = layer_class(*arguments, dtype=dtype, name="inner")
        return layers.SpectralNormalization(layer, name="layer")

    return factory


def ours(name, *arguments, **options):
    def factory(dtype=None):
        layer_class = getattr(layers, name)
        return layer_class(*arguments, **options, dtype=dtype, name="layer")

    return factory


KERAS = tf.keras.layers
LAYERS = {
    "spectral_dense": (spectral(KERAS.Dense, 5), IMAGES),
    "spectral_conv": (spectral(KERAS.Conv2D, 5, 3), IMAGES),
    "spectral_transposed": (spectral(KERAS.Conv2DTranspose, 5, 4, 2), IMAGES),
    "spectral_embedding": (spectral(KERAS.Embedding, 3, 5), LABELS),
    "spectral_upsampling": (spectral(layers.UpsampleConv2D, 5), IMAGES),
    "attention": (ours("SelfAttention", **GATED), IMAGES),
    "attention_of_the_paper": (
        ours("SelfAttention", 4, 8, pooled=False, **GATED),
        IMAGES,
    ),
    "replacement": (ours("ResidualReplacement", **GATED), IMAGES),
    "conditional_norm": (
        ours("ConditionalBatchNormalization", 3),
        [IMAGES, LABELS],
    ),
    "normalized_tables": (
        ours("ConditionalBatchNormalization", 3, normalized_tables=True),
        [IMAGES, LABELS],
    ),
    "plain_norm": (ours("ConditionalBatchNormalization"), IMAGES),
    "upsampling": (ours("UpsampleConv2D", 5), IMAGES),
    "downsampling": (ours("DownsampleConv2D", 5), IMAGES),
    "up_block": (ours("ResidualUpBlock", 5, 3), [IMAGES, LABELS]),
    "down_block": (ours("ResidualDownBlock", 5), IMAGES),
    "transposed_block": (ours("TransposedConvolutionBlock", 5), IMAGES),
    "strided_block": (ours("StridedConvolutionBlock", 5), IMAGES),
    "plain_block": (ours("ResidualDownBlock", 8, False), IMAGES),
}
EVERY = pytest.mark.parametrize("name", LAYERS)


def make(name, dtype=None, like=None):
    """Builds a layer, with the weights of another one if asked."""
    factory, inputs = LAYERS[name]
    layer = factory(dtype)
    layer(inputs)
    if like is not None:
        layer.set_weights(like.get_weights())
    return layer


def trained(name):
    """A layer whose state differs from that of a fresh one."""
    layer = make(name)
    layer.set_weights(
        [w + 0.1 * np.abs(maps(*w.shape)) for w in layer.get_weights()]
    )
    layer(LAYERS[name][1], training=True)
    return layer


def half(inputs, index):
    return tf.nest.map_structure(lambda x: tf.split(x, 2)[index], inputs)


def keras_inputs(inputs):
    return tf.nest.map_structure(
        lambda x: tf.keras.Input(x.shape[1:], dtype=x.dtype), inputs
    )


def as_json(layer):
    return json.loads(json.dumps(layer.get_config()))


def test_registry_is_complete():
    made = {type(LAYERS[name][0]()).__name__ for name in LAYERS}
    ours = {name: getattr(layers, name) for name in layers.__all__}
    assert made == {
        name
        for name, value in ours.items()
        if isinstance(value, type) and issubclass(value, KERAS.Layer)
    }


@EVERY
def test_config_rebuilds_the_layer(name):
    layer = trained(name)
    config = as_json(layer)
    copy = type(layer).from_config(config)
    inputs = LAYERS[name][1]
    # Newer releases of Keras add how a wrapped layer was built.
    copy(inputs)
    assert as_json(copy) == config
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(inputs), layer(inputs))


@EVERY
def test_checkpoint_keeps_everything(name, tmp_path):
    layer, other = trained(name), make(name)
    prefix = tf.train.Checkpoint(layer=layer).write(str(tmp_path / "ckpt"))
    tf.train.Checkpoint(layer=other).read(prefix).assert_consumed()
    assert len(other.weights) > 0
    for ours, theirs in zip(layer.weights, other.weights):
        np.testing.assert_array_equal(ours, theirs)


@EVERY
def test_weights_and_configs_of_today_open_for_good(name):
    golden.check(name)


@EVERY
def test_keras_model_is_saved_and_loaded(name, tmp_path):
    layer, inputs = trained(name), LAYERS[name][1]
    symbolic = keras_inputs(inputs)
    model = tf.keras.Model(symbolic, layer(symbolic))
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), layer(inputs))


@EVERY
def test_symbolic_shape_is_the_eager_one(name):
    layer, inputs = make(name), LAYERS[name][1]
    shape = layer(inputs).shape[1:]
    assert layer(keras_inputs(inputs)).shape[1:] == shape


@EVERY
def test_saved_model_of_a_module_that_calls_it(name, tmp_path):
    layer, inputs = trained(name), LAYERS[name][1]
    module = tf.Module()
    module.layer = layer
    module.call = tf.function(
        lambda *inputs: layer(
            inputs[0] if len(inputs) == 1 else list(inputs), training=False
        ),
        input_signature=[
            tf.TensorSpec((None, *x.shape[1:]), x.dtype)
            for x in tf.nest.flatten(inputs)
        ],
    )
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(
        loaded.call(*map(tf.constant, tf.nest.flatten(inputs))),
        layer(inputs),
        atol=TOLERANCE,
    )


@EVERY
@pytest.mark.parametrize("training", [True, False])
def test_same_shapes_are_traced_once(name, training):
    layer, inputs, traces = make(name), LAYERS[name][1], []

    @tf.function(reduce_retracing=False)
    def call(inputs):
        traces.append(name)
        return layer(inputs, training=training)

    for _ in range(3):
        call(tf.nest.map_structure(tf.constant, inputs))
    assert traces == [name]


@EVERY
def test_inference_changes_nothing_and_training_does(name):
    layer, inputs = make(name), LAYERS[name][1]
    before = layer.get_weights()
    first = layer(inputs, training=False)
    np.testing.assert_array_equal(first, layer(inputs, training=False))
    for ours, theirs in zip(before, layer.get_weights()):
        np.testing.assert_array_equal(ours, theirs)
    layer(inputs, training=True)
    moved = [
        np.any(ours != theirs)
        for ours, theirs in zip(before, layer.get_weights())
    ]
    assert sum(moved) == len(layer.non_trainable_weights)


@EVERY
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_is_finite_and_close(name, policy):
    reference, inputs = trained(name), LAYERS[name][1]
    layer = make(name, policy, like=reference)
    for training in (True, False):
        outputs = layer(inputs, training=training)
        expected = reference(inputs, training=training).numpy()
        assert outputs.dtype == policy.split("_")[1]
        # bfloat16 has eight bits of precision: half a percent an operation.
        np.testing.assert_allclose(
            tf.cast(outputs, tf.float32),
            expected,
            atol=0.03 * np.abs(expected).max(),
        )
    assert {v.dtype for v in layer.weights} == {tf.float32}


@EVERY
def test_xla_computes_the_same(name):
    layer = trained(name)
    compiled = make(name, like=layer)
    inputs = tf.nest.map_structure(tf.constant, LAYERS[name][1])
    expected = golden.compute(layer, inputs)
    found = tf.function(golden.compute, jit_compile=True)(compiled, inputs)
    golden.assert_close(found, expected, TOLERANCE)


def descend(layer, inputs, replicas):
    """One step of gradient descent on the mean over the global batch."""
    with tf.GradientTape() as tape:
        outputs = layer(inputs, training=True)
        loss = tf.reduce_mean(outputs**3) / replicas
    return tape.gradient(loss, layer.trainable_variables)


@EVERY
def test_two_replicas_equal_one_with_the_global_batch(name, two_replicas):
    alone, inputs = trained(name), LAYERS[name][1]
    optimizer = tf.keras.optimizers.legacy.SGD(0.1)
    with two_replicas.scope():
        layer = make(name, like=alone)
        shared = tf.keras.optimizers.legacy.SGD(0.1)
    optimizer.apply_gradients(
        zip(descend(alone, inputs, 1), alone.trainable_variables)
    )

    def step(inputs):
        gradients = descend(layer, inputs, 2)
        shared.apply_gradients(zip(gradients, layer.trainable_variables))

    halves = two_replicas.experimental_distribute_values_from_function(
        lambda context: half(inputs, context.replica_id_in_sync_group)
    )
    two_replicas.run(step, args=(halves,))
    assert len(layer.weights) == len(alone.weights)
    for ours, expected in zip(layer.weights, alone.weights):
        first, second = ours.values
        np.testing.assert_array_equal(first, second, ours.name)
        np.testing.assert_allclose(
            first, expected, atol=TOLERANCE, err_msg=ours.name
        )
