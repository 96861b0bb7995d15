"""Images of any form and kind against Pillow, and by known answer."""

import numpy as np
import pytest
from PIL import Image

from sagan_tf.data.channels import from_rgb, to_channels
from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.framing import Framing, TooSmallError
from sagan_tf.errors import UserError


def noise(height, width, channels=3, seed=0):
    shape = (height, width, channels)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return Image.fromarray(pixels[..., 0] if channels == 1 else pixels)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_image_of_that_size_keeps_its_pixels(channels):
    image = noise(8, 12, channels)
    framing = Framing((8, 12), channels=channels)
    assert framing(image).shape == framing.shape == (8, 12, channels)
    np.testing.assert_array_equal(
        framing(image), np.asarray(image).reshape(8, 12, channels)
    )


@pytest.mark.parametrize(
    ("found", "box"),
    [
        # Left and top, right and bottom.
        ((20, 20), (0, 4, 20, 17)),
        ((20, 60), (15, 0, 45, 20)),
        ((40, 24), (0, 12, 24, 28)),
    ],
)
def test_crop_takes_the_largest_part_of_the_form(found, box):
    image = noise(*found)
    cut = image.resize((12, 8), Image.Resampling.LANCZOS, box=box)
    np.testing.assert_array_equal(Framing((8, 12))(image), cut)


def test_stretch_takes_all_of_it():
    image = noise(20, 20)
    whole = image.resize((12, 8), Image.Resampling.BOX)
    framing = Framing((8, 12), resize="box", fit="stretch")
    np.testing.assert_array_equal(framing(image), whole)
    with pytest.raises(TooSmallError, match="20x6 pixels"):
        framing(noise(6, 20))


def test_pad_alone_keeps_small_images_as_people_do_with_mnist():
    digit = noise(28, 28, 1)
    framed = Framing(32, fit="pad", channels=1, background="black")(digit)
    expected = np.pad(np.asarray(digit), 2)[..., np.newaxis]
    np.testing.assert_array_equal(framed, expected)


