"""The command that exports, as a user calls it."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import runs
from sagan_tf.exporting import ExportedGenerator
from tests.commands import assert_refused, call_each


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def answers(toy_run, toy_weights, place):
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
        "tflite": [
            *(f"--workdir={run}", f"--output={place}/toy.tflite"),
            *("--format=tflite", "--license=CC0-1.0"),
        ],
        "keras": [
            *(f"--workdir={run}", f"--output={place}/networks"),
            "--format=keras",
        ],
        "half": [
            *(f"--workdir={run}", f"--output={place}/half"),
            "--dtype=bfloat16",
        ],
        "no such half": [
            *(f"--workdir={run}", f"--output={place}/x.tflite"),
            *("--format=tflite", "--dtype=bfloat16"),
        ],
        "ending": [
            *(f"--workdir={run}", f"--output={place}/x"),
            "--format=tflite",
        ],
        "directory": [f"--workdir={run}", f"--output={place}/x.tflite"],
        "pretrained": [
            *("--pretrained=toy", "--format=keras"),
            f"--output={place}/weights",
        ],
        "format": [
            *(f"--workdir={run}", f"--output={place}/x"),
            "--format=pickle",
        ],
    }
    found = call_each("sagan_tf.export", calls.values(), weights=toy_weights)
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


def test_a_single_file_is_proven_too(answers, place):
    assert answers["tflite"].status == 0, answers["tflite"].err
    assert answers["tflite"].err == ""
    assert "TensorFlow Lite" in answers["tflite"].out
    assert "draws what the network draws" in answers["tflite"].out
    card = json.loads((place / "toy.tflite.json").read_text())
    assert card["step"] == 3
    assert card["license"]["weights"] == "CC0-1.0"


def test_half_the_numbers_are_asked_for_by_a_flag(answers, place):
    assert answers["half"].status == 0, answers["half"].err
    assert ExportedGenerator(place / "half").card["dtype"] == "bfloat16"


def test_keras_loads_both_networks(answers, place, toy_run):
    assert answers["keras"].status == 0, answers["keras"].err
    run = runs.open_run(toy_run)
    pairs = {
        "generator": run.load_generator(),
        "discriminator": run.load_discriminator(),
    }
    for name, network in pairs.items():
        again = tf.keras.models.load_model(place / "networks" / f"{name}.keras")
        for ours, theirs in zip(again.get_weights(), network.get_weights()):
            np.testing.assert_array_equal(ours, theirs)
    card = json.loads((place / "networks" / "model_card.json").read_text())
    assert (card["step"], card["difference"]) == (3, 0.0)


def test_pretrained_weights_bring_their_license(answers, place):
    assert answers["pretrained"].status == 0, answers["pretrained"].err
    card = json.loads((place / "weights" / "model_card.json").read_text())
    assert card["license"] == {"code": "Apache-2.0", "weights": "CC0-1.0"}
    card = json.loads((place / "networks" / "model_card.json").read_text())
    assert card["license"]["weights"] == "not stated"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ending", ("--output should end in .tflite", "/x")),
        ("no such half", ("--dtype should be float32 or float16 or int8",)),
        ("directory", ("--output", "goes with --format=tflite")),
        ("format", ("--format=pickle", "saved_model")),
        ("taken", ("--output", "something stands")),
        ("missing", ("--workdir", "no directory")),
        ("step", ("--checkpoint", "[3]")),
        ("no output", ("--output is required",)),
    ],
)
def test_bad_input_is_refused_in_one_line(answers, name, words, place):
    assert_refused(answers[name], *words)
    assert not list(place.glob("x*"))
    assert (place / "taken" / "mine").read_text() == "kept"
