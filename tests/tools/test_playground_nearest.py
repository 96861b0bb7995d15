"""What the playground draws nearest to an image, without its page."""

import io
from unittest import mock

import numpy as np
import pytest
from PIL import Image

from sagan_tf.cli import drawing
from sagan_tf.errors import UserError
from sagan_tf.visualization import sheets
from tools.playground import choice, nearest


@pytest.fixture(scope="module")
def model(toy_run):
    return choice.open_run(str(toy_run))


# A grey that the run does not draw.
PIXELS = np.full((32, 32, 3), 150, np.uint8)


@pytest.fixture(scope="module")
def search(model):
    """What was found, the steps that were told, and the image."""
    steps = []
    image = model.nearest.read(sheets.png_bytes(PIXELS), "x.png")
    with mock.patch.multiple(nearest, STEPS=20, STARTS=20, TRIES=2):
        found = model.nearest.find(image, [3, 1], steps.append)
    return found, steps, image


def test_an_image_is_read_as_those_of_the_run(search):
    expected = PIXELS / 127.5 - 1.0
    np.testing.assert_allclose(search[2], expected, atol=1e-6)


def test_it_comes_nearer_and_tells_each_step(search, model):
    (drawn, words), steps, _ = search
    assert steps == list(range(21))
    distances = sum(drawn.origin[n] for n in ("pixels", "features"))
    assert distances.min() < distances[0]
    name = model.class_names[int(drawn.labels[0])]
    assert words.startswith(f"{name}: step {distances.argmin()} is near")


def test_what_was_found_is_downloaded_and_drawn(search, toy_run, tmp_path):
    drawn, path = search[0][0], tmp_path / "nearest.npz"
    path.write_bytes(drawn.npz())
    latents, labels = drawing.read_latents(str(path), 4, 10, [0])
    again = choice.runs.open_run(toy_run).source().draw(latents, labels)
    difference = sheets.to_uint8(again).astype(int) - drawn.images
    assert np.abs(difference).max() <= 1


def test_what_was_found_is_an_end_of_the_way(search, model):
    start = search[0][0].latents[0]
    for position, expected in (
        (0.0, start),
        (1.0, model.grid([0], 9, 1, 1.0).latents[0]),
    ):
        way = model.between([5, 6], 4, 9, position, 1.0, start)
        np.testing.assert_allclose(way.latents[1], expected, atol=1e-5)
    np.testing.assert_array_equal(way.origin["seeds"], [9])
    np.testing.assert_array_equal(way.origin["ends"][0], start)


def test_a_search_ends_with_what_the_watch_raises(model, search):
    class Left(Exception):
        pass

    with pytest.raises(Left):
        model.nearest.find(search[2], [0], mock.Mock(side_effect=Left))


def test_without_classes_it_finds_as_well(unconditional_run):
    alone = choice.open_run(str(unconditional_run))
    image = np.zeros((32, 32, 3), np.float32)
    with mock.patch.multiple(nearest, STEPS=1, STARTS=2, TRIES=1):
        _, words = alone.nearest.find(
            image, alone.check_labels([]), mock.Mock()
        )
    assert words.startswith("step ")


def png(width, height):
    file = io.BytesIO()
    Image.new("L", (width, height), 200).save(file, "PNG")
    return file.getvalue()


def test_an_image_of_any_size_and_colours_will_do(model):
    for size in ((8, 8), (90, 40)):
        image = model.nearest.read(png(*size), "x")
        np.testing.assert_allclose(image, 200 / 127.5 - 1.0, atol=1e-6)
        assert image.shape == (32, 32, 3)


def test_what_is_no_image_or_too_large_is_refused(model, monkeypatch):
    with pytest.raises(UserError, match="a.txt should be an image: not a PNG"):
        model.nearest.read(b"text", "a.txt")
    with pytest.raises(UserError, match="b.png should be an image: "):
        model.nearest.read(png(32, 32)[:60], "b.png")
    monkeypatch.setattr(nearest, "MOST_BYTES", 2**20)
    with pytest.raises(UserError, match="c should have at most 1 MiB. .* 2.0"):
        model.nearest.read(bytes(2**21), "c")
