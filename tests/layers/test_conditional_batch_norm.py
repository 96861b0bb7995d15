import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import ConditionalBatchNormalization

# float32 rounding of means over a few dozen values.
TOLERANCE = 1e-5
EPSILON = 1e-5
LABELS = np.array([2, 0, 2, 1], np.int32)


def random(*shape):
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def features():
    return 3.0 * random(4, 4, 6, 5) + 2.0


def conditional(**options):
    """A layer of three classes with gains and biases that all differ."""
    layer = ConditionalBatchNormalization(3, **options)
    layer.build([(None, None, None, 5), (None,)])
    layer.gain.assign(1.0 + 0.1 * random(3, 5))
    layer.bias.assign(random(3, 5))
    return layer


def plain(**options):
    layer = ConditionalBatchNormalization(**options)
    layer.build((None, None, None, 5))
    layer.gain.assign(1.0 + 0.1 * random(5))
    layer.bias.assign(random(5))
    return layer


def normalized(inputs, mean, variance):
    return (inputs - mean) / np.sqrt(variance + EPSILON)


def test_conditional_known_answer_in_training():
    layer, inputs = conditional(), features()
    outputs = layer([inputs, LABELS], training=True)
    gain = layer.gain.numpy()[LABELS][:, None, None]
    bias = layer.bias.numpy()[LABELS][:, None, None]
    values = normalized(inputs, inputs.mean((0, 1, 2)), inputs.var((0, 1, 2)))
    np.testing.assert_allclose(outputs, values * gain + bias, atol=TOLERANCE)


def test_plain_known_answer_in_training():
    layer, inputs = plain(), features()
    outputs = layer(inputs, training=True)
    values = normalized(inputs, inputs.mean((0, 1, 2)), inputs.var((0, 1, 2)))
    expected = values * layer.gain.numpy() + layer.bias.numpy()
    np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)


def test_plain_agrees_with_keras():
    layer, inputs = plain(momentum=0.9), features()
    keras = tf.keras.layers.BatchNormalization(momentum=0.9, epsilon=EPSILON)
    keras.build(inputs.shape)
    keras.set_weights(layer.get_weights())
    for training in (True, False):
        np.testing.assert_allclose(
            layer(inputs, training=training),
            keras(inputs, training=training),
            atol=TOLERANCE,
        )
    for ours, theirs in zip(layer.get_weights(), keras.get_weights()):
        np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


@pytest.mark.parametrize(("factory", "ddof"), [(conditional, 0), (plain, 1)])
def test_moving_statistics_after_two_passes(factory, ddof):
    layer = factory(momentum=0.9)
    mean, variance = np.zeros(5), np.ones(5)
    for scale in (1.0, 2.0):
        inputs = scale * features()
        layer([inputs, LABELS] if ddof == 0 else inputs, training=True)
        mean = 0.9 * mean + 0.1 * inputs.mean((0, 1, 2))
        variance = 0.9 * variance + 0.1 * inputs.var((0, 1, 2), ddof=ddof)
    np.testing.assert_allclose(layer.moving_mean, mean, atol=TOLERANCE)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=TOLERANCE)


def test_inference_uses_the_moving_statistics_and_keeps_them():
    layer, inputs = plain(), features()
    mean, variance = random(5), 1.0 + random(5) ** 2
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)
    outputs = layer(inputs, training=False)
    expected = (
        normalized(inputs, mean, variance) * layer.gain.numpy()
        + layer.bias.numpy()
    )
    np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)
    np.testing.assert_array_equal(layer.moving_mean, mean)
    np.testing.assert_array_equal(layer.moving_variance, variance)


def test_each_class_has_its_own_gain_and_gradient():
    layer, inputs = conditional(), features()
    labels = np.array([0, 0, 1, 1])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer([inputs, labels], training=True) ** 2)
    gain, bias = map(
        tf.convert_to_tensor, tape.gradient(loss, [layer.gain, layer.bias])
    )
    for gradient in (gain.numpy(), bias.numpy()):
        assert np.all(np.abs(gradient[:2]).max(1) > 0.0)
        np.testing.assert_array_equal(gradient[2], np.zeros(5))


def test_untrainable_layer_is_in_inference():
    layer, inputs = plain(), features()
    layer.trainable = False
    np.testing.assert_array_equal(
        layer(inputs, training=True), layer(inputs, training=False)
    )
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(5))


