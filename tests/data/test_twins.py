import math

import numpy as np
import pytest

from sagan_tf.data import open_dataset
from sagan_tf.data.formats import twins
from sagan_tf.data.formats.outlines import SHAPES
from sagan_tf.errors import UserError
from sagan_tf.evaluation.coherence import (
    half_hues,
    hue_coverage,
    share_by_chance,
    share_that_agrees,
)


def to_floats(images):
    return images / 127.5 - 1


@pytest.fixture(scope="module")
def drawn():
    return twins.draw(np.arange(2000), image_size=32, seed=3)


def test_shapes_and_types(drawn):
    images, labels = drawn
    assert images.shape == (2000, 32, 32, 3) and images.dtype == np.uint8
    assert labels.dtype == np.int32
    assert np.bincount(labels).tolist() == [200] * 10
    assert len(twins.CLASS_NAMES) == len(set(twins.CLASS_NAMES)) == 10


def test_image_depends_on_seed_and_index_alone(drawn):
    images, labels = drawn
    some = np.array([1999, 0, 7, 7, 1234])
    again, labels_again = twins.draw(some, image_size=32, seed=3)
    np.testing.assert_array_equal(again, images[some])
    np.testing.assert_array_equal(labels_again, labels[some])
    other, _ = twins.draw(some, image_size=32, seed=4)
    assert not np.array_equal(other, again)


def test_no_two_images_are_equal(drawn):
    images, _ = drawn
    assert len({image.tobytes() for image in images}) == len(images)


def test_real_images_are_coherent_and_shuffled_ones_at_chance(drawn):
    images = to_floats(drawn[0])
    assert share_that_agrees(half_hues(images)) >= 0.99
    # Three standard deviations of a share of 0.12 among 2000 are 0.022.
    assert abs(share_by_chance(half_hues(images)) - 0.12) < 0.022


def test_hues_are_spread_evenly_in_every_class(drawn):
    images, labels = drawn
    hues = half_hues(to_floats(images))[:, 0]
    for kind in range(10):
        counts, _ = np.histogram(hues[labels == kind], 4, (0, 1))
        # Of 200 hues 50 fall in a quarter, with a deviation of 6.
        assert counts.min() > 25
    # 2,000 pairs put 167 into each twelfth, with a deviation of 12.
    assert hue_coverage(half_hues(to_floats(images))) > 0.75


@pytest.mark.parametrize("size", [32, 33, 48, 64])
def test_every_shape_lies_inside_its_half_with_a_gap(size):
    images, _ = twins.draw(np.arange(300), image_size=size, seed=0)
    chroma = np.ptp(images.astype(int), axis=-1)
    inked = chroma > 0.35 * 255
    gap = round(size / 32)
    middle = slice(size // 2 - gap, size // 2 + gap)
    assert not inked[:, :, middle].any()
    assert not inked[:, 0].any() and not inked[:, -1].any()
    assert not inked[:, :, 0].any() and not inked[:, :, -1].any()
    left, right = inked[:, :, : size // 2], inked[:, :, -(size // 2) :]
    # A star of the smallest radius covers 35 of the 512 pixels of a half.
    least = 25 * (size / 32) ** 2
    assert left.sum((1, 2)).min() > least < right.sum((1, 2)).min()


def test_heights_and_sizes_of_the_two_are_free_of_each_other(drawn):
    images, _ = drawn
    inked = np.ptp(images[::10].astype(int), axis=-1) > 0.35 * 255
    rows = np.arange(32)[:, None]
    halves = inked[:, :, :16], inked[:, :, 16:]
    areas = np.array([half.sum((1, 2)) for half in halves])
    heights = [(half * rows).sum((1, 2)) for half in halves] / areas
    # Of 200 images: a correlation of 0 has a deviation of 0.07.
    assert abs(np.corrcoef(heights)[0, 1]) < 0.25
    assert abs(np.corrcoef(areas)[0, 1]) < 0.25
    assert heights.std() > 3
    assert areas.max() > 1.4 * areas.min()


def test_kinds_differ_clearly_at_32_pixels():
    masks = twins._cover(
        np.arange(10), np.full(10, 6 / 32), np.full(10, 0.5), 32
    )
    for first in range(10):
        for second in range(first):
            apart = np.abs(masks[first] - masks[second]).sum()
            assert apart > 0.2 * max(masks[first].sum(), masks[second].sum())


def test_larger_sizes_show_the_same_image():
    small, _ = twins.draw(np.arange(20), image_size=32, seed=0)
    large, _ = twins.draw(np.arange(20), image_size=64, seed=0)
    means = large.reshape(20, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(means - small).mean() < 2


@pytest.mark.parametrize("name", SHAPES)
def test_shape_fills_its_unit_square_and_no_more(name):
    line = np.linspace(-1.5, 1.5, 301)
    x, y = np.meshgrid(line, line)
    inside = SHAPES[name](x, y) < 0
    assert np.abs(x[inside]).max() <= 1 and np.abs(y[inside]).max() <= 1
    assert np.ptp(x[inside]) > 1.6 and np.ptp(y[inside]) > 1.6
    assert inside[140:161].any() and inside[:, 140:161].any()


def test_disc_and_diamond_are_known_distances():
    x, y = np.array([0.0, 3.0]), np.array([0.0, 4.0])
    corner = math.sqrt(0.5)
    np.testing.assert_allclose(SHAPES["disc"](x, y), [-0.95, 4.05])
    diamond = SHAPES["diamond"](x, y)
    np.testing.assert_allclose(diamond, [-corner, 6 * corner])


def test_splits_share_no_image():
    train = open_dataset("twins", image_size=32, num_examples=200)
    test = open_dataset("twins", image_size=32, num_examples=200, split="test")
    seen = [
        image.tobytes()
        for dataset in (train, test)
        for images, _ in dataset.ordered_batches(100)
        for image in images.numpy()
    ]
    assert len(set(seen)) == 400


def test_classes_of_both_splits_start_alike():
    for split in ("train", "test"):
        dataset = open_dataset(
            "twins", image_size=32, num_examples=20, split=split
        )
        (_, labels), *_ = dataset.ordered_batches(20)
        assert labels.numpy().tolist() == [*range(10)] * 2
        assert dataset.class_names == twins.CLASS_NAMES


def test_default_is_twenty_thousand_at_32():
    assert open_dataset("twins", image_size=32).num_examples == 20_000


def test_too_large_a_set_is_drawn_on_demand():
    large = open_dataset("twins", image_size=32, num_examples=10**9)
    assert not large._store.in_memory
    small = open_dataset("twins", image_size=32, num_examples=4)
    (drawn, labels), *_ = large.ordered_batches(4).take(1)
    (held, labels_held), *_ = small.ordered_batches(4)
    np.testing.assert_array_equal(drawn, held)
    np.testing.assert_array_equal(labels, labels_held)


def test_small_size_is_refused():
    with pytest.raises(UserError, match="at least 32. Received: 16"):
        open_dataset("twins", image_size=16)
