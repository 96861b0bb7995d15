"""Studies: plans, cost, running and going on, read-offs, table and page."""

import dataclasses
import json
import math
import os
import signal

import pytest
from PIL import Image
from scipy import stats

from sagan_tf.errors import UserError
from tests.commands import assert_refused, call_each
from tools.ablations import cost, page, plots, runner, statistics, tables
from tools.ablations.measures import MEASURES
from tools.ablations.plan import Run, plan, share_equal_runs
from tools.ablations.studies import BASE, STUDIES, Arm, Study

TOY_CONFIG = """
from tests.training import toy

def get_config():
    return toy.config(log__sheet_every_steps=1)
"""
# The networks cannot even hold such weights.
TOO_FAST = {
    "optimizer.generator_learning_rate": 1e38,
    "optimizer.discriminator_learning_rate": 1e38,
}
TOY = Study(
    "toy",
    "Does a toy train?",
    (Arm("works", "as it is"), Arm("breaks", "too fast", TOO_FAST)),
    "works",
    ("diverged", "coherence", "excess", "d_loss", "gates_g", "fid"),
    {"coherence above chance": ("excess",), "loss": ("d_loss",)},
)


@dataclasses.dataclass(frozen=True)
class FakeRun(Run):
    """A run whose training is only played."""

    what: str = "end"
    evaluate: bool = False

    def arguments(self):
        numbers = [str(self.workdir), str(self.num_steps)]
        return ["tests.tools.fake_training", *numbers, self.what]

    def lacks_scores(self):
        return self.evaluate and not (self.workdir / "scored").exists()

    def scoring_arguments(self):
        return [*dataclasses.replace(self, what="score").arguments()]


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.py"
    path.write_text(TOY_CONFIG)
    return str(path)


def fake(tmp_path, config, what="end", arm="works", steps=4, seed=0, **fields):
    workdir = tmp_path / "toy" / arm / f"seed-{seed}"
    fields.update({"train.num_steps": steps, "seed": seed})
    run = FakeRun(Arm(arm, ""), seed, workdir, config, fields, what=what)
    workdir.mkdir(parents=True, exist_ok=True)
    stored = run.config.to_json()
    (workdir / "config.json").write_text(stored)
    return run


def train(*runs, jobs=1):
    seen = []
    runner.train(runs, jobs, 1, seen.extend)
    return seen


def test_interval_by_known_answer():
    found = statistics.estimate([1.0, 2.0, 3.0])
    # The quantile of Student's t for two degrees of freedom is 4.30265.
    assert found.mean == 2.0 and found.count == 3
    assert found.half_width == pytest.approx(4.30265 / 3**0.5, rel=1e-5)
    assert (found.low + found.high) / 2 == pytest.approx(2.0)
    assert statistics.estimate([5.0]).low == -float("inf")
    assert statistics.estimate([]) is None


def test_difference_agrees_with_scipy():
    values, reference = [1.0, 2.5, 3.0, 7.0], [0.5, 0.6, 0.55]
    found = statistics.difference(values, reference)
    theirs = stats.ttest_ind(values, reference, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert found.low == pytest.approx(interval.low)
    assert found.high == pytest.approx(interval.high)
    assert statistics.difference([1.0, 1.0], [0.0, 0.0]).half_width == 0.0
    assert statistics.difference([1.0], []) is None
    assert statistics.difference([1.0], [3.0]).mean == -2.0


@pytest.mark.parametrize("base", [BASE, "configs/digits32.py"])
@pytest.mark.parametrize("name", STUDIES)
def test_each_study_can_be_run(name, base, tmp_path):
    study = STUDIES[name]
    runs = plan(study, tmp_path, seeds=range(2), config_path=base)
    assert len({run.workdir for run in runs}) == 2 * len(study.arms)
    # All arms have their first seed before any has its second.
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)
    assert study.reference in [arm.name for arm in study.arms]
    assert set(study.columns) <= set(MEASURES)
    for arm in study.arms:
        assert len(arm.fields) <= 3 and arm.says
    configs = {run.config.to_json() for run in runs}
    assert len(configs) == len(runs)