@pytest.mark.parametrize("training", [True, False])
def test_training_may_be_a_tensor_in_a_graph(training):
    layer, inputs = plain(), features()

    @tf.function
    def call(flag):
        return layer(inputs, training=flag)

    outputs = call(tf.constant(training))
    assert bool(np.any(layer.moving_mean.numpy() != 0.0)) == training
    layer.moving_mean.assign(np.zeros(5))
    layer.moving_variance.assign(np.ones(5))
    np.testing.assert_allclose(
        outputs, layer(inputs, training=training), atol=TOLERANCE
    )


def gradients_and_outputs(layer, inputs, target, replicas):
    variables = [layer.gain, layer.bias]
    with tf.GradientTape() as tape:
        tape.watch(inputs[0])
        outputs = layer(inputs, training=True)
        # The replicas' losses add up to the mean over the global batch.
        loss = tf.reduce_sum(outputs**3 * target) / (
            outputs.shape[0] * replicas
        )
    gradients = tape.gradient(loss, [inputs[0], *variables])
    return outputs, [tf.convert_to_tensor(g) for g in gradients]


def split(strategy, value):
    """Gives each replica its half of a batch."""
    halves = tf.split(value, 2)
    return strategy.experimental_distribute_values_from_function(
        lambda context: halves[context.replica_id_in_sync_group]
    )


def test_two_replicas_equal_one_with_the_global_batch(two_replicas):
    # Halves of very different statistics, so that local ones would show.
    inputs = tf.constant(features() * np.arange(1, 5)[:, None, None, None])
    inputs, target = tf.cast(inputs, tf.float32), random(4, 4, 6, 5)
    alone = conditional(momentum=0.5)
    outputs, gradients = gradients_and_outputs(
        alone, [inputs, LABELS], target, 1
    )
    with two_replicas.scope():
        layer = conditional(momentum=0.5)

    @tf.function
    def step(*batch):
        return two_replicas.run(
            lambda x, y, t: gradients_and_outputs(layer, [x, y], t, 2),
            args=batch,
        )

    ours, (inner, *rest) = step(
        *(split(two_replicas, part) for part in (inputs, LABELS, target))
    )
    join = two_replicas.experimental_local_results
    np.testing.assert_allclose(
        tf.concat(join(ours), 0), outputs, rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(
        tf.concat(join(inner), 0), gradients[0], rtol=1e-3, atol=1e-4
    )
    for value, expected in zip(rest, gradients[1:]):
        total = two_replicas.reduce("SUM", value, axis=None)
        np.testing.assert_allclose(total, expected, rtol=1e-3, atol=1e-3)
    for name in ("moving_mean", "moving_variance"):
        first, second = getattr(layer, name).values
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, getattr(alone, name), rtol=1e-4)


def test_two_replicas_compute_as_one_in_bfloat16(two_replicas):
    # Means of a hundred deviations, which a shift in bfloat16 would lose.
    inputs = tf.cast(100.0 + random(4, 4, 6, 5), tf.bfloat16)
    target = random(4, 4, 6, 5)
    options = {"dtype": "mixed_bfloat16"}

    def run(layer, x, y, t):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = tf.cast(layer([x, y], training=True), tf.float32)
            loss = tf.reduce_sum(outputs**3 * t)
        return outputs, tf.cast(tape.gradient(loss, x), tf.float32)

    alone = run(conditional(**options), inputs, tf.constant(LABELS), target)
    with two_replicas.scope():
        layer = conditional(**options)
    both = two_replicas.run(
        tf.function(lambda *batch: run(layer, *batch)),
        args=[split(two_replicas, part) for part in (inputs, LABELS, target)],
    )
    join = two_replicas.experimental_local_results
    for ours, expected in zip(both, alone):
        scale = np.abs(expected).max()
        # bfloat16 has eight bits of precision.
        np.testing.assert_allclose(
            tf.concat(join(ours), 0) / scale, expected / scale, atol=0.01
        )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("make", [conditional, plain])
def test_inference_takes_the_mean_away_in_float32(make, policy):
    inputs = tf.cast(100.0 + random(4, 4, 6, 5), policy.split("_")[1])
    inputs = [inputs, LABELS] if make is conditional else inputs
    layers = make(dtype=policy), make(dtype="float32")
    for layer in layers:
        layer.moving_mean.assign(100.0 + random(5))
        layer.moving_variance.assign(np.full(5, 0.5))
    ours, expected = (layer(inputs, training=False) for layer in layers)
    # Values reach 10: eight bits of precision, in which 100 has none after
    # the point.
    np.testing.assert_allclose(
        tf.cast(ours, tf.float32), tf.cast(expected, tf.float32), atol=0.1
    )


