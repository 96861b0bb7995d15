"""Optimizers by name, and rates as functions of the step."""

import types

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.gan import optimization, optimizers
from sagan_tf.gan.rates import LearningRate
from tests.conftest import IS_REFERENCE_STACK

NAMES = sorted(optimizers.names())
if IS_REFERENCE_STACK:
    NAMES += ["Lookahead(Adam)", "Lookahead(RectifiedAdam)"]


def rates(steps, **options):
    rate = LearningRate(2.0, **options)
    return [float(rate(step)) for step in steps]


def test_a_constant_rate_is_constant():
    assert rates([0, 5, 10**6]) == [2.0, 2.0, 2.0]


def test_a_rate_rises_and_falls():
    options = {"warmup_steps": 4, "end_step": 8, "end_share": 0.5}
    steps = [0, 1, 3, 4, 6, 8, 99]
    assert rates(steps, **options) == [0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    linear = rates(steps, kind="linear", **options)
    assert linear == [0.5, 1.0, 2.0, 2.0, 1.5, 1.0, 1.0]
    cosine = rates([4, 5, 6, 8, 99], kind="cosine", **options)
    at_a_quarter = 1.0 + 0.5 * (1.0 + np.cos(np.pi / 4))
    np.testing.assert_allclose(cosine, [2.0, at_a_quarter, 1.5, 1.0, 1.0])


def test_all_updates_of_a_step_have_one_rate():
    found = rates(range(6), kind="linear", end_step=2, updates_per_step=3)
    assert found == [2.0, 2.0, 2.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"kind": "cosinus"}, "`kind` should be one of"),
        (
            {"kind": "cosine", "warmup_steps": 5, "end_step": 5},
            "`end_step` should be above `warmup_steps`",
        ),
    ],
)
def test_wrong_rates(options, part):
    with pytest.raises(ValueError, match=part):
        LearningRate(1.0, **options)


def test_a_rate_comes_back_from_its_configuration():
    rate = LearningRate(1.0, "cosine", 1, 5, 0.1, 2)
    again = LearningRate.from_config(rate.get_config())
    assert again.get_config() == rate.get_config()


def make(name):
    rate = LearningRate(0.01, "cosine", warmup_steps=1, end_step=8)
    variable = tf.Variable([[1.0, -2.0, 0.5]])
    given = {"weight_decay": 0.1, "epsilon": 1e-4}
    taken = optimizers.options_of(name)
    options = {key: value for key, value in given.items() if key in taken}
    optimizer = optimizers.create(name, rate, **options)
    optimization.create_slots(optimizer, [variable])
    return optimizer, variable


def take(optimizer, variable, numbers):
    """Takes a step towards each number."""
    for number in numbers:
        optimization.minimize(
            optimizer,
            [variable],
            lambda x: (tf.reduce_mean((variable - x) ** 2),),
            [tf.fill((2, 3), float(number))],
        )


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_goes_on_bit_for_bit_and_scales_its_loss(
    name, tmp_path
):
    optimizer, whole = make(name)
    start = whole.numpy()
    take(optimizer, whole, range(2))
    saved = tf.train.Checkpoint(optimizer=optimizer, variable=whole)
    path = saved.write(str(tmp_path / "state"))
    take(optimizer, whole, range(2, 4))
    other, part = make(name)
    np.testing.assert_array_equal(part, start)
    status = tf.train.Checkpoint(optimizer=other, variable=part).read(path)
    status.assert_existing_objects_matched()
    take(other, part, range(2, 4))
    np.testing.assert_array_equal(part, whole)
    assert np.all(whole.numpy() != start) and np.all(np.isfinite(whole))
    rate = LearningRate(0.01, "cosine", 1, 8)
    assert optimization.learning_rate(other) == pytest.approx(float(rate(3)))
    # The slots are there.
    network = types.SimpleNamespace(
        trainable_variables=[], compute_dtype="float16"
    )
    scaled = optimization.prepare(other, network)
    assert hasattr(scaled, "get_scaled_loss")
    take(scaled, part, [4])
    take(optimizer, whole, [4])
    np.testing.assert_allclose(part, whole, rtol=1e-5)


def test_another_rate_than_the_checkpoint_s_holds():
    def adam(beta):
        optimizer = optimizers.create("Adam", 0.1, beta_1=beta)
        optimization.create_slots(optimizer, [tf.Variable([1.0])])
        return optimizer

    old, new = adam(0.5), adam(0.9)
    values = optimization.hyperparameters(new)
    assert values["beta_1"] == pytest.approx(0.9)
    new.set_weights(old.get_weights())
    new.beta_1.assign(old.beta_1)
    optimization.set_hyperparameters(new, values)
    assert float(new.beta_1) == pytest.approx(0.9)
    assert float(new.learning_rate) == pytest.approx(0.1)


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean AdamW") as caught:
        optimizers.create("AdamWW", 0.1)
    assert "\n" not in str(caught.value)
    assert "SGD" in str(caught.value)


@pytest.mark.reference_stack
def test_addons_are_there():
    assert {"AdaBelief", "RectifiedAdam", "LAMB", "Lion", "AdamW"} <= {*NAMES}


def test_adam_is_the_fused_one():
    adam = optimizers.create("Adam", 0.1)
    assert isinstance(adam, tf.keras.optimizers.legacy.Adam)


@pytest.mark.parametrize("name", ["Adam", "Lion"])
def test_two_replicas_take_the_step_of_one(name, two_replicas):
    alone, expected = make(name)
    take(alone, expected, [3])
    with two_replicas.scope():
        optimizer, variable = make(name)
    two_replicas.run(tf.function(lambda: take(optimizer, variable, [3])))
    np.testing.assert_allclose(variable.values[0], expected, rtol=1e-5)
    np.testing.assert_array_equal(variable.values[1], variable.values[0])