def test_training_plays_its_part_in_order(tmp_path, config):
    first = fake(tmp_path, config)
    second = fake(tmp_path, config, seed=1)
    assert first.outcome() is None
    train(first, second)
    outcome = first.outcome()
    assert outcome["step"] == 4 and not outcome["diverged"]
    assert outcome["command"].startswith("python -m tests.tools.fake")
    assert second.outcome() is not None
    # A longer run goes on where the shorter one ended.
    longer = fake(tmp_path, config, steps=6)
    assert longer.outcome() is None
    train(longer)
    assert longer.outcome()["began_at_step"] == 4
    assert [r["step"] for r in longer.records()] == [1, 2, 3, 4, 5, 6]


def test_a_run_that_fails_is_named_and_goes_on_later(tmp_path, config):
    run = fake(tmp_path, config, what="half")
    with pytest.raises(UserError, match="works/seed-0 .* the disk is full; s"):
        train(run)
    assert run.outcome() is None and run.last_step() == 2
    train(run)
    assert (run.workdir / "resumed").read_text() == "True"
    assert run.outcome()["began_at_step"] == 2


def test_a_run_that_was_stopped_is_not_over(tmp_path, config):
    run = fake(tmp_path, config, what="stop")
    with pytest.raises(UserError, match="step 4; it was stopped at 2, and"):
        train(run)
    assert not (run.workdir / "outcome.json").exists()
    train(run)
    assert run.outcome()["step"] == 4


def test_a_shorter_study_is_kept_apart(tmp_path, config):
    train(fake(tmp_path, config, steps=6))
    with pytest.raises(UserError, match="not be below 6, .* --root"):
        fake(tmp_path, config, steps=4).check_length()
    fake(tmp_path, config, steps=6).check_length()


def test_a_diverged_run_is_an_outcome(tmp_path, config):
    run = fake(tmp_path, config, what="diverge", steps=2)
    train(run, fake(tmp_path, config, seed=1))
    assert run.outcome()["diverged"]
    assert MEASURES["diverged"].read(run, 0.0) == 1.0


def test_runs_end_with_the_one_that_failed(tmp_path, config):
    waiting = fake(tmp_path, config, what="wait")
    failing = fake(tmp_path, config, what="fail", seed=1)
    with pytest.raises(UserError, match="seed-1 ended with status 2"):
        train(waiting, failing, jobs=2)
    # Its lock is free again, for its process has ended.
    train(dataclasses.replace(waiting, what="end"))
    assert waiting.outcome()["step"] == 4


def test_ending_the_program_ends_its_runs(tmp_path, config):
    run = fake(tmp_path, config, what="wait")

    def end_me(active):
        if (run.workdir / "waiting").exists():
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as caught:
        runner.train([run], 1, 1, end_me)
    assert caught.value.code == 128 + signal.SIGTERM
    # Its lock is free again.
    train(dataclasses.replace(run, what="end"))


def test_a_run_killed_before_its_score_is_scored(tmp_path, config):
    run = dataclasses.replace(fake(tmp_path, config), evaluate=True)
    train(run)
    assert (run.workdir / "scored").exists()
    assert run.outcome()["step"] == 4
    # So is one that was trained without, and its outcome stays.
    (run.workdir / "scored").unlink()
    run.write_outcome(**{**run.outcome(), "seconds": 99.0})
    assert not run.is_done()
    train(run)
    assert run.is_done() and run.outcome()["seconds"] == 99.0


def test_no_run_is_trained_twice_at_a_time(tmp_path, config):
    run = fake(tmp_path, config, what="wait")
    process = runner.Process(run, threads=1)
    try:
        with pytest.raises(UserError, match="is in training already"):
            runner.Process(run, threads=1)
    finally:
        process.stop()


def test_another_configuration_is_refused(tmp_path, config):
    train(fake(tmp_path, config))
    other = fake(tmp_path, config, steps=4)
    changed = dataclasses.replace(
        other, fields={**other.fields, "model.latent_dim": 5}
    )
    with pytest.raises(UserError, match="latent_dim is 4 there and 5 here"):
        changed.outcome()


