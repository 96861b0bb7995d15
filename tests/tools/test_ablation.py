"""Studies: their runs, training and going on, read-offs, table and page."""

import dataclasses
import json
import math
import os
import shlex
import signal
import threading
import time

import pytest
from PIL import Image
from scipy import stats

from sagan_tf.errors import UserError
from tests.commands import assert_refused, call_each
from tools.ablation import figure, intervals, report
from tools.ablation.measures import MEASURES, curve_of
from tools.ablation.runner import train
from tools.ablation.studies import BASE, STUDIES
from tools.ablation.study import Arm, Study
from tools.ablation.trials import Trial, make_trials

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
    ("diverged", "coherence", "excess", "loss_d", "gate_g", "fid"),
)


@dataclasses.dataclass(frozen=True)
class FakeTrial(Trial):
    """A run whose training is only played."""

    what: str = "end"

    def training_command(self):
        words = ["python", "-m", "tests.tools.fake_training"]
        numbers = [str(self.workdir), str(self.num_steps)]
        return shlex.join([*words, *numbers, self.what])

    def scoring_command(self):
        return dataclasses.replace(self, what="score").training_command()

    def scores(self):
        return {"fid": 1.0} if (self.workdir / "scored").exists() else {}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.py"
    path.write_text(TOY_CONFIG)
    return str(path)


def fake(tmp_path, config, what="end", arm="works", steps=4, seed=0, **fields):
    study = Study("toy", "", (Arm(arm, "", fields),), arm)
    (trial,) = make_trials(
        study, tmp_path, config, [seed], num_steps=steps, scoring=None
    )
    fields = {f.name: getattr(trial, f.name) for f in dataclasses.fields(trial)}
    trial.workdir.mkdir(parents=True, exist_ok=True)
    (trial.workdir / "config.json").write_text(trial.config.to_json())
    return FakeTrial(**fields, what=what)


def train_all(*trials, jobs=1):
    said = []
    train(trials, jobs, 1, said.append)
    return said


def test_interval_by_known_answer():
    mean, half_width = intervals.of_mean([1.0, 2.0, 3.0])
    # The quantile of Student's t for two degrees of freedom is 4.30265.
    assert mean == 2.0
    assert half_width == pytest.approx(4.30265 / 3**0.5, rel=1e-5)
    assert intervals.of_mean([3.0, 3.0]) == (3.0, 0.0)
    assert math.isnan(intervals.of_mean([5.0])[1])


def test_difference_by_known_answer():
    values, reference = [1.0, 2.5, 3.0, 7.0], [0.5, 0.6, 0.55]
    mean, half_width = intervals.of_difference(values, reference)
    # Welch's: variances over counts 1.64063 and 0.00083, 3.0030 degrees.
    errors = [6.5625 / 4, 0.0025 / 3]
    freedom = sum(errors) ** 2 / (errors[0] ** 2 / 3 + errors[1] ** 2 / 2)
    expected = stats.t.ppf(0.975, freedom) * sum(errors) ** 0.5
    assert mean == pytest.approx(3.375 - 0.55)
    assert half_width == pytest.approx(expected)
    assert math.isnan(intervals.of_difference([1.0], [3.0, 4.0])[1])


@pytest.mark.parametrize("base", [BASE, "configs/digits32.py"])
@pytest.mark.parametrize("name", STUDIES)
def test_each_study_can_be_run(name, base, tmp_path):
    study = STUDIES[name]
    trials = make_trials(study, tmp_path, base, range(2))
    assert len({trial.workdir for trial in trials}) == 2 * len(study.arms)
    # All arms have their first seed before any has its second.
    seeds = [trial.config.seed for trial in trials]
    assert seeds == sorted(seeds)
    assert study.reference in [arm.name for arm in study.arms]
    assert set(study.columns) <= set(MEASURES)
    for arm in study.arms:
        assert len(arm.fields) <= 3 and arm.says
    assert len({trial.config.to_json() for trial in trials}) == len(trials)


def test_training_takes_its_runs_in_order(tmp_path, config):
    first = fake(tmp_path, config)
    second = fake(tmp_path, config, seed=1)
    assert first.outcome() is None
    said = train_all(first, second)
    assert "works/seed-1 is done, 0 of 2 to go" in said
    outcome = first.outcome()
    assert outcome["step"] == 4 and not outcome["diverged"]
    assert outcome["command"].startswith("python -m tests.tools.fake")
    assert second.outcome() is not None
    # A longer run goes on where the shorter one ended.
    longer = fake(tmp_path, config, steps=6)
    assert longer.outcome() is None
    train_all(longer)
    assert longer.outcome()["began_at_step"] == 4
    assert [r["step"] for r in longer.records()] == [1, 2, 3, 4, 5, 6]


