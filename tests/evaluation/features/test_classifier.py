"""The classifier of embedded data: trained, kept, and of use."""

import numpy as np
import pytest

from sagan_tf.data import open_dataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation.features import classifier, small_network
from sagan_tf.evaluation.features.classifier import (
    has_classifier,
    load_classifier,
)
from sagan_tf.evaluation.numerics.moments import Moments, frechet_distance


@pytest.fixture(scope="module")
def network(cache):
    return load_classifier("twins", str(cache))


@pytest.fixture(scope="module")
def images():
    data = open_dataset("twins", image_size=32, split="test", num_examples=1000)
    images, labels = next(iter(data.ordered_batches(1000)))
    return images.numpy(), labels.numpy()


def test_kinds_are_recognised(network, images):
    images, labels = images
    logits, features = network(images)
    assert (logits.shape, features.shape) == ((1000, 10), (1000, 64))
    assert np.mean(logits.argmax(1) == labels) >= 0.99
    assert network.test_accuracy >= 0.99
    assert network.name == "twins-classifier"
    assert len(network.hash) == 16


def test_larger_images_are_recognised(network):
    data = open_dataset("twins", image_size=64, num_examples=200)
    images, labels = next(iter(data.ordered_batches(200)))
    logits, _ = network(images)
    assert np.mean(logits.argmax(1) == labels) >= 0.98


def distance(network, images, others):
    both = []
    for part in (images, others):
        both.append(Moments(64))
        both[-1].update(network(part)[1])
    return frechet_distance(*both)


def disagreeing(images):
    """Right halves of others, half of which are of the same kind."""
    middle = len(images) // 2
    shift = np.r_[np.arange(middle) + 10, np.arange(middle, len(images)) + 13]
    others = images[shift % len(images)]
    return np.concatenate((images[:, :, :16], others[:, :, 16:]), axis=2)


def grey(images):
    return np.repeat(images.mean(-1, keepdims=True), 3, -1)


def noisy(images):
    noise = np.random.default_rng(0).normal(0, 0.3, images.shape)
    return np.clip(images + noise, -1, 1)


@pytest.mark.parametrize(
    "change",
    [
        disagreeing,
        lambda images: images[:, ::-1],
        grey,
        noisy,
        lambda images: np.repeat(images[:50], 10, axis=0),
    ],
    ids=["halves that disagree", "upside down", "grey", "noisy", "repeated"],
)
def test_features_tell_what_is_wrong(network, images, change):
    images, _ = images
    floor = distance(network, images[:500], images[500:])
    assert distance(network, images[:500], change(images[500:])) > 3 * floor


def test_second_load_trains_nothing(network, cache, monkeypatch):
    monkeypatch.setattr(small_network, "train", None)
    again = load_classifier("twins", str(cache))
    assert again.hash == network.hash
    assert again.test_accuracy == network.test_accuracy
    image = np.zeros((1, 32, 32, 3))
    np.testing.assert_array_equal(again(image)[1], network(image)[1])


def test_who_comes_second_takes_what_the_first_has_written(network, cache):
    (path,) = cache.glob("twins*.npz")
    before = path.read_bytes()
    model = small_network.build(10)
    classifier.store(path, model, 0.5)
    assert path.read_bytes() == before
    assert not list(cache.glob(".*"))


def test_broken_weights_are_one_line(network, cache, tmp_path):
    (path,) = cache.glob("twins*.npz")
    (tmp_path / path.name).write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UserError, match="remove it, and it is trained again"):
        load_classifier("twins", str(tmp_path))


def test_poor_classifier_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setitem(classifier._STEPS, "digits", 1)
    with pytest.raises(UserError, match="should recognise 95% of the test"):
        load_classifier("digits", str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_other_data_have_none(tmp_path):
    assert has_classifier("twins") and has_classifier("digits")
    assert not has_classifier("folder")
    with pytest.raises(UserError, match="twins and digits. Received: 'folder'"):
        load_classifier("folder", str(tmp_path))


@pytest.mark.parametrize("count", [1, 10, 11])
def test_two_devices_see_the_same(network, cache, images, two_replicas, count):
    shared = load_classifier("twins", str(cache), two_replicas)
    images = images[0][:count]
    for ours, theirs in zip(shared(images), network(images)):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
