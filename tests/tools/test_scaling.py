"""Scaling at toy size: what a worker does, and what is made of it."""

import json
import sys

import pytest

from tools.benchmark import scaling
from tools.benchmark.ours import Setting
from tools.benchmark.sections import Benchmark

TOY = Setting(32, 8, 4, num_classes=3, attention_resolutions=(), latent_dim=4)


def test_a_worker_reports_a_rate_for_each_round(capsys):
    arguments = [TOY.__dict__, "float32", 2, 0.0]
    scaling.write_rates(json.dumps(arguments))
    rates = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(rates) == 2 and min(rates) > 0


def test_workers_share_two_threads(monkeypatch):
    program = (
        "import json, os; print(json.dumps([int(os.environ[name]) for name in"
        " ('TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS')]))"
    )
    monkeypatch.setattr(scaling, "_COMMAND", (sys.executable, "-c", program))
    assert scaling.rates(TOY, "float32", 1, 1, 0.0) == [2, 2]
    assert scaling.rates(TOY, "float32", 2, 1, 0.0) == [1, 1]


def test_a_worker_that_fails_is_said(monkeypatch):
    program = "raise SystemExit('no reason')"
    monkeypatch.setattr(scaling, "_COMMAND", (sys.executable, "-c", program))
    with pytest.raises(RuntimeError, match="no reason"):
        scaling.rates(TOY, "float32", 2, 1, 0.0)


def test_two_workers_are_held_against_one_process(monkeypatch):
    def rates(setting, dtype, workers, rounds, seconds):
        assert (setting, dtype, rounds, seconds) == (TOY, "float32", 3, 0.5)
        return [10.0, 8.0, 12.0] if workers == 1 else [9.0, 9.0, 7.0]

    monkeypatch.setattr(scaling, "rates", rates)
    said = []
    benchmark = Benchmark(TOY, ("float32",), 3, 0.5, say=said.append)
    one, two = benchmark.scaling()
    assert (one.value, one.low, one.high) == (10.0, 8.0, 12.0)
    assert one.section == "scaling, 1 process, 2 threads"
    assert two.section == "scaling, 2 workers, 1 thread each"
    assert two.compared == "0.90 x 1 process"
    assert len(said) == 4
