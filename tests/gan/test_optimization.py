"""Steps in parts, compiled steps, and how often a step is traced."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import SAGAN
from sagan_tf.gan import optimization
from sagan_tf.layers import SpectralNormalization
from sagan_tf.training.callbacks import CallLengths
from tests.gan import test_model

# float32 rounding of sums in another order, through one step of Adam.
ROUNDING = 1e-5


class PlainGenerator(tf.keras.Model):
    """A generator without batch statistics."""

    latent_dim, num_classes = test_model.LATENT, test_model.CLASSES

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = SpectralNormalization(tf.keras.layers.Dense(4 * 4 * 3))

    def call(self, inputs):
        return tf.tanh(tf.reshape(self.dense(inputs[0]), (-1, 4, 4, 3)))

    def get_config(self):
        return {"name": self.name}


def make(generator_class, **options):
    tf.keras.utils.set_random_seed(0)
    gan = SAGAN(generator_class(), test_model.SmallDiscriminator(), **options)
    gan.compile(*test_model.optimizers(epsilon=1e-2))
    return gan


def run(gan, steps=3, size=8):
    step = tf.function(gan.train_step)
    return [step(test_model.small_batch(size)) for _ in range(steps)][-1]


@pytest.mark.parametrize("separate", [True, False])
@pytest.mark.parametrize("parts", [2, 4])
def test_parts_equal_the_whole_batch(parts, separate):
    whole, divided = (
        make(
            PlainGenerator,
            gradient_accumulation=count,
            separate_discriminator_passes=separate,
        )
        for count in (1, parts)
    )
    start = whole.get_weights()
    logs, found = run(whole), run(divided)
    for name, value in logs.items():
        np.testing.assert_allclose(found[name], value, atol=ROUNDING)
    for before, ours, expected in zip(
        start, divided.get_weights(), whole.get_weights()
    ):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=ROUNDING)
        assert before.size == 1 or np.any(before != expected)


def test_moving_averages_take_the_mean_of_the_parts():
    """One update moves them once, by the mean of the parts' statistics."""
    gan = make(test_model.SmallGenerator, gradient_accumulation=2)
    norm, (latents, labels) = gan.generator.norm, gan.draw_inputs(8, 0)
    rows = gan.generator.dense(latents, training=False)
    parts = np.reshape(rows, (2, -1, 3))
    rate = 1.0 - norm.momentum
    mean = rate * parts.mean(1).mean(0)
    variance = 1.0 - rate + rate * parts.var(1).mean(0)
    gan.update_generator(latents, labels)
    np.testing.assert_allclose(norm.moving_mean, mean, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, variance, atol=1e-6)


def test_vectors_move_once_in_an_update():
    whole, divided = (
        make(test_model.SmallGenerator, gradient_accumulation=count)
        for count in (1, 4)
    )
    for gan in (whole, divided):
        gan.update_generator(*gan.draw_inputs(8, 0))
    np.testing.assert_allclose(
        divided.generator.dense.u, whole.generator.dense.u, atol=1e-6
    )


def test_parts_on_two_replicas_equal_one(two_replicas):
    data = test_model.small_batch(8)
    alone = make(PlainGenerator, gradient_accumulation=2)
    alone.train_step(data)
    with two_replicas.scope():
        shared = make(PlainGenerator, gradient_accumulation=2)
    halves = [tf.split(tensor, 2) for tensor in data]
    batch = two_replicas.experimental_distribute_values_from_function(
        lambda context: tuple(
            half[context.replica_id_in_sync_group] for half in halves
        )
    )
    two_replicas.run(tf.function(shared.train_step), args=(batch,))
    for ours, expected in zip(
        (shared.generator, shared.discriminator),
        (alone.generator, alone.discriminator),
    ):
        for value, other in zip(ours.get_weights(), expected.get_weights()):
            np.testing.assert_allclose(value, other, rtol=0, atol=ROUNDING)


def test_only_one_part_is_in_memory():
    """Each part of the graph waits for the gradients of the one before."""
    gan = make(PlainGenerator, gradient_accumulation=2)
    graph = (
        tf.function(gan.update_generator)
        .get_concrete_function(*gan.draw_inputs(8, 0))
        .graph
    )
    forward = [op for op in graph.get_operations() if op.type == "Conv2D"]
    assert len(forward) == 2
    backward = {"Conv2DBackpropInput"}
    assert not backward & types_before(forward[0])
    assert backward <= types_before(forward[1])


def types_before(operation):
    """The types of all that has to be over before an operation runs."""
    found, waiting = set(), [operation]
    while waiting:
        each = waiting.pop()
        before = [*each.control_inputs, *(x.op for x in each.inputs)]
        waiting += [op for op in before if op not in found]
        found.update(before)
    return {op.type for op in found}


def test_gradients_of_tables_are_applied_densely():
    """The step of a row's sparse gradient, in the fused dense kernel."""
    ours, sparse = (tf.Variable(tf.ones((5, 3))) for _ in range(2))
    adam = tf.keras.optimizers.legacy.Adam
    optimizers = adam(0.1, 0.5), adam(0.1, 0.5)

    def loss(table, labels):
        return (tf.reduce_sum(tf.square(tf.gather(table, labels))),)

    for labels in (tf.constant([1, 1, 3]), tf.constant([0, 3, 3])):
        optimization.minimize(
            optimizers[0],
            [ours],
            lambda labels: loss(ours, labels),
            [labels],
        )
        with tf.GradientTape() as tape:
            (value,) = loss(sparse, labels)
        gradient = tape.gradient(value, sparse)
        assert isinstance(gradient, tf.IndexedSlices)
        optimizers[1].apply_gradients([(gradient, sparse)])
    np.testing.assert_allclose(ours, sparse, atol=1e-6)
    assert np.all(ours.numpy()[[2, 4]] == 1.0)


