"""Scores of a run's steps, and which checkpoint they make the best."""

import dataclasses
import os
import shutil

import pytest

from sagan_tf.evaluation import requests, run_scorer
from sagan_tf.evaluation.evaluator import Scores
from sagan_tf.evaluation.protocol import Card

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

    def score(self, batches, card, progress):
        fid, inception_score = VALUES[batches]
        return Scores(card, {"fid100_train": fid, "is100": inception_score})


@pytest.fixture
def make_scorer(tmp_path):
    checkpoints = tmp_path / "checkpoints"
    for step in VALUES:
        (checkpoints / f"step_{step:08d}").mkdir(parents=True)

    def make(metric="fid", **changes):
        return run_scorer.RunScorer(
            FakeEvaluator(),
            dataclasses.replace(CARD, **changes),
            workdir=tmp_path,
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
    (path,) = (scorer.workdir / "best").iterdir()
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
    (scores,) = requests.answer("best", test, (10, 20, 30))
    assert (scores.card.step, scores.card.split) == (20, "test")
    assert kept(test) == 20


def test_most_rows_tell_which_protocol_is_the_runs_own(make_scorer):
    make_scorer(seed=1).score(30)
    scorer = make_scorer()
    scorer.score(10)
    assert kept(scorer) == 10
    scorer.score(20)
    assert make_scorer(seed=1).best_step() == 20
    assert make_scorer(seed=2).best_step() == 20


def test_the_best_is_kept_by_two_at_once(make_scorer, monkeypatch):
    scorer = make_scorer()
    copy = shutil.copytree

    def copy_behind_another(source, aside):
        copy(source, aside)
        (aside / "whole").touch()
        if os.getpid() == 1:
            return
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 1)
            scorer._keep_best()

    monkeypatch.setattr(shutil, "copytree", copy_behind_another)
    scorer.score(20)
    assert kept(scorer) == 20
    assert (scorer.workdir / "best" / "step_00000020" / "whole").exists()