def test_an_equal_run_of_another_study_stands_in(tmp_path, config):
    done = fake(tmp_path, config)
    train(done)
    fields = dict(done.fields)
    for name, seed in (("same", 0), ("other", 1)):
        fields["seed"] = seed
        workdir = tmp_path / "second" / name / f"seed-{seed}"
        run = FakeRun(Arm(name, ""), seed, workdir, config, fields)
        linked = share_equal_runs([run], tmp_path)
        assert linked == ([run] if seed == 0 else [])
        assert (run.outcome() is not None) == (seed == 0)


def test_cost_by_known_answer(tmp_path, config):
    done = fake(tmp_path, config, steps=8)
    train(done)
    # Four pictures a step at eight a second, and 3 seconds besides.
    outcome = {**done.outcome(), "seconds": 7.0}
    done.write_outcome(**outcome)
    slow = fake(
        tmp_path,
        config,
        arm="five",
        steps=8,
        **{"train.discriminator_steps": 5},
    )
    pace = cost.known_pace([done, slow])
    assert (pace.start, pace.update) == (3.0, 0.5)
    assert pace.seconds(slow) == 3.0 + 3 * 0.5 * 8
    said = cost.describe([done, slow], [slow], pace, jobs=2)
    assert said.startswith("2 runs, 1 of them done; 8 steps to go, 2 at a time")
    assert "about 15 s (from 1 finished runs)" in said
    assert cost.known_pace([slow]) is None


def test_pace_is_measured_in_a_place_of_its_own(tmp_path, config):
    # Fields that make no sense in the few steps of a probe.
    own = {"checkpoint.keep_every": 4, "train.ema_start_step": 7}
    run = fake(tmp_path, config, steps=8, **own)
    pace = cost.measure_pace(run, threads=1)
    assert pace.update == 0.5 and pace.source == "from 6 steps"
    assert run.last_step() == 0 and run.outcome() is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12.2, "13 s"), (600, "10 min"), (3900, "1 h 05 min")],
)
def test_duration(seconds, text):
    assert cost.duration(seconds) == text


RECORDS = [
    {"step": 1, "d_loss": 9.0, "generator/gate_8": -0.1, "coherence": 0.2},
    {"step": 2, "d_loss": None, "coherence": 0.5, "coherence_shuffled": 0.1},
    {"step": 4, "d_loss": 3.0, "generator/gate_8": -0.5, "coherence": 0.4},
]
RECORDS[2].update({"generator/gate_16": 0.3, "coherence_shuffled": 0.15})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("coherence", 0.4),
        ("excess", 0.25),
        ("steps_to_target", 2.0),
        ("d_loss", 3.0),
        ("gates_g", 0.4),
        ("gates_d", None),
        ("fid", None),
        ("collapsed", None),
    ],
)
def test_measures_by_known_answer(name, expected, tmp_path, config):
    run = fake(tmp_path, config)
    text = "".join(json.dumps(record) + "\n" for record in RECORDS)
    # The line that a killed run did not finish counts for nothing.
    (run.workdir / "metrics.jsonl").write_text(text + '{"step": 5, "d_lo')
    found = MEASURES[name].read(run, 0.3)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_curves_by_known_answer():
    curve = plots.curve_of(RECORDS, ("generator/gate_*",))
    assert curve == {1: 0.1, 4: pytest.approx(0.4)}
    assert plots.curve_of(RECORDS, ("excess",)) == pytest.approx(
        {2: 0.4, 4: 0.25}
    )
    steps, estimates = plots.mean_curve([{1: 2.0, 2: 0.0}, {1: 4.0}])
    assert steps == [1] and estimates[0].mean == 3.0


