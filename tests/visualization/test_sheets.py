"""Sheets by known answer: which pixel lands where."""

import os

import numpy as np
import pytest
from PIL import Image

from sagan_tf.visualization import sheets


def test_floats_become_bytes_by_rounding_and_clipping():
    images = np.array([-1.5, -1.0, 0.0, 0.999, 1.0, 7.0], np.float32)
    expected = [0, 0, 128, 255, 255, 255]
    np.testing.assert_array_equal(sheets.to_uint8(images), expected)


def test_every_byte_survives_the_way_through_floats():
    every_byte = np.arange(256, dtype=np.uint8)
    floats = every_byte.astype(np.float32) / 127.5 - 1.0
    np.testing.assert_array_equal(sheets.to_uint8(floats), every_byte)


def test_bytes_stay_as_they_are():
    images = np.array([0, 1, 200, 255], np.uint8)
    np.testing.assert_array_equal(sheets.to_uint8(images), images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.array([3], np.int32), "int32"),
        (np.array([np.nan]), "finite"),
        (np.array([np.inf]), "finite"),
    ],
)
def test_other_values_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        sheets.to_uint8(images)


def test_small_images_are_enlarged_pixel_by_pixel():
    image = np.array([[[[1], [2]], [[3], [4]]]], np.uint8)
    sheet = sheets.image_grid(image, columns=1, padding=0, enlarge_to=5)
    expected = [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    np.testing.assert_array_equal(sheet[..., 0], expected)
    whole = sheets.image_grid(np.zeros((1, 8, 8, 3)), 1, 0, enlarge_to=5)
    assert whole.shape == (8, 8, 3)


def test_a_side_is_enlarged_as_far_as_it_fits():
    factors = [sheets.enlargement(side, 64) for side in (1, 31, 32, 33, 128)]
    assert factors == [64, 2, 2, 1, 1]
    assert sheets.enlargement(32, 0) == 1


def test_grid_goes_row_by_row_with_a_white_rest():
    images = np.zeros((3, 1, 1, 3), np.uint8)
    images[:, 0, 0] = [[10, 11, 12], [20, 21, 22], [30, 31, 32]]
    sheet = sheets.image_grid(images, columns=2, padding=1)
    white = 255
    expected = [
        [white, white, white, white, white],
        [white, 11, white, 21, white],
        [white, white, white, white, white],
        [white, 31, white, white, white],
        [white, white, white, white, white],
    ]
    np.testing.assert_array_equal(sheet[..., 1], expected)
    assert sheet.dtype == np.uint8


def test_grid_without_padding_is_the_image():
    image = np.random.default_rng(0).integers(0, 256, (1, 4, 6, 3), np.uint8)
    sheet = sheets.image_grid(image, columns=1, padding=0)
    np.testing.assert_array_equal(sheet, image[0])


def test_grey_images_get_three_equal_channels():
    images = np.full((1, 2, 2, 1), -1.0, np.float32)
    sheet = sheets.image_grid(images, columns=1, padding=0)
    np.testing.assert_array_equal(sheet, np.zeros((2, 2, 3)))


def test_row_labels_stand_left_of_their_rows():
    images = np.zeros((4, 20, 20, 3), np.uint8)
    plain = sheets.image_grid(images, columns=2)
    labelled = sheets.image_grid(images, columns=2, row_labels=["", "star"])
    margin = labelled.shape[1] - plain.shape[1]
    np.testing.assert_array_equal(labelled[:, margin:], plain)
    strip = labelled[:, :margin]
    first_row, second_row = strip[:23], strip[23:]
    assert (first_row == 255).all()
    assert (second_row < 128).any()
    assert (strip[:, 0] == 255).all() and (strip[:, -1] == 255).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": 0}, "columns"),
        ({"columns": 2, "padding": -1}, "padding"),
        ({"columns": 2, "row_labels": ["one"]}, "2 rows"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sheets.image_grid(np.zeros((3, 2, 2, 3)), **arguments)


@pytest.mark.parametrize("shape", [(2, 2, 3), (1, 2, 2, 2), (0, 2, 2, 3)])
def test_bad_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        sheets.image_grid(np.zeros(shape), columns=1)


def test_png_holds_the_same_bytes(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    path = tmp_path / "new" / "sheet.png"
    sheets.write_png(str(path), image)
    with Image.open(path) as file:
        assert file.format == "PNG"
        np.testing.assert_array_equal(np.asarray(file), image)
    assert os.listdir(path.parent) == ["sheet.png"]


def test_a_failed_write_leaves_the_old_image(tmp_path, monkeypatch):
    path = tmp_path / "sheet.png"
    sheets.write_png(str(path), np.zeros((2, 2, 3), np.uint8))
    before = path.read_bytes()

    def fail(self, file, **_):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        sheets.write_png(str(path), np.ones((2, 2, 3), np.uint8))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["sheet.png"]


def captioned(*labels):
    images = np.zeros((len(labels), 32, 32, 3), np.uint8)
    grid = sheets.image_grid(images, 1, row_labels=labels)
    return [grid[2 + 34 * row :][:32, :-36] for row in range(len(labels))]


def test_captions_show_letters_of_other_scripts(caplog):
    words = ("кошка", "γάτα", "chât", "Ünï", "кофе")
    strips = captioned(*words)
    for index, strip in enumerate(strips):
        assert (strip < 128).any()
        assert not any((strip == other).all() for other in strips[:index])
    assert "boxes" not in caplog.text


def test_what_the_font_lacks_is_said_once(caplog):
    captioned("\u732b", "a")
    captioned("\u732b")
    assert caplog.text.count("captions show boxes for \u732b") == 1


def test_four_channels_stay_transparent_among_white(tmp_path):
    images = np.zeros((2, 2, 3, 4), np.uint8)
    sheet = sheets.image_grid(images, 2, padding=1, row_labels=["a"])
    assert sheet.shape[-1] == 4
    part = sheet[:, -9:]
    assert (part[1:3, 1:4] == 0).all() and (part[1:3, 5:8] == 0).all()
    assert (part[:, 4] == 255).all() and (sheet[..., 3] == 255)[:, :2].all()
    sheets.write_png(str(tmp_path / "x.png"), sheet)
    with Image.open(tmp_path / "x.png") as image:
        assert image.mode == "RGBA"


def test_one_channel_is_written_as_grey(tmp_path):
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    sheets.write_png(str(tmp_path / "x.png"), pixels)
    with Image.open(tmp_path / "x.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(image, pixels[..., 0])


def test_a_title_stands_above_and_a_long_one_widens_the_sheet():
    images = np.zeros((2, 8, 8, 3), np.uint8)
    plain = sheets.image_grid(images, 2)
    titled = sheets.image_grid(images, 2, title="averaged generator, step 5")
    top = sheets.TITLE_HEIGHT
    height, width, _ = plain.shape
    np.testing.assert_array_equal(titled[top:, :width], plain)
    assert titled.shape[0] == height + top and titled.shape[1] > width
    assert titled[:top].min() == 0
    assert (titled[top:, width:] == 255).all()
