import numpy as np
import pytest

from sagan_tf.data import open_dataset
from sagan_tf.data.formats.digits import enlarge
from sagan_tf.errors import UserError


def all_of(dataset):
    batches = list(dataset.ordered_batches(500))
    images = np.concatenate([images for images, _ in batches])
    return images, np.concatenate([labels for _, labels in batches])


def test_enlarged_digits_are_grey_and_labelled():
    dataset = open_dataset("digits", image_size=32)
    images, labels = all_of(dataset)
    assert images.shape == (1498, 32, 32, 3)
    assert images.min() == -1 and images.max() == 1
    np.testing.assert_array_equal(images[..., 0], images[..., 2])
    assert np.bincount(labels).min() > 130
    assert dataset.num_classes == 10
    assert dataset.class_names == tuple("0123456789")


def test_digits_are_recognised_by_their_nearest_neighbour():
    # So labels belong to their images, and the test digits are alike.
    images, labels = all_of(open_dataset("digits", image_size=10))
    others, truth = all_of(open_dataset("digits", image_size=10, split="test"))
    assert len(others) == 299
    images, others = images.reshape(1498, -1), others.reshape(299, -1)
    distances = (images**2).sum(1) - 2 * others @ images.T
    assert np.mean(labels[distances.argmin(1)] == truth) > 0.95


def test_even_ink_stays_even_within_a_black_border():
    white = enlarge(np.full((1, 8, 8), 16.0), 80)
    assert white.shape == (1, 80, 80, 3) and white.dtype == np.uint8
    assert (white[:, 20:60, 20:60] == 255).all()
    # The filter swings by 2 per cent on the outermost pixels.
    assert white[:, 0].max() < 6 and white[:, :, -1].max() < 6
    assert (enlarge(np.zeros((1, 8, 8)), 32) == 0).all()


def test_too_small_a_size_is_refused():
    with pytest.raises(UserError, match="at least 10. Received: 8"):
        open_dataset("digits", image_size=8)
