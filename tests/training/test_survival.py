"""What a run leaves behind when it is ended, and what it goes on from."""

import json
import os
import shutil
import signal

import numpy as np
import pytest

from sagan_tf import builders, train
from sagan_tf.errors import UserError
from sagan_tf.training import callbacks
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.termination import Termination
from sagan_tf.training.workdir import Workdir
from tests.training import toy
from tools import torture


def steps(workdir):
    return torture.recorded_steps(workdir.metrics)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two steps; not to be changed."""
    workdir = Workdir(tmp_path_factory.mktemp("finished") / "run")
    train.run(toy.config(), workdir)
    return workdir


@pytest.fixture
def workdir(finished, tmp_path):
    """A run of two steps to go on with."""
    copy = Workdir(tmp_path / "copy")
    shutil.copytree(finished.path, copy.path)
    return copy


def save_other(checkpoints, step, **fields):
    """Saves a model that no run here has made."""
    gan = builders.build_gan(toy.config(**fields))
    gan.step.assign(step)
    checkpoints.save(gan)


@pytest.fixture
def sigterm_at(monkeypatch):
    """Has a run get SIGTERM while it takes a step."""

    def arrange(step):
        on_batch_end = callbacks.StopOnNonFinite.on_train_batch_end

        def strike(self, batch, logs=None):
            on_batch_end(self, batch, logs)
            if int(self.model.step.numpy()) == step:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(
            callbacks.StopOnNonFinite, "on_train_batch_end", strike
        )

    return arrange


def test_sigterm_saves_and_the_run_goes_on_bit_for_bit(
    tmp_path, capsys, sigterm_at
):
    config = toy.config(
        train__num_steps=5,
        checkpoint__every_steps=5,
        log__sheet_every_steps=5,
    )
    whole, cut = Workdir(tmp_path / "whole"), Workdir(tmp_path / "cut")
    train.run(config, whole)
    before = signal.getsignal(signal.SIGTERM)
    sigterm_at(3)
    train.run(config, cut)
    said = capsys.readouterr().out
    assert "stopped by SIGTERM at step 3 of 5: the same command" in said
    assert signal.getsignal(signal.SIGTERM) == before
    assert torture.last_step(cut) == 3
    # The machine may be gone soon: no time for sheets.
    assert not list(cut.samples.glob("*"))
    train.run(config, cut)
    assert "step 5 reached" in capsys.readouterr().out
    torture.compare(whole, cut, 5)


def test_a_second_sigterm_ends_the_process():
    with Termination() as termination:
        os.kill(os.getpid(), signal.SIGTERM)
        assert termination.requested
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_intervals_are_kept_after_a_stop_beside_them(tmp_path):
    class Model:
        step = np.int64(0)
        stop_training = False

    called = []
    every = callbacks.EverySteps(10, called.append)
    every.set_model(Model)
    Model.step = np.array(3)
    monkey = type("Step", (), {"numpy": lambda self: self.value})()
    Model.step = monkey
    monkey.value = 3
    every.on_train_begin()
    for monkey.value in (8, 13, 18, 23, 28):
        every.on_train_batch_end(0)
    assert called == [13, 23]
    every.on_train_end()
    assert called == [13, 23, 28]


def test_what_a_killed_run_left_is_removed(workdir):
    for name in (".step_00000002.tmp", ".step_00000001.old.tmp"):
        shutil.copytree(
            workdir.checkpoints / "step_00000002", workdir.checkpoints / name
        )
    train.run(toy.config(train__num_steps=3), workdir)
    assert sorted(path.name for path in workdir.checkpoints.iterdir()) == [
        *("step_00000001", "step_00000002", "step_00000003"),
    ]
    assert steps(workdir) == [1, 2, 3]


def test_a_checkpoint_is_on_the_disk_before_it_has_its_name(
    tmp_path, monkeypatch
):
    config = toy.config()
    gan = builders.build_gan(config)
    checkpoints = Checkpoints(tmp_path)
    flushed = []
    fsync = os.fsync

    def note(descriptor):
        flushed.append(os.path.realpath(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    path = checkpoints.save(gan)
    aside = str(tmp_path / ".step_00000000.tmp")
    assert {f"{aside}/{file.name}" for file in path.iterdir()} < {*flushed}
    assert flushed[-2:] == [aside, str(tmp_path)]


def test_a_disk_that_is_full_at_any_moment_ends_nothing(workdir, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    train.run(toy.config(train__num_steps=4), workdir)
    assert steps(workdir) == [1, 2, 3, 4]
    assert torture.last_step(workdir) == 2
    assert len(list(workdir.checkpoints.iterdir())) == 2
    monkeypatch.undo()
    train.run(toy.config(train__num_steps=4), workdir)
    assert torture.last_step(workdir) == 4
    torture.check_readable(workdir)


def test_a_checkpoint_of_another_model_is_refused(workdir):
    save_other(Checkpoints(workdir.checkpoints), 2, model__latent_dim=5)
    with pytest.raises(UserError, match="networks like this run's") as caught:
        train.run(toy.config(train__num_steps=3), workdir)
    assert "\n" not in str(caught.value)


def test_best_is_not_the_loops_to_delete(workdir):
    best = workdir.path / "best" / "step_00000001"
    best.mkdir(parents=True)
    (best / "state").write_text("kept")
    train.run(toy.config(train__num_steps=3, checkpoint__keep=1), workdir)
    assert (best / "state").read_text() == "kept"
    assert Checkpoints(workdir.checkpoints).steps() == [3]


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "metrics.jsonl",
        "samples/step_00000002.png",
        "checkpoints/step_00000001/state.index",
        "checkpoints/step_00000002/state.data-00000-of-00001",
    ],
)
def test_torture_notices_what_cannot_be_read(finished, workdir, name):
    path = workdir.path / name
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    torture.check_readable(finished)
    with pytest.raises(torture.Damage, match="cannot be read"):
        torture.check_readable(workdir)


def test_torture_notices_a_step_twice(finished, workdir):
    torture.compare(finished, workdir, 2)
    with workdir.metrics.open("a") as file:
        file.write(json.dumps({"step": 2}) + "\n")
    with pytest.raises(torture.Damage, match="every step once"):
        torture.compare(finished, workdir, 2)


def test_torture_notices_other_weights(finished, workdir):
    save_other(Checkpoints(workdir.checkpoints), 2, seed=1)
    with pytest.raises(torture.Damage, match="differ"):
        torture.compare(finished, workdir, 2)


def test_a_killed_run_ends_like_an_undisturbed_one(tmp_path):
    command = torture.training_command(Workdir(tmp_path), 1)
    assert "--deterministic" in command
    counts = torture.torture(tmp_path / "torture", kills=2, seed=0)
    assert counts == {"save": 1, "sigterm": 1, "between": 0, "start": 0}
    log = (tmp_path / "torture" / "killed.log").read_text()
    assert "stopped by SIGTERM" in log and "reached" in log
