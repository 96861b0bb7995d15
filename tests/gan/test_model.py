import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import SAGAN, Discriminator, Generator
from sagan_tf.gan import losses, step_metrics
from sagan_tf.gan.discrimination import (
    discriminate,
    discriminator_loss,
    with_labels,
)
from sagan_tf.layers import ConditionalBatchNormalization, SpectralNormalization

LATENT = 4
CLASSES = 3


class SmallGenerator(tf.keras.Model):
    """One layer of each kind: a graph that is traced in a moment."""

    latent_dim, num_classes = LATENT, CLASSES

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = SpectralNormalization(tf.keras.layers.Dense(4 * 4 * 3))
        self.norm = ConditionalBatchNormalization(CLASSES)

    def call(self, inputs):
        latents, labels = inputs
        x = tf.reshape(self.dense(latents), (-1, 4, 4, 3))
        return tf.tanh(self.norm([x, labels]))

    def get_config(self):
        return {"name": self.name}


class SmallDiscriminator(tf.keras.Model):
    """A convolution and a dense layer."""

    num_classes = CLASSES

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = SpectralNormalization(tf.keras.layers.Conv2D(8, 3))
        self.dense = SpectralNormalization(tf.keras.layers.Dense(1))

    def call(self, inputs):
        x = tf.nn.relu(self.conv(inputs[0]))
        return self.dense(tf.reduce_sum(x, (1, 2)))


def small_networks():
    return SmallGenerator(), SmallDiscriminator()


def small_batch(size=4, seed=8):
    images, labels = batch(size, seed)
    return images[:, :4, :4], labels


def networks(num_classes=CLASSES, dtype=None):
    generator = Generator(
        32, num_classes, LATENT, 2, attention_resolutions=(8,), dtype=dtype
    )
    discriminator = Discriminator(
        32, num_classes, 4, attention_resolutions=(8,), dtype=dtype
    )
    return generator, discriminator


def optimizers(rate=1e-3, epsilon=1e-8):
    adam = tf.keras.optimizers.legacy.Adam
    return (
        adam(rate, 0.0, epsilon=epsilon),
        adam(4.0 * rate, 0.0, epsilon=epsilon),
    )


def make(num_classes=CLASSES, dtype=None, **options):
    gan = SAGAN(*networks(num_classes, dtype), **options)
    gan.compile(*optimizers())
    return gan


def batch(size=4, seed=8, num_classes=CLASSES):
    random = np.random.default_rng(seed)
    images = random.uniform(-1.0, 1.0, (size, 32, 32, 3)).astype(np.float32)
    labels = random.integers(0, max(num_classes, 1), size).astype(np.int32)
    return tf.constant(images), tf.constant(labels)


def values(variables):
    return [variable.numpy() for variable in variables]


def vectors(network):
    return [layer.u for layer in network.spectral_layers().values()]


def moved(before, variables):
    """Which variables differ; a vector of one column is 1 and stays so."""
    return [
        bool(np.any(old != new.numpy()))
        for old, new in zip(before, variables)
        if new.shape != (1, 1)
    ]


def test_one_step_trains_both_networks():
    gan = make()
    networks = (gan.generator, gan.discriminator)
    before = [values(n.trainable_variables) for n in networks]
    logs = gan.train_step(batch())
    assert set(logs) == {"d_loss", "g_loss", "d_real", "d_fake", "d_real_sign"}
    assert all(np.isfinite(value) for value in logs.values())
    for old, network in zip(before, networks):
        # With a gate of 0 no gradient reaches the attention's convolutions.
        pairs = [
            (value, variable)
            for value, variable in zip(old, network.trainable_variables)
            if "attention" not in variable.name or "gate" in variable.name
        ]
        assert all(moved(*zip(*pairs)))


def test_average_starts_as_a_copy():
    gan = make()
    for average, weight in zip(
        gan.ema_generator.variables, gan.generator.variables
    ):
        np.testing.assert_array_equal(average, weight)
    assert len(gan.ema_generator.variables) == len(gan.generator.variables)
    assert gan.ema_generator.name == "ema_generator"


def test_average_moves_at_its_rate_with_statistics_and_vectors():
    gan = make(ema_decay=0.75, ema_warmup=False)
    before = values(gan.ema_generator.variables)
    gan.train_step(batch())
    names = []
    for old, average, weight in zip(
        before, gan.ema_generator.variables, gan.generator.variables
    ):
        expected = 0.75 * old + 0.25 * weight.numpy()
        np.testing.assert_allclose(average, expected, rtol=1e-5, atol=1e-6)
        if np.any(old != weight.numpy()):
            names.append(average.name)
    for kind in ("kernel", "gain", "moving_mean", "moving_variance", "u:0"):
        assert any(kind in name for name in names), kind


