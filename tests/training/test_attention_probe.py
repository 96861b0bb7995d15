"""How far networks look, recorded by name."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import SAGAN, Discriminator, Generator
from sagan_tf.layers import dot_product_attention
from sagan_tf.training.attention_probe import AttentionProbe
from sagan_tf.training.sinks import Records
from sagan_tf.visualization import attention_capture, attention_strips, sheets
from sagan_tf.visualization.attention_maps import (
    mean_distances,
    uniform_distance,
)
from tests.training.test_records import Memory

OPTIONS = {
    "image_size": 32,
    "base_channels": 2,
    "num_classes": 3,
    "attention_options": {"key_divisor": 2},
}


def probe(gan):
    probed, records = {}, Records([])
    images = np.random.default_rng(0).uniform(-1, 1, (20, 32, 32, 3))
    labels = np.arange(20, dtype=np.int32) % 3
    images = images.astype(np.float32)
    AttentionProbe(gan, probed, records, images, labels).measure(1)
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


def test_pages_show_the_same_points_of_each_network():
    gan = SAGAN(
        Generator(latent_dim=4, attention_resolutions=(8, 16), **OPTIONS),
        Discriminator(attention_resolutions=(16,), **OPTIONS),
    )
    images = np.random.default_rng(0).uniform(-1, 1, (4, 32, 32, 3))
    memory = Memory()
    labels, names = np.arange(4) % 3, ("a", "b", "c")
    attention = AttentionProbe(
        gan, {}, Records([memory]), images, labels, names
    )
    attention.draw(5)
    (*one, page), (*other, smaller) = memory.seen
    assert one == ["image", 5, "attention/generator"]
    assert other == ["image", 5, "attention/discriminator"]
    # Four images of two maps each, and of one; five panels in a row.
    assert page.shape[0] == sheets.TITLE_HEIGHT + 8 * 98 + 2
    assert smaller.shape[0] == sheets.TITLE_HEIGHT + 4 * 98 + 2
    attention.draw(6)
    assert not np.array_equal(page[:24], memory.seen[2][-1][:24])
    np.testing.assert_array_equal(page[24:], memory.seen[2][-1][24:])


def test_a_dot_marks_the_point_that_looks():
    image = np.full((90, 90, 3), 128, np.uint8)
    # Every point looks at the last of four keys.
    scores = np.tile([0.0, 0.0, 0.0, 1.0], (16, 1))
    panels = attention_strips.strip(image, scores)
    assert len(panels) == 5
    for (down, right), panel in zip(attention_strips.POINTS, panels[1:]):
        place = int(down * 90), int(right * 90)
        np.testing.assert_array_equal(panel[place], panels[0][place])
        brightness = panel.astype(int).sum(-1)
        assert brightness[80, 80] > 2 * brightness[10, 10]


def test_networks_without_attention_add_nothing():
    gan = SAGAN(
        Generator(latent_dim=4, attention_resolutions=(), **OPTIONS),
        Discriminator(attention_resolutions=(), **OPTIONS),
    )
    assert probe(gan) == {}
    memory = Memory()
    images, records = np.zeros((1, 32, 32, 3)), Records([memory])
    AttentionProbe(gan, {}, records, images, [0]).draw(1)
    assert memory.seen == []
