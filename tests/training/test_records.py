"""What is recorded is whole, whatever the disk does."""

import errno
import json
import re
import resource
import time
import types

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import (
    plugin_event_multiplexer as event_multiplexer,
)

from sagan_tf import train
from sagan_tf.training import sinks
from sagan_tf.training.clock import Clock
from sagan_tf.training.collapse_watch import CollapseWatch
from sagan_tf.training.records import MetricsRecorder, SheetWriter
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
    sinks.append(path, '{"step": 1}\n')
    limit_file_size(path.stat().st_size + 5)
    for _ in range(2):
        with pytest.raises(OSError) as caught:
            sinks.append(path, '{"step": 2}\n')
        assert caught.value.errno == errno.ENOSPC
    limit_file_size(resource.RLIM_INFINITY)
    sinks.append(path, '{"step": 3}\n')
    assert path.read_text() == '{"step": 1}\n{"step": 3}\n'


def test_a_step_that_waits_for_data_says_so():
    def slow(number):
        time.sleep(0.05)
        return number

    batches = tf.data.Dataset.range(5).map(
        lambda number: tf.numpy_function(slow, [number], tf.int64)
    )
    clock, seen = Clock(), []
    model = types.SimpleNamespace(step=tf.Variable(0))
    clock.set_model(model)
    for number in clock.watch(batches):
        clock.on_train_batch_begin(0)
        seen.append(int(number))
        model.step.assign_add(1)
        clock.on_train_batch_end(0)
    assert seen == [0, 1, 2, 3, 4]
    rates = clock.rates(batch_size=3)
    # The wait of the first call is left out, with its compilation.
    assert clock._waited == 0.0 and rates["waiting"] == 1.0
    assert rates["images_per_second"] > 0.0
    assert clock.rates(3) == {}


class Memory:
    """A sink that remembers."""

    def __init__(self):
        self.seen = []

    def __getattr__(self, name):
        return lambda *arguments: self.seen.append((name, *arguments))


def test_warnings_reach_the_log_and_every_sink(caplog):
    network = types.SimpleNamespace(name="generator", diagnostics=lambda: {})
    step = tf.Variable(0)
    gan = types.SimpleNamespace(
        step=step,
        trackers={},
        reset_metrics=lambda: None,
        generator=network,
        discriminator=network,
        augmenter=types.SimpleNamespace(names=()),
        learning_rates=lambda: {"generator/learning_rate": 0.5},
    )
    watch = types.SimpleNamespace(
        observe=lambda step, values: ({"variety": 0.01}, ["all alike"])
    )
    memory = Memory()
    recorder = MetricsRecorder(
        gan, sinks.Records([memory, memory]), 4, Clock(), watch
    )
    recorder.probed["coherence"] = 0.25
    # What is due twice at a step is recorded once.
    recorder(7)
    recorder(7)
    assert "all alike" in caplog.text
    assert memory.seen[:2] == [("text", 7, "warning", "all alike")] * 2
    (name, number, values), again = memory.seen[2:]
    assert (name, number) == ("scalars", 7) and again[0] == "scalars"
    assert values["host_memory"] > 0.0
    assert set(values) == {
        *("coherence", "generator/learning_rate", "host_memory", "variety")
    }


@pytest.mark.parametrize(
    ("classes", "rows", "captions"),
    [
        (3, 10, ["a", "b", "c"]),
        (5, 3, ["a", "c", "e"]),
        (0, 2, None),
    ],
)
def test_rows_of_a_sheet_are_classes(tmp_path, classes, rows, captions):
    generator = types.SimpleNamespace(num_classes=classes, latent_dim=4)
    drawn = []

    def draw(latents, labels):
        drawn.append(np.asarray(labels))
        return np.zeros((len(labels), 8, 8, 3), np.float32)

    gan = types.SimpleNamespace(
        generator=generator, sampler=draw, ema_decay=0.9, seed=0
    )
    sheet = SheetWriter(
        gan, Workdir(tmp_path), sinks.Records([]), 2, rows, tuple("abcde")
    )
    assert sheet.captions == captions
    sheet(5)
    assert len(drawn[0]) == 2 * (len(captions) if captions else rows)
    assert (tmp_path / "samples" / "step_00000005.png").is_file()


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


def test_tensorboard_shows_what_the_workdir_has(run):
    workdir, config = run
    events = event_multiplexer.EventMultiplexer()
    events.AddRun(str(workdir.tensorboard), "run").Reload()
    metadata = events.AllSummaryMetadata()["run"]
    plugins = {
        tag: each.plugin_data.plugin_name for tag, each in metadata.items()
    }
    images = [tag for tag, plugin in plugins.items() if plugin == "images"]
    assert sorted(images) == [
        *("attention/discriminator", "attention/generator", "real", "samples")
    ]
    for name in ("waiting", "images_per_second", "host_memory", "d_loss"):
        assert plugins[name] == "scalars"
    (start,) = [tag for tag, plugin in plugins.items() if plugin == "hparams"]
    told = metadata[start].plugin_data.content
    assert b"optimizer.generator_learning_rate" in told


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
    sinks.purge_events(tmp_path, 3)
    write([3, 4, 5], 1.0)
    events = event_multiplexer.EventMultiplexer().AddRun(str(tmp_path), "run")
    found = [
        (event.step, float(tf.make_ndarray(event.tensor_proto)))
        for event in events.Reload().Tensors("run", "loss")
    ]
    assert found == [(1, 0.0), (2, 0.0), (3, 1.0), (4, 1.0), (5, 1.0)]
