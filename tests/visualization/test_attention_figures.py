"""Pages of attention: dots and heat at the right places."""

import numpy as np
import pytest

from sagan_tf.visualization import attention_figures
from sagan_tf.visualization.attention_figures import COLORS, Row


def looks_at(key, queries=16, keys=4):
    scores = np.zeros((queries, keys))
    scores[:, key] = 1.0
    return scores


@pytest.mark.parametrize("key", range(4))
def test_heat_is_spread_to_where_the_key_is(key):
    heat = attention_figures.upsample(np.eye(4)[key], 40)
    down, right = np.unravel_index(heat.argmax(), heat.shape)
    assert (down // 20) * 2 + right // 20 == key
    assert heat.shape == (40, 40) and heat.min() >= 0.0


def test_even_attention_glows_evenly():
    heat = attention_figures.upsample(np.full(4, 0.25), 10)
    np.testing.assert_allclose(heat, 0.25, atol=1e-6)


def test_heat_over_an_image_is_brightest_at_the_key():
    image = np.full((60, 60, 3), 128, np.uint8)
    panel = attention_figures.heat_over(image, np.array([0.0, 0.0, 0.0, 1.0]))
    brightness = panel.astype(int).sum(-1)
    assert panel.dtype == np.uint8
    assert brightness[45, 45] > 2 * brightness[15, 15]


def test_uniform_attention_is_pale():
    """Scaled to its own maximum it would glow."""
    image = np.full((60, 60, 3), 128, np.uint8)
    nearly = np.full(64, 1.0 / 64) * (1.0 + 1e-3 * np.eye(64)[9])
    pale = attention_figures.heat_over(image, nearly)
    bright = attention_figures.heat_over(image, np.eye(64)[9])
    # The image in grey, and no colour over it.
    assert np.ptp(pale.astype(int), axis=-1).max() < 8
    assert np.ptp(bright.astype(int), axis=-1).max() > 80


def test_the_image_shows_through_where_there_is_no_attention():
    image = np.zeros((60, 60, 3), np.uint8)
    image[:30, :15] = 255
    panel = attention_figures.heat_over(image, np.array([0.0, 0.0, 0.0, 1.0]))
    brightness = panel.astype(int).sum(-1)
    assert brightness[5, 5] > brightness[5, 25] + 100


def test_small_images_keep_their_pixels_and_large_ones_are_smoothed():
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (8, 8, 1), np.uint8)
    enlarged = attention_figures.enlarge(small, 80)
    np.testing.assert_array_equal(enlarged[5::10, 5::10], small.repeat(3, -1))
    large = random.integers(0, 256, (128, 128, 3), np.uint8)
    shrunk = attention_figures.enlarge(large, 64)
    assert shrunk.shape == (64, 64, 3)
    assert shrunk.std() < 0.75 * large.std()


def find(page, color):
    """Returns where a colour is: the rows and the columns."""
    rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return np.nonzero((abs(page.astype(int) - rgb) <= 4).all(-1))


def test_dots_have_their_colours_at_their_queries():
    image = np.zeros((8, 8, 3), np.uint8)
    row = Row(image, looks_at(0), [0, 15])
    page = attention_figures.page([row], "Title", side=160)
    # The black image, whose sides are in the columns of its corners.
    tops, lefts = np.nonzero((page == 0).all(-1))
    top, left = tops.min(), lefts.min()
    for color, place in zip(COLORS, (20, 140)):
        rows, columns = find(page[top : top + 160, left : left + 160], color)
        # A dot of 11 pixels across, and nothing else of its colour.
        assert 60 < len(rows) < 130
        assert abs(rows.mean() - place) < 2 and abs(columns.mean() - place) < 2


def test_a_page_has_room_for_every_row():
    rows = [
        Row(np.zeros((8, 8, 3), np.uint8), looks_at(1), [0, 5], "disc\n8x8")
    ] * 3
    notes = ["A note."]
    tall = attention_figures.page(rows, "Title", notes, side=64)
    wide = attention_figures.page(rows, "Title", notes, side=64, across=2)
    assert tall.dtype == np.uint8 and tall.shape[-1] == 3
    assert wide.shape[0] < tall.shape[0] and wide.shape[1] > tall.shape[1]
    # Each row has a frame of the first colour, four lines of four pixels.
    assert len(find(tall, COLORS[0])[0]) > 3 * 4 * 3 * 64


def test_words_of_a_long_title_fit():
    row = Row(np.zeros((8, 8, 3), np.uint8), looks_at(1), [0])
    page = attention_figures.page([row], "word " * 40, side=64)
    assert (page[:, -10:] == 255).all()
    assert page.shape[1] > 800


def test_a_wide_image_of_any_channels_stays_wide():
    for channels in (1, 3, 4):
        image = np.full((8, 12, channels), 255, np.uint8)
        enlarged = attention_figures.enlarge(image, 60)
        assert enlarged.shape == (40, 60, 3) and (enlarged == 255).all()
    weights = np.zeros(24)
    weights[-1] = 1.0
    panel = attention_figures.heat_over(enlarged // 2, weights)
    brightness = panel.astype(int).sum(-1)
    assert panel.shape == (40, 60, 3)
    assert brightness[-1, -1] == brightness.max() > brightness[0, 0]
    row = Row(image, np.tile(weights, (24, 1)), [0, 23])
    square = Row(image[:, :8], np.full((16, 4), 0.25), [0, 15])
    wide, small = (
        attention_figures.page([each], "Title", side=60).shape
        for each in (row, square)
    )
    assert wide[0] < small[0]
