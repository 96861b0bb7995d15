"""The benchmark at toy size: every section, through the command line."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import tensorflow as tf

from tools.benchmark import (
    convolutions,
    memory,
    metric_costs,
    ours,
    peer,
    report,
    timing,
)
from tools.benchmark.ours import Setting
from tools.benchmark.sections import Benchmark

ROOT = pathlib.Path(__file__).parents[2]
TOY = Setting(32, 8, 2, num_classes=3, attention_resolutions=(8,), latent_dim=4)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tools.benchmark", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_command_one_table(tmp_path):
    done = run(
        "--only=generation,data",
        "--image_size=32",
        "--base_channels=8",
        "--batch_size=2",
        "--num_classes=3",
        "--dtypes=float32",
        "--rounds=2",
        "--seconds=0",
        f"--json={tmp_path}/found.json",
    )
    assert done.returncode == 0, done.stderr
    header, *lines = done.stdout.splitlines()
    assert header.split()[:3] == ["measurement", "variant", "median"]
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(lines) == 3
    sections = [row["section"] for row in found["rows"]]
    assert sections == ["generation", "data", "data"]
    assert [row["variant"] for row in found["rows"][1:]] == ["twins", "shards"]
    for row in found["rows"]:
        assert 0 < row["low"] <= row["value"] <= row["high"]
    assert found["settings"]["base_channels"] == 8
    assert "round 2 of 2" in done.stderr


def test_sections_of_the_step(tmp_path):
    said = []
    benchmark = Benchmark(TOY, ("float32",), 1, 0.0, say=said.append)
    benchmark.sweeps = {"batch_size": [2]}
    (row,) = benchmark.sweep()
    assert row.section == "step, batch_size=2"
    assert benchmark.curves == {"batch_size": {"float32": {2: row.value}}}
    report.plot(str(tmp_path / "sweep.png"), benchmark.curves)
    assert (tmp_path / "sweep.png").read_bytes()[1:4] == b"PNG"
    benchmark.medians["generation", "float32"] = 1.0
    limits = benchmark.limit_of("generation", ours.drawing, "float32")
    names = {row.section for row in limits}
    assert names == {"limit of generation"}
    assert any("generation reaches" in row.compared for row in limits)
    assert any("convolution 1 of" in text for text in said)


def test_the_example_of_tfgan_trains_and_draws():
    setting = Setting(base_channels=4, batch_size=2, num_classes=3)
    step = peer.trainer(setting)
    losses = [step() for _ in range(3)]
    assert len(set(losses)) == 3 and np.all(np.isfinite(losses))
    images = peer.sampler(setting)()
    assert images.shape == (2, 128, 128, 3)


def test_peak_memory_grows_with_the_batch():
    small = memory.peak(TOY, "float32", steps=1)
    large = Setting(32, 8, 96, 3, (8,), latent_dim=4)
    assert 10 < small < memory.peak(large, "float32", steps=1)


def test_every_score_has_a_cost(monkeypatch):
    found = {
        name: metric_costs.cost(name, 60, num_features=8)
        for name in metric_costs.MEASURED
    }
    # 60 vectors of 8 numbers in float32, of both sets.
    assert found["kid"].held == 2 * 60 * 8 * 4 / 2**20
    assert found["fid"].held == 0
    monkeypatch.setattr(metric_costs, "measure", lambda name, n: found[name])
    rows = list(Benchmark(TOY, (), 1, 0.0, num_scored=60).scores())
    assert len(rows) == 3 * len(found)
    assert rows[-1].compared.endswith("x what it holds")


def test_a_score_is_measured_in_a_process_of_its_own():
    cost = metric_costs.measure("is", 50)
    assert cost.gathering > 0 and cost.held == 0


def test_operations_are_counted_in_both_directions():
    kernel = tf.Variable(tf.ones((4, 4, 3, 5)))

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            x = tf.nn.conv2d(images, kernel, 2, "SAME")
            loss = tf.reduce_sum(
                tf.matmul(tf.reshape(x, (2, -1)), tf.ones((80, 7)))
            )
        return tape.gradient(loss, [images, kernel])

    graph = step.get_concrete_function(tf.TensorSpec((2, 8, 8, 3))).graph
    found = convolutions.find(graph)
    each = 2 * (2 * 4 * 4 * 5) * (4 * 4 * 3)
    assert {one.kind for one in found} == {
        "Conv2D",
        "Conv2DBackpropInput",
        "Conv2DBackpropFilter",
    }
    assert [one.operations for one in found] == [each] * 3
    assert {one.images for one in found} == {(2, 8, 8, 3)}
    assert {one.kernel for one in found} == {(4, 4, 3, 5)}
    # Forward, and the gradient of the first factor.
    assert convolutions.products(graph) == 2 * (2 * 2 * 80 * 7)
    limit = convolutions.measure(found, repeats=1)
    assert limit.operations == 3 * each
    assert limit.seconds > 0


def test_calls_take_turns():
    order = []
    rates = timing.interleave(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, 2
    )
    assert order == list("aabb" + "abab")
    for rate in rates.values():
        assert 0 < rate.slowest <= rate.median <= rate.fastest


def test_table_is_aligned():
    text = report.table(
        [
            report.Row("step", "float32", 12.345, "images/s", 11.0, 13.0, "x"),
            report.Row("memory", "tfgan", 1234.5, "MiB"),
        ]
    )
    _, first, second = text.splitlines()
    assert first.index("12.3") == second.index("1,234")
    assert "11 to 13" in first
