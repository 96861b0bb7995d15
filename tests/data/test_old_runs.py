"""What runs and statistics of earlier versions rely on, number by number.

Identities stand in the cards of statistics and decide whether these still
hold; orders decide what a run that goes on sees next.
"""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.data import ImageDataset, open_dataset, stores
from sagan_tf.data.formats import open_importer
from sagan_tf.data.formats.shards import Shards
from sagan_tf.data.framing import Framing
from sagan_tf.data.order import Pipeline
from sagan_tf.data.service import remote_load
from sagan_tf.data.sharding import Preparation, prepare
from tests.data import writers


def opened(name, path, **options):
    importer = open_importer(name, path=str(path), **options)
    origins = [importer.origin(index) for index in range(importer.count)]
    return importer.identity(), origins


def test_a_folder(tmp_path):
    for number in range(7):
        file = tmp_path / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes(number + 1))
    identity, origins = opened("folder", tmp_path)
    assert identity == "folder 65670eb9ca71"
    names = "b/5 a/4 a/2 a/6 a/0 b/3 b/1".split()
    assert origins == [f"{name}.png" for name in names]


def test_an_hdf5_file(tmp_path):
    images = np.zeros((6, 3, 4, 4), np.uint8)
    images += np.arange(6, dtype=np.uint8)[:, None, None, None]
    path = writers.write_hdf5(tmp_path / "a.hdf5", images, [0, 1, 2, 0, 1, 2])
    identity, origins = opened("hdf5", path)
    assert identity == "hdf5 7f32066da87c"
    assert origins == [f"imgs[{number}]" for number in (5, 2, 1, 3, 0, 4)]


def test_the_records_of_the_release(tmp_path):
    records = [
        writers.example(image_raw=bytes([n]) * 49_152, label=n % 2)
        for n in range(5)
    ]
    writers.write_records(tmp_path / "a.tfrecords", records[:3])
    writers.write_records(tmp_path / "b.tfrecords", records[3:])
    identity, origins = opened("improved_gan", tmp_path, num_classes=2)
    assert identity == "improved_gan 329f4a594ad9, label offset 0"
    assert origins[2:4] == ["a.tfrecords: record 2", "b.tfrecords: record 0"]


def test_tensorflow_datasets(tmp_path):
    path = writers.write_tfds(tmp_path / "letters" / "1.0.0")
    options = {"label_key": "label", "split": "train[25%:75%]"}
    identity, origins = opened("tfds:letters", path, **options)
    words = "tfds letters/1.0.0 train[25%:75%] by label, 10 records"
    assert identity == words
    first = "letters-train.tfrecord-00000-of-00002"
    assert origins[:2] == [f"{first}: record 5", f"{first}: record 6"]


@pytest.mark.parametrize("name", ["twins", "digits"])
def test_embedded_data(name):
    dataset = open_dataset(name, image_size=32, num_examples=4)
    assert dataset.identity() == name


SIZES = (7, 5, 6, 2, 4)
ORDER = """12 20 8 11 19 7 21 23 14 16 1 4 18 3 9 2 5 10 17 15 22 0 6 13
23 18 10 12 5 20 1 17 22 4 14 0 16 15 6 13 8 21 9 19 2 3 11 7"""
IN_WINDOWS = """10 8 7 19 18 9 22 20 1 11 21 0 6 23 2 5 3 4 14 12 16 13 15 17
21 12 13 22 20 14 7 17 18 23 15 16 0 8 11 9 10 19 6 5 1 3 4 2"""
FLIPS = "011101011101011101100000010000011101100001100010"


@pytest.mark.parametrize(
    ("pipeline", "order", "flips"),
    [
        ({}, ORDER, "0" * 48),
        ({"shuffle_window": 6, "interleave": 2}, IN_WINDOWS, "0" * 48),
        ({"flip": True}, ORDER, FLIPS),
    ],
)
def test_the_order_of_two_epochs(pipeline, order, flips):
    count = sum(SIZES)
    images = np.zeros((count, 2, 2, 3), np.uint8)
    images[:, :, 0] = 255
    dataset = ImageDataset(
        stores.held(images, np.arange(count)),
        name="numbers",
        framing=Framing(2),
        class_names=[str(number) for number in range(count)],
        shard_sizes=SIZES,
    )
    dataset.pipeline = Pipeline(**pipeline)
    seen = list(dataset.training_batches(8, seed=3).take(6))
    numbers = np.concatenate([labels for _, labels in seen])
    assert numbers.tolist() == [int(word) for word in order.split()]
    left = np.concatenate([images[:, 0, 0, 0] for images, _ in seen])
    assert "".join("01"[int(value < 0)] for value in left) == flips


@pytest.fixture(scope="module")
def old_shards(tmp_path_factory):
    path = tmp_path_factory.mktemp("old") / "shards"
    return writers.write_old_shards(path)


def test_shards_of_the_first_kind_are_read(old_shards):
    images, labels = writers.draw()
    shards = Shards(str(old_shards))
    shards.verify()
    assert shards.origin(11) == "b/11.png"
    assert shards.where(11).endswith("00001-of-00003.tfrecord: record 3")
    dataset = open_dataset("shards", path=str(old_shards), image_size=32)
    found, numbers = dataset.images(np.arange(20))
    np.testing.assert_array_equal(found, images)
    np.testing.assert_array_equal(numbers, labels)
    assert dataset.class_names == writers.CLASSES


def test_a_service_reads_shards_of_the_first_kind(old_shards):
    shards = Shards(str(old_shards))
    images, labels = writers.draw()
    load = remote_load(shards, 20, 20, Framing(32))
    remote, numbers = load(tf.range(20, dtype=tf.int64))
    np.testing.assert_array_equal(remote, images)
    np.testing.assert_array_equal(numbers, labels)


def test_shards_of_the_first_kind_are_prepared_again(old_shards, tmp_path):
    old = open_importer("shards", path=str(old_shards))
    prepare(Preparation(old, Framing(32), 20, mixed=False), str(tmp_path / "a"))
    new = Shards(str(tmp_path / "a"))
    assert new.origin(11) == "b/11.png" and not new.is_old
    np.testing.assert_array_equal(new.labels, old.labels)
