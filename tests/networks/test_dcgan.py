import json

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.networks import DCGANDiscriminator, DCGANGenerator, bake
from tests.networks.test_baking import ROUNDING, scramble

LATENTS = np.random.default_rng(3).normal(size=(3, 8)).astype(np.float32)


def generator(image_size=32, **options):
    options = {"latent_dim": 8, "base_channels": 8, **options}
    return DCGANGenerator(image_size, **options)


def discriminator(image_size=32, **options):
    return DCGANDiscriminator(image_size, **{"base_channels": 8, **options})


def inputs_of(network):
    if isinstance(network, DCGANGenerator):
        return LATENTS
    shape = (3, *network.image_shape)
    return np.random.default_rng(4).uniform(-1, 1, shape)


@pytest.mark.parametrize(
    ("image_size", "ours", "theirs"),
    [
        (32, (8, 16), (8, 4)),
        (64, (16, 32), (8, 4)),
        (128, (32, 64), (8, 4)),
    ],
)
def test_attention_stands_in_the_last_two_layers(image_size, ours, theirs):
    assert generator(image_size).attention_resolutions == ours
    network = discriminator(image_size)
    assert network.attention_resolutions == theirs
    stages = [stage.name for _, stage in network.stages]
    assert stages[-4:] == [
        f"block_{len(stages) - 3}",
        "attention_8",
        f"block_{len(stages) - 2}",
        "attention_4",
    ]


def test_other_forms_and_channels():
    options = {"channels": 1, "attention_resolutions": (12,)}
    network, critic = (
        f((48, 40), **options) for f in (generator, discriminator)
    )
    images, scores = network(LATENTS, return_attention_scores=True)
    assert images.shape == (3, 48, 40, 1)
    assert scores[12].shape == (3, 120, 120)
    assert critic(images).shape == (3, 1)
    assert network.stages[0][1].convolution.layer.kernel.shape[:2] == (6, 5)


def test_parameters_are_those_of_the_fixture():
    """Of the 64-pixel networks, counted in the list of PyTorch's names."""
    # Kernels, biases, gains, and the attention's convolutions and gates.
    for network, count in (
        (DCGANGenerator(64), 3_832_885),
        (DCGANDiscriminator(64), 3_175_299),
    ):
        network.build_from_config({})
        found = sum(np.prod(v.shape) for v in network.trainable_variables)
        assert found == count


@pytest.mark.parametrize("factory", [generator, discriminator])
def test_config_rebuilds_the_network(factory):
    network = factory(attention_options={"key_divisor": 4})
    inputs = inputs_of(network)
    expected = network(inputs)
    config = json.loads(json.dumps(network.get_config()))
    copy = type(network).from_config(config)
    copy(inputs)
    copy.set_weights(network.get_weights())
    np.testing.assert_array_equal(copy(inputs), expected)


@pytest.mark.parametrize("factory", [generator, discriminator])
def test_outputs_and_scores(factory):
    network = factory(dtype="mixed_bfloat16")
    outputs, scores = network(inputs_of(network), return_attention_scores=True)
    assert outputs.dtype == tf.float32
    shape = (3, 1) if factory is discriminator else (3, 32, 32, 3)
    assert outputs.shape == shape
    assert list(scores) == list(network.attention_resolutions)
    for size, weights in scores.items():
        assert weights.shape == (3, size**2, size**2)
        np.testing.assert_allclose(np.sum(weights, -1), 1.0, rtol=1e-5)
    assert set(network.diagnostics()) == {
        *(f"gate_{size}" for size in scores),
        "largest_sigma",
    }


def test_spectral_normalization_can_be_off():
    network = discriminator(spectral_normalization=False)
    network(inputs_of(network))
    assert not network.spectral_layers()
    normalized = discriminator()
    normalized(inputs_of(normalized))
    assert len(normalized.spectral_layers()) == 3


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("normalized", [True, False])
def test_baked_equals_live(dtype, normalized):
    live = generator(dtype=dtype, spectral_normalization=normalized)
    live(LATENTS)
    scramble(live)
    baked = bake(live)
    expected, scores = live(
        LATENTS, training=False, return_attention_scores=True
    )
    images, found = baked(LATENTS, return_attention_scores=True)
    assert np.std(expected) > 0.1
    tolerance = ROUNDING[dtype]
    np.testing.assert_allclose(images, expected, rtol=0, atol=tolerance)
    assert list(found) == [8, 16]
    for size, weights in scores.items():
        np.testing.assert_allclose(found[size], weights, atol=tolerance)
    scramble(live, seed=6)
    bake(live, into=baked)
    expected = live(LATENTS, training=False)
    np.testing.assert_allclose(baked(LATENTS), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("factory", [generator, discriminator])
@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"image_size": 50}, "the nearest are 48 and 56"),
        ({"num_classes": 3}, "is unconditional. Received: 3"),
        ({"attention_resolutions": (32,)}, r"sizes \(.*\) of the feature"),
        ({"fold_resampling": True}, "`fold_resampling` should not be given"),
        (
            {"attention_replacement": "residual"},
            "`attention_replacement` should not be given",
        ),
    ],
)
def test_wrong_arguments(factory, options, part):
    with pytest.raises(ValueError, match=part):
        factory(**options)


def test_a_latent_has_numbers():
    with pytest.raises(ValueError, match="`latent_dim` should be at least 1"):
        generator(latent_dim=0)
