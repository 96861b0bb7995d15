"""How far networks look, recorded by name."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import SAGAN, Discriminator, Generator
from sagan_tf.training.attention_probe import AttentionProbe
from sagan_tf.visualization.attention_maps import uniform_distance

OPTIONS = {
    "image_size": 32,
    "base_channels": 2,
    "num_classes": 3,
    "attention_options": {"key_divisor": 2},
}


def probe(gan):
    probed = {}
    images = np.random.default_rng(0).uniform(-1, 1, (20, 32, 32, 3))
    labels = np.arange(20, dtype=np.int32) % 3
    AttentionProbe(gan, probed, images.astype(np.float32), labels)(1)
    return probed


def test_each_layer_of_each_network_is_measured():
    gan = SAGAN(
        Generator(latent_dim=4, attention_resolutions=(8, 16), **OPTIONS),
        Discriminator(attention_resolutions=(16,), **OPTIONS),
    )
    queries = gan.discriminator.attention_layers()[16].query
    queries.raw_kernel.assign(tf.zeros_like(queries.raw_kernel))
    probed = probe(gan)
    assert set(probed) == {
        "generator/attention_distance_8",
        "generator/attention_distance_16",
        "discriminator/attention_distance_16",
    }
    # Queries of zeros attend to everything alike.
    assert probed["discriminator/attention_distance_16"] == pytest.approx(
        uniform_distance(256, 64)
    )
    assert all(0.0 < value < 1.0 for value in probed.values())


def test_networks_without_attention_add_nothing():
    gan = SAGAN(
        Generator(latent_dim=4, attention_resolutions=(), **OPTIONS),
        Discriminator(attention_resolutions=(), **OPTIONS),
    )
    assert probe(gan) == {}
