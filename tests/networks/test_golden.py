"""Networks of an earlier day: their checkpoints and configurations open."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import BatchNorm, SpectralNorm
from sagan_tf.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    Discriminator,
    Generator,
)
from tests import golden
from tests.networks.test_baking import scramble

SMALL = {"image_size": 32, "base_channels": 2, "attention_resolutions": (8,)}
CLASSES = {**SMALL, "num_classes": 3}
DIVISORS = {"attention_options": {"key_divisor": 4}}
TFGAN = {
    "spectral_normalization": SpectralNorm(1, 1.0, transposed=True),
    "attention_options": {
        "spectral_normalization": SpectralNorm(transposed=True)
    },
}
NETWORKS = {
    "generator": lambda: Generator(latent_dim=4, **CLASSES),
    "generator_of_tfgan": lambda: Generator(
        latent_dim=4,
        batch_norm=BatchNorm(epsilon=1e-3),
        output_momentum=0.999,
        **{**CLASSES, **TFGAN},
    ),
    "generator_of_studiogan": lambda: Generator(
        latent_dim=4,
        batch_norm=BatchNorm(0.9, 1e-4, normalized_tables=SpectralNorm()),
        output_momentum=0.9,
        **CLASSES,
    ),
    "generator_unconditional": lambda: Generator(
        latent_dim=4,
        spectral_normalization=None,
        batch_norm=BatchNorm(synchronized=False),
        attention_replacement="residual",
        **SMALL,
    ),
    "discriminator": lambda: Discriminator(
        fold_resampling=False, **{**CLASSES, "base_channels": 4}
    ),
    "discriminator_of_studiogan": lambda: Discriminator(
        rectified_shortcuts=True,
        dtype="mixed_bfloat16",
        **{**SMALL, "base_channels": 4},
    ),
    "dcgan_generator": lambda: DCGANGenerator(
        32, latent_dim=4, base_channels=4, batch_norm=BatchNorm(0.9), **DIVISORS
    ),
    "dcgan_discriminator": lambda: DCGANDiscriminator(
        32, base_channels=4, **DIVISORS
    ),
}


def scrambled(name):
    """Builds a network whose every variable tells; returns its inputs too."""
    network = NETWORKS[name]()
    shape = network._input_shape()
    inputs = np.random.default_rng(3).normal(size=(3, *shape))
    inputs = tf.constant(inputs, tf.float32)
    if network.num_classes:
        inputs = [inputs, tf.constant([2, 0, 1])]
    network(inputs)
    scramble(network)
    return network, inputs


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_and_configs_of_today_open_for_good(name):
    golden.check(name)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_configuration_of_today_means_what_the_options_say(name):
    _, class_name, config = golden.recorded()[name]
    copy = golden.class_of(class_name).from_config(config)
    network = NETWORKS[name]()
    assert {**copy.get_config(), "name": network.name} == network.get_config()
