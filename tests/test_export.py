"""The command that exports, as a user calls it."""

import json
import shutil

import pytest

from sagan_tf.exporting import ExportedGenerator
from tests.commands import assert_refused, call_each


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def answers(toy_run, place):
    run = place / "run"
    shutil.copytree(toy_run, run)
    (run / "scores.csv").write_text("step,weights,fid\n2,ema,9.5\n3,ema,7.5\n")
    (place / "taken").mkdir()
    (place / "taken" / "mine").write_text("kept")
    calls = {
        "done": [
            *(f"--workdir={run}", f"--output={place}/model/1"),
            "--license=CC0-1.0",
        ],
        "taken": [f"--workdir={run}", f"--output={place}/taken"],
        "missing": [f"--workdir={place}/none", f"--output={place}/x"],
        "step": [f"--workdir={run}", f"--output={place}/x", "--checkpoint=9"],
        "no output": [f"--workdir={run}"],
    }
    required = ("workdir", "output")
    found = call_each("sagan_tf.export", calls.values(), required)
    return dict(zip(calls, found))


def test_an_export_is_proven_and_has_a_card(answers, place):
    assert answers["done"].status == 0, answers["done"].err
    assert "draws what the network draws" in answers["done"].out
    model = ExportedGenerator(place / "model" / "1")
    assert len(model.signatures) == 5
    assert model.card["step"] == 3
    assert model.card["weights"] == "ema"
    assert model.card["scores"] == [
        {"step": "3", "weights": "ema", "fid": "7.5"}
    ]
    assert model.card["license"]["weights"] == "CC0-1.0"
    assert model.card["config"]["model"]["latent_dim"] == 4
    assert len(model.class_names()) == 10
    assert json.dumps(model.card)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("taken", ("--output", "something stands")),
        ("missing", ("--workdir", "no directory")),
        ("step", ("--checkpoint", "[3]")),
        ("no output", ("--output is required",)),
    ],
)
def test_bad_input_is_refused_in_one_line(answers, name, words, place):
    assert_refused(answers[name], *words)
    assert not (place / "x").exists()
    assert (place / "taken" / "mine").read_text() == "kept"
