import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.evaluation.coherence import (
    half_hues,
    hue_coverage,
    share_by_chance,
    share_that_agrees,
)

RED, GREEN, BLUE = (1, -1, -1), (-1, 1, -1), (-1, -1, 1)
# Hue 30 degrees, a twelfth of the circle from red.
ORANGE = (1, 0, -1)


def coherence(images):
    return share_that_agrees(half_hues(images))


def an_image(left, right, size=32):
    """Two squares, a quarter of the size wide, on light grey."""
    image = np.full((size, size, 3), 0.8, np.float32)
    quarter = size // 4
    rows = slice(quarter, 2 * quarter)
    for colour, start in ((left, size // 8), (right, 5 * size // 8)):
        if colour is not None:
            image[rows, start : start + quarter] = colour
    return image


@pytest.mark.parametrize("size", [16, 32, 33, 128])
def test_hues_are_known(size):
    images = np.stack(
        [an_image(RED, GREEN, size), an_image(BLUE, ORANGE, size)]
    )
    expected = [[0, 1 / 3], [2 / 3, 1 / 12]]
    np.testing.assert_allclose(half_hues(images), expected, atol=1e-6)


def test_agreement_is_within_the_tolerance():
    images = np.stack([an_image(RED, RED), an_image(RED, ORANGE)])
    assert [coherence(image[None]) for image in images] == [1, 0]
    assert coherence(images) == 0.5


@pytest.mark.parametrize("apart, agree", [(0.059, 1), (0.061, 0)])
def test_tolerance_is_0_06_of_the_circle(apart, agree):
    # From red to yellow, a sixth, green rises from -1 to 1.
    other = (1, 12 * apart - 1, -1)
    np.testing.assert_allclose(
        half_hues(an_image(RED, other)[None]), [[0, apart]], atol=1e-6
    )
    assert coherence(an_image(RED, other)[None]) == agree
    assert coherence(an_image(other, RED)[None]) == agree


def test_hues_meet_across_zero():
    purplish, yellowish = (1, -1, -0.9), (1, -0.9, -1)
    assert coherence(an_image(purplish, yellowish)[None]) == 1


@pytest.mark.parametrize("left, right", [(None, RED), (RED, None)])
def test_half_without_a_shape_has_no_hue_and_disagrees(left, right):
    images = an_image(left, right)[None]
    expected = [[left is None, right is None]]
    np.testing.assert_array_equal(np.isnan(half_hues(images)), expected)
    assert coherence(images) == 0


@pytest.mark.parametrize("noise", ["uniform", "normal", "grey"])
def test_noise_does_not_score(noise):
    generator = np.random.default_rng(0)
    shape = (500, 32, 32, 3)
    images = {
        "uniform": generator.uniform(-1, 1, shape),
        "normal": np.clip(generator.normal(size=shape), -1, 1),
        "grey": np.repeat(
            generator.uniform(-1, 1, shape[:-1])[..., None], 3, 3
        ),
    }[noise]
    assert coherence(images) < 0.02


@pytest.mark.parametrize("colour", [RED, (0, 0, 0), (-1, -1, -1), (1, 1, 1)])
def test_flat_image_does_not_score(colour):
    images = np.broadcast_to(np.float32(colour), (4, 32, 32, 3))
    assert coherence(images) == 0


def test_blurred_and_noisy_shapes_still_count():
    images = np.stack([an_image(RED, RED), an_image(BLUE, BLUE)] * 8)
    blurred = (images + np.roll(images, 1, 1) + np.roll(images, 1, 2)) / 3
    noise = np.random.default_rng(0).normal(0, 0.15, images.shape)
    assert coherence(np.clip(blurred + noise, -1, 1)) == 1


def test_chance_pairs_halves_of_different_images():
    # Nine colours, each alike on both sides and further apart than agrees.
    hues = np.repeat(np.arange(9) / 9, 2).reshape(-1, 2)
    assert share_that_agrees(hues) == 1
    assert share_by_chance(hues) == 0
    assert share_by_chance(np.full((9, 2), 0.5)) == 1


def test_hue_coverage_is_the_share_of_the_rarest_colour():
    # Ten images, twenty halves, of each of twelve colours; just below 1 is red.
    hues = np.tile((np.arange(12) / 12 - 0.01) % 1, 20).reshape(-1, 2)
    assert hue_coverage(hues) == 1
    is_green = np.abs(hues - 1 / 3) < 0.02
    assert is_green.sum() == 20
    rarer = np.where(is_green & (np.arange(120) < 60)[:, None], 0.5, hues)
    assert hue_coverage(rarer) == 0.5
    assert hue_coverage(np.where(is_green, 0.5, hues)) == 0


def test_half_without_a_hue_covers_none():
    hues = np.tile(np.arange(12) / 12, (4, 1)).reshape(-1, 2)
    with_grey = np.concatenate((hues, np.full((24, 2), np.nan)))
    assert hue_coverage(with_grey) == 0.5
    assert hue_coverage(np.full((5, 2), np.nan)) == 0


def test_tensors_of_any_float_type_are_taken():
    images = tf.cast(an_image(RED, RED)[None], tf.bfloat16)
    assert coherence(images) == coherence(images.numpy()) == 1


@pytest.mark.parametrize(
    "images, message",
    [
        (np.zeros((2, 8, 8, 3), np.uint8), "uint8"),
        (np.full((2, 8, 8, 3), 255.0), r"in \[-1, 1\]"),
        (np.zeros((8, 8, 3)), "shape"),
        (np.zeros((2, 8, 8, 1)), "shape"),
    ],
)
def test_other_images_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        coherence(images)


def test_images_of_nan_agree_in_nothing():
    assert coherence(np.full((4, 32, 32, 3), np.nan, np.float32)) == 0.0