@pytest.mark.parametrize("steps_per_call", [1, 2])
def test_a_fit_is_traced_in_its_first_call_only(steps_per_call):
    gan, traces = make(PlainGenerator), []
    step = gan.train_step

    def counting(data):
        traces.append(data[0].shape)
        return step(data)

    gan.train_step = counting
    gan.compile(*test_model.optimizers(), steps_per_execution=steps_per_call)
    batches = tf.data.Dataset.from_tensor_slices(test_model.small_batch(16))
    batches = batches.batch(4, drop_remainder=True).repeat()

    def fit(epochs):
        gan.fit(batches, epochs=epochs, steps_per_epoch=2, verbose=0)
        return len(traces)

    first = fit(1)
    # Keras runs the first step of a call ahead of its loop over the others.
    assert first == steps_per_call
    assert fit(2) == first
    assert gan.step.numpy() == 6


def test_calls_end_where_something_is_due_without_another_trace():
    gan, traces, ends = make(PlainGenerator), [], []
    step = gan.train_step

    def counting(data):
        traces.append(data[0].shape)
        return step(data)

    gan.train_step = counting
    gan.compile(*test_model.optimizers(), steps_per_execution=3)
    batches = tf.data.Dataset.from_tensor_slices(test_model.small_batch(16))
    note = tf.keras.callbacks.LambdaCallback(
        on_batch_end=lambda *_, **__: ends.append(int(gan.step.numpy()))
    )
    gan.fit(
        batches.batch(4, drop_remainder=True).repeat(),
        steps_per_epoch=11,
        verbose=0,
        callbacks=[note, CallLengths(3, (5, 4), last=11)],
    )
    assert ends == [3, 4, 5, 8, 10, 11]
    assert len(traces) == 2


@pytest.mark.parametrize("parts", [1, 2])
def test_compiled_updates_equal_the_plain_ones(parts):
    weights = []
    for compiled in (True, False):
        gan = make(test_model.SmallGenerator, gradient_accumulation=parts)
        latents, labels = gan.draw_inputs(8, 0)

        @tf.function(jit_compile=compiled)
        def update(gan, latents, labels):
            images, real_labels = test_model.small_batch(8)
            return gan.update_generator(
                latents, labels
            ), gan.update_discriminator(images, real_labels, latents, labels)

        update(gan, latents, labels)
        weights.append(gan.get_weights())
    for ours, expected in zip(*weights):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4)


def test_keras_compiles_the_step():
    """Random numbers are others in compiled code, so these are finite only."""
    gan = SAGAN(*test_model.small_networks())
    data = test_model.small_batch(20)
    history = test_model.five_steps(gan, data, jit_compile=True)
    assert gan.step.numpy() == 5
    assert all(np.all(np.isfinite(curve)) for curve in history.values())
    assert all(np.all(np.isfinite(value)) for value in gan.get_weights())


def test_the_networks_compile():
    """The generator's update goes through both networks and back."""
    gan = SAGAN(*test_model.networks())
    gan.compile(*test_model.optimizers())
    before = gan.generator.get_weights()
    latents = tf.random.stateless_normal((4, test_model.LATENT), (1, 2))
    update = tf.function(gan.update_generator, jit_compile=True)
    update(latents, tf.range(4) % test_model.CLASSES)
    after = gan.generator.get_weights()
    assert all(np.all(np.isfinite(value)) for value in after)
    assert any(np.any(new != old) for new, old in zip(after, before))


def test_wrong_number_of_parts():
    with pytest.raises(ValueError, match="`gradient_accumulation` should be"):
        make(PlainGenerator, gradient_accumulation=0)


def test_slots_are_created_and_nothing_else_happens():
    variable = tf.Variable([1.0, -2.0])
    adam = tf.keras.optimizers.legacy.Adam(0.1)
    optimization.create_slots(adam, [variable])
    np.testing.assert_array_equal(variable, [1.0, -2.0])
    assert adam.iterations.numpy() == 0
    assert len(adam.variables()) == 3
    assert all(not np.any(slot.numpy()) for slot in adam.variables())


@pytest.mark.parametrize(
    "optimizer",
    [
        tf.keras.optimizers.AdamW(0.1, weight_decay=0.5),
        # Its first step changes what it knows of the schedule of its momentum.
        tf.keras.optimizers.legacy.Nadam(0.1),
        tf.keras.optimizers.legacy.SGD(0.1, decay=0.5, momentum=0.9),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_no_optimizer_moves_a_weight_for_its_slots(optimizer):
    variable = tf.Variable([1.0, -2.0])
    optimization.create_slots(optimizer, [variable])
    np.testing.assert_array_equal(variable, [1.0, -2.0])
    assert optimizer.iterations.numpy() == 0
    first = tf.Variable([1.0, -2.0])
    fresh = type(optimizer).from_config(optimizer.get_config())
    for each, target in ((optimizer, variable), (fresh, first)):
        each.apply_gradients([(tf.constant([0.3, 0.2]), target)])
    np.testing.assert_array_equal(variable, first)


def test_slots_of_an_optimizer_that_has_stepped_stay():
    variable = tf.Variable([1.0])
    adam = tf.keras.optimizers.legacy.Adam(0.1)
    adam.apply_gradients([(tf.constant([3.0]), variable)])
    before = [slot.numpy() for slot in adam.variables()]
    optimization.create_slots(adam, [variable])
    after = [slot.numpy() for slot in adam.variables()]
    np.testing.assert_equal(after, before)
    assert adam.iterations.numpy() == 1
