"""Broken data of every format, each met by words that say what and where."""

import json

import h5py
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from sagan_tf.data import open_dataset
from sagan_tf.errors import UserError, of_user, one_line
from tests.data import writers


def no_hdf5(path):
    (path / "a.hdf5").write_text("hello")
    return "hdf5", path / "a.hdf5", {}


def hdf5_of(**arguments):
    def write(path):
        return "hdf5", writers.write_hdf5(path / "a.hdf5", **arguments), {}

    return write


def hdf5_without_labels(path):
    file = writers.write_hdf5(path / "a.hdf5")
    with h5py.File(file, "a") as opened:
        del opened["labels"]
    return "hdf5", file, {}


def hdf5_with_a_group(name):
    def write(path):
        file = writers.write_hdf5(path / "a.hdf5")
        with h5py.File(file, "a") as opened:
            del opened[name]
            opened.create_group(name)
        return "hdf5", file, {}

    return write


def hdf5_of_nothing(path):
    file = writers.write_hdf5(path / "a.hdf5")
    with h5py.File(file, "a") as opened:
        del opened["imgs"]
        opened["imgs"] = h5py.Empty("u1")
    return "hdf5", file, {}


def hdf5_on_demand(path):
    file = writers.write_hdf5(
        path / "a.hdf5", chunks=(20, 3, 32, 32), compression="gzip"
    )
    return "hdf5", file, {"cache": "none"}


def a_folder_for_a_file(path):
    return "hdf5", path, {}


def no_records(path):
    return "improved_gan", path, {}


def an_empty_file(path):
    (path / "a.tfrecords").touch()
    return "improved_gan", path, {}


def records_of_text(path):
    (path / "a.tfrecords").write_text("This is a text of some length, no more.")
    return "improved_gan", path, {}


def cut_records(path):
    writers.write_improved_gan(path, files=1)
    file = path / "train_0.tfrecords"
    file.write_bytes(file.read_bytes()[:-1000])
    return "improved_gan", path, {}


def labels_from_one(path):
    return "improved_gan", writers.write_improved_gan(path, offset=-1), {}


def wrong_offset(path):
    writers.write_improved_gan(path)
    return "improved_gan", path, {"label_offset": -1}


def labels_beyond_any_offset(path):
    writers.write_improved_gan(path)
    return "improved_gan", path, {"num_classes": 5}


def records_of_another_size(path):
    return "improved_gan", writers.write_improved_gan(path, size=64), {}


def records_without_label(path):
    record = writers.example(image_raw=bytes(128 * 128 * 3))
    writers.write_records(path / "a.tfrecords", [record])
    return "improved_gan", path, {}


def records_with_a_changed_byte(path):
    writers.write_improved_gan(path, files=1)
    file = path / "train_0.tfrecords"
    data = bytearray(file.read_bytes())
    # In the middle of the pixels of the last record.
    data[-20_000] ^= 255
    file.write_bytes(data)
    return "improved_gan", path, {}


def records_without_number_of_classes(path):
    writers.write_improved_gan(path)
    return "improved_gan", path, {"num_classes": None}


def shards(path):
    folder = writers.write_folder(path / "folder")
    return writers.write_shards(path / "shards", folder)


def unfinished_shards(path):
    (shards(path) / "index.json").unlink()
    return "shards", path / "shards", {}


def shards_of_the_future(path):
    index = shards(path) / "index.json"
    found = json.loads(index.read_text())
    index.write_text(json.dumps({**found, "format": "sagan_tf shards 9"}))
    return "shards", path / "shards", {}


def broken_index(path):
    (shards(path) / "index.json").write_text("{")
    return "shards", path / "shards", {}


def missing_shard(path):
    next(shards(path).glob("shard-00001-*")).unlink()
    return "shards", path / "shards", {}


def cut_shard(path):
    file = next(shards(path).glob("shard-00001-*"))
    file.write_bytes(file.read_bytes()[:-9])
    return "shards", path / "shards", {}


def changed_rows(path):
    file = shards(path) / "index.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    return "shards", path / "shards", {}


