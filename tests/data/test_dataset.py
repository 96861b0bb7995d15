import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.data import ImageDataset, open_dataset, placement, stores
from sagan_tf.data.channels import to_floats
from sagan_tf.data.framing import Framing
from sagan_tf.errors import UserError

NUM_EXAMPLES = 7


def numbered(indices):
    """Images whose every value is their index."""
    images = np.empty((len(indices), 4, 4, 3), np.uint8)
    images[:] = np.asarray(indices)[:, None, None, None]
    return images, (np.asarray(indices) % 2).astype(np.int32)


def held():
    return stores.held(*numbered(range(NUM_EXAMPLES)))


def on_demand():
    return stores.on_demand(numbered, (4, 4, 3), NUM_EXAMPLES)


def make_dataset(store, class_names=("even", "odd")):
    return ImageDataset(
        store, name="numbers", framing=Framing(4), class_names=class_names
    )


def drawn_indices(batches):
    pixels = [np.asarray(images[:, 0, 0, 0]) for images, _ in batches]
    return np.rint((np.concatenate(pixels) + 1) * 127.5).astype(int).tolist()


@pytest.fixture(params=[held, on_demand])
def dataset(request):
    return make_dataset(request.param())


def test_scale_ends_at_minus_one_and_one_exactly():
    for images in (
        np.array([0, 255, 51], np.uint8),
        tf.constant([0.0, 255.0, 51.0]),
    ):
        scaled = np.asarray(to_floats(images))
        assert scaled.dtype == np.float32
        assert scaled[0] == -1 and scaled[1] == 1
        np.testing.assert_allclose(scaled[2], -0.6, atol=1e-7)


def test_properties(dataset):
    assert dataset.num_examples == NUM_EXAMPLES
    assert dataset.num_classes == 2
    assert dataset.class_names == ("even", "odd")
    assert (dataset.name, dataset.image_size) == ("numbers", 4)


def test_training_batches_have_a_static_shape_and_no_end(dataset):
    batches = dataset.training_batches(3, seed=0)
    assert batches.element_spec == (
        tf.TensorSpec((3, 4, 4, 3), tf.float32),
        tf.TensorSpec((3,), tf.int32),
    )
    assert batches.cardinality() == tf.data.INFINITE_CARDINALITY


def test_labels_stay_with_their_images(dataset):
    for images, labels in dataset.training_batches(5, seed=1).take(6):
        indices = drawn_indices([(images, labels)])
        assert labels.numpy().tolist() == [index % 2 for index in indices]


def test_each_epoch_is_another_permutation(dataset):
    # 3 does not divide 7: batches run across the borders of epochs.
    indices = drawn_indices(dataset.training_batches(3, seed=0).take(7))
    epochs = [indices[:7], indices[7:14], indices[14:]]
    for epoch in epochs:
        assert sorted(epoch) == list(range(7))
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_epochs_do_not_depend_on_the_batch_size(dataset):
    by_two = drawn_indices(dataset.training_batches(2, seed=4).take(15))
    by_ten = drawn_indices(dataset.training_batches(10, seed=4).take(3))
    assert by_two == by_ten


def test_seed_decides_the_order(dataset):
    first = drawn_indices(dataset.training_batches(7, seed=0).take(2))
    again = drawn_indices(dataset.training_batches(7, seed=0).take(2))
    other = drawn_indices(dataset.training_batches(7, seed=1).take(2))
    assert first == again != other


@pytest.mark.parametrize("start", [0, 1, 2, 7, 23])
def test_start_batch_is_the_same_as_skipping(dataset, start):
    whole = list(dataset.training_batches(3, seed=5).skip(start).take(5))
    rest = list(dataset.training_batches(3, seed=5, start_batch=start).take(5))
    for (images, labels), (images_again, labels_again) in zip(whole, rest):
        np.testing.assert_array_equal(images, images_again)
        np.testing.assert_array_equal(labels, labels_again)


