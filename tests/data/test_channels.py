"""Images of any channels as files of bytes and networks of three see them."""

import numpy as np

from sagan_tf.data.channels import rounded, to_floats, to_rgb


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


def test_rounded_images_are_those_of_a_file_of_bytes():
    images = np.array([-1.2, -1.0, -0.999, 0.0, 0.5, 1.0, 1.3], np.float32)
    levels = [0, 0, 0, 128, 191, 255, 255]
    found = rounded(images)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, to_floats(np.array(levels, np.uint8)))
    np.testing.assert_array_equal(rounded(found), found)
    # For the network to refuse.
    assert np.isnan(rounded(np.full(2, np.nan, np.float32))).all()
