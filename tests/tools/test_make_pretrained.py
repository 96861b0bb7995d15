"""A run becomes weights that travel: small, proven, with a card."""

import fnmatch
import json
import pathlib
import shutil
from unittest import mock

import numpy as np
import pytest
import setuptools

from sagan_tf import runs
from sagan_tf.errors import UserError
from sagan_tf.evaluation.protocol import Card
from sagan_tf.evaluation.results.score_table import Scores, ScoreTable
from sagan_tf.training.workdir import Workdir
from tests.commands import assert_refused, call_each
from tools import make_pretrained

ROOT = pathlib.Path(__file__).parents[2]
WORDS = ("--data=Two shapes, drawn by the program", "--license=CC0-1.0")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def source(toy_run, place):
    """The run with scores, of this step and of another one."""
    path = place / "run"
    shutil.copytree(toy_run, path)
    table = ScoreTable(Workdir(path).scores)
    for step, fid in ((1, 9.0), (3, 4.0)):
        card = Card("n", "0", "none", "noise", "train", 9, step=step)
        table.add(Scores(card, {"fid0_n": fid, "is0_n": float("nan")}))
    return path


@pytest.fixture(scope="module")
def answers(source, place):
    run, output = f"--workdir={source}", f"--output={place}"
    (place / "taken").mkdir()
    calls = {
        "made": [
            *(run, output, *WORDS, "--name=toy", "--checkpoint=best"),
            "--dataset_path=",
        ],
        "taken": [run, output, *WORDS, "--name=taken"],
        "name": [run, output, *WORDS, "--name=../toy"],
        "no name": [run, output, *WORDS],
        "no license": [run, output, WORDS[0], "--name=b"],
        "step": [run, output, *WORDS, "--name=b", "--checkpoint=7"],
    }
    required = ("workdir", "name", "data", "license")
    found = call_each("tools.make_pretrained", calls.values(), required)
    return dict(zip(calls, found))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("taken", ("taken", "should not exist yet")),
        ("name", ("--name", "letters", "'../toy'")),
        ("no name", ("--name is required",)),
        ("no license", ("--license is required",)),
        ("step", ("--checkpoint", "[3]")),
    ],
)
def test_bad_input_is_refused_in_one_line(answers, name, words, place):
    assert_refused(answers[name], *words)
    assert {path.name for path in place.iterdir()} == {"run", "taken", "toy"}
    assert not list((place / "taken").iterdir())


def test_it_is_small_and_says_what_it_is(answers, place):
    assert answers["made"].status == 0, answers["made"].err
    assert "step 3" in answers["made"].out
    assert "config.dataset.path=''" in answers["made"].out
    files = [path for path in (place / "toy").rglob("*") if path.is_file()]
    assert {path.name for path in files} == {
        *("card.json", "config.json", "classes.json", "scores.csv"),
        *("manifest.json", "networks.npz"),
    }
    card = json.loads((place / "toy" / "card.json").read_text())
    assert card["scores"] == {"fid0_n": 4.0}
    run = runs.open_run(place / "toy", "best")
    assert card["parameters"] == {
        "generator": run.load_generator().count_params(),
        "discriminator": run.load_discriminator().count_params(),
    }


def test_it_samples_what_the_run_samples(answers, place, source):
    assert answers["made"].status == 0, answers["made"].err
    latents = np.random.default_rng(0).standard_normal((20, 4))
    labels = np.arange(20) % 10
    first, second = (
        runs.open_run(path).source().draw(latents, labels)
        for path in (source, place / "toy")
    )
    assert np.abs(first - second).max() < 0.01
    assert (first != second).any()


def test_kernels_are_halved_and_vectors_kept(answers, place):
    (path,) = (place / "toy").rglob("networks.npz")
    with np.load(path) as file:
        kinds = {key: file[key].dtype for key in file.files}
    for key, kind in kinds.items():
        name = key.rpartition("/")[2]
        if name in ("u", "gate", "moving_mean", "moving_variance"):
            assert kind == np.float32, key
        elif name == "kernel" and "/block_2/" in key:
            assert kind == np.float16, key
    assert {key.partition("/")[0] for key in kinds} == {
        "ema_generator",
        "discriminator",
    }


def test_weights_that_are_not_finite_are_refused(source, tmp_path):
    run = runs.open_run(source)
    generator = run.load_generator()
    generator.variables[0].assign(generator.variables[0] * np.nan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs.Run, "load_generator", lambda *_: generator)
        with pytest.raises(UserError, match="should be finite"):
            make_pretrained.make(run, tmp_path / "a", "b", "c")
    assert list(tmp_path.iterdir()) == []


def test_what_half_precision_spoils_is_refused(source, tmp_path, monkeypatch):
    monkeypatch.setattr(make_pretrained, "_MOST_DIFFERENCE", 1e-9)
    with pytest.raises(UserError, match="half precision should differ"):
        make_pretrained.make(runs.open_run(source), tmp_path / "a", "b", "c")
    assert list(tmp_path.iterdir()) == []


def test_the_wheel_takes_every_file_of_them(answers, place, monkeypatch):
    setup = mock.Mock()
    monkeypatch.setattr(setuptools, "setup", setup)
    exec((ROOT / "setup.py").read_text(), {})
    patterns = setup.call_args.kwargs["package_data"]["sagan_tf.weights"]
    for path in (place / "toy").rglob("*"):
        name = path.relative_to(place).as_posix()
        depth = name.count("/")
        matching = [
            pattern
            for pattern in patterns
            if pattern.count("/") == depth and fnmatch.fnmatch(name, pattern)
        ]
        assert matching or path.is_dir(), name
