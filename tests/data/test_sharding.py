"""Shards that a cache keeps: the same images, written once."""

import hashlib
import threading
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sagan_tf import storage
from sagan_tf.data import open_dataset, placement, sharding
from sagan_tf.data.formats import open_importer
from sagan_tf.data.formats.shards import Shards
from sagan_tf.data.framing import Framing
from sagan_tf.data.service import remote_load
from sagan_tf.data.sharding import Preparation, prepare
from sagan_tf.errors import UserError
from tests.data import writers


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return writers.write_folder(tmp_path_factory.mktemp("images") / "folder")


def open_folder(folder, **options):
    return open_dataset("folder", path=str(folder), image_size=32, **options)


def preparation(folder, **options):
    importer = open_importer("folder", path=str(folder))
    return Preparation(importer, Framing(32), importer.count, **options)


def digests(path):
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in path.iterdir()
    }


def batches(dataset):
    found = dataset.training_batches(6, seed=1, start_batch=2).take(7)
    return [(images.numpy(), labels.numpy()) for images, labels in found]


def assert_same_batches(first, second):
    for (images, labels), (again, labels_again) in zip(
        batches(first), batches(second)
    ):
        np.testing.assert_array_equal(images, again)
        np.testing.assert_array_equal(labels, labels_again)


def test_what_does_not_fit_is_kept_as_shards_once(
    folder, tmp_path, monkeypatch
):
    held = open_folder(folder)
    monkeypatch.setattr(placement, "MEMORY_LIMIT", 0)
    monkeypatch.setenv("SAGAN_TF_CACHE", str(tmp_path))
    kept = open_folder(folder)
    assert held._store.in_memory and not kept._store.in_memory
    assert_same_batches(held, kept)
    assert kept.identity() == held.identity()
    np.testing.assert_array_equal(kept.labels, held.labels)
    (made,) = (tmp_path / "images").iterdir()
    before = digests(made)

    def refuse(*arguments):
        raise RuntimeError("decoded again")

    monkeypatch.setattr("sagan_tf.data.formats.folder.Folder.read", refuse)
    assert_same_batches(held, open_folder(folder))
    assert digests(made) == before


def test_a_directory_is_for_what_fits_as_well(folder, tmp_path):
    held = open_folder(folder)
    kept = open_folder(folder, cache=str(tmp_path))
    assert kept._store.in_memory
    assert_same_batches(held, kept)


def test_other_settings_have_other_shards(folder, tmp_path):
    for options in ({}, {"num_examples": 9}, {"crop": 32}, {"resize": "box"}):
        open_folder(folder, cache=str(tmp_path), **options)
    # The labels are there, whether a run looks at them or not.
    open_folder(folder, cache=str(tmp_path), num_classes=0)
    assert len(list(tmp_path.iterdir())) == 4


def test_what_is_skipped_is_skipped_in_shards_too(tmp_path, monkeypatch):
    folder = writers.write_folder(tmp_path / "folder")
    (folder / "c" / "02.png").unlink()
    (folder / "c" / "02.png").symlink_to("nowhere")
    held = open_folder(folder, on_unreadable="skip")
    monkeypatch.setattr(placement, "MEMORY_LIMIT", 0)
    options = {"cache": str(tmp_path / "cache"), "on_unreadable": "skip"}
    kept = open_folder(folder, **options)
    assert held.num_examples == kept.num_examples == 19
    assert_same_batches(held, kept)
    (folder / "c" / "12.png").write_bytes(b"hello")
    with pytest.raises(UserError, match="no image of the class c"):
        open_folder(folder, **options)
    with pytest.raises(UserError, match=r"0[0-9].png.*\(2 such files\)|2 such"):
        open_folder(folder, cache=str(tmp_path / "other"))


