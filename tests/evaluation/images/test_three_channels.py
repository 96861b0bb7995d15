"""What networks of three channels see of one or four."""

import numpy as np

from sagan_tf.data import open_dataset
from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.images.three_channels import to_rgb


def test_grey_is_repeated_and_rgb_stays():
    grey = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4, 1))
    seen = to_rgb(grey)
    assert seen.shape == (2, 3, 4, 3)
    for channel in range(3):
        np.testing.assert_array_equal(seen[..., channel], grey[..., 0])
    assert to_rgb(seen) is seen


def test_alpha_is_laid_on_the_background():
    pixel = np.array([1.0, 0.0, -1.0], np.float32)
    alphas = np.array([-1.0, 0.0, 1.0], np.float32)
    images = np.array([[[[*pixel, alpha] for alpha in alphas]]])
    black = np.full(3, -1.0)
    expected = [black, (pixel + black) / 2, pixel]
    expected = np.rint((np.array(expected) + 1) * 127.5) / 127.5 - 1
    np.testing.assert_allclose(
        to_rgb(images, "black")[0, 0], expected, atol=1e-6
    )
    np.testing.assert_allclose(to_rgb(images)[0, 0, 0], np.ones(3))


def test_the_card_says_so():
    cards = {
        channels: protocol.describe_data(
            open_dataset("digits", image_size=32, channels=channels)
        )
        for channels in (1, 3, 4)
    }
    what = "32x32, 10 classes"
    assert cards == {
        1: f"digits, channels 1 {what}, grey repeated",
        3: f"digits {what}",
        4: f"digits, channels 4 {what}, alpha on white",
    }
