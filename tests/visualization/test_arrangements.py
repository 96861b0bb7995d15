"""Sheets: which latent and which class stands where."""

import numpy as np
import pytest

from sagan_tf.gan.latents import draw_each
from sagan_tf.visualization import arrangements, ways

NAMES = ("disc", "ring", "star")


def test_samples_go_class_by_class():
    sheet = arrangements.samples(np.arange(6), [2, 0], NAMES, 4)
    assert sheet.columns == 3
    assert sheet.captions == ["star", "disc"]
    np.testing.assert_array_equal(sheet.labels, [2, 2, 2, 0, 0, 0])
    np.testing.assert_array_equal(sheet.latents, draw_each(np.arange(6), 4))


def test_a_class_of_many_images_has_several_rows():
    sheet = arrangements.samples(np.arange(40), [1], NAMES, 4)
    assert sheet.columns == 10
    assert sheet.captions == ["ring", "", "", ""]


def test_what_does_not_share_out_is_named_row_by_row():
    sheet = arrangements.samples(np.arange(7), [2, 1], NAMES, 4)
    np.testing.assert_array_equal(sheet.labels, [2, 2, 2, 2, 1, 1, 1])
    assert sheet.columns == 3
    assert sheet.captions == ["star", "star to ring", "ring"]
    many = arrangements.samples(np.arange(2 * 37), [0, 1], NAMES, 4)
    assert many.columns == 9
    assert many.captions == [
        *("disc", "", "", "", "disc to ring"),
        *("ring", "", "", ""),
    ]


def test_without_classes_there_are_no_captions():
    assert arrangements.samples(np.arange(4), [0], (), 4).captions is None


def test_given_latents_keep_their_order():
    latents, labels = np.eye(4), np.array([2, 2, 0, 1])
    sheet = arrangements.of_latents(latents, labels, NAMES)
    np.testing.assert_array_equal(sheet.latents, latents)
    assert (sheet.columns, sheet.captions) == (2, ["star", "disc to ring"])
    shares = np.full((4, 3), 1 / 3)
    assert arrangements.of_latents(latents, shares, NAMES).captions is None


def test_a_closed_walk_has_no_seam():
    walk = ways.closed_walk(np.arange(3), [0, 2], 3, 4, steps=5)
    assert walk.latents.shape == (15, 4) and walk.labels.shape == (15, 3)
    stops = draw_each(np.arange(3), 4).numpy()
    np.testing.assert_allclose(walk.latents[::5], stops, atol=1e-6)
    np.testing.assert_array_equal(
        walk.labels[::5], np.eye(3)[[0, 2, 0]].astype(np.float32)
    )
    back = ways.interpolate_on_sphere(stops[2], stops[0], np.arange(5) / 5)
    np.testing.assert_allclose(walk.latents[10:], back, atol=1e-6)
    one = ways.closed_walk(np.arange(2), [1], 3, 4, steps=2)
    np.testing.assert_array_equal(one.labels, [1, 1, 1, 1])


@pytest.mark.parametrize("spherical", [True, False])
def test_a_way_between_latents_has_its_ends(spherical):
    sheet = ways.latent_paths(
        np.arange(4), [1], NAMES, 4, 5, spherical=spherical
    )
    ends = draw_each(np.arange(4), 4).numpy()
    rows = sheet.latents.reshape(2, 5, 4)
    np.testing.assert_allclose(rows[:, 0], ends[::2], atol=1e-6)
    np.testing.assert_allclose(rows[:, -1], ends[1::2], atol=1e-6)
    assert sheet.captions == ["ring", "ring"]


def test_a_way_between_classes_keeps_the_latent():
    sheet = ways.class_paths(np.arange(3), [0, 2], NAMES, 4, 3)
    rows = sheet.labels.reshape(3, 3, 3)
    np.testing.assert_array_equal(
        rows[0], [[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]]
    )
    np.testing.assert_array_equal(rows[1], rows[0][::-1])
    assert sheet.captions == ["disc to star", "star to disc", "disc to star"]
    latents = sheet.latents.reshape(3, 3, 4)
    np.testing.assert_array_equal(latents[:, 0], latents[:, 2])


def test_a_sweep_repeats_the_latents_ever_smaller():
    sheet = arrangements.truncation_sweep(np.arange(2), [0, 1], 50, 4)
    rows = sheet.latents.reshape(4, 2, 50)
    np.testing.assert_array_equal(rows[0], draw_each(np.arange(2), 50))
    assert (np.abs(rows[1:]) <= np.abs(rows[:-1])).all()
    assert (np.sign(rows) == np.sign(rows[0])).all()
    assert sheet.captions == ["none", "2", "1.5", "1"]
    np.testing.assert_array_equal(sheet.labels, [0, 1] * 4)


def test_the_sphere_is_followed_at_an_even_pace():
    start, end = np.array([2.0, 0.0]), np.array([0.0, 2.0])
    way = ways.interpolate_on_sphere(start, end, np.linspace(0, 1, 3))
    expected = [[2.0, 0.0], [2.0**0.5, 2.0**0.5], [0.0, 2.0]]
    np.testing.assert_allclose(way, expected, atol=1e-6)


@pytest.mark.parametrize("end", [[2.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
def test_where_no_turn_is_defined_the_way_is_straight(end):
    start, end = np.array([1.0, 0.0]), np.array(end)
    way = ways.interpolate_on_sphere(start, end, np.array([0.0, 0.5]))
    np.testing.assert_allclose(way, [start, (start + end) / 2], atol=1e-6)
