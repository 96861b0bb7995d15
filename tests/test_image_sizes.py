"""Which heights and widths the networks have, and which are near others."""

import numpy as np
import pytest

from sagan_tf import image_sizes

SQUARES = (
    *(32, 40, 48, 56),
    *(64, 80, 96, 112),
    *(128, 160, 192, 224),
    *(256, 320, 384, 448),
    512,
)


def test_these_squares_fit_and_no_others():
    found = [n for n in range(-1, 1100) if image_sizes.fits(n)]
    assert tuple(found) == SQUARES


@pytest.mark.parametrize(
    ("size", "base", "doublings"),
    [
        (32, (4, 4), 3),
        (56, (7, 7), 3),
        (512, (4, 4), 7),
        ((64, 96), (4, 6), 4),
        ((224, 128), (7, 4), 5),
    ],
)
def test_a_size_is_a_base_doubled_some_times(size, base, doublings):
    assert image_sizes.check(size) == size
    assert image_sizes.base(size) == base
    assert image_sizes.doublings(size) == doublings
    sides = [side * 2**doublings for side in base]
    assert image_sizes.sides(size) == tuple(sides)


@pytest.mark.parametrize(
    ("size", "nearest"),
    [
        (33, "32 and 40"),
        (72, "64 and 80"),
        (1, "32 and 40"),
        (600, "512 and 448"),
        ((64, 97), "(64, 96) and (64, 112)"),
        ((64, 128), "(64, 112) and (64, 96)"),
        ((100, 100), "96 and 112"),
    ],
)
def test_another_is_refused_with_the_two_nearest(size, nearest):
    assert not image_sizes.fits(size)
    with pytest.raises(ValueError, match="the same power of two") as caught:
        image_sizes.check(size)
    assert str(caught.value).endswith(f"; the nearest are {nearest}")


@pytest.mark.parametrize(
    "value", [0, -32, True, 32.0, "32", None, (32,), (32, 40, 48), (32, 0.5)]
)
def test_what_is_no_size_is_refused(value):
    assert image_sizes.as_size(value) is None or value in (0, -32)
    with pytest.raises(ValueError, match="Received"):
        image_sizes.check(value)


def test_a_pair_of_equals_is_a_square_and_a_list_is_a_pair():
    assert image_sizes.check((64, 64)) == 64
    assert image_sizes.check([64, 96]) == (64, 96)
    assert image_sizes.check(np.int64(64)) == 64
    assert image_sizes.words((64, 96)) == "64x96"


def test_maps_have_the_form_of_the_image():
    assert image_sizes.map_width((64, 96), 16) == 24
    assert image_sizes.map_width(80, 20) == 20