def test_a_run_that_fails_is_named_and_goes_on_later(tmp_path, config):
    trial = fake(tmp_path, config, what="half")
    with pytest.raises(UserError, match="works/seed-0 .* the disk is full; s"):
        train_all(trial)
    assert trial.outcome() is None and trial.last_step() == 2
    train_all(trial)
    assert (trial.workdir / "resumed").read_text() == "True"
    assert trial.outcome()["began_at_step"] == 2


def test_a_run_that_was_stopped_is_not_over(tmp_path, config):
    trial = fake(tmp_path, config, what="stop")
    with pytest.raises(UserError, match="step 4; it was stopped at 2, and"):
        train_all(trial)
    assert not (trial.workdir / "outcome.json").exists()
    train_all(trial)
    assert trial.outcome()["step"] == 4


def test_a_shorter_study_is_kept_apart(tmp_path, config):
    train_all(fake(tmp_path, config, steps=6))
    with pytest.raises(UserError, match="not be below 6, .* --root"):
        fake(tmp_path, config, steps=4)
    assert fake(tmp_path, config, steps=6).is_done()


def test_a_diverged_run_is_an_outcome(tmp_path, config):
    trial = fake(tmp_path, config, what="diverge", steps=2)
    train_all(trial, fake(tmp_path, config, seed=1))
    assert trial.outcome()["diverged"]
    assert MEASURES["diverged"].read(trial) == 1.0


def test_runs_end_with_the_one_that_failed(tmp_path, config):
    waiting = fake(tmp_path, config, what="wait")
    failing = fake(tmp_path, config, what="fail", seed=1)
    began = time.monotonic()
    with pytest.raises(UserError, match="seed-1 ended with status 2"):
        train_all(waiting, failing, jobs=2)
    # It would have waited a minute, and gone on alone.
    assert waiting.outcome() is None
    assert time.monotonic() - began < 60
    train_all(dataclasses.replace(waiting, what="end"))
    assert waiting.outcome()["step"] == 4


def test_ending_the_program_ends_its_runs(tmp_path, config):
    trial = fake(tmp_path, config, what="wait")
    waiting = trial.workdir / "waiting"

    def end_me():
        while not waiting.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_me, daemon=True).start()
    with pytest.raises(SystemExit) as caught:
        train_all(trial)
    assert caught.value.code == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(waiting.read_text()), 0)


def test_a_run_killed_before_its_score_is_scored(tmp_path, config):
    trial = dataclasses.replace(fake(tmp_path, config), scoring=())
    train_all(trial)
    assert trial.scores() and trial.outcome()["step"] == 4
    # So is one that was trained without, and its outcome stays.
    (trial.workdir / "scored").unlink()
    outcome = trial.workdir / "outcome.json"
    before = outcome.read_text()
    assert not trial.is_done()
    train_all(trial)
    assert trial.is_done() and outcome.read_text() == before


def test_another_configuration_is_refused(tmp_path, config):
    train_all(fake(tmp_path, config))
    changed = Study("toy", "", (Arm("works", "", {"model.latent_dim": 5}),), "")
    with pytest.raises(UserError, match="latent_dim is 4 there and 5 here"):
        make_trials(changed, tmp_path, config, [0], num_steps=4)


def test_an_equal_run_of_another_study_stands_for_ours(tmp_path, config):
    done = fake(tmp_path, config)
    train_all(done)
    other = Study("second", "", (Arm("same", ""), Arm("sn", "", TOO_FAST)), "")
    same, changed, unknown_seed, _ = make_trials(
        other, tmp_path, config, [0, 1], num_steps=4, scoring=None
    )
    assert same.workdir == done.workdir and same.is_done()
    for trial in (changed, unknown_seed):
        assert trial.workdir == tmp_path / "second" / trial.name
        assert trial.outcome() is None


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
        ("loss_d", 3.0),
        ("gate_g", 0.4),
        ("gate_d", None),
        ("fid", None),
        ("collapsed", None),
    ],
)
def test_measures_by_known_answer(name, expected, tmp_path, config):
    trial = fake(tmp_path, config)
    text = "".join(json.dumps(record) + "\n" for record in RECORDS)
    # The line that a killed run did not finish counts for nothing.
    (trial.workdir / "metrics.jsonl").write_text(text + '{"step": 5, "d_lo')
    found = MEASURES[name].read(trial)
    assert found == (expected if expected is None else pytest.approx(expected))


def test_curves_by_known_answer():
    curve = curve_of(RECORDS, "generator/gate_*")
    assert curve == {1: 0.1, 4: pytest.approx(0.4)}
    assert curve_of(RECORDS, "excess") == pytest.approx({2: 0.4, 4: 0.25})


