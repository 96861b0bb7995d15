"""Scores of two trainings over the minutes that they took."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from sagan_tf.errors import UserError
from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.results.score_table import Scores, ScoreTable
from sagan_tf.training.workdir import Workdir
from tools.peer_hour import courses

STARTED = 1_790_000_000


@pytest.fixture
def workdir(tmp_path):
    """A run whose checkpoints came two and six minutes after its start."""
    run = Workdir(tmp_path / "run")
    run.write_config({})
    line = {"time": "2026-09-21T14:13:20+0000", "event": "start", "step": 0}
    run.runs.write_text(json.dumps(line) + "\n")
    for step, minutes in ((20, 6), (10, 2)):
        checkpoint = run.checkpoints / f"step_{step:08}"
        checkpoint.mkdir(parents=True)
        os.utime(checkpoint, (0, STARTED + 60 * minutes))
        _add(run, step, "own-1", fid=100.0 / step)
    _add(run, 20, "twins-classifier", fid=0.5)
    _add(run, 30, "own-1", fid=0.5)
    return run


def _add(run, step, network, fid):
    card = protocol.Card(
        network=network,
        network_hash="0",
        resize="none",
        data="toy",
        split="test",
        num_real=100,
        num_generated=100,
        step=step,
    )
    names = {"fid": fid, "precision": 0.5, "recall": 0.25}
    values = {
        protocol.metric_name(name, card): value for name, value in names.items()
    }
    ScoreTable(run.scores).add(Scores(card, values))


def test_checkpoints_stand_at_their_minutes(workdir):
    course = courses.of_run(workdir, "own-1")
    assert list(course) == [2.0, 6.0]
    assert [scores["fid"] for scores in course.values()] == [10.0, 5.0]
    with pytest.raises(UserError, match="--features=own-2"):
        courses.of_run(workdir, "own-2")
    with pytest.raises(UserError, match="should hold a run"):
        courses.of_run(Workdir(workdir.path / "missing"), "own-1")


def test_minutes_of_a_run_that_was_stopped_are_not_told(workdir):
    with workdir.runs.open("a") as file:
        file.write(workdir.runs.read_text())
    with pytest.raises(UserError, match="2 starts"):
        courses.of_run(workdir, "own-1")


def test_samples_of_the_peer_are_scored_by_their_minutes(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (130, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "real.npz", images)
    np.savez(tmp_path / "minute_0.5.npz", images[:70])
    np.savez(tmp_path / "minute_10.npz", images)
    course = courses.of_peer(tmp_path, "twins")
    assert list(course) == [0.5, 10.0]
    assert course[10.0]["fid"] < course[0.5]["fid"]
    with pytest.raises(UserError, match="without a minute_N.npz"):
        courses.of_peer(tmp_path / "missing", "twins")


def test_courses_are_printed_and_drawn(tmp_path):
    scores = {"fid": 12.345, "precision": 0.5, "recall": 0.25}
    found = {"ours": {5.0: scores}, "mimicry": {5.01: scores, 60.0: scores}}
    lines = courses.table(found).splitlines()
    assert lines[2] == "| ours | 5.0 | 12.3 | 0.5 | 0.25 |"
    assert len(lines) == 5
    courses.draw(tmp_path / "a.png", found)
    with Image.open(tmp_path / "a.png") as image:
        assert np.asarray(image).std() > 10