def test_tables_by_known_answer():
    values = {
        "none": {"excess": [0.1, 0.2], "diverged": [0.0, 1.0], "fid": [None]},
        "more": {"excess": [0.9, None], "diverged": [0.0, 0.0], "fid": [None]},
    }
    lines = tables.of_arms(("excess", "diverged", "fid"), values).splitlines()
    assert lines[0] == "| arm | above chance | diverged |"
    assert lines[2] == "| none | 0.150 ± 0.635 | 1 of 2 |"
    assert lines[3] == "| more | 0.9 (1 of 2) | 0 of 2 |"
    values["more"]["excess"] = [0.9, 0.9001]
    (row,) = tables.of_differences("none", ("excess",), values).splitlines()[2:]
    assert row.startswith("| more | above chance | 0.750 ±")
    assert row.endswith("| more |") or row.endswith("| not told apart |")
    estimate = statistics.Estimate(1.0, 2.0, 3)
    assert tables.verdict(estimate) == "not told apart"
    assert tables.verdict(statistics.Estimate(-1.0, 0.5, 3)) == "less"
    one = statistics.Estimate(1.0, math.inf, 1)
    assert tables.verdict(one) == "one seed says nothing"
    assert tables.of_differences("absent", ("excess",), values) == ""


@pytest.mark.parametrize(
    ("values", "text"),
    [([750.0], "750"), ([1250.0], "1,250"), ([0.1234], "0.123"), ([3.0], "3")],
)
def test_one_value_is_written_without_an_exponent(values, text):
    assert tables.number(statistics.estimate(values)) == text


def test_a_study_from_training_to_page(tmp_path, config):
    runs = plan(
        TOY,
        tmp_path,
        seeds=[0],
        config_path=config,
        num_steps=4,
        evaluate=False,
    )
    runner.train(runs, jobs=2, threads=1, observe=lambda active: None)
    works, breaks = runs
    assert not works.outcome()["diverged"] and works.outcome()["step"] == 4
    assert breaks.outcome()["diverged"] and breaks.outcome()["step"] < 4
    place = tmp_path / "toy"
    table = page.write(TOY, runs, place, "python -m this")
    assert "| works | 0 of 1 |" in table and "| breaks | 1 of 1 |" in table
    report = (place / page.REPORT).read_text()
    assert table in report and "python -m this" in report
    assert "works/seed-0/samples/step_00000004.png" in report
    assert "sagan_tf.attention --workdir=" in report
    with Image.open(place / page.CURVES) as curves:
        assert curves.width > 500
    found = json.loads((place / page.RESULTS).read_text())
    assert found["values"]["breaks"]["diverged"] == [1.0]


NO_ATTENTION = {"model.attention_resolutions": ()}


def test_the_command(tmp_path, config):
    train(fake(tmp_path, config, arm="none", **NO_ATTENTION))
    own = [f"--base={config}", f"--root={tmp_path}", "--study=attention"]
    own.append("--evaluate=false")
    toy = [*own, "--seeds=1", "--arms=none", "--num_steps=4"]
    (tmp_path / "toy").rename(tmp_path / "attention")
    answers = call_each(
        "tools.ablation",
        [
            toy,
            [*own, "--num_steps=4", "--arms=none,attention-8", "--dry_run"],
            [],
            ["--study=atention"],
            [*own, "--arms=nine"],
            [*own, "--num_steps=4", "--seeds=0"],
            [*own, "--base=configs/none.py"],
            ["--study=gate", f"--root={tmp_path}", "--num_steps=30"],
            ["--study=gate", f"--root={tmp_path}", "--report_only"],
        ],
        required=("study",),
    )
    done, dry, *refused = answers
    assert done.status == 0, done.err
    assert "| none | 0.5" in done.out and "report.md" in done.out
    assert dry.status == 0, dry.err
    assert "6 runs, 1 of them done; 20 steps to go" in dry.err
    assert "python -m sagan_tf.train --config=" in dry.err
    words = [
        ["--study is required"],
        ["--study=atention", "attention|stability"],
        ["--arms should be among none, attention-8", "'nine'"],
        ["--seeds"],
        ["configs/none.py", "no such file"],
        ["--num_steps should be a multiple of 250", "30"],
        ["should hold a run that has ended"],
    ]
    for answer, parts in zip(refused, words):
        assert_refused(answer, *parts)
