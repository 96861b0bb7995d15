"""Distances, spreads and telling queries of attention drawn by hand."""

import numpy as np
import pytest

from sagan_tf.visualization import attention_maps


def test_places_are_the_middles_row_by_row():
    expected = [[0.25, 0.25], [0.25, 0.75], [0.75, 0.25], [0.75, 0.75]]
    np.testing.assert_array_equal(attention_maps.places(4), expected)


def test_maps_have_the_form_of_the_image():
    with pytest.raises(ValueError, match="8 positions"):
        attention_maps.map_shape(8)
    with pytest.raises(ValueError, match="64 to 96. Received: 16 positions"):
        attention_maps.map_shape(16, (64, 96))
    assert attention_maps.map_shape(24, (64, 96)) == (4, 6)
    assert attention_maps.map_shape(16, 80) == (4, 4)


def test_distances_count_in_heights_of_a_wide_image():
    scores = np.zeros((8, 2))
    scores[:, 1] = 1.0
    # Keys lie in the middle of both squares of an image twice as wide.
    distances = attention_maps.mean_distances(scores, (1, 2))
    expected = [np.hypot(0.25, 1.25), np.hypot(0.25, 0.75), 0.125**0.5]
    np.testing.assert_allclose(distances[:3], expected)


def test_a_point_of_a_wide_image_has_its_query():
    assert attention_maps.query_at(0.6, 0.6, 8, (32, 64)) == 6
    assert attention_maps.telling_queries(np.eye(8), 2, (32, 64)).shape == (2,)


def test_a_query_that_looks_at_itself_looks_nowhere_far():
    distances = attention_maps.mean_distances(np.eye(16)[np.newaxis])
    np.testing.assert_array_equal(distances, np.zeros((1, 16)))


def test_distance_is_the_mean_by_attention():
    # From the top left of 2x2 half to the right, half along the diagonal.
    scores = np.zeros((4, 4))
    scores[:, 1] = scores[:, 3] = 0.5
    distance = attention_maps.mean_distances(scores)[0]
    assert distance == pytest.approx(0.5 * 0.5 + 0.5 * 0.5 * 2**0.5)


def test_pooled_keys_lie_between_the_queries():
    distances = attention_maps.mean_distances(np.ones((4, 1)))
    np.testing.assert_allclose(distances, np.full(4, 0.25 * 2**0.5))


def test_even_attention_looks_as_far_as_two_random_points_are_apart():
    # The mean distance of two points of a square, by brute force.
    points = np.random.default_rng(0).uniform(size=(2, 200_000, 2))
    expected = np.linalg.norm(points[0] - points[1], axis=1).mean()
    found = attention_maps.uniform_distance(1024, 1024)
    assert found == pytest.approx(expected, abs=2e-3)


def test_spread_goes_from_one_key_to_all():
    one, all_alike = np.eye(4)[:1], np.full((1, 4), 0.25)
    assert attention_maps.spreads(one)[0] == pytest.approx(0.0, abs=1e-6)
    assert attention_maps.spreads(all_alike)[0] == pytest.approx(1.0)


def test_uniform_attention_has_no_strength_and_any_choice_has_all_of_it():
    uniform, tilted = np.full(64, 1 / 64), np.linspace(0.5, 1.5, 64) / 64
    half = np.repeat([2.0, 0.0], 32) / 64
    nearly = attention_maps.strengths((1.0 + 0.1 * (64 * tilted - 1.0)) / 64)
    assert attention_maps.strengths(uniform) == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < nearly < 0.1
    assert attention_maps.strengths(half) == 1.0


def test_distance_by_blocks_is_that_of_the_whole():
    scores = np.random.default_rng(0).dirichlet(np.ones(4), 16)
    found = attention_maps.mean_distance(np.split(scores, 4), 16)
    assert found == pytest.approx(attention_maps.mean_distances(scores).mean())


def test_telling_queries_stand_on_each_object_and_on_the_background():
    # Two squares in an 8x8 map: each looks at the other, the rest at a corner.
    left, right = np.zeros((8, 8), bool), np.zeros((8, 8), bool)
    left[1:4, 1:4], right[5:8, 4:7] = True, True
    scores = np.zeros((64, 64))
    scores[left.ravel(), 6 * 8 + 5] = 1.0
    scores[right.ravel(), 2 * 8 + 2] = 1.0
    scores[~(left | right).ravel(), 7] = 1.0
    queries = attention_maps.telling_queries(scores, 3)
    assert set(queries[:2]) == {2 * 8 + 2, 6 * 8 + 5}
    assert not (left | right).ravel()[queries[2]]


def test_telling_queries_are_distinct_even_where_all_look_alike():
    queries = attention_maps.telling_queries(np.full((16, 4), 0.25), 5)
    assert len(set(queries.tolist())) == 5


def test_a_point_belongs_to_the_query_that_covers_it():
    assert attention_maps.query_at(0.0, 0.0, 16) == 0
    assert attention_maps.query_at(0.26, 0.99, 16) == 7
    assert attention_maps.query_at(0.99, 0.5, 16) == 14