def test_average_is_a_copy_until_its_first_step():
    gan = make(ema_decay=0.75, ema_start_step=1, ema_warmup=False)
    gan.train_step(batch())
    for average, weight in zip(
        gan.ema_generator.variables, gan.generator.variables
    ):
        np.testing.assert_allclose(average, weight, atol=1e-6)
    gan.train_step(batch())
    gap = [
        np.abs(average.numpy() - weight.numpy()).max()
        for average, weight in zip(
            gan.ema_generator.trainable_variables,
            gan.generator.trainable_variables,
        )
    ]
    assert max(gap) > 1e-4


def test_average_that_starts_late_is_a_copy_whatever_the_warm_up():
    gan = make(ema_start_step=11)
    average = gan.ema_generator.variables[0]
    for step in (0, 1, 8):
        gan.step.assign(step)
        average.assign(tf.ones_like(average))
        gan.generator.variables[0].assign(tf.fill(average.shape, 0.5))
        gan.update_average()
        np.testing.assert_array_equal(average, np.full(average.shape, 0.5))


def test_average_warms_up():
    gan, decays = make(ema_decay=0.25, ema_start_step=1), []
    average = gan.ema_generator.variables[0]
    for _ in range(5):
        # Half-way between nothing and one, by the share that is kept.
        average.assign(tf.ones_like(average))
        gan.generator.variables[0].assign(tf.zeros_like(average))
        gan.update_average()
        decays.append(average.numpy().ravel()[0])
    expected = [0.0, 1 / 10, 2 / 11, 0.25, 0.25]
    np.testing.assert_allclose(decays, expected, rtol=1e-6)


def test_call_draws_with_the_average_in_inference():
    gan = make()
    gan.train_step(batch())
    inputs = [tf.ones((2, LATENT)), tf.constant([0, 1])]
    np.testing.assert_array_equal(
        gan(inputs), gan.ema_generator(inputs, training=False)
    )
    assert np.any(gan(inputs) != gan.generator(inputs, training=False))


def test_generator_update_moves_its_own_vectors_only():
    gan = make()
    own, other = vectors(gan.generator), vectors(gan.discriminator)
    before, frozen = values(own), values(gan.discriminator.variables)
    gan.update_generator(*gan.draw_inputs(4, 0))
    assert all(moved(before, own))
    assert not any(moved(frozen, gan.discriminator.variables))
    assert len(other) > 0


def test_discriminator_update_moves_the_vectors_and_statistics_of_both():
    gan = make()
    own, other = vectors(gan.discriminator), vectors(gan.generator)
    statistics = gan.generator.non_trainable_variables
    before = values(own), values(other), values(statistics)
    weights = values(gan.generator.trainable_variables)
    gan.update_discriminator(*batch(), *gan.draw_inputs(4, 1))
    assert all(moved(before[0], own))
    assert all(moved(before[1], other))
    assert all(moved(before[2], statistics))
    assert not any(moved(weights, gan.generator.trainable_variables))


def test_wasserstein_update_has_its_penalty():
    gan, shares = SAGAN(*networks()), tf.constant([0.0, 0.2, 0.7, 1.0])
    gan.compile(*optimizers(), loss="wasserstein", gradient_penalty_weight=3.0)
    start = gan.generator.get_weights(), gan.discriminator.get_weights()
    (images, labels), fake = batch(), gan.draw_inputs(4, 1)
    found = gan.update_discriminator(images, labels, *fake, shares)
    losses_by_weight = []
    for weight in (0.0, 3.0):
        gan.generator.set_weights(start[0])
        gan.discriminator.set_weights(start[1])
        fakes = gan.generator([*fake], training=True)
        losses_by_weight.append(
            discriminator_loss(
                gan.discriminator,
                losses.get("wasserstein", weight),
                (images, labels),
                (fakes, fake[1]),
                shares,
            )
        )
    without, expected = losses_by_weight
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert found[0] > without[0]


def test_the_penalty_is_a_metric_of_its_own():
    gan = SAGAN(*small_networks())
    gan.compile(*optimizers(), loss="wasserstein", gradient_penalty_weight=3.0)
    logs = gan.train_step(small_batch())
    expected = logs["d_fake"] - logs["d_real"] + 3.0 * logs["gradient_penalty"]
    np.testing.assert_allclose(logs["d_loss"], expected, rtol=1e-5)
    assert [each.name for each in gan.metrics] == list(logs)
    assert logs["gradient_penalty"] > 0.0


