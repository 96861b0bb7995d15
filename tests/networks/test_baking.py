import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.gan.sampling import Sampler
from sagan_tf.layers import BatchNorm, SpectralNorm
from sagan_tf.networks import Generator, bake

LATENTS = np.random.default_rng(3).normal(size=(3, 8)).astype(np.float32)
LABELS = np.array([2, 0, 1], np.int32)
# Of images in [-1, 1]: rounding through some twenty layers.
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


def make(num_classes=3, **options):
    options = {"attention_resolutions": (8, 32), **options}
    generator = Generator(32, num_classes, 8, 8, **options)
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
        {"spectral_normalization": None},
        {"spectral_normalization": SpectralNorm(1, 1.0, transposed=True)},
        {"batch_norm": BatchNorm(normalized_tables=SpectralNorm())},
        {"attention_options": {"use_bias": True}},
        {"attention_options": {"output_projection": False, "value_divisor": 1}},
        {"attention_options": {"pooled": False, "value_divisor": 8}},
    ],
    ids=repr,
)
def test_baked_equals_live(options):
    generator = make(**options)
    before = generator.get_weights()
    baked = bake(generator)
    tolerance = ROUNDING[generator.dtype_policy.name]
    expected, scores = generator(
        inputs(generator), training=False, return_attention_scores=True
    )
    images, found = baked(inputs(generator), return_attention_scores=True)
    assert np.std(expected) > 0.1
    assert images.dtype == tf.float32
    np.testing.assert_allclose(images, expected, rtol=0, atol=tolerance)
    assert list(found) == list(scores) == [8, 32]
    for size, expected in scores.items():
        np.testing.assert_allclose(found[size], expected, atol=tolerance)
    for ours, theirs in zip(before, generator.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_a_traced_function_sees_what_is_baked_anew():
    generator = make()
    baked = bake(generator)
    draw = tf.function(baked)
    first = draw(inputs(generator)).numpy()
    scramble(generator, seed=6)
    np.testing.assert_array_equal(draw(inputs(generator)), first)
    assert bake(generator, into=baked) is baked
    expected = generator(inputs(generator), training=False)
    np.testing.assert_allclose(
        draw(inputs(generator)), expected, rtol=0, atol=1e-5
    )
    assert np.abs(expected - first).max() > 0.1


def test_attention_behind_the_last_block_bakes_too():
    generator = make(attention_resolutions=(32,))
    assert generator.stages[-1][1].name == "attention_32"
    np.testing.assert_allclose(
        bake(generator)(inputs(generator)),
        generator(inputs(generator), training=False),
        rtol=0,
        atol=1e-5,
    )


def test_it_is_of_the_same_class_and_always_in_inference():
    generator = make(dtype="mixed_bfloat16")
    baked = bake(generator)
    assert type(baked) is Generator
    assert not baked.trainable_variables and not baked.spectral_layers()
    # Kernels are stored in the dtype that they are used in.
    kernels = [v for v in baked.variables if "kernel" in v.name]
    assert {v.dtype for v in kernels} == {tf.bfloat16}
    before = baked.get_weights()
    expected = baked([LATENTS, LABELS], training=False)
    found = baked([LATENTS, LABELS], training=True)
    np.testing.assert_array_equal(found, expected)
    for ours, theirs in zip(before, baked.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_classes_can_be_mixed():
    generator = make()
    shares = np.array([[0.5, 0.5, 0], [0, 0, 1], [0.2, 0.3, 0.5]], np.float32)
    expected = generator([LATENTS, shares], training=False)
    np.testing.assert_allclose(
        bake(generator)([LATENTS, shares]), expected, rtol=0, atol=1e-5
    )
    sampler = Sampler(generator, batch_size=2)
    found = sampler(LATENTS, shares)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    labels = np.eye(3, dtype=np.float32)[LABELS]
    np.testing.assert_allclose(
        sampler(LATENTS, labels), sampler(LATENTS, LABELS), rtol=0, atol=1e-6
    )


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
    baked = bake(generator)
    np.testing.assert_allclose(baked(latents), generator(latents), atol=1e-5)


def test_a_replacement_of_attention_bakes_too():
    generator = make(attention_replacement="residual")
    expected = generator(inputs(generator), training=False)
    np.testing.assert_allclose(
        bake(generator)(inputs(generator)), expected, rtol=0, atol=1e-5
    )