def changed_image(path):
    file = next(shards(path).glob("shard-00001-*"))
    data = bytearray(file.read_bytes())
    start = data.index(b"IDAT")
    data[start + 100 : start + 300] = bytes(200)
    file.write_bytes(data)
    return "shards", path / "shards", {}


def larger_than_the_shards(path):
    return "shards", shards(path), {"image_size": 64}


def tfds_of(name="tfds:letters", **arguments):
    def write(path):
        return name, writers.write_tfds(path / "letters" / "1.0.0"), arguments

    return write


def tfds_not_prepared(path):
    return "tfds:cifar10", path, {}


def tfds_without_a_file(path):
    folder = writers.write_tfds(path / "letters" / "1.0.0")
    (folder / "letters-train.tfrecord-00001-of-00002").unlink()
    return "tfds:letters", folder, {"label_key": "label"}


def tfds_with_a_cut_file(path):
    folder = writers.write_tfds(path / "letters" / "1.0.0")
    file = folder / "letters-train.tfrecord-00001-of-00002"
    file.write_bytes(file.read_bytes()[:-5])
    return "tfds:letters", folder, {"label_key": "label"}


def array_records_that_are_cut(path):
    folder = writers.write_array_records(path / "letters" / "1.0.0")
    file = folder / "letters-train.array_record-00001-of-00002"
    file.write_bytes(file.read_bytes()[:-5])
    return "tfds:letters", folder, {"label_key": "label"}


def folder_of(image, name="z.png", **arguments):
    def write(path):
        folder = writers.write_folder(path / "folder")
        image.save(folder / "a" / name)
        return "folder", folder, arguments

    return write


def cut_jpeg(path):
    folder = writers.write_folder(path / "folder")
    file = folder / "b" / "z.jpg"
    Image.fromarray(writers.draw(64)[0][0]).save(file)
    file.write_bytes(file.read_bytes()[:1500])
    return "folder", folder, {}


def one_class(path):
    folder = writers.write_folder(path / "folder")
    for name in writers.CLASSES[1:]:
        (folder / name).rename(path / name)
    return "folder", folder, {"num_classes": None}


def cache_in_a_file(path):
    folder = writers.write_folder(path / "folder")
    (path / "file").write_text("")
    return "folder", folder, {"cache": str(path / "file")}


