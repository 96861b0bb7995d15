"""What the bar says of the time that a run will take."""

import types

import pytest
import tensorflow as tf

from sagan_tf.training import callbacks


@pytest.fixture
def seconds(monkeypatch):
    clock = types.SimpleNamespace(now=1000.0)
    monkeypatch.setattr(callbacks.time, "time", lambda: clock.now)
    return clock


def walk(bar, clock, calls):
    for seconds, step in calls:
        clock.now += seconds
        bar.model.step.assign(step)
        bar.on_train_batch_end(0)


@pytest.mark.parametrize("hidden", [False, True])
def test_the_time_is_that_of_the_first_steps_without_compilation(
    seconds, capsys, hidden
):
    bar = callbacks.ProgressBar(1000, hidden)
    bar.set_model(types.SimpleNamespace(step=tf.Variable(100)))
    bar.on_train_begin()
    # A minute to compile, then ten steps in two seconds, and a slow end.
    walk(bar, seconds, [(60, 110), (2, 120), (4, 140), (600, 150)])
    bar.close()
    found = [
        line for line in capsys.readouterr().err.splitlines() if "time" in line
    ]
    expected = "about 02:52 to step 1,000, at the first steps' 5 steps/s"
    assert [line.partition("time")[2].strip() for line in found] == (
        [] if hidden else [expected]
    )
