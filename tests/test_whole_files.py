"""Two programs of one process number write the same file, both to the end."""

import os
import stat

import numpy as np
import pytest

from sagan_tf.data import shard_writing
from sagan_tf.evaluation.features import classifier
from sagan_tf.whole_files import replacing, write_npz


class Model:
    """What a classifier is to the one who stores it."""

    def get_weights(self):
        return [np.ones(3)]


WRITERS = {
    "arrays": lambda path: write_npz(path, a=np.ones(3)),
    "classifier": lambda path: classifier.store(path, Model(), 1.0),
    "shards": lambda path: shard_writing.write_json(path, {"a": 1}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_another_program_writes_at_the_same_time(name, tmp_path, monkeypatch):
    path, write, waiting = tmp_path / "a.npz", WRITERS[name], [1]

    def late(move):
        def moved(source, target):
            if waiting:
                waiting.pop()
                write(path)
            move(source, target)

        return moved

    for move in ("replace", "link"):
        monkeypatch.setattr(os, move, late(getattr(os, move)))
    write(path)
    assert not waiting
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path):
    path = tmp_path / "a"
    path.write_text("before")
    with pytest.raises(OSError, match="full"):
        with replacing(path) as aside:
            aside.write_text("half")
            raise OSError("full")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_it(tmp_path):
    (tmp_path / "usual").write_text("")
    with replacing(tmp_path / "a") as aside:
        aside.write_text("")
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert len(modes) == 1