def test_start_batch_loads_no_skipped_image():
    loaded = []

    def load(indices):
        loaded.extend(indices.tolist())
        return numbered(indices)

    store = stores.on_demand(load, (4, 4, 3), NUM_EXAMPLES)
    # A billion batches would take days to skip one by one.
    batches = make_dataset(store).training_batches(2, seed=0, start_batch=10**9)
    next(iter(batches))
    assert 2 <= len(loaded) < 1000


def test_batch_may_be_larger_than_the_set(dataset):
    (images, _), *_ = dataset.training_batches(20, seed=0).take(1)
    indices = drawn_indices([(images, None)])
    assert sorted(indices[:14]) == sorted([*range(7), *range(7)])


def test_ordered_batches_pass_once_in_order(dataset):
    batches = list(dataset.ordered_batches(3))
    assert [len(labels) for _, labels in batches] == [3, 3, 1]
    assert drawn_indices(batches) == list(range(7))
    assert drawn_indices(dataset.ordered_batches(3, num_examples=4)) == [
        0,
        1,
        2,
        3,
    ]


@pytest.mark.parametrize("num_examples", [0, 8])
def test_ordered_batches_refuse_more_than_there_is(dataset, num_examples):
    with pytest.raises(UserError, match=r"in \[1, 7\]. Received: "):
        dataset.ordered_batches(3, num_examples=num_examples)


def test_no_classes_means_labels_of_zero():
    dataset = make_dataset(held(), class_names=())
    assert dataset.num_classes == 0 and dataset.class_names == ()
    (_, labels), *_ = dataset.ordered_batches(7)
    assert labels.numpy().tolist() == [0] * 7


@pytest.mark.parametrize("batch_size, start", [(0, 0), (2, -1)])
def test_impossible_batches_are_refused(dataset, batch_size, start):
    with pytest.raises(UserError, match="Received"):
        dataset.training_batches(batch_size, seed=0, start_batch=start)


@pytest.mark.parametrize(
    "images, labels",
    [
        (np.zeros((2, 4, 4, 3), np.float32), [0, 1]),
        (np.zeros((2, 4, 4, 2), np.uint8), [0, 1]),
        (np.zeros((2, 4, 4, 3), np.uint8), [0]),
    ],
)
def test_held_images_are_bytes_with_labels(images, labels):
    with pytest.raises(ValueError, match="Received"):
        stores.held(images, np.array(labels))


def test_memory_limit_is_one_gibibyte(monkeypatch):
    assert placement.MEMORY_LIMIT == 2**30
    monkeypatch.setattr(placement, "MEMORY_LIMIT", 5 * 32 * 32 * 3)
    for count, fits in ((5, True), (6, False)):
        dataset = open_dataset("twins", image_size=32, num_examples=count)
        assert dataset._store.in_memory == fits


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="twins, digits, folder.*'cats'"):
        open_dataset("cats", image_size=32)


@pytest.mark.parametrize(
    "name, arguments, message",
    [
        ("twins", {"path": "/x"}, "`path` should be left"),
        ("digits", {"path": "/x"}, "`path` should be left"),
        ("folder", {"path": "/x", "split": "test"}, "`split` should be"),
        ("twins", {"split": "both"}, "train or test"),
        ("digits", {"split": "both"}, "train or test"),
        ("twins", {"num_classes": 3}, "10 or 0"),
        ("twins", {"image_size": 31}, "at least 32. Received: 31"),
        ("twins", {"image_size": 0}, "`image_size` should be positive"),
        ("twins", {"num_examples": 0}, "`num_examples` should be"),
        ("digits", {"num_examples": 5000}, "has 1498 images"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(name, arguments, message):
    with pytest.raises(UserError, match=message) as refusal:
        open_dataset(name, **{"image_size": 32, **arguments})
    assert "\n" not in str(refusal.value)
