"""Which images to draw: words of the user, refused or understood."""

import pytest

from sagan_tf.cli import drawing
from sagan_tf.errors import UserError


def test_without_a_wish_all_classes_are_drawn_or_ten_among_more():
    assert drawing.choose_labels(None, 3) == [0, 1, 2]
    assert drawing.choose_labels(None, 1000)[::9] == [0, 999]
    assert len(drawing.choose_labels(None, 1000)) == 10
    assert drawing.choose_labels(None, 0) == [0]


def test_labels_stay_in_the_order_given():
    assert drawing.choose_labels(["7", "0", "7"], 10) == [7, 0, 7]


@pytest.mark.parametrize("words", [["10"], ["-1"], ["star"], ["1.0"], []])
def test_a_label_that_is_no_class_is_refused(words):
    with pytest.raises(UserError, match="--labels"):
        drawing.choose_labels(words, 10)


def test_labels_are_numbers_or_names(caplog):
    names = ("cats", "dogs", "7", "0")
    assert drawing.choose_labels(["dogs", "0", " 7"], 4, names) == [1, 0, 2]
    assert "--labels: 0 is taken as the number of the class cats" in caplog.text
    with pytest.raises(UserError, match="Received: 'dog'; did you mean dogs?"):
        drawing.choose_labels(["dog"], 4, names)


def test_labels_of_an_unconditional_generator_are_refused():
    with pytest.raises(UserError, match="no classes"):
        drawing.choose_labels(["0"], 0)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_truncation_without_sense_is_refused(value):
    with pytest.raises(UserError, match="--truncation"):
        drawing.check_truncation(value)


def test_seeds_count_on():
    assert drawing.count_seeds(5, 3).tolist() == [5, 6, 7]


@pytest.mark.parametrize("seed", [-1, 2**31 - 2])
def test_seeds_out_of_range_are_refused(seed):
    with pytest.raises(UserError, match="--seed"):
        drawing.count_seeds(seed, 2)


def test_points_are_pixels_from_left_and_top():
    assert drawing.parse_points(["3:20", "0:31.5"], 32) == [(3, 20), (0, 31.5)]


@pytest.mark.parametrize("word", ["3", "3:32", "-1:0", "a:b", "1:2:3", "nan:1"])
def test_a_point_outside_the_image_is_refused(word):
    with pytest.raises(UserError, match="--points"):
        drawing.parse_points([word], 32)