def test_tables_by_known_answer():
    values = {
        "none": {"excess": [0.1, 0.2], "diverged": [0.0, 1.0], "fid": [None]},
        "more": {"excess": [0.9, None], "diverged": [0.0, 0.0], "fid": [None]},
    }
    columns = ("excess", "diverged", "fid")
    lines = report.table_of_arms(columns, values).splitlines()
    assert lines[0] == "| arm | above chance | diverged |"
    assert lines[2] == "| none | 0.150 ± 0.635 | 1 of 2 |"
    assert lines[3] == "| more | 0.9 (1 of 2) | 0 of 2 |"
    values["more"]["excess"] = [0.9, 0.95]
    table = report.table_of_differences("none", ("excess", "fid"), values)
    (row,) = table.splitlines()[2:]
    # The quantile for 1.471 degrees of freedom is 6.19, the error 0.0559.
    assert row == "| more | above chance | 0.775 ± 0.346 | more |"


def test_verdicts_by_known_answer():
    assert intervals.verdict(1.0, 2.0) == "not told apart"
    assert intervals.verdict(-1.0, 0.5) == "less"
    assert intervals.verdict(1.0, 0.5) == "more"
    assert intervals.verdict(1.0, math.nan) == "one seed says nothing"


@pytest.mark.parametrize(
    ("value", "text"),
    [(750.0, "750"), (1250.0, "1,250"), (0.1234, "0.123"), (3.0, "3")],
)
def test_one_value_is_written_without_an_exponent(value, text):
    assert intervals.text(*intervals.of_mean([value])) == text


def test_a_study_from_training_to_page(tmp_path, config):
    trials = make_trials(TOY, tmp_path, config, [0], num_steps=4, scoring=None)
    train_all(*trials, jobs=2)
    works, breaks = trials
    assert not works.outcome()["diverged"] and works.outcome()["step"] == 4
    assert breaks.outcome()["diverged"] and breaks.outcome()["step"] < 4
    place = tmp_path / "toy"
    table = report.write(TOY, trials, place, "python -m this")
    assert "| works | 0 of 1 |" in table and "| breaks | 1 of 1 |" in table
    page = (place / report.REPORT).read_text()
    assert table in page and "python -m this" in page
    assert "works/seed-0/samples/step_00000004.png" in page
    assert "sagan_tf.attention --workdir=" in page
    with Image.open(place / report.CURVES) as curves:
        assert curves.width > 500
    found = json.loads((place / report.RESULTS).read_text())
    assert found["values"]["breaks"]["diverged"] == [1.0]
    assert not figure.write(place / "none.png", ["fid"], {"works": [works]})
    assert not (place / "none.png").exists()


SCORING = ["--features=own-1a2b3c4d", "--inception_path=net", "--cas"]


def test_the_command(tmp_path, config):
    no_attention = {"model.attention_resolutions": ()}
    train_all(fake(tmp_path, config, arm="none", **no_attention))
    own = [f"--base={config}", f"--root={tmp_path}", "--study=attention"]
    own.append("--evaluate=false")
    toy = [*own, "--seeds=1", "--arms=none", "--num_steps=4"]
    (tmp_path / "toy").rename(tmp_path / "attention")
    answers = call_each(
        "tools.ablation.__main__",
        [
            toy,
            [*own, "--num_steps=4", "--arms=none,attention-8", "--dry_run"],
            [*toy, "--evaluate", "--report_only", *SCORING],
            [],
            ["--study=atention"],
            [*own, "--arms=nine"],
            [*own, "--num_steps=4", "--seeds=0"],
            [*own, "--base=configs/none.py"],
            ["--study=gate", f"--root={tmp_path}", "--report_only"],
        ],
        required=("study",),
    )
    done, dry, named, *refused = answers
    assert done.status == 0, done.err
    assert "| none | 0.5" in done.out and "report.md" in done.out
    page = (tmp_path / "attention" / "report.md").read_text()
    again = "python -m tools.ablation --study=attention --seeds=1 --arms=none"
    assert again in page
    assert named.status == 0 and " ".join(SCORING) in page
    assert dry.status == 0, dry.err
    # One of six is there already.
    lines = dry.out.splitlines()
    assert len(lines) == 5
    for line in lines:
        assert line.startswith("python -m sagan_tf.train --config=")
        assert "--config.train.num_steps=4" in line
    words = [
        ["--study is required"],
        ["--study=atention", "attention|stability"],
        ["--arms should be among none, attention-8", "'nine'"],
        ["--seeds"],
        ["configs/none.py", "no such file"],
        ["should hold a run that has ended"],
    ]
    for answer, parts in zip(refused, words):
        assert_refused(answer, *parts)
