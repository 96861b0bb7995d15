"""Latents of images: nearer with each step, and there if they were drawn."""

import numpy as np
import pytest

from sagan_tf import Discriminator, Generator
from sagan_tf.gan.latents import draw_each
from sagan_tf.gan.projection import Projector

OPTIONS = {
    "image_size": 32,
    "base_channels": 2,
    "attention_resolutions": (16,),
    "attention_options": {"key_divisor": 2},
}


@pytest.fixture(scope="module")
def networks():
    generator = Generator(latent_dim=3, num_classes=2, **OPTIONS)
    discriminator = Discriminator(num_classes=2, **OPTIONS)
    for network in (generator, discriminator):
        network.build_from_config({})
        network.attention_layers()[16].gate.assign(0.7)
    # Untrained, it draws nearly the same grey of every latent and class.
    random = np.random.default_rng(0)
    for variable in generator.trainable_variables:
        if "gain" in variable.name:
            variable.assign(random.uniform(1.0, 3.0, variable.shape))
    return generator, discriminator


@pytest.fixture(scope="module")
def drawn(networks):
    """An image of class 1, and its latent."""
    latents = draw_each([7], 3).numpy()
    return networks[0]([latents, np.array([1])]).numpy()[0], latents


@pytest.fixture(scope="module")
def projector(networks, drawn):
    return Projector(*networks, drawn[0])


def test_an_image_is_no_way_from_itself(projector, drawn):
    image, latents = drawn
    images, pixels, features = projector.measure(latents, np.array([1]))
    np.testing.assert_allclose(images[0], image, atol=1e-5)
    assert pixels[0] < 1e-9 and features[0] < 1e-9


def test_distances_are_of_each_image(projector, networks, drawn):
    image, _ = drawn
    latents, labels = draw_each([1, 2, 3], 3).numpy(), np.array([0, 1, 1])
    images, pixels, features = projector.measure(latents, labels)
    expected = ((images - image) ** 2).numpy().mean((1, 2, 3))
    np.testing.assert_allclose(pixels, expected, rtol=1e-5)
    for index in range(3):
        part = slice(index, index + 1)
        _, _, alone = projector.measure(latents[part], labels[part])
        np.testing.assert_allclose(features[index], alone[0], rtol=1e-4)


def test_what_was_drawn_from_a_start_is_found_among_the_starts(
    projector, drawn
):
    latents, labels = projector.find_starts([0, 1], 20, best=2, seed=0)
    np.testing.assert_array_equal(latents[0], drawn[1][0])
    assert labels[0] == 1 and len(latents) == 2


def test_steps_bring_it_nearer_than_the_nearest_start(projector):
    starts = projector.find_starts([0, 1], 8, best=2, seed=100)
    found = projector.bring_nearer(*starts, steps=60, frames=10)
    distances = found.pixels + found.features
    assert found.nearest > 0
    assert distances.min() < 0.7 * distances[0]
    assert distances.shape == (61,) and 3 <= len(found.images) <= 10
    # What is told is what the latent draws.
    images, pixels, features = projector.measure(found.latents, found.labels)
    np.testing.assert_allclose(images[0], found.images[-1], atol=1e-4)
    np.testing.assert_allclose(
        (pixels + features)[0], distances.min(), rtol=1e-3
    )


def test_networks_without_classes_are_projected_too():
    networks = Generator(latent_dim=3, **OPTIONS), Discriminator(**OPTIONS)
    for network in networks:
        network.build_from_config({})
    projector = Projector(*networks, np.zeros((32, 32, 3), np.float32))
    starts = projector.find_starts([0], 4, best=1)
    found = projector.bring_nearer(*starts, steps=3)
    assert found.latents.shape == (1, 3) and found.labels.tolist() == [0]
