"""What is recorded is whole, whatever the disk does."""

import errno
import json
import re
import resource

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import (
    plugin_event_multiplexer as event_multiplexer,
)

from sagan_tf import train
from sagan_tf.training import records
from sagan_tf.training.collapse_watch import CollapseWatch
from sagan_tf.training.workdir import Workdir
from tests.training import toy


@pytest.fixture
def limit_file_size():
    """Lets files of this process grow to a size and no further."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_is_written_whole_or_not_at_all(tmp_path, limit_file_size):
    path = tmp_path / "metrics.jsonl"
    records._append(path, '{"step": 1}\n')
    limit_file_size(path.stat().st_size + 5)
    for _ in range(2):
        with pytest.raises(OSError) as caught:
            records._append(path, '{"step": 2}\n')
        assert caught.value.errno == errno.ENOSPC
    limit_file_size(resource.RLIM_INFINITY)
    records._append(path, '{"step": 3}\n')
    assert path.read_text() == '{"step": 1}\n{"step": 3}\n'


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose last step is no multiple of the interval of probes."""
    workdir = Workdir(tmp_path_factory.mktemp("records") / "run")
    config = toy.config(
        train__num_steps=3, log__every_steps=1, log__sheet_every_steps=2
    )
    train.run(config, workdir)
    return workdir, config


def test_the_last_step_is_probed(run):
    workdir, _ = run
    lines = workdir.metrics.read_text().splitlines()
    found = [json.loads(line) for line in lines]
    probed = [record["step"] for record in found if "coherence" in record]
    assert probed == [2, 3]
    name = "generator/attention_distance_16"
    assert [name in record for record in found] == [False, True, True]


def test_a_run_that_goes_on_recalls_what_it_was_like(run, monkeypatch):
    workdir, config = run
    recalled = []
    monkeypatch.setattr(
        CollapseWatch, "recall", lambda self, found: recalled.extend(found)
    )
    config = config.copy_and_resolve_references()
    config.train.num_steps = 4
    train.run(config, workdir)
    assert [record["step"] for record in recalled] == [1, 2, 3]
    assert all("variety" in record for record in recalled)


def test_tensorboard_forgets_what_is_recorded_again(tmp_path):
    def write(steps, value):
        writer = tf.summary.create_file_writer(str(tmp_path))
        with writer.as_default():
            for step in steps:
                tf.summary.scalar("loss", value, step=step)
        writer.close()
        # Files are read in the order of the seconds in their names.
        for path in tmp_path.glob("events.out.tfevents.*"):
            older = re.sub(
                r"\.(\d{10})\.",
                lambda match: f".{int(match.group(1)) - 10}.",
                path.name,
            )
            path.rename(tmp_path / older)

    write([1, 2, 3, 4], 0.0)
    records.purge_events(tmp_path, 3)
    write([3, 4, 5], 1.0)
    events = event_multiplexer.EventMultiplexer().AddRun(str(tmp_path), "run")
    found = [
        (event.step, float(tf.make_ndarray(event.tensor_proto)))
        for event in events.Reload().Tensors("run", "loss")
    ]
    assert found == [(1, 0.0), (2, 0.0), (3, 1.0), (4, 1.0), (5, 1.0)]
