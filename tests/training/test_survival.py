"""What a run leaves behind when it is ended, and what it goes on from."""

import os
import shutil
import signal

import numpy as np
import pytest

from sagan_tf import train, training_run
from sagan_tf.configuration import builders
from sagan_tf.errors import UserError
from sagan_tf.training import callbacks
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.termination import StopAfter, Termination
from sagan_tf.training.workdir import Workdir
from tests.training import killed_run, toy, workdir_checks


def steps(workdir):
    return workdir_checks.recorded_steps(workdir.metrics)


def four_steps(**fields):
    return toy.config(
        **{
            "train__num_steps": 4,
            "checkpoint__every_steps": 3,
            "log__sheet_every_steps": 4,
            "optimizer__schedule": "cosine",
            "optimizer__warmup_steps": 1,
            "optimizer__end_step": 8,
            **fields,
        }
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of four steps; not to be changed."""
    workdir = Workdir(tmp_path_factory.mktemp("finished") / "run")
    train.run(four_steps(), workdir)
    return workdir


@pytest.fixture
def workdir(finished, tmp_path):
    """A run of four steps to go on with."""
    copy = Workdir(tmp_path / "copy")
    shutil.copytree(finished.path, copy.path)
    return copy


def save_other(checkpoints, step, **fields):
    """Saves a model that no run here has made."""
    gan = builders.build_gan(toy.config(**fields))
    gan.step.assign(step)
    checkpoints.save(gan)


@pytest.fixture
def signal_at(monkeypatch):
    """Has a run get a signal while it takes a step."""

    def arrange(step, number=signal.SIGTERM):
        on_batch_end = callbacks.StopOnNonFinite.on_train_batch_end

        def strike(self, batch, logs=None):
            on_batch_end(self, batch, logs)
            if int(self.model.step.numpy()) == step:
                os.kill(os.getpid(), number)

        monkeypatch.setattr(
            callbacks.StopOnNonFinite, "on_train_batch_end", strike
        )

    return arrange


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_the_run_goes_on_bit_for_bit(
    finished, tmp_path, capsys, signal_at, number
):
    cut = Workdir(tmp_path / "cut")
    before = signal.getsignal(number)
    signal_at(2, number)
    train.run(four_steps(), cut)
    said = capsys.readouterr().out
    name = signal.Signals(number).name
    assert f"stopped by {name} at step 2 of 4: the same command" in said
    assert signal.getsignal(number) == before
    assert workdir_checks.last_step(cut) == 2
    # The machine may be gone soon: no time for sheets.
    assert not list(cut.samples.glob("step_*"))
    # What a killed run may leave besides is removed.
    for name in (".step_00000003.tmp", ".step_00000001.old.tmp"):
        shutil.copytree(
            cut.checkpoints / "step_00000002", cut.checkpoints / name
        )
    train.run(four_steps(), cut)
    assert "step 4 reached" in capsys.readouterr().out
    assert sorted(path.name for path in cut.checkpoints.iterdir()) == [
        *("step_00000002", "step_00000003", "step_00000004"),
    ]
    workdir_checks.compare(finished, cut, 4)


def test_sigterm_before_the_first_record(tmp_path, capsys, signal_at):
    workdir = Workdir(tmp_path / "early")
    signal_at(1)
    train.run(four_steps(log__every_steps=4), workdir)
    assert "stopped by SIGTERM at step 1 of 4" in capsys.readouterr().out
    assert workdir_checks.last_step(workdir) == 1
    assert not workdir.metrics.exists() and not workdir.curves.exists()


def test_a_second_signal_ends_the_process():
    with Termination() as termination:
        os.kill(os.getpid(), signal.SIGTERM)
        assert termination.requested == "SIGTERM"
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    with Termination() as termination:
        termination.is_training = True
        os.kill(os.getpid(), signal.SIGINT)
        assert termination.requested == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_before_training_ends_at_once():
    with Termination() as termination, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert not termination.requested


def test_a_run_without_progress_is_asked_to_end():
    termination, best = Termination(), [None]
    stop = StopAfter(
        termination, lambda: best[0], every_steps=10, evaluations=2
    )
    stop(30)
    best[0] = 20
    stop(30)
    assert not termination.requested
    stop(40)
    assert "config.train.stop_after=2 (step 20 is best)" in (
        termination.requested
    )


def test_intervals_are_kept_after_a_stop_beside_them(tmp_path):
    class Model:
        step = np.int64(0)
        stop_training = False

    called = []
    every = callbacks.EverySteps(10, called.append, last=28)
    every.set_model(Model)
    Model.step = np.array(3)
    monkey = type("Step", (), {"numpy": lambda self: self.value})()
    Model.step = monkey
    monkey.value = 3
    every.on_train_begin()
    for monkey.value in (8, 13, 18, 23, 28):
        every.on_train_batch_end(0)
    assert called == [13, 23, 28]


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


@pytest.fixture
def full_disk(monkeypatch):
    """Has the first so many checkpoints fail, as on a full disk."""
    monkeypatch.setattr(callbacks, "_SECONDS_BEFORE_TRYING_AGAIN", (0.0, 0.0))

    def arrange(failures):
        fsync, left = os.fsync, [failures]

        def full(descriptor):
            if left[0]:
                left[0] -= 1
                raise OSError(28, "No space left on device")
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", full)

    return arrange


def test_a_disk_that_is_full_for_a_while_ends_nothing(
    workdir, monkeypatch, caplog, full_disk
):
    def full(*_):
        raise OSError(28, "No space left on device")

    # At step 6, and at step 7 twice.
    full_disk(3)
    monkeypatch.setattr(training_run.curves, "plot_metrics", full)
    train.run(four_steps(train__num_steps=7), workdir)
    assert steps(workdir) == [1, 2, 3, 4, 5, 6, 7]
    said = "the checkpoint of step 6 is not written, training goes on"
    assert said in caplog.text
    assert "No space left" in caplog.text
    assert caplog.text.count("step 7 is not written: trying again") == 2
    assert "curves.png is not drawn" in caplog.text
    assert workdir_checks.last_step(workdir) == 7
    workdir_checks.check_readable(workdir)


def test_a_last_checkpoint_that_cannot_be_written_is_an_error(
    workdir, full_disk
):
    full_disk(-1)
    with pytest.raises(UserError) as caught:
        train.run(four_steps(train__num_steps=6), workdir)
    assert "checkpoint of step 6 should be written" in str(caught.value)
    assert "No space left" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert workdir_checks.last_step(workdir) == 4
    assert len(list(workdir.checkpoints.iterdir())) == 2


def test_a_signal_whose_checkpoint_cannot_be_written_is_an_error(
    workdir, full_disk, signal_at
):
    full_disk(-1)
    signal_at(5)
    with pytest.raises(UserError, match="checkpoint of step 5 should be"):
        train.run(four_steps(train__num_steps=8), workdir)


def test_a_checkpoint_of_another_model_is_refused(workdir):
    save_other(Checkpoints(workdir.checkpoints), 4, model__latent_dim=5)
    with pytest.raises(UserError, match="networks like this run's") as caught:
        train.run(four_steps(train__num_steps=5), workdir)
    assert "\n" not in str(caught.value)


def test_best_is_not_the_loops_to_delete(workdir):
    best = workdir.path / "best" / "step_00000001"
    best.mkdir(parents=True)
    (best / "state").write_text("kept")
    checkpoints = Checkpoints(workdir.checkpoints, keep=1)
    save_other(checkpoints, 5)
    assert (best / "state").read_text() == "kept"
    assert checkpoints.steps() == [5]


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "metrics.jsonl",
        "samples/step_00000004.png",
        "checkpoints/step_00000003/state.index",
        "checkpoints/step_00000004/state.data-00000-of-00001",
    ],
)
def test_the_checks_notice_what_cannot_be_read(finished, workdir, name):
    path = workdir.path / name
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])
    workdir_checks.check_readable(finished)
    with pytest.raises(workdir_checks.Damage, match="cannot be read"):
        workdir_checks.check_readable(workdir)


@pytest.mark.parametrize(
    "change", [lambda lines: lines + lines[-1:], lambda lines: lines[1:]]
)
def test_the_checks_notice_a_step_twice_or_never(finished, workdir, change):
    assert workdir_checks.compare(finished, workdir, 4) > 100
    lines = workdir.metrics.read_text().splitlines(keepends=True)
    workdir.metrics.write_text("".join(change(lines)))
    with pytest.raises(workdir_checks.Damage, match="every step once"):
        workdir_checks.compare(finished, workdir, 4)


def test_the_checks_notice_other_weights(finished, workdir):
    save_other(Checkpoints(workdir.checkpoints), 4, seed=1)
    with pytest.raises(workdir_checks.Damage, match="differ"):
        workdir_checks.compare(finished, workdir, 4)


def test_a_killed_run_ends_like_an_undisturbed_one(tmp_path):
    """Two runs with --deterministic are equal bit for bit, even so."""
    root = tmp_path / "torture"
    flags = killed_run.training_flags(Workdir(tmp_path), 1)
    assert "--deterministic" in flags
    line = killed_run.kill_repeatedly(root, kills=1, seed=0, fresh_every=3)
    assert "nothing lost in 1 kills (save 1;" in line
    said = (root / "killed.log").read_text()
    assert "stopped by SIGTERM" in said and "reached" in said


class Ended:
    """A process that has ended by itself."""

    def __init__(self, *_):
        self.status = 0

    def send(self, number):
        del number

    def wait(self, seconds):
        del seconds
        return self.status


@pytest.mark.parametrize("moment", killed_run.MOMENTS)
def test_a_run_that_ends_by_itself_is_noticed(tmp_path, monkeypatch, moment):
    monkeypatch.setattr(killed_run, "TrainingProcess", Ended)
    monkeypatch.setattr(killed_run.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(killed_run.KilledRun, "_sleep", lambda *_: None)
    run = killed_run.KilledRun(tmp_path / "torture", seed=0)
    with pytest.raises(workdir_checks.Damage, match="status"):
        run.kill(moment)