def test_each_wasserstein_update_has_shares_of_its_own():
    gan = SAGAN(*networks(), discriminator_steps=2)
    gan.compile(*optimizers(), loss="wasserstein")
    seen = record(gan)
    gan.train_step(batch(8))
    gan.train_step(batch(8))
    shares = np.concatenate([arguments[4] for arguments in seen])
    assert shares.shape == (16,) and len(set(shares)) == 16
    assert np.all((shares >= 0.0) & (shares < 1.0))


def record(gan):
    """Notes the arguments of every discriminator update."""
    seen, update = [], gan.update_discriminator

    def recording(*arguments):
        seen.append([argument.numpy() for argument in arguments])
        return update(*arguments)

    gan.update_discriminator = recording
    return seen


def test_each_discriminator_update_has_fresh_images_and_latents():
    gan = make(discriminator_steps=2)
    seen, (images, labels) = record(gan), batch(8)
    gan.train_step((images, labels))
    assert len(seen) == 2
    np.testing.assert_array_equal(
        np.concatenate([each[0] for each in seen]), images
    )
    np.testing.assert_array_equal(
        np.concatenate([each[1] for each in seen]), labels
    )
    latents = [each[2] for each in seen] + [gan.draw_inputs(4, 0)[0].numpy()]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.all(latents[first] != latents[second])
    assert gan.generator_optimizer.iterations.numpy() == 1
    assert gan.discriminator_optimizer.iterations.numpy() == 2


def test_steps_are_counted_and_draw_anew():
    gan = make(discriminator_steps=2)
    draws = []
    for step in range(2):
        assert gan.step.numpy() == step
        draws += [gan.draw_inputs(2, update)[0].numpy() for update in range(3)]
        gan.step.assign_add(1)
    for index, draw in enumerate(draws):
        for other in draws[:index]:
            assert np.all(draw != other)
    gan.step.assign(0)
    gan.train_step(batch(4))
    assert gan.step.numpy() == 1


def test_draws_depend_on_the_seed_alone():
    first, second, other = make(seed=1), make(seed=1), make(seed=2)
    for ours, theirs in zip(first.draw_inputs(4, 0), second.draw_inputs(4, 0)):
        np.testing.assert_array_equal(ours, theirs)
    latents, _ = other.draw_inputs(4, 0)
    assert np.all(first.draw_inputs(4, 0)[0] != latents)


def test_draws_are_standard_normal_and_uniform():
    gan = make()
    latents, labels = gan.draw_inputs(6000, 0)
    assert latents.shape == (6000, LATENT)
    # Four standard errors.
    np.testing.assert_allclose(np.mean(latents), 0.0, atol=0.026)
    np.testing.assert_allclose(np.std(latents), 1.0, atol=0.019)
    counts = np.bincount(labels, minlength=CLASSES)
    assert counts.shape == (CLASSES,)
    np.testing.assert_allclose(counts / 6000, 1 / 3, atol=0.025)


def test_replicas_share_one_global_draw(two_replicas):
    with two_replicas.scope():
        gan = SAGAN(*networks())
    gan.step.assign(5)
    parts = two_replicas.run(lambda: gan.draw_inputs(3, 1))
    alone = SAGAN(*networks())
    alone.step.assign(5)
    for part, expected in zip(parts, alone.draw_inputs(6, 1)):
        joined = tf.concat(two_replicas.experimental_local_results(part), 0)
        np.testing.assert_array_equal(joined, expected)


def five_steps(gan, data, rate=1e-3, **options):
    """The losses of five steps of Keras's own loop."""
    # Gradients that are zero but for rounding (biases ahead of a batch
    # normalization) must not be blown up to full steps by Adam.
    gan.compile(*optimizers(rate, epsilon=1e-2), **options)
    batches = tf.data.Dataset.from_tensor_slices(data).batch(4)
    history = gan.fit(batches.repeat(), epochs=5, steps_per_epoch=1, verbose=0)
    return history.history


