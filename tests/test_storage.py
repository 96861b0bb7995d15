"""Places in stores, of which TensorFlow keeps one in memory: `ram://`."""

import os
import pathlib

import numpy as np
import pytest

from sagan_tf import storage, user_cache
from sagan_tf.cli import command, drawing
from sagan_tf.data import formats
from sagan_tf.errors import UserError
from sagan_tf.evaluation.features import classifier
from sagan_tf.evaluation.images import archives
from sagan_tf.evaluation.results.best import BestCheckpoint
from sagan_tf.evaluation.results.score_table import ScoreTable
from sagan_tf.visualization import sheets
from sagan_tf.whole_files import replacing, write_npz
from tests.data.writers import write_folder
from tests.evaluation.results.test_score_table import row


@pytest.fixture
def place(tmp_path):
    """A folder of its own, which is not there yet."""
    return storage.at(f"ram:/{tmp_path}")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    path = tmp_path / "cache"
    monkeypatch.setenv(user_cache.CACHE_VARIABLE, str(path))
    return path


def test_a_path_is_pathlibs_and_an_address_is_not():
    assert storage.at("a/b") == pathlib.Path("a/b")
    assert isinstance(storage.at("gs://bucket/run"), storage.StoredPath)
    assert storage.at(storage.at("ram://a")) == storage.at("ram://a/")


def test_names_are_as_pathlibs():
    path = storage.at("gs://bucket/run/x.tar")
    assert str(path) == os.fspath(path) == "gs://bucket/run/x.tar"
    assert (path.name, path.stem, path.suffix) == ("x.tar", "x", ".tar")
    assert str(path.parent / "y") == "gs://bucket/run/y"
    assert str(path.with_suffix(".npz")) == "gs://bucket/run/x.npz"
    assert str(path.relative_to(path.parent.parent)) == "run/x.tar"
    assert {path, storage.at("gs://bucket/run/x.tar")} == {path}
    assert path.parent < path < storage.at("gs://bucket/run/y")


def test_an_address_stays_one():
    for address in ("gs://", "gs://bucket", "ram://a/b:c", "file:///a/b"):
        assert str(storage.at(address)) == address
        assert storage.is_stored(storage.at(address) / "x")
    assert str(storage.at("gs://bucket//run/.")) == "gs://bucket/run"
    assert str(storage.at("gs://bucket").parent) == "gs://"


def test_files_and_folders(place):
    assert not place.exists() and list(place.iterdir()) == []
    (place / "a" / "b").mkdir(parents=True)
    (place / "a" / "x.txt").write_text("ä\n")
    with (place / "a" / "x.txt").open("a") as file:
        file.write("more\n")
    for content in (b"12345", b"123"):
        (place / "y.txt").write_bytes(content)
    assert (place / "a" / "x.txt").read_text() == "ä\nmore\n"
    assert place.is_dir() and not place.is_file()
    assert (place / "y.txt").is_file() and not (place / "y.txt").is_dir()
    assert (place / "y.txt").stat().st_size == 3
    assert [path.name for path in place.iterdir()] == ["a", "y.txt"]
    assert [path.name for path in place.glob("*.txt")] == ["y.txt"]
    assert [path.name for path in place.glob("a/*.txt")] == ["x.txt"]
    assert {path.name for path in place.rglob("*.txt")} == {"x.txt", "y.txt"}
    (place / "y.txt").unlink()
    (place / "y.txt").unlink(missing_ok=True)
    storage.remove_tree(place / "a")
    assert list(place.rglob("*")) == []


def test_what_is_not_there_is_said_as_of_a_disk(place):
    for ask in (
        lambda path: path.read_text(),
        lambda path: path.unlink(),
        lambda path: path.stat(),
    ):
        with pytest.raises(FileNotFoundError) as caught:
            ask(place / "none")
        line = command.describe(caught.value)
        assert line == f"error: {place}/none: No such file or directory"
    with pytest.raises(FileExistsError):
        place.mkdir()
        place.mkdir()


def test_an_unknown_kind_is_one_line():
    with pytest.raises(UserError, match="knows .*gs://, ram://.*'zz://a'"):
        storage.at("zz://a")


