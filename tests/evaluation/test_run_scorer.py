"""Scores of a run's steps, and which checkpoint they make the best."""

import dataclasses
import shutil

import pytest

from sagan_tf.errors import UserError
from sagan_tf.evaluation import run_scorer
from sagan_tf.evaluation.protocol import Card
from sagan_tf.evaluation.results.best import requested_steps
from sagan_tf.evaluation.results.outputs import NO_OUTPUTS
from sagan_tf.evaluation.results.score_table import Scores
from sagan_tf.training.workdir import Workdir

CARD = Card(
    network="inception",
    network_hash="aa",
    resize="none",
    data="noise",
    split="train",
    num_real=100,
    num_generated=100,
)
# Step 20 has the best FID, step 10 the best Inception score.
VALUES = {10: (9.0, 8.0), 20: (3.0, 4.0), 30: (5.0, 2.0)}


class FakeEvaluator:
    """Knows the scores of each step."""

    outputs = NO_OUTPUTS

    def score(self, batches, card):
        fid, inception_score = VALUES[batches]
        return Scores(card, {"fid100_train": fid, "is100": inception_score})


@pytest.fixture
def make_scorer(tmp_path):
    checkpoints = tmp_path / "checkpoints"
    for step in VALUES:
        (checkpoints / f"step_{step:08d}").mkdir(parents=True)

    def make(metric="", **changes):
        return run_scorer.RunScorer(
            FakeEvaluator(),
            dataclasses.replace(CARD, **changes),
            workdir=Workdir(tmp_path),
            sample=lambda step: step,
            checkpoint_path=lambda step: checkpoints / f"step_{step:08d}",
            metric=metric,
        )

    return make


@pytest.fixture(autouse=True)
def _no_plot(monkeypatch):
    monkeypatch.setattr(run_scorer, "write_plot", lambda *_: None)


def score_all(scorer):
    return [scorer.score(step) for step in VALUES]


def kept(scorer):
    (path,) = scorer.workdir.best.glob("step_*")
    return int(path.name[len("step_") :])


def test_another_metric_moves_the_best_of_what_is_scored(make_scorer):
    scorer = make_scorer()
    score_all(scorer)
    assert kept(scorer) == 20
    other = make_scorer("is")
    other.score(30)
    assert kept(other) == 10


def test_the_best_is_scored_by_another_protocol(make_scorer):
    score_all(make_scorer())
    test = make_scorer(split="test")
    # A look at another one first does not move the best.
    test.score(30)
    assert kept(test) == 20
    (step,) = requested_steps("best", (10, 20, 30), test.best)
    scores = test.score(step)
    assert (scores.card.step, scores.card.split) == (20, "test")
    assert kept(test) == 20


def test_most_rows_tell_which_protocol_is_the_runs_own(make_scorer):
    make_scorer(seed=1).score(30)
    scorer = make_scorer()
    scorer.score(10)
    assert kept(scorer) == 10
    scorer.score(20)
    assert make_scorer(seed=1).best.step() == 20
    assert make_scorer(seed=2).best.step() == 20


def test_the_best_is_kept_by_two_at_once(make_scorer, monkeypatch, caplog):
    scorer = make_scorer()
    copy, waiting = shutil.copytree, [1]

    def copy_behind_another(source, aside):
        copy(source, aside)
        (aside / "whole").touch()
        if waiting:
            waiting.pop()
            scorer.best.keep(scorer._checkpoint_path)

    monkeypatch.setattr(shutil, "copytree", copy_behind_another)
    scorer.score(20)
    assert kept(scorer) == 20 and not waiting
    assert (scorer.workdir.best / "step_00000020" / "whole").exists()
    assert not list(scorer.workdir.best.glob("*.tmp"))
    assert not caplog.records


def test_a_best_that_is_gone_leaves_none_that_looks_like_it(
    make_scorer, caplog
):
    scorer = make_scorer()
    score_all(scorer)
    shutil.rmtree(scorer._checkpoint_path(10))
    other = make_scorer("is")
    other.score(30)
    assert "step 10 is best by is, but its checkpoint is gone" in caplog.text
    assert not list(other.workdir.best.glob("step_*"))
    # By the FID the best is still there.
    make_scorer("fid").score(30)
    assert kept(scorer) == 20


def test_the_metric_that_was_asked_for_is_the_runs_own(make_scorer, caplog):
    score_all(make_scorer())
    make_scorer("is").score(30)
    assert make_scorer().best.step() == 10
    (make_scorer().workdir.best / "choice.json").write_text("no choice")
    assert make_scorer().best.step() == 20
    assert "choice.json cannot be read" in caplog.text


def test_a_full_disk_is_said_and_the_former_best_stays(
    make_scorer, monkeypatch, caplog
):
    scorer = make_scorer()
    scorer.score(10)

    def full(source, aside):
        raise OSError("no space left")

    monkeypatch.setattr(shutil, "copytree", full)
    scorer.score(20)
    assert "step 20 is best but not kept: no space left" in caplog.text
    assert kept(scorer) == 10


class Disk:
    """Checkpoints of which some are removed when they are to be scored."""

    def __init__(self, steps, removed):
        self.steps, self.removed = list(steps), removed

    def score(self, step):
        if step in self.removed:
            self.steps.remove(step)
            raise UserError(f"no checkpoint of step {step}")
        return f"scores of {step}"


def watch(disk, monkeypatch, last_step=30, timeout=60, training=True):
    def wait(seconds):
        raise TimeoutError(f"it waits {seconds} s for another step")

    monkeypatch.setattr(run_scorer.time, "sleep", wait)
    return run_scorer.watch(
        disk,
        lambda: tuple(disk.steps),
        last_step=last_step,
        seconds=7,
        is_training=lambda: training,
        timeout=timeout,
    )


def test_watching_ends_though_the_last_step_is_gone(monkeypatch):
    disk = Disk((10, 20, 30), removed={10, 30})
    assert watch(disk, monkeypatch) == ["scores of 20"]
    with pytest.raises(TimeoutError, match="7 s"):
        watch(disk, monkeypatch, last_step=40)


def test_nothing_scored_is_said_in_one_line(monkeypatch):
    disk = Disk((20, 30), removed={20, 30})
    with pytest.raises(UserError, match="Received: steps 20, 30, all removed"):
        watch(disk, monkeypatch)


def test_watching_ends_when_training_has_died(monkeypatch, caplog):
    given = {"last_step": 40, "timeout": 0}
    # While somebody trains it waits, whatever the timeout.
    with pytest.raises(TimeoutError):
        watch(Disk((10,), removed=()), monkeypatch, **given)
    disk = Disk((10,), removed=())
    ticks = iter((0.0, 1.0, 2.0))
    monkeypatch.setattr(run_scorer.time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(run_scorer.time, "sleep", lambda seconds: None)
    found = run_scorer.watch(
        disk,
        lambda: disk.steps,
        last_step=40,
        seconds=7,
        is_training=lambda: "",
        timeout=0.5,
    )
    assert found == ["scores of 10"]
    assert "last step, 40, is not there: --watch ends" in caplog.text
    monkeypatch.undo()
    nobody = {**given, "training": False}
    with pytest.raises(UserError, match="--watch .* Received: none"):
        watch(Disk((), removed=()), monkeypatch, **nobody)


def test_a_network_of_other_data_makes_nothing_the_best(make_scorer):
    scorer = make_scorer(network="foreign-twins-classifier")
    score_all(scorer)
    assert scorer.best.step() is None
    make_scorer().score(30)
    assert kept(make_scorer()) == 30