def test_replicas_keep_to_themselves_where_not_synchronized(two_replicas):
    inputs = tf.constant(features())
    with two_replicas.scope():
        layer = plain(momentum=0.0, synchronized=False)
    two_replicas.run(
        lambda x: layer(x, training=True), args=(split(two_replicas, inputs),)
    )
    for value, half in zip(layer.moving_mean.values, np.split(inputs, 2)):
        np.testing.assert_allclose(value, half.mean((0, 1, 2)), rtol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_statistics_in_float32(policy):
    layer, reference = conditional(dtype=policy), conditional()
    inputs = tf.cast(features(), policy.split("_")[1])
    for training in (True, False):
        outputs = layer([inputs, LABELS], training=training)
        expected = reference(
            [tf.cast(inputs, tf.float32), LABELS], training=training
        )
        assert outputs.dtype == inputs.dtype
        # bfloat16 has eight bits of precision; without statistics values
        # reach 12.
        np.testing.assert_allclose(
            tf.cast(outputs, tf.float32), expected, atol=0.1
        )
    for ours, theirs in zip(layer.weights, reference.weights):
        assert ours.dtype == tf.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_single_value_per_channel_stays_finite():
    layer = plain()
    outputs = layer(random(1, 1, 1, 5), training=True)
    np.testing.assert_allclose(outputs[0, 0, 0], layer.bias, atol=TOLERANCE)
    assert np.all(np.isfinite(layer.moving_variance))


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"num_classes": -1}, "`num_classes` should be 0"),
        ({"momentum": 1.0}, "`momentum` should be in"),
        ({"momentum": -0.1}, "`momentum` should be in"),
    ],
)
def test_wrong_arguments(options, part):
    with pytest.raises(ValueError, match=part):
        ConditionalBatchNormalization(**options)


def test_labels_that_are_missing_are_missed():
    with pytest.raises(ValueError, match="`inputs` should be a pair"):
        ConditionalBatchNormalization(3)(features())


def test_config_round_trip():
    layer = ConditionalBatchNormalization(7, 0.5, 1e-3, False, name="norm")
    copy = ConditionalBatchNormalization.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert (copy.num_classes, copy.momentum, copy.epsilon) == (7, 0.5, 1e-3)
    assert copy.synchronized is False


def test_functional_model():
    inputs = tf.keras.Input((4, 6, 5))
    labels = tf.keras.Input((), dtype=tf.int32)
    layer = conditional()
    model = tf.keras.Model([inputs, labels], layer([inputs, labels]))
    batch = [features(), LABELS]
    assert model.output_shape == (None, 4, 6, 5)
    np.testing.assert_array_equal(
        model(batch, training=True), layer(batch, training=True)
    )


def test_shares_of_classes_mix_their_rows():
    layer = ConditionalBatchNormalization(num_classes=2, epsilon=0.0)
    images = tf.ones((3, 2, 2, 1))
    layer([images, tf.zeros((3,), tf.int32)])
    layer.gain.assign([[1.0], [3.0]])
    layer.bias.assign([[0.0], [10.0]])
    shares = tf.constant([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    outputs = layer([images, shares])
    np.testing.assert_allclose(outputs[:, 0, 0, 0], [1.0, 13.0, 7.0])


def test_deviation_normalized_tables():
    """Gains of one plus, and biases of, a table over its largest value."""
    layer = ConditionalBatchNormalization(3, normalized_tables=True)
    random = np.random.default_rng(4)
    images = random.normal(size=(2, 4, 4, 5)).astype(np.float32)
    labels = np.array([2, 0], np.int32)
    layer([images, labels])
    tables = random.normal(size=(2, 3, 5)).astype(np.float32)
    for part, table in zip((layer.gain, layer.bias), tables):
        part.raw_kernel.assign(table)
        for _ in range(200):
            layer([images, labels], training=True)
    # What training left in the statistics does not matter.
    layer.moving_mean.assign(np.zeros(5))
    layer.moving_variance.assign(np.full(5, 3.0))
    gain, bias = (table / np.linalg.norm(table, 2) for table in tables)
    np.testing.assert_allclose(layer.tables()[0], 1.0 + gain, atol=1e-5)
    scaled = (1.0 + gain[labels]) / np.sqrt(3.0 + layer.epsilon)
    expected = images * scaled[:, None, None] + bias[labels][:, None, None]
    np.testing.assert_allclose(layer([images, labels]), expected, atol=1e-4)
    shares = np.eye(3, dtype=np.float32)[labels]
    np.testing.assert_allclose(layer([images, shares]), expected, atol=1e-4)


def test_normalized_tables_need_classes():
    with pytest.raises(ValueError, match="`normalized_tables` should be None"):
        ConditionalBatchNormalization(0, normalized_tables=True)
