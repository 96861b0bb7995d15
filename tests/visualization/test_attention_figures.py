"""Pages of attention: dots and heat at the right places."""

import numpy as np
import pytest
from PIL import Image

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


def test_heat_over_a_picture_is_brightest_at_the_key():
    image = Image.new("RGB", (60, 60), (128, 128, 128))
    panel = attention_figures.heat_over(image, np.array([0.0, 0.0, 0.0, 1.0]))
    panel = np.asarray(panel, int).sum(-1)
    assert panel[45, 45] > 2 * panel[15, 15]


def test_the_picture_shows_through_where_there_is_no_attention():
    image = np.zeros((60, 60, 3), np.uint8)
    image[:30, :15] = 255
    panel = attention_figures.heat_over(
        Image.fromarray(image), np.array([0.0, 0.0, 0.0, 1.0])
    )
    panel = np.asarray(panel, int).sum(-1)
    assert panel[5, 5] > panel[5, 25] + 100


def test_dots_have_their_colours_at_their_queries():
    row = Row(np.zeros((8, 8, 3), np.uint8), looks_at(0), [0, 15])
    image = Image.new("RGB", (80, 80))
    dotted = np.asarray(attention_figures.with_dots(image, row))
    np.testing.assert_allclose(dotted[10, 10], COLORS[0], atol=5)
    np.testing.assert_allclose(dotted[70, 70], COLORS[1], atol=5)
    assert not dotted[40, 40].any()


def test_a_page_has_room_for_every_row():
    rows = [
        Row(np.zeros((8, 8, 3), np.uint8), looks_at(1), [0, 5], "disc\n8x8")
    ] * 3
    notes = ["A note."]
    tall = attention_figures.page(rows, "Title", notes, side=64)
    wide = attention_figures.page(rows, "Title", notes, side=64, across=2)
    assert tall.dtype == np.uint8 and tall.shape[-1] == 3
    assert wide.shape[0] < tall.shape[0] and wide.shape[1] > tall.shape[1]
    # Each row has a frame of the first colour.
    frames = (tall == COLORS[0]).all(-1).sum()
    assert frames >= 3 * 4 * 60


def test_words_of_a_long_title_fit():
    row = Row(np.zeros((8, 8, 3), np.uint8), looks_at(1), [0])
    page = attention_figures.page([row], "word " * 40, side=64)
    assert (page[:, -10:] == 255).all()
    assert page.shape[1] > 800