pixels = writers.draw()[0]
channels_first = np.moveaxis(pixels, -1, 1)
one_negative = writers.draw()[1] - np.eye(20, dtype=int)[10]
CASES = [
    (no_hdf5, ["a.hdf5 should be an HDF5 file"]),
    (hdf5_without_labels, ["`imgs` and `labels`. Received: imgs"]),
    (hdf5_of(images=channels_first / 255), ["uint8", "float64"]),
    (hdf5_of(images=pixels), ["(N, 3, height, width)", "(20, 32, 32, 3)"]),
    (hdf5_of(labels=range(19)), ["(20,)", "(19,)"]),
    (hdf5_of(labels=np.ones(20)), ["integers", "float64"]),
    (hdf5_of(labels=one_negative), ["labels[10] is -1", "0 to 9"]),
    (hdf5_of(labels=range(20)), ["labels[10] is 10", "10 such"]),
    (hdf5_with_a_group("imgs"), ["uint8", "a group of shape ()"]),
    (hdf5_with_a_group("labels"), ["integers", "a group of shape ()"]),
    (hdf5_of_nothing, ["uint8 of shape (N, 3", "of shape ()"]),
    (
        hdf5_of(
            images=np.zeros((0, 3, 32, 32), np.uint8), labels=np.zeros(0, int)
        ),
        ["a.hdf5", "hold an image"],
    ),
    (hdf5_on_demand, ["compressed in parts of 20", "`cache`", "prepare"]),
    (a_folder_for_a_file, ["should name a file", "there is a folder"]),
    (no_records, ["there is no file", "*tfrecord*"]),
    (an_empty_file, ["improved_gan", "hold an image"]),
    (records_of_text, ["a.tfrecords", "record 0 is cut or no"]),
    (cut_records, ["train_0.tfrecords", "record 19 is cut"]),
    (labels_from_one, ["from 1 to 10", "0 to 9", "`label_offset` of -1"]),
    (wrong_offset, ["-1 from -1 to 8", "`label_offset` of 0"]),
    (labels_beyond_any_offset, ["from 0 to 9", "expected 0 to 4"]),
    (records_of_another_size, ["record 0", "49152", "12288"]),
    (records_without_label, ["record 0", "`label`", "it has image_raw"]),
    (records_with_a_changed_byte, ["record 19", "checksum"]),
    (records_without_number_of_classes, ["`num_classes` should be given"]),
    (unfinished_shards, ["no index.json", "to its end"]),
    (shards_of_the_future, ["'sagan_tf shards 9'", "sagan_tf shards 2"]),
    (broken_index, ["index.json cannot be used", "no JSON object"]),
    (missing_shard, ["shard-00001-of-00003", "there is none"]),
    (cut_shard, ["shard-00001-of-00003", "bytes: there is one of"]),
    (changed_rows, ["index.npy", "changed"]),
    (changed_image, ["shard-00001-of-00003.array_record: record 0"]),
    (larger_than_the_shards, ["32x32 pixels", "64"]),
    (tfds_of("tfds:numbers", label_key="label"), ["letters: expected numbers"]),
    (tfds_of(label_key="colour"), ["(label, other)", "'colour'"]),
    (tfds_of(split="test", label_key="label"), ["train, validation", "'test'"]),
    (tfds_of(split="train[:0]", label_key="label"), ["train[:0]", "no data"]),
    (tfds_of("tfds:nothing_like_it_at_all"), ["letters: expected nothing"]),
    (tfds_not_prepared, ["is not prepared in", "`download`"]),
    (tfds_without_a_file, ["letters-train.tfrecord-00001-of-00002"]),
    (tfds_with_a_cut_file, ["00001-of-00002", "record 9 is cut"]),
    (array_records_that_are_cut, ["tfds:letters` cannot be read"]),
    (cut_jpeg, ["b/z.jpg", "truncated", "`on_unreadable`"]),
    (folder_of(Image.new("L", (40, 31))), ["a/z.png", "40x31"]),
    (folder_of(Image.new("RGB", (90, 90)), crop=91), ["32x32", "`crop` is 91"]),
    (folder_of(Image.new("L", (90, 90)), num_classes=9), ["has 10 classes"]),
    (one_class, ["has one class folder, a,", "unconditional"]),
    (cache_in_a_file, ["shards cannot be written to", "file"]),
    (folder_of(Image.new("L", (40, 40)), resize="nearest"), ["lanczos or"]),
    (folder_of(Image.new("L", (40, 40)), split="test"), ["`split`", "folder"]),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_broken_input_is_met_by_the_right_words(number, tmp_path):
    write, words = CASES[number]
    name, path, options = write(tmp_path)
    arguments = {"image_size": 32, "num_classes": 10, **options}
    with pytest.raises(UserError) as caught:
        open_dataset(name, path=str(path), **arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_an_image_that_breaks_later_is_named(tmp_path):
    folder = writers.write_folder(tmp_path / "folder")
    dataset = open_dataset(
        "folder", path=str(folder), image_size=32, cache="none"
    )
    (folder / "c" / "02.png").write_bytes(b"hello")
    with pytest.raises(tf.errors.OpError) as caught:
        next(iter(dataset.ordered_batches(20)))
    assert of_user(caught.value)
    assert one_line(caught.value).startswith(f"cannot read {folder}/c/02.png: ")


def test_what_tfds_cannot_prepare_is_one_line(tmp_path, monkeypatch):
    def fail(self, **options):
        raise AssertionError("Manual directory\nis empty.")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(UserError) as caught:
        open_dataset(
            "tfds:imagenet2012",
            path=str(tmp_path),
            image_size=32,
            download=True,
        )
    message = str(caught.value)
    assert "imagenet2012` cannot be prepared: Manual directory; is" in message
