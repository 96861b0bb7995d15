"""TF-GAN's Inception, by a stand-in of the same shape."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sagan_tf.errors import UserError
from sagan_tf.evaluation import tfgan
from sagan_tf.evaluation.features import inception
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.features.inception import load_inception


def some_images(count=3, size=32, seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, (count, size, size, 3)).astype(np.float32)


def test_names_are_those_of_tfgan():
    theirs = tfgan.load().eval
    assert inception.LOGITS == theirs.INCEPTION_OUTPUT
    assert inception.POOLED == theirs.INCEPTION_FINAL_POOL
    assert inception.INPUT_SIZE == theirs.INCEPTION_DEFAULT_IMAGE_SIZE


@pytest.fixture(scope="module")
def network(inception_path):
    return load_inception(inception_path)


@pytest.mark.parametrize("size", [32, 350])
def test_299_pixels_arrive_and_2048_come_back(network, size):
    images = some_images(2, size)
    logits, pooled = network(images)
    assert network.model.seen.numpy().tolist() == [299, 299, 3]
    low, high = network.model.range.numpy()
    assert -1 <= low < -0.8 and 0.8 < high <= 1
    assert (logits.shape, pooled.shape) == ((2, 1008), (2, 2048))
    assert (network.num_classes, network.num_features) == (1008, 2048)
    resized = tf.image.resize(images, (299, 299), "bilinear")
    expected = network.model(resized)
    np.testing.assert_allclose(
        pooled, tf.reshape(expected["pool_3"], (2, 2048)), rtol=1e-3, atol=1e-5
    )
    assert network.name == "inception"
    assert network.resize == "bilinear to 299"


def test_features_do_not_depend_on_the_batch(network):
    images = some_images(3)
    _, together = network(images)
    apart = np.concatenate([network(image[None])[1] for image in images])
    np.testing.assert_allclose(together, apart, rtol=1e-3, atol=1e-6)


def test_any_model_with_both_outputs_serves_by_its_own_name(toy_path):
    network = load_inception(toy_path)
    assert network.name == f"savedmodel-{network.hash[:8]}"
    assert (network.num_classes, network.num_features) == (6, 5)
    # The size that its signature fixes.
    assert network.input_size == 8
    assert network(some_images(2))[0].shape == (2, 6)


def test_hash_is_of_the_files(toy_path, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(toy_path, copy)
    assert load_inception(str(copy)).hash == load_inception(toy_path).hash
    toy = tf.saved_model.load(toy_path)
    toy.kernel.assign_add(tf.ones_like(toy.kernel))
    tf.saved_model.save(toy, str(tmp_path / "other"))
    other = load_inception(str(tmp_path / "other"))
    assert other.hash != load_inception(toy_path).hash


def test_copy_in_the_cache_of_tfhub_is_found(toy_path, tmp_path, monkeypatch):
    import hashlib

    handle = tfgan.inception_address()
    name = hashlib.sha1(handle.encode()).hexdigest()
    shutil.copytree(toy_path, tmp_path / name)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    assert load_inception().hash == load_inception(toy_path).hash


def test_without_a_network_one_line_says_what_to_do(tmp_path, monkeypatch):
    import tensorflow_hub

    def resolve(handle):
        raise OSError(f"<urlopen error>\nno route to {handle}")

    monkeypatch.setattr(tensorflow_hub, "resolve", resolve)
    with pytest.raises(UserError) as caught:
        load_inception()
    line = str(caught.value)
    assert "\n" not in line
    assert f"{tfgan.inception_address()}?tf-hub-format=compressed" in line
    assert "--inception_path=DIR" in line


class Other(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def __call__(self, images):
        return {"probabilities": tf.reduce_mean(images, (1, 2))}


def test_what_is_no_such_network_is_refused(tmp_path, toy_path):
    with pytest.raises(UserError, match="no saved_model.pb in it"):
        load_inception(str(tmp_path / "absent"))
    tf.saved_model.save(Other(), str(tmp_path / "other"))
    with pytest.raises(UserError, match="outputs are probabilities"):
        load_inception(str(tmp_path / "other"))
    tf.saved_model.save(tf.Module(), str(tmp_path / "empty"))
    with pytest.raises(UserError, match="callable or have the signature"):
        load_inception(str(tmp_path / "empty"))
    shutil.copytree(toy_path, tmp_path / "broken")
    (tmp_path / "broken" / "saved_model.pb").write_bytes(b"broken")
    with pytest.raises(UserError, match="cannot load the SavedModel") as caught:
        load_inception(str(tmp_path / "broken"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "images, message",
    [
        (np.zeros((2, 8, 8, 3), np.uint8), "floats in .*uint8"),
        (np.zeros((8, 8, 3), np.float32), r"shape \(batch"),
        (np.zeros((2, 8, 8, 1), np.float32), r"shape \(batch"),
        (np.full((2, 8, 8, 3), 255.0), r"in \[-1, 1\]"),
    ],
)
def test_other_images_are_refused(toy_network, images, message):
    with pytest.raises(ValueError, match=message):
        toy_network(images)


def test_images_that_are_not_finite_are_refused(toy_network):
    with pytest.raises(UserError, match="NaN or infinity"):
        toy_network(np.full((2, 8, 8, 3), np.nan))


def test_size_of_features_does_not_need_the_images(toy_network):
    assert toy_network(some_images(2, 8))[1].dtype == np.float32
    logits, pooled = toy_network(tf.zeros((0, 8, 8, 3)))
    assert (logits.shape, pooled.shape) == ((0, 6), (0, 5))


def test_two_devices_see_the_same(toy_path, two_replicas):
    images = some_images(5)
    alone, shared = (
        load_inception(toy_path),
        load_inception(toy_path, two_replicas),
    )
    for ours, theirs in zip(shared(images), alone(images)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def in_floats(image, size):
    """Pillow's bicubic of each channel in floats, as clean-fid has it."""
    channels = [
        np.asarray(
            Image.fromarray(image[..., channel], "F").resize(
                (size, size), Image.Resampling.BICUBIC
            )
        )
        for channel in range(3)
    ]
    return np.clip(np.stack(channels, axis=-1), 0, 255)


@pytest.mark.parametrize("size", [5, 29, 8])
def test_clean_resizing_is_that_of_pillow_in_floats(size):
    seen = []

    def look(images):
        tf.py_function(lambda x: seen.append(x.numpy()), [images], [])
        return images[:, 0, 0], images[:, 0, 0]

    network = FeatureNetwork(
        look, name="toy", hash="0", input_size=8, clean=True
    )
    levels = np.random.default_rng(0).integers(0, 256, (size, size, 3))
    levels = levels.astype(np.float32)
    network(levels[None] / 127.5 - 1)
    expected = in_floats(levels, 8)
    np.testing.assert_allclose((seen[-1][0] + 1) * 127.5, expected, atol=2e-3)
    assert network.resize == "bicubic to 8, antialiased"


def test_images_of_several_sizes_are_seen_in_order(toy_network):
    images = [*some_images(2, 8), *some_images(2, 12, 1), *some_images(1, 8, 2)]
    together = toy_network(images)
    for number, image in enumerate(images):
        alone = toy_network(image[None])
        for part, expected in zip(together, alone):
            np.testing.assert_allclose(part[number], expected[0], rtol=1e-5)
