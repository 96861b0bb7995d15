"""Watching a run whose checkpoints come, and go."""

import pytest

from sagan_tf.errors import UserError
from sagan_tf.evaluation import requests


class Disk:
    """Checkpoints of which some are removed when they are to be scored."""

    def __init__(self, steps, removed):
        self.steps, self.removed = list(steps), removed

    def score(self, step):
        if step in self.removed:
            self.steps.remove(step)
            raise UserError(f"no checkpoint of step {step}")
        return f"scores of {step}"


def watch(disk, monkeypatch, last_step=30):
    def wait(seconds):
        raise TimeoutError(f"it waits {seconds} s for another step")

    monkeypatch.setattr(requests.time, "sleep", wait)
    return requests.watch(
        disk, lambda: tuple(disk.steps), last_step=last_step, seconds=7
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
