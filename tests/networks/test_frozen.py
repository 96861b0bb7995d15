import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.gan.sampling import Sampler
from sagan_tf.networks import Generator, freeze

LATENTS = np.random.default_rng(3).normal(size=(3, 8)).astype(np.float32)
LABELS = np.array([2, 0, 1], np.int32)
# Of pictures in [-1, 1]: rounding through some twenty layers.
ROUNDING = {"float32": 1e-5, "mixed_bfloat16": 0.05}


def inputs(generator):
    return [LATENTS, LABELS] if generator.num_classes else LATENTS


def scramble(generator, seed=5):
    """Gives every variable a value that shows whether it is used."""
    random = np.random.default_rng(seed)
    for variable in generator.variables:
        noise = 0.2 * random.normal(size=variable.shape)
        if "kernel" in variable.name:
            noise *= 0.2
        if any(x in variable.name for x in ("gain", "moving_variance")):
            noise = 1.0 + np.abs(noise)
        variable.assign(noise)


def make(num_classes=3, dtype="float32", **options):
    generator = Generator(
        32,
        num_classes,
        8,
        8,
        attention_resolutions=(8, 32),
        dtype=dtype,
        **options,
    )
    generator(inputs(generator))
    scramble(generator)
    return generator


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_classes": 0},
        {"dtype": "mixed_bfloat16"},
        {"fold_resampling": False},
        {"spectral_normalization": False},
        {"spectral_options": {"minimum_divisor": 1.0, "transposed": True}},
        {"attention_options": {"use_bias": True}},
        {"attention_options": {"output_projection": False, "value_divisor": 1}},
        {"attention_options": {"pooled": False, "value_divisor": 8}},
    ],
    ids=str,
)
def test_frozen_equals_live(options):
    generator = make(**options)
    before = generator.get_weights()
    frozen = freeze(generator)
    tolerance = ROUNDING[generator.dtype_policy.name]
    expected, scores = generator(
        inputs(generator), training=False, return_attention_scores=True
    )
    images, found = frozen(inputs(generator), return_attention_scores=True)
    assert np.std(expected) > 0.1
    assert images.dtype == tf.float32
    np.testing.assert_allclose(images, expected, rtol=0, atol=tolerance)
    assert list(found) == list(scores) == [8, 32]
    for size, expected in scores.items():
        np.testing.assert_allclose(found[size], expected, atol=tolerance)
    for ours, theirs in zip(before, generator.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_a_traced_function_sees_what_refresh_reads():
    generator = make()
    frozen = freeze(generator)
    draw = tf.function(frozen)
    first = draw(inputs(generator)).numpy()
    scramble(generator, seed=6)
    np.testing.assert_array_equal(draw(inputs(generator)), first)
    frozen.refresh()
    expected = generator(inputs(generator), training=False)
    np.testing.assert_allclose(
        draw(inputs(generator)), expected, rtol=0, atol=1e-5
    )
    assert np.abs(expected - first).max() > 0.1


def test_saved_model_holds_the_constants_alone(tmp_path):
    generator = make(dtype="mixed_bfloat16")
    module = tf.Module()
    module.frozen = freeze(generator)
    module.call = tf.function(
        lambda latents, labels: module.frozen([latents, labels]),
        input_signature=[
            tf.TensorSpec((None, 8)),
            tf.TensorSpec((None,), tf.int32),
        ],
    )
    path = str(tmp_path / "saved")
    tf.saved_model.save(module, path)
    loaded = tf.saved_model.load(path)
    np.testing.assert_allclose(
        loaded.call(tf.constant(LATENTS), tf.constant(LABELS)),
        module.frozen([LATENTS, LABELS]),
        atol=ROUNDING["mixed_bfloat16"],
    )
    names = [
        name
        for name, _ in tf.train.list_variables(path + "/variables/variables")
    ]
    stored = [name for name in names if name.endswith("VARIABLE_VALUE")]
    assert len(stored) == len(module.frozen.variables)
    assert not module.frozen.trainable_variables


def test_training_is_refused():
    frozen = freeze(make())
    with pytest.raises(ValueError, match="`training` should be False"):
        frozen([LATENTS, LABELS], training=True)


def test_a_sampler_follows_a_generator_that_trains():
    generator = make()
    sampler = Sampler(generator, batch_size=2)
    for seed in (6, 7):
        scramble(generator, seed)
        np.testing.assert_allclose(
            sampler(LATENTS, LABELS),
            generator([LATENTS, LABELS], training=False),
            rtol=0,
            atol=1e-5,
        )


def test_a_generator_that_was_never_called_can_be_frozen():
    generator = Generator(
        32, latent_dim=4, base_channels=2, attention_resolutions=()
    )
    latents = tf.ones((2, 4))
    frozen = freeze(generator)
    np.testing.assert_allclose(frozen(latents), generator(latents), atol=1e-5)


def test_a_replacement_of_attention_freezes_too():
    generator = make(attention_replacement="residual")
    expected = generator(inputs(generator), training=False)
    np.testing.assert_allclose(
        freeze(generator)(inputs(generator)), expected, rtol=0, atol=1e-5
    )
