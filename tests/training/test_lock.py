"""One process trains in a workdir, and a dead one is in nobody's way."""

import json
import os
import subprocess
import sys
import time

import pytest

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.training import lock


def rewrite(path, **fields):
    content = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps(content))


def test_a_second_training_is_refused_and_told_of_the_first(tmp_path):
    with lock.hold(tmp_path):
        with pytest.raises(UserError) as caught, lock.hold(tmp_path):
            pass
        assert f"is being trained in by process {os.getpid()} on" in str(
            caught.value
        )
        assert lock.holder(tmp_path)
    assert not lock.holder(tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_error_gives_the_lock_back(tmp_path):
    with pytest.raises(ValueError), lock.hold(tmp_path):
        raise ValueError
    with lock.hold(tmp_path):
        pass


def test_a_killed_process_leaves_no_lock(tmp_path):
    program = (
        "import os, sys\n"
        "from sagan_tf.training import lock\n"
        "with lock.hold(sys.argv[1]):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)])
    assert (tmp_path / lock.NAME).exists()
    assert not lock.holder(tmp_path)
    with lock.hold(tmp_path):
        assert str(os.getpid()) in lock.holder(tmp_path)


def test_a_number_that_is_used_again_is_another_process(tmp_path):
    with lock.hold(tmp_path):
        rewrite(tmp_path / lock.NAME, started="1")
        assert not lock.holder(tmp_path)


def test_another_machine_is_trusted_while_its_heart_beats(tmp_path):
    with lock.hold(tmp_path):
        path = tmp_path / lock.NAME
        rewrite(path, machine="elsewhere", host="node7", pid=1)
        assert "process 1 on node7" in lock.holder(tmp_path)
        long_ago = path.stat().st_mtime - 2 * lock._STALE_SECONDS
        os.utime(path, (long_ago, long_ago))
        assert not lock.holder(tmp_path)


def test_a_lock_that_could_not_be_written_is_not_left(tmp_path, monkeypatch):
    def full(content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lock.json, "dumps", full)
    with pytest.raises(OSError), lock.hold(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_where_processes_cannot_be_looked_for_the_heart_counts(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(lock, "_machine", lambda: "")
    with lock.hold(tmp_path):
        path = tmp_path / lock.NAME
        assert lock.holder(tmp_path)
        long_ago = path.stat().st_mtime - 2 * lock._STALE_SECONDS
        os.utime(path, (long_ago, long_ago))
        assert not lock.holder(tmp_path)


def test_the_heart_beats_until_the_lock_is_anothers(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_HEARTBEAT_SECONDS", 0.01)
    path = tmp_path / lock.NAME
    with lock.hold(tmp_path):
        os.utime(path, (1, 1))
        while path.stat().st_mtime == 1:
            pass
        rewrite(path, token="another")
    # What is another's is not removed.
    assert path.exists()


def test_an_unreadable_lock_is_waited_for(tmp_path):
    path = tmp_path / lock.NAME
    path.write_text("{")
    assert "process ? on ?" in lock.holder(tmp_path)


def test_a_store_has_a_lock_too():
    place = storage.at("ram://locked/run")
    with lock.hold(place):
        with pytest.raises(UserError, match=f"by process {os.getpid()} on"):
            with lock.hold(place):
                pass
        assert lock.holder(place)
    assert not lock.holder(place) and not list(place.iterdir())


def test_the_heart_beats_in_a_store(monkeypatch):
    monkeypatch.setattr(lock, "_HEARTBEAT_SECONDS", 0.01)
    path = storage.at("ram://beating") / lock.NAME
    with lock.hold(path.parent):
        beats = {None}
        while len(beats) < 3:
            beats.add(lock._read(path).get("beat"))


def test_a_lock_in_a_store_is_another_machines_until_its_heart_stops():
    path = storage.at("ram://locked") / lock.NAME
    path.write_text('{"token": "x", "host": "node7", "pid": 1}')
    rewrite(path, beat=time.time() - 5)
    assert "process 1 on node7" in lock.holder(path.parent)
    rewrite(path, beat=time.time() - 2 * lock._STALE_SECONDS)
    with lock.hold(path.parent):
        assert str(os.getpid()) in lock.holder(path.parent)


def test_of_two_that_write_at_once_into_a_store_the_later_one_stays(
    monkeypatch,
):
    place, write = storage.at("ram://raced"), lock._write

    def late(path, content):
        write(path, content)
        write(path, {**content, "token": "another"})

    monkeypatch.setattr(lock, "_write", late)
    with pytest.raises(UserError, match="is being trained in"):
        with lock.hold(place):
            pass
    assert json.loads((place / lock.NAME).read_text())["token"] == "another"
