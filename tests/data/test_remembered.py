"""What is kept between two starts, and what a killed program leaves."""

import os
import shutil
import time
import types

import h5py
import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import user_cache
from sagan_tf.cli.command import describe
from sagan_tf.data import open_dataset, reading
from sagan_tf.data.formats import open_importer
from sagan_tf.errors import UserError
from sagan_tf.whole_files import remove_abandoned
from tests.data import writers


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache, of this test alone."""
    monkeypatch.setenv(user_cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def decoded(monkeypatch):
    """Numbers of the images that are decoded."""
    numbers = []

    def read(importer, index, framing):
        numbers.append(index)
        return reading.read_framed(importer, index, framing)

    monkeypatch.setattr("sagan_tf.data.placement.read_framed", read)
    return numbers


def open_on_demand(name, path, **arguments):
    return open_dataset(
        name, path=str(path), image_size=32, cache="none", **arguments
    )


def test_a_second_start_decodes_nothing(tmp_path, decoded):
    folder = writers.write_folder(tmp_path / "images")
    open_on_demand("folder", folder)
    assert sorted(decoded) == list(range(20))
    decoded.clear()
    open_on_demand("folder", folder)
    assert decoded == []
    # Another size of the squares may meet an image that is too small.
    open_dataset("folder", path=str(folder), image_size=16, cache="none")
    assert len(decoded) == 20


@pytest.mark.parametrize("change", ["time", "size", "name"])
def test_a_file_that_changed_is_tried_again(tmp_path, decoded, change):
    folder = writers.write_folder(tmp_path / "images")
    open_on_demand("folder", folder)
    file = folder / "a" / "00.png"
    decoded.clear()
    if change == "time":
        os.utime(file, (1, 1))
    elif change == "size":
        shutil.copy(folder / "b" / "01.png", file)
        os.truncate(file, file.stat().st_size - 99)
        with pytest.raises(UserError, match="00.png"):
            open_on_demand("folder", folder)
        return
    else:
        file.rename(folder / "a" / "new.png")
    open_on_demand("folder", folder)
    assert len(decoded) == 20


def test_what_was_skipped_is_skipped_again(tmp_path, decoded, caplog):
    folder = writers.write_folder(tmp_path / "images")
    (folder / "a" / "link.png").symlink_to(tmp_path / "gone.png")
    first = open_on_demand("folder", folder, on_unreadable="skip")
    decoded.clear()
    again = open_on_demand("folder", folder, on_unreadable="skip")
    assert decoded == [] and "skipped unreadable files: 1" in caplog.text
    assert first.num_examples == again.num_examples == 20
    for one, other in zip(*(d.ordered_batches(20) for d in (first, again))):
        np.testing.assert_array_equal(one[0], other[0])
    with pytest.raises(UserError, match="link.png"):
        open_on_demand("folder", folder)


@pytest.mark.parametrize("cache", ["", "none", "shards"])
def test_a_dead_link_is_skipped_wherever_images_are(tmp_path, cache):
    folder = writers.write_folder(tmp_path / "images")
    (folder / "a" / "link.png").symlink_to(tmp_path / "gone.png")
    cache = str(tmp_path / "kept") if cache == "shards" else cache
    dataset = open_dataset(
        "folder",
        path=str(folder),
        image_size=32,
        on_unreadable="skip",
        cache=cache,
    )
    assert dataset.num_examples == 20 and dataset.identity()
    (images, _), *_ = dataset.ordered_batches(30)
    assert len(images) == 20


def break_image(file, place):
    """Makes the bytes of one image of an HDF5 file unreadable."""
    with h5py.File(file, "r") as opened:
        info = opened["imgs"].id.get_chunk_info_by_coord((place, 0, 0, 0))
    with open(file, "r+b") as stream:
        stream.seek(info.byte_offset)
        stream.write(b"\0" * 64)


def many_in_hdf5(tmp_path, count=600):
    images = np.random.default_rng(0).integers(
        0, 256, (count, 3, 32, 32), np.uint8
    )
    file = writers.write_hdf5(
        tmp_path / "a.hdf5",
        images,
        np.arange(count) % 10,
        chunks=(1, 3, 32, 32),
        compression="gzip",
    )
    order = open_importer("hdf5", path=str(file))
    tried = np.linspace(0, count - 1, 256).astype(int)
    # An image between those that are tried before.
    index = int(np.setdiff1d(np.arange(count), tried)[100])
    break_image(file, int(order._order[index]))
    return file, index


def test_an_image_that_breaks_beyond_the_sample_is_one_line(tmp_path):
    file, index = many_in_hdf5(tmp_path)
    dataset = open_on_demand("hdf5", file)
    assert dataset.num_examples == 600
    readers = (
        lambda: list(dataset.ordered_batches(50)),
        lambda: list(dataset.training_batches(50, seed=0).take(12)),
        lambda: dataset.images(np.array([index])),
    )
    for read in readers:
        with pytest.raises((tf.errors.OpError, UserError)) as caught:
            read()
        line = describe(caught.value)
        assert line.startswith(f"error: cannot read {file}: imgs[")
        assert "\n" not in line and "Traceback" not in line


def test_skipping_holds_beyond_the_sample(tmp_path):
    file, _ = many_in_hdf5(tmp_path)
    dataset = open_on_demand("hdf5", file, on_unreadable="skip")
    assert dataset.num_examples == 599
    assert sum(len(labels) for _, labels in dataset.ordered_batches(50)) == 599


def test_an_error_of_the_program_keeps_its_traceback():
    assert describe(tf.errors.InvalidArgumentError(None, None, "shape")) is None
    assert describe(ValueError("UserError: no")) is None


def test_a_disk_without_room_is_refused_before(tmp_path, monkeypatch):
    folder = writers.write_folder(tmp_path / "images")
    usage = types.SimpleNamespace(free=2**15)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    kept = tmp_path / "kept"
    with pytest.raises(UserError) as caught:
        open_dataset("folder", path=str(folder), image_size=32, cache=str(kept))
    assert "take about 0 MiB" in str(caught.value)
    assert "`cache` may name another place" in str(caught.value)
    assert not list(kept.rglob("*.array_record"))
    usage.free = 2**30
    open_dataset("folder", path=str(folder), image_size=32, cache=str(kept))


def test_large_folders_are_decoded_once(tmp_path, monkeypatch, cache, decoded):
    folder = writers.write_folder(tmp_path / "images")
    monkeypatch.setattr("sagan_tf.data.placement._QUICKLY_DECODED", 1_000)
    first = open_dataset("folder", path=str(folder), image_size=32)
    (shards,) = cache.rglob("*.array_record")
    written = shards.stat().st_mtime_ns
    again = open_dataset("folder", path=str(folder), image_size=32)
    assert shards.stat().st_mtime_ns == written
    for one, other in zip(*(d.ordered_batches(20) for d in (first, again))):
        np.testing.assert_array_equal(one[0], other[0])
    os.utime(folder / "a" / "00.png", (1, 1))
    open_dataset("folder", path=str(folder), image_size=32)
    assert len(list(cache.rglob("*.array_record"))) == 2


def test_what_killed_programs_left_is_removed_when_it_is_old(tmp_path):
    old, new = tmp_path / f"a.{'0' * 16}.tmp", tmp_path / f"b.{'1' * 16}.tmp"
    folder = tmp_path / "below" / f"c.{'f' * 16}.tmp"
    kept = tmp_path / "mine.tmp"
    folder.mkdir(parents=True)
    for file in (old, new, kept, folder / "inside"):
        file.write_text("x")
    long_ago = time.time() - 2 * 24 * 3600
    for file in (old, kept, folder / "inside", folder):
        os.utime(file, (long_ago, long_ago))
    remove_abandoned(tmp_path)
    assert not old.exists() and not folder.exists()
    assert new.exists() and kept.exists()


def test_the_cache_is_tidied_at_a_start(tmp_path, monkeypatch):
    root = tmp_path / "other"
    old = root / "images" / "abc" / f"a.{'0' * 16}.tmp"
    old.parent.mkdir(parents=True)
    old.write_text("x")
    os.utime(old, (1, 1))
    monkeypatch.setenv(user_cache.CACHE_VARIABLE, str(root))
    user_cache.default_cache_dir()
    assert not old.exists()


@pytest.mark.parametrize("error", [OSError(24, "Too many"), MemoryError()])
def test_no_image_is_skipped_where_the_machine_is_at_an_end(
    tmp_path, monkeypatch, error
):
    folder = writers.write_folder(tmp_path / "images")

    def fail(*arguments, **options):
        raise error

    if isinstance(error, OSError):
        monkeypatch.setattr("sagan_tf.data.trees.open", fail, raising=False)
    else:
        monkeypatch.setattr("sagan_tf.data.decoding.Image.open", fail)
    with pytest.raises(type(error)):
        open_on_demand("folder", folder, on_unreadable="skip")
