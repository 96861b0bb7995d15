"""A metric is registered in one place, and is everywhere."""

import importlib.util
import json

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from sagan_tf.evaluation import metrics
from sagan_tf.evaluation.evaluator import Evaluator
from sagan_tf.evaluation.metrics import METRICS, Metric, Setting
from sagan_tf.evaluation.results import reports
from sagan_tf.evaluation.run_scorer import RunScorer, SelfEvaluation
from sagan_tf.evaluation.sets.real_statistics import RealStatistics
from sagan_tf.evaluation.sets.set_statistics import Statistics
from sagan_tf.training.sinks import Records, TensorBoard
from sagan_tf.training.workdir import Workdir
from tests.evaluation.test_evaluator import batches, card, some_images


@pytest.fixture
def toy(monkeypatch):
    """The distance of the means, in one place."""
    metric = Metric(
        "toy_distance",
        lambda pair: float(
            np.abs(pair.real.moments.mean - pair.fake.moments.mean).max()
        ),
        needs=("moments",),
        better="lower",
        reference="halves",
    )
    monkeypatch.setitem(METRICS, metric.name, metric)
    return metric


def self_evaluation(network, path):
    needs = metrics.needs(
        metrics.applicable(Setting("", 0, network=network)), True
    )
    both = [Statistics.of(network, needs) for _ in range(2)]
    for half, seed in zip(both, (0, 1)):
        images, labels = some_images(150, seed)
        half.update(*network(images), labels)
    scorer = RunScorer(
        Evaluator(network, RealStatistics(*both), tfgan_check=False),
        card(100),
        workdir=Workdir(path),
        sample=lambda step: batches(*some_images(100, step), 50),
        checkpoint_path=lambda step: path / f"step_{step:08d}",
        metric="toy_distance",
    )
    events = TensorBoard(Workdir(path).tensorboard, 0)
    return SelfEvaluation(scorer, Records([events]))


def tags_of(path):
    (file,) = path.iterdir()
    events = tf.compat.v1.train.summary_iterator(str(file))
    return {value.tag for event in events for value in event.summary.value}


def test_a_metric_of_one_place_is_everywhere(toy, toy_network, tmp_path):
    (tmp_path / "step_00000002").mkdir()
    self_evaluation(toy_network, tmp_path)(2)
    workdir, name = Workdir(tmp_path), "toy_distance100_toy"
    assert f"scores/{name}" in tags_of(workdir.tensorboard)
    assert name in workdir.scores.read_text().splitlines()[0].split(",")
    scorer = self_evaluation(toy_network, tmp_path).scorer
    rows = scorer.table.rows()
    assert name in reports.curves(rows)
    assert "halves_toy_distance" not in reports.curves(rows)
    (line,) = [
        line
        for line in reports.format_scores(rows).splitlines()
        if line.startswith(name)
    ]
    assert [float(x) for x in line.split()[1:]] == pytest.approx(
        [rows[0].values[name], rows[0].values["halves_toy_distance"]], rel=1e-3
    )
    assert scorer.best.step() == 2
    choice = json.loads((workdir.best / "choice.json").read_text())
    assert choice["metric"] == "toy_distance"


def test_a_metric_of_one_place_can_be_asked_for(toy, monkeypatch):
    values = flags.FlagValues()
    spec = importlib.util.find_spec("sagan_tf.evaluate")
    define, found = flags.DEFINE_enum, {}

    def remember(name, default, enum_values, text):
        found[name] = enum_values
        return define(name, default, enum_values, text, flag_values=values)

    monkeypatch.setattr(flags, "FLAGS", values)
    for kind in ("string", "integer", "float", "bool"):
        monkeypatch.setattr(flags, f"DEFINE_{kind}", lambda *_: None)
    monkeypatch.setattr(flags, "DEFINE_enum", remember)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert {"fid", "is", "kid", "intra_fid", "toy_distance"} <= {
        *found["metric"]
    }


def test_each_metric_is_for_what_it_says():
    def names(*setting):
        return {m.name for m in metrics.applicable(Setting(*setting))}

    hues = {"coherence", "coherence_shuffled", "hue_coverage"}
    assert hues <= names("twins", 10)
    assert not hues & (names("folder", 10) | names("twins", 10, 1))
    assert "intra_fid" in names("folder", 10)
    assert "intra_fid" not in names("folder", 0)
    assert "accuracy" not in names("twins", 10)


def test_only_what_a_metric_needs_is_gathered(toy_network):
    none = Statistics.of(toy_network, metrics.needs([METRICS["fid"]]))
    assert list(none.parts) == ["moments"]
    twins = [METRICS["coherence"]]
    assert metrics.needs(twins) == ["hues"]
    assert metrics.needs(twins, of_real=True) == []
