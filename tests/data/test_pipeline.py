"""What a pipeline's fields do to batches, and that none harms a restart."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.data import ImageDataset, open_dataset, stores
from sagan_tf.data.framing import Framing
from sagan_tf.data.order import Pipeline
from sagan_tf.errors import UserError
from tests.data import writers

SIZES = (7, 5, 6, 2, 4)
COUNT = sum(SIZES)
WINDOW = {"shuffle_window": 6, "interleave": 2}


def make(**pipeline):
    """Images whose left half holds their index, their right half nothing."""
    images = np.zeros((COUNT, 4, 4, 3), np.uint8)
    images[:, :, :2] = np.arange(COUNT)[:, None, None, None] + 1
    dataset = ImageDataset(
        stores.held(images, np.arange(COUNT)),
        name="numbers",
        framing=Framing(4),
        class_names=[str(number) for number in range(COUNT)],
        shard_sizes=SIZES,
    )
    dataset.pipeline = Pipeline(**pipeline)
    return dataset


def labels(batches):
    return np.concatenate([labels.numpy() for _, labels in batches]).tolist()


def epochs(dataset, count, seed=0):
    drawn = labels(dataset.training_batches(COUNT, seed=seed).take(count))
    return [drawn[i : i + COUNT] for i in range(0, len(drawn), COUNT)]


def test_a_window_shows_each_image_once_in_another_order_each_epoch():
    first, second = epochs(make(**WINDOW), 2)
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert first != second
    assert epochs(make(**WINDOW), 1) == [first]
    assert epochs(make(**WINDOW), 1, seed=1) != [first]


def test_a_window_holds_images_of_few_files():
    shard_of = np.repeat(np.arange(len(SIZES)), SIZES)
    for epoch in epochs(make(shuffle_window=4, interleave=2), 8):
        windows = [epoch[i : i + 4] for i in range(0, COUNT, 4)]
        # Two files at once, and two more where these end within the window.
        assert max(len({*shard_of[w].tolist()}) for w in windows) <= 4
        # The first window begins two files.
        assert len(set(shard_of[windows[0]])) == 2


def test_a_window_is_mixed_and_not_read_in_order():
    orders = epochs(make(shuffle_window=COUNT, interleave=5), 20)
    # The first image of all comes anywhere.
    assert len({epoch.index(0) for epoch in orders}) > 8


@pytest.mark.parametrize("fields", [WINDOW, {"flip": True}, {"prefetch": 1}])
@pytest.mark.parametrize("start", [1, 5, 11])
def test_a_restart_goes_on_bit_for_bit(fields, start):
    dataset = make(**fields)
    whole = dataset.training_batches(5, seed=3).skip(start).take(6)
    rest = dataset.training_batches(5, seed=3, start_batch=start).take(6)
    for (images, numbers), (images_again, numbers_again) in zip(whole, rest):
        np.testing.assert_array_equal(images, images_again)
        np.testing.assert_array_equal(numbers, numbers_again)


def test_half_of_the_images_are_flipped():
    dataset, sides = make(flip=True), []
    for images, numbers in dataset.training_batches(COUNT, seed=0).take(40):
        pixels = np.rint((images.numpy() + 1) * 127.5).astype(int)[:, 0, :, 0]
        for row, number in zip(pixels.tolist(), numbers.numpy()):
            value = number + 1
            assert row in ([value, value, 0, 0], [0, 0, value, value])
            sides.append(row[0] == 0)
    # Five standard deviations of 960 throws of a coin.
    assert abs(np.mean(sides) - 0.5) < 5 * 0.5 / np.sqrt(len(sides))


def test_scoring_and_the_default_flip_nothing():
    for batches in (
        make(flip=True).ordered_batches(COUNT),
        make().training_batches(COUNT, seed=0).take(1),
    ):
        ((images, _),) = batches
        assert (images.numpy()[:, :, 2:] == -1).all()


def test_replicas_share_what_one_would_see():
    dataset = make(flip=True, **WINDOW)
    whole = dataset.training_batches(8, seed=0, start_batch=2).take(5)
    shares = [
        dataset.training_batches(
            8, seed=0, start_batch=2, num_replicas=2, replicas=range(n, n + 1)
        ).take(5)
        for n in range(2)
    ]
    for (images, numbers), *parts in zip(whole, *shares):
        joined = [np.concatenate(each) for each in zip(*parts)]
        np.testing.assert_array_equal(images, joined[0])
        np.testing.assert_array_equal(numbers, joined[1])


def test_flips_do_not_change_the_order():
    assert epochs(make(flip=True), 2) == epochs(make(), 2)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    root = tmp_path_factory.mktemp("served")
    return writers.write_shards(
        root / "shards", writers.write_folder(root / "f")
    )


def test_a_service_makes_the_same_batches(shards):
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    address = dispatcher.target
    worker = service.WorkerServer(
        service.WorkerConfig(
            dispatcher_address=address.split("://")[1],
            heartbeat_interval_ms=50,
        )
    )
    here, there = (
        open_dataset("shards", path=str(shards), image_size=32, **fields)
        for fields in ({}, {"service": address, "flip": False})
    )
    batches = (
        d.training_batches(8, seed=2, start_batch=1) for d in (here, there)
    )
    for (images, numbers), (images_again, numbers_again), _ in zip(
        *batches, range(6)
    ):
        np.testing.assert_array_equal(images, images_again)
        np.testing.assert_array_equal(numbers, numbers_again)
    # Without its dispatcher a worker would wait for more to do, for ever.
    del worker


def test_a_service_reads_shards_without_unreadable_images_only(
    shards, tmp_path
):
    copy = shutil.copytree(shards, tmp_path / "shards")
    file = next(copy.glob("shard-00001-*"))
    data = bytearray(file.read_bytes())
    start = data.index(b"IDAT")
    data[start + 100 : start + 300] = bytes(200)
    file.write_bytes(data)
    fields = {"image_size": 32, "on_unreadable": "skip"}
    assert open_dataset("shards", path=str(copy), **fields).num_examples == 19
    fields["service"] = "grpc://localhost:1"
    with pytest.raises(UserError, match="without unreadable .* 1 among 20"):
        open_dataset("shards", path=str(copy), **fields)


def test_a_service_reads_shards_of_the_right_size_only(shards):
    fields = {"service": "grpc://localhost:1"}
    with pytest.raises(UserError, match="needs shards of the `image_size` 16"):
        open_dataset("shards", path=str(shards), image_size=16, **fields)
    folder = str(shards.parent / "f")
    with pytest.raises(UserError, match="prepare it as shards"):
        open_dataset("folder", path=folder, image_size=32, **fields)
    with pytest.raises(UserError, match="`service` should be left"):
        open_dataset("twins", image_size=32, **fields)
