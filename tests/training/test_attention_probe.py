"""How far networks look, recorded by name."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import SAGAN, Discriminator, Generator
from sagan_tf.layers import dot_product_attention
from sagan_tf.training.attention_probe import AttentionProbe
from sagan_tf.visualization import attention_capture
from sagan_tf.visualization.attention_maps import (
    mean_distances,
    uniform_distance,
)

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


def test_it_looks_at_one_image_in_blocks(monkeypatch):
    """The weights of an image are never all in memory."""
    options = {"attention_options": {"key_divisor": 2, "max_scores": 64 * 8}}
    gan = SAGAN(
        Generator(latent_dim=4, **{**OPTIONS, **options}),
        Discriminator(**{**OPTIONS, **options}),
    )
    whole = attention_capture.capture_from_generator(
        gan.ema_generator, np.arange(4), np.arange(4) % 3
    )
    seen, compute = [], dot_product_attention.attention_scores

    def watch(query, key):
        scores = compute(query, key)
        seen.append(scores.shape)
        return scores

    monkeypatch.setattr(dot_product_attention, "attention_scores", watch)
    probed = probe(gan)
    # Inside a loop over blocks nothing is known of the batch.
    assert {tuple(shape)[1:] for shape in seen} == {(8, 64)}
    assert {shape[0] for shape in seen} <= {1, None}
    assert probed["generator/attention_distance_16"] == pytest.approx(
        mean_distances(whole.scores[16]).mean(), rel=1e-5
    )


def test_networks_without_attention_add_nothing():
    gan = SAGAN(
        Generator(latent_dim=4, attention_resolutions=(), **OPTIONS),
        Discriminator(attention_resolutions=(), **OPTIONS),
    )
    assert probe(gan) == {}