def test_pad_shrinks_what_is_larger_and_enlarges_if_it_is_asked():
    image, white = noise(40, 20), 255
    framed = Framing(16, fit="pad")(image)
    inner = image.resize((8, 16), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(framed[:, 4:12], inner)
    assert (framed[:, :4] == white).all() and (framed[:, 12:] == white).all()
    large = Framing(80, fit="pad", on_small="enlarge")(image)
    inner = image.resize((40, 80), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(large[:, 20:60], inner)


def test_what_is_padded_is_transparent_with_four_channels():
    framed = Framing(12, fit="pad", channels=4)(noise(8, 12))
    assert (framed[:2] == 0).all() and (framed[-2:] == 0).all()
    assert (framed[2:10, :, 3] == 255).all()


def test_transparency_is_laid_on_the_background():
    image = Image.new("RGBA", (4, 4), (200, 100, 0, 51))
    red = Framing(4, background="#ff0000")(image)
    # A fifth of the colour, four fifths of red.
    assert np.abs(red.astype(int) - (244, 20, 0)).max() <= 1
    grey = Framing(4, channels=1, background="black")(image)
    assert np.abs(grey.astype(int) - 0.2 * (0.299 * 200 + 58.7)).max() <= 1
    kept = Framing(4, channels=4)(image)
    np.testing.assert_array_equal(kept[0, 0], (200, 100, 0, 51))


def test_an_edge_takes_no_colour_from_what_is_clear():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, 4:] = (255, 255, 255, 255)
    framed = Framing(2, channels=4, resize="box")(
        Image.fromarray(pixels[:, 1:7])
    )
    assert (framed[..., :3][framed[..., 3] > 0] == 255).all()


@pytest.mark.parametrize(
    ("mode", "levels", "value_range", "expected"),
    [
        ("I;16", [0, 128, 129, 65535], (), [0, 0, 1, 255]),
        ("I;16", [0, 2048, 4095, 9000], (0, 4095), [0, 128, 255, 255]),
        ("I", [-5, 0, 65535, 70000], (), [0, 0, 255, 255]),
        ("F", [-1.0, 0.0, 0.5, 2.0], (), [0, 0, 128, 255]),
        ("F", [-1.0, 0.0, 0.5, 1.0], (-1.0, 1.0), [0, 128, 191, 255]),
        # What is black may be above what is white.
        ("F", [0.0, 1.0, 2.0, 4.0], (4.0, 0.0), [255, 191, 128, 0]),
    ],
)
def test_more_than_eight_bits_by_their_range(
    mode, levels, value_range, expected
):
    kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    image = Image.fromarray(np.array([levels], kinds[mode]))
    assert image.mode == mode
    found = to_channels(image, 1, value_range=value_range)
    np.testing.assert_array_equal(np.asarray(found)[0], expected)
    rgb = to_channels(image, 3, value_range=value_range)
    np.testing.assert_array_equal(np.asarray(rgb)[0, :, 1], expected)


def test_a_value_that_is_no_number_is_unreadable():
    image = Image.fromarray(np.array([[0.0, np.nan]], np.float32))
    with pytest.raises(UnreadableError, match="NaN"):
        to_channels(image)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "LA"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_becomes_so_many_channels(mode, channels):
    image = noise(4, 6).convert(mode)
    found = np.asarray(to_channels(image, channels))
    assert found.reshape(4, 6, -1).shape == (4, 6, channels)
    if channels == 4 and mode != "LA":
        assert (found[..., 3] == 255).all()
        np.testing.assert_array_equal(found[..., :3], image.convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_become_what_images_become(channels):
    image = noise(16, 16)
    expected = np.asarray(to_channels(image, channels))
    found = from_rgb(np.asarray(image), channels)
    np.testing.assert_array_equal(found, expected.reshape(16, 16, channels))


def test_settings_of_earlier_shards_are_as_they_were():
    assert Framing(32).settings() == {
        "image_size": 32,
        "crop": 0,
        "resize": "lanczos",
        "on_small": "refuse",
    }
    framing = Framing((32, 48), channels=1, value_range=(0, 9), fit="pad")
    assert framing.settings() == {
        "image_size": [32, 48],
        "crop": 0,
        "resize": "lanczos",
        "on_small": "refuse",
        "fit": "pad",
        "channels": 1,
        "value_range": [0, 9],
    }
    assert framing.unusual() == ", fit pad, channels 1, value_range (0, 9)"
    assert Framing(32, on_small="enlarge").unusual() == ""


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fit": "squeeze"}, "`fit` should be crop or pad or stretch"),
        ({"channels": 2}, "`channels` should be 1 or 3 or 4"),
        ({"background": "blu"}, "`background` should be a colour"),
        ({"value_range": (1, 1)}, "`value_range` should be empty or two"),
        ({"resize": "cubic"}, "`resize` should be"),
    ],
)
def test_other_names_are_refused(options, words):
    with pytest.raises(UserError, match=words):
        Framing(32, **options).checked()


def test_the_middle_square_is_looked_at_before_anything_else():
    image = noise(40, 60)
    # The filter sees beyond the edge of a part, as before there were forms.
    box = (20, 10, 40, 30)
    expected = image.resize((8, 8), Image.Resampling.LANCZOS, box=box)
    np.testing.assert_array_equal(Framing(8, crop=20)(image), expected)
    inside = (20, 14, 40, 27)
    expected = image.resize((12, 8), Image.Resampling.LANCZOS, box=inside)
    np.testing.assert_array_equal(Framing((8, 12), crop=20)(image), expected)
    padded = Framing(32, crop=20, fit="pad")(image)
    np.testing.assert_array_equal(padded[6:26, 6:26], image.crop(box))
    with pytest.raises(TooSmallError, match="`crop` is 41"):
        Framing(8, crop=41)(image)