@pytest.mark.parametrize("factory", [networks, small_networks])
def test_two_replicas_equal_one_at_the_same_global_batch(two_replicas, factory):
    data = batch(20) if factory is networks else small_batch(20)
    # Tracing the whole networks twice takes longer than five eager steps, and
    # at ten times the rate five steps multiply rounding a hundredfold.
    options = {"run_eagerly": factory is networks, "rate": 1e-4}
    alone = SAGAN(*factory())
    start = alone.get_weights()
    before = values(alone.discriminator.trainable_variables)
    expected = five_steps(alone, data, **options)
    with two_replicas.scope():
        gan = SAGAN(*factory())
        gan.set_weights(start)
        history = five_steps(gan, data, **options)
    for name, curve in expected.items():
        np.testing.assert_allclose(history[name], curve, rtol=1e-3, atol=1e-4)
    after = values(alone.discriminator.trainable_variables)
    changes = [np.abs(new - old).max() for new, old in zip(after, before)]
    assert max(changes) > 1e-3
    for name in ("generator", "discriminator", "ema_generator"):
        shared, single = getattr(gan, name), getattr(alone, name)
        assert len(shared.variables) == len(single.variables)
        for ours, theirs in zip(shared.variables, single.variables):
            for value in ours.values:
                np.testing.assert_allclose(
                    value, theirs, atol=1e-4, err_msg=ours.name
                )
    assert [value.numpy() for value in gan.step.values] == [5, 5]


def test_fit_runs_several_steps_in_one_call_without_retracing():
    gan = SAGAN(*small_networks())
    gan.compile(*optimizers(), steps_per_execution=2)
    data = tf.data.Dataset.from_tensors(small_batch()).repeat()
    traces, step = [], gan.train_step

    def counting(data):
        traces.append(data)
        return step(data)

    gan.train_step = counting
    history = gan.fit(data, steps_per_epoch=2, verbose=0).history
    first = len(traces)
    assert first > 0
    gan.fit(data, epochs=3, steps_per_epoch=4, verbose=0)
    assert len(traces) == first
    assert gan.step.numpy() == 14
    assert gan.generator_optimizer.iterations.numpy() == 14
    assert all(np.all(np.isfinite(curve)) for curve in history.values())


