"""What generated images teach a classifier, and what it knows of them."""

import numpy as np
import pytest

from sagan_tf.data import open_dataset
from sagan_tf.data.channels import to_floats
from sagan_tf.errors import UserError
from sagan_tf.evaluation import classification_accuracy
from sagan_tf.evaluation.classification_accuracy import as_rows, prepare
from sagan_tf.evaluation.features import own_classifier, small_network


def digits(split, **options):
    return open_dataset(
        "digits", split=split, image_size=32, channels=1, **options
    )


@pytest.fixture(scope="module")
def few_steps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classification_accuracy, "_STEPS", 250)
        patch.setattr(own_classifier, "BATCH_SIZE", 32)
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def real(few_steps, kept):
    """The test images of digits, and a classifier of the others."""
    return prepare(digits("test"), "test", digits("train"), 200, str(kept))


@pytest.fixture(scope="module")
def images():
    pixels, labels = digits("train").images(np.arange(1000))
    return as_rows(to_floats(pixels)), labels


def test_rows_are_the_bytes_of_small_images():
    pixels, _ = digits("train").images(np.arange(3))
    rows = as_rows(to_floats(pixels))
    np.testing.assert_array_equal(rows, pixels.reshape(3, 32 * 32))
    assert as_rows(np.ones((2, 64, 96, 4), np.float32)).shape == (2, 4096)


def test_real_images_score_as_real_ones_do(real, images):
    assert real.images == "200 of test"
    assert real.real_accuracy > 0.85
    found = real(*images)
    assert found.score > real.real_accuracy - 0.1
    assert found.reverse > 0.9


def test_one_image_of_each_class_teaches_little(real, images):
    rows, labels = images
    first = [np.flatnonzero(labels == label)[0] for label in range(10)]
    found = real(np.tile(rows[first], (20, 1)), np.tile(np.arange(10), 20))
    assert found.reverse >= 0.9 and found.score < real.real_accuracy - 0.2


def test_the_classifier_of_real_images_is_kept(real, kept, monkeypatch):
    monkeypatch.setattr(small_network, "train", None)
    again = prepare(digits("test"), "test", digits("train"), 200, str(kept))
    assert again.real_accuracy == real.real_accuracy


def test_a_tenth_is_held_out_where_there_is_no_other_split(
    few_steps, kept, monkeypatch
):
    learned = []

    def remember(read, numbers, name, num_classes, channels, steps):
        learned.extend(numbers)
        return small_network.build(num_classes, channels)

    monkeypatch.setattr(own_classifier, "learn", remember)
    found = prepare(digits("train"), "train", None, 400, str(kept))
    assert found.images == "40 of train, which the generator was trained on"
    assert sorted([*learned, *found.numbers]) == list(range(400))


def test_images_without_classes_are_refused(kept):
    with pytest.raises(UserError, match="--cas .* have none"):
        prepare(digits("test", num_classes=0), "test", None, 200, str(kept))