@pytest.mark.parametrize("mixed", [True, False])
def test_bytes_do_not_depend_on_threads_or_stops(
    mixed, folder, tmp_path, monkeypatch
):
    what = preparation(folder, shard_size=3, mixed=mixed)
    assert prepare(what, str(tmp_path / "whole"), threads=1)
    write, left = sharding.write_shard, [4]

    def stop(*arguments):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return write(*arguments)

    monkeypatch.setattr(sharding, "write_shard", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare(what, str(tmp_path / "stopped"), threads=3)
    assert not (tmp_path / "stopped" / "index.json").exists()
    first = tmp_path / "stopped" / what.file(0)
    before = first.stat().st_ino
    (tmp_path / "stopped" / "shard.0a.tmp").write_bytes(b"half")
    left[0] = 100
    assert prepare(what, str(tmp_path / "stopped"), threads=3)
    assert first.stat().st_ino == before
    assert digests(tmp_path / "stopped") == digests(tmp_path / "whole")
    assert not prepare(what, str(tmp_path / "whole"))
    if not mixed:
        shards = Shards(str(tmp_path / "whole"))
        origins = [what.importer.origin(index) for index in range(20)]
        assert [shards.origin(index) for index in range(20)] == origins


def test_of_two_that_start_at_once_one_writes(folder, tmp_path, monkeypatch):
    what, write = preparation(folder, shard_size=20), sharding.write_shard
    begun, go_on, wrote = threading.Event(), threading.Event(), []

    def slow(*arguments):
        begun.set()
        go_on.wait(60)
        return write(*arguments)

    def run():
        wrote.append(prepare(what, str(tmp_path / "shards"), threads=1))

    monkeypatch.setattr(sharding, "write_shard", slow)
    programs = [threading.Thread(target=run) for _ in range(2)]
    programs[0].start()
    assert begun.wait(60)
    programs[1].start()
    go_on.set()
    for program in programs:
        program.join()
    assert sorted(wrote) == [False, True]


def test_a_full_disk_is_one_line(folder, tmp_path, monkeypatch):
    class FullDisk:
        def __init__(self, *arguments):
            pass

        def write(self, record):
            raise RuntimeError("write() failed: No space left on device")

    class Module:
        ArrayRecordWriter = FullDisk

    monkeypatch.setattr(
        "sagan_tf.data.shard_writing.array_record", lambda: Module
    )
    with pytest.raises(UserError, match="cannot be written .*No space left"):
        open_folder(folder, cache=str(tmp_path))


def test_without_array_record_it_is_said(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(
        __import__("sys").modules,
        "array_record.python",
        None,
    )
    with pytest.raises(UserError, match="package array-record"):
        open_folder(folder, cache=str(tmp_path))


def test_tensorflow_alone_reads_images_of_several_blocks(tmp_path):
    # Noise of 200 pixels takes 120 kB, two blocks of a file or three.
    random = np.random.default_rng(0)
    (tmp_path / "folder").mkdir()
    for number in range(5):
        pixels = random.integers(0, 256, (200, 200, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "folder" / f"{number}.png")
    importer = open_importer("folder", path=str(tmp_path / "folder"))
    what = Preparation(importer, Framing(200), 5, shard_size=3)
    prepare(what, str(tmp_path / "shards"))
    shards = Shards(str(tmp_path / "shards"))
    assert shards.rows["image_length"].min() > 100_000
    images = np.stack([shards.read(index).image for index in range(5)])
    load = remote_load(shards, 5, 5, Framing(200))
    remote, labels = load(tf.range(5, dtype=tf.int64))
    np.testing.assert_array_equal(remote, images)
    np.testing.assert_array_equal(labels, shards.labels)


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A place in a store, and a cache directory for what is copied."""
    monkeypatch.setenv("SAGAN_TF_CACHE", str(tmp_path / "cache"))
    return storage.at(f"ram:/{tmp_path}")


def test_shards_in_a_store_are_those_on_a_disk(folder, tmp_path, bucket):
    images = preparation(folder, shard_size=4)
    assert prepare(images, str(tmp_path / "here"))
    assert prepare(images, f"{bucket}/there")
    assert not prepare(images, f"{bucket}/there")
    there = digests(bucket / "there")
    here = digests(tmp_path / "here")
    assert len(here) > 3 and here == {**there, ".lock": here[".lock"]}
    with pytest.raises(UserError, match="there holds .* another shard_size"):
        prepare(preparation(folder, shard_size=5), f"{bucket}/there")
    read = open_importer("shards", path=f"{bucket}/there")
    assert read.identity() == Shards(str(tmp_path / "here")).identity()


def test_what_was_begun_in_a_store_goes_on(folder, tmp_path, bucket):
    images = preparation(folder, shard_size=4)
    written, write = [], sharding.write_shard

    def killed(path, pngs):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path.name)
        return write(path, pngs)

    with mock.patch.object(sharding, "write_shard", killed):
        with pytest.raises(KeyboardInterrupt):
            prepare(images, str(bucket))
    assert sharding.read_index(bucket) is None
    with mock.patch.object(sharding, "write_shard", wraps=write) as again:
        assert prepare(images, str(bucket))
    assert again.call_count == images.num_shards - 2
    assert not (bucket / ".progress").exists()
    prepare(images, str(tmp_path / "whole"))
    whole = digests(tmp_path / "whole")
    del whole[".lock"]
    assert digests(bucket) == whole


def test_of_two_in_a_store_the_later_finds_all_done(folder, bucket):
    images = preparation(folder, shard_size=4)
    write = sharding._write_missing

    def overtaken(*arguments):
        write(*arguments)
        with mock.patch.object(sharding, "_write_missing", write):
            prepare(images, str(bucket))

    with mock.patch.object(sharding, "_write_missing", overtaken):
        prepare(images, str(bucket))
    assert sharding.read_index(bucket)["num_examples"] == images.num_examples
    assert not (bucket / ".progress").exists()


def test_a_cache_in_a_store_is_for_all_machines(
    folder, tmp_path, bucket, monkeypatch
):
    held = open_folder(folder)
    monkeypatch.setattr(placement, "MEMORY_LIMIT", 0)
    assert_same_batches(held, open_folder(folder, cache=str(bucket)))
    # Another machine has nothing in its own.
    monkeypatch.setenv("SAGAN_TF_CACHE", str(tmp_path / "other"))
    with mock.patch.object(sharding, "write_shard") as write:
        assert_same_batches(held, open_folder(folder, cache=str(bucket)))
    write.assert_not_called()