def test_graph_and_eager_steps_agree():
    results = []
    for eagerly in (True, False):
        tf.keras.utils.set_random_seed(0)
        gan = SAGAN(*small_networks())
        history = five_steps(gan, small_batch(20), run_eagerly=eagerly)
        results.append([*gan.get_weights(), *history.values()])
    for eager, graph in zip(*results):
        np.testing.assert_allclose(eager, graph, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("separate", [True, False])
def test_joint_and_separate_passes(separate):
    """Logits of each half; only the real half of separate passes stores u."""
    gan = make(separate_discriminator_passes=separate)
    network = gan.discriminator
    network(with_labels(gan.discriminator, *batch()), training=True)
    real, real_labels = batch(4, 1)
    fake, fake_labels = batch(4, 2)
    start = network.get_weights()
    ours = discriminate(
        gan.discriminator,
        (real, real_labels),
        (fake, fake_labels),
        gan.separate_discriminator_passes,
    )
    stored = values(vectors(network))
    network.set_weights(start)
    expected = [network([real, real_labels], training=True)]
    after_real = values(vectors(network))
    if not separate:
        # In one pass both halves see the same iteration of u.
        network.set_weights(start)
    expected.append(network([fake, fake_labels], training=False))
    for value, other in zip(ours, expected):
        np.testing.assert_allclose(value, other, rtol=1e-4, atol=1e-4)
    for value, other in zip(stored, after_real):
        np.testing.assert_allclose(value, other, atol=1e-6)


def test_first_step_that_is_not_finite_is_named():
    gan, (images, labels) = make(), batch()
    gan.train_step((images, labels))
    assert gan.nonfinite_step.numpy() == -1
    gan.train_step((images * np.nan, labels))
    assert gan.nonfinite_step.numpy() == 2
    gan.train_step((images, labels))
    assert gan.nonfinite_step.numpy() == 2
    assert gan.step.numpy() == 3


def test_float16_scales_both_losses():
    gan = make(dtype="mixed_float16")
    logs = gan.train_step(batch())
    assert all(np.isfinite(value) for value in logs.values())
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert isinstance(
            optimizer, tf.keras.mixed_precision.LossScaleOptimizer
        )
        # A step either counts, or overflows and makes the scale smaller.
        counted = optimizer.dynamic_counter.numpy() == 1
        assert counted != (optimizer.loss_scale < optimizer.initial_scale)
    for variable in gan.variables:
        assert np.all(np.isfinite(variable)), variable.name


def test_scaling_a_loss_does_not_change_the_update():
    data, weights = batch(), []
    for scale in (1.0, 1024.0):
        tf.keras.utils.set_random_seed(0)
        gan = SAGAN(*networks())
        gan.compile(
            *(
                tf.keras.mixed_precision.LossScaleOptimizer(
                    tf.keras.optimizers.legacy.SGD(0.1),
                    dynamic=False,
                    initial_scale=scale,
                )
                for _ in range(2)
            )
        )
        gan.train_step(data)
        weights.append(gan.get_weights())
    for plain, scaled in zip(*weights):
        np.testing.assert_allclose(scaled, plain, atol=1e-5)


def test_float16_takes_optimizers_that_scale_already():
    scaling = tf.keras.mixed_precision.LossScaleOptimizer
    gan = SAGAN(*networks(dtype="mixed_float16"))
    wrapped = [scaling(optimizer) for optimizer in optimizers()]
    gan.compile(*wrapped)
    assert gan.generator_optimizer is wrapped[0]
    assert gan.discriminator_optimizer is wrapped[1]


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_only_float16_scales_the_loss(dtype):
    gan = make(dtype=dtype)
    adam = tf.keras.optimizers.legacy.Adam
    assert type(gan.generator_optimizer) is adam
    assert type(gan.discriminator_optimizer) is adam


def test_bfloat16_step_is_finite_and_keeps_float32_weights():
    gan = make(dtype="mixed_bfloat16")
    logs = gan.train_step(batch())
    assert all(np.isfinite(value) for value in logs.values())
    for network in (gan.generator, gan.discriminator, gan.ema_generator):
        assert {v.dtype for v in network.variables} == {tf.float32}
    assert gan.ema_generator.compute_dtype == "bfloat16"


def test_unconditional_pair_trains():
    gan = make(num_classes=0)
    before = values(gan.generator.trainable_variables)
    logs = gan.train_step(batch(num_classes=0))
    assert all(np.isfinite(value) for value in logs.values())
    assert any(moved(before, gan.generator.trainable_variables))
    np.testing.assert_array_equal(gan.draw_inputs(4, 0)[1], np.zeros(4))
    assert gan(tf.ones((2, LATENT))).shape == (2, 32, 32, 3)


def test_labels_may_be_of_any_integer_type():
    gan, (images, labels) = make(), batch()
    gan.train_step((images, tf.cast(labels, tf.int64)))
    assert gan.step.numpy() == 1


def test_checkpoint_holds_two_optimizers_and_no_other(tmp_path):
    gan = make()
    gan.train_step(batch())
    prefix = tf.train.Checkpoint(gan=gan).write(str(tmp_path / "ckpt"))
    names = [name for name, _ in tf.train.list_variables(prefix)]
    rates = [name for name in names if "learning_rate" in name]
    assert len(rates) == 2
    assert gan.optimizer is gan.generator_optimizer


def test_metrics_are_the_running_means(monkeypatch):
    gan = make()
    assert [m.name for m in gan.metrics] == [
        "d_loss",
        "d_real",
        "d_fake",
        "d_real_sign",
        "g_loss",
    ]
    losses, record_metrics = [], step_metrics.record

    def recording(trackers, values, *rest):
        losses.append({name: value.numpy() for name, value in values.items()})
        return record_metrics(trackers, values, *rest)

    monkeypatch.setattr(step_metrics, "record", recording)
    for _ in range(2):
        logs = gan.train_step(batch())
    for name, value in logs.items():
        mean = np.mean([each[name] for each in losses])
        np.testing.assert_allclose(value, mean, rtol=1e-5)
    gan.reset_metrics()
    assert all(m.result().numpy() == 0.0 for m in gan.metrics)


def test_checkpoint_keeps_everything_that_training_needs(tmp_path):
    """Two steps in one go equal one, a restart and another one."""
    straight = make()
    straight.train_step(batch(4, 1))
    prefix = tf.train.Checkpoint(gan=straight).write(str(tmp_path / "ckpt"))
    restored = make()
    restored.train_step(batch(4, 3))
    tf.train.Checkpoint(gan=restored).read(prefix).assert_consumed()
    for gan in (straight, restored):
        gan.train_step(batch(4, 2))
    assert restored.step.numpy() == 2
    for ours, theirs in zip(restored.get_weights(), straight.get_weights()):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"discriminator_steps": 0}, "`discriminator_steps` should be at"),
        ({"ema_decay": 1.0}, "`ema_decay` should be in"),
        ({"ema_decay": -0.1}, "`ema_decay` should be in"),
    ],
)
def test_wrong_arguments(options, part):
    with pytest.raises(ValueError, match=part):
        SAGAN(*networks(), **options)


def test_networks_must_agree_on_the_classes():
    generator, _ = networks()
    _, discriminator = networks(0)
    with pytest.raises(ValueError, match="Received: 3 and 0"):
        SAGAN(generator, discriminator)


def test_unknown_loss_is_refused():
    with pytest.raises(ValueError, match="`loss` should be one of"):
        SAGAN(*networks()).compile(*optimizers(), loss="least")