def test_a_folder_is_copied_with_the_file_that_tells_last(
    place, tmp_path, monkeypatch
):
    source = tmp_path / "source"
    for name in ("a", "deep/z", "manifest", "z"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    copied, copy = [], storage.copy

    def noted(source, target, last=""):
        copied.append(source.name)
        copy(source, target, last)

    monkeypatch.setattr(storage, "copy", noted)
    storage.copy(source, place, "manifest")
    assert copied == ["source", "a", "deep", "z", "z", "manifest"]
    assert (place / "deep" / "z").read_text() == "deep/z"
    storage.copy(place, tmp_path / "again")
    assert (tmp_path / "again" / "manifest").read_text() == "manifest"


def test_what_is_written_is_there_when_it_is_whole(place):
    path = place / "a" / "x.npz"
    write_npz(path, values=np.arange(3))
    with pytest.raises(OSError, match="full"), replacing(path) as aside:
        aside.write_text("half")
        raise OSError("full")
    np.testing.assert_array_equal(archives.read(path)["values"], np.arange(3))
    assert not aside.exists()
    sheets.write_png(str(place / "sheet.png"), np.zeros((4, 4, 3), np.uint8))
    assert (place / "sheet.png").read_bytes()[1:4] == b"PNG"


def test_a_copy_here_follows_what_is_there(place, cache):
    assert user_cache.local_copy(place / "none") == f"{place}/none"
    (place / "a" / "b").mkdir(parents=True)
    (place / "a" / "x").write_text("one")
    (place / "a" / "b" / "y").write_text("two")
    here = pathlib.Path(user_cache.local_copy(place / "a"))
    assert here.is_relative_to(cache)
    assert (here / "b" / "y").read_text() == "two"
    # What is as it was is not copied again.
    os.utime(here / "x", ns=(0, 0))
    inode = (here / "x").stat().st_ino
    (place / "a" / "b" / "y").unlink()
    (place / "a" / "z").write_text("three")
    assert user_cache.local_copy(place / "a") == str(here)
    assert (here / "x").stat().st_ino == inode
    assert sorted(p.name for p in here.rglob("*")) == ["b", "x", "z"]
    (place / "a" / "x").write_text("longer")
    user_cache.local_copy(place / "a")
    assert (here / "x").read_text() == "longer"


def test_a_copy_that_has_no_room_is_refused(place, cache, monkeypatch):
    place.mkdir()
    (place / "x").write_text("one")
    usage = os.statvfs("/")
    monkeypatch.setattr(
        user_cache.shutil, "disk_usage", lambda path: usage_of(usage, free=2)
    )
    with pytest.raises(UserError, match="should have room"):
        user_cache.local_copy(place)
    assert not list(cache.rglob("x"))


def usage_of(usage, free):
    return type("Usage", (), {"free": free})


def test_images_and_latents_are_read_from_a_store(place, tmp_path, cache):
    folder = tmp_path / "images"
    write_folder(folder)
    storage.copy(folder, place / "images")
    here = formats.open_importer("folder", path=str(folder))
    there = formats.open_importer("folder", path=str(place / "images"))
    assert there.class_names == here.class_names
    assert there.identity() == here.identity()
    assert there.read(0).image.tobytes() == here.read(0).image.tobytes()
    write_npz(place / "z.npz", latents=np.ones((2, 3)), labels=[1, 0])
    latents, labels = drawing.read_latents(str(place / "z.npz"), 3, 2, [0])
    assert latents.shape == (2, 3) and labels.tolist() == [1, 0]


def test_a_tree_of_data_sets_in_a_store_is_not_copied(place):
    with pytest.raises(UserError, match="with dataset_info.json"):
        formats.open_importer("tfds:mnist", path=str(place))


def test_whoever_writes_a_classifier_first_into_a_store_wins(place):
    class Model:
        def __init__(self, value):
            self.value = value

        def get_weights(self):
            return [np.full(3, self.value)]

    path = place / "classifier.npz"
    classifier.store(path, Model(1), 1.0)
    classifier.store(path, Model(2), 1.0)
    assert archives.read(path)["w00"].tolist() == [1, 1, 1]


def checkpoint(place, step):
    path = place / "checkpoints" / f"step_{step:08d}"
    path.mkdir(parents=True)
    (path / "state").write_text(f"weights {step}")
    (path / "manifest.json").write_text("{}")


def test_the_best_checkpoint_is_kept_in_a_store(place, caplog):
    table = ScoreTable(place / "scores.csv")
    assert table.rows() == []
    best = BestCheckpoint(table, place / "best")

    def keep():
        best.keep(lambda step: place / "checkpoints" / f"step_{step:08d}")
        found = (place / "best").glob("*step_*")
        return {path.name: (path / "state").read_text() for path in found}

    for step, fid in ((10, 5.0), (20, 4.0)):
        checkpoint(place, step)
        table.add(row(step, fid))
        assert keep() == {f"step_{step:08d}": f"weights {step}"}
    # One that a killed command has copied in part is copied again.
    (place / "best" / "step_00000020" / "manifest.json").unlink()
    (place / "best" / "step_00000020" / "state").write_text("wei")
    assert keep() == {"step_00000020": "weights 20"}
    table.add(row(30, 3.0))
    assert keep() == {"former_step_00000020": "weights 20"}
    assert "its checkpoint is gone" in caplog.text
    assert [scores.card.step for scores in table.rows()] == [10, 20, 30]
