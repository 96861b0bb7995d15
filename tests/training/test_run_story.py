"""What a workdir tells of its runs, and what it refuses."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from sagan_tf import train, training_run
from sagan_tf.configuration import load_config, validation
from sagan_tf.errors import UserError
from sagan_tf.training import distribution, lock
from sagan_tf.training.workdir import Workdir
from tests.training import toy


def folder(path, names):
    """Makes a folder of four images for each class."""
    for index, name in enumerate(names):
        (path / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.random.default_rng((index, number)).integers(
                0, 256, (32, 32, 3), np.uint8
            )
            Image.fromarray(pixels).save(path / name / f"{number}.png")
    return path


def of_folder(path, **fields):
    return toy.config(
        dataset__name="folder",
        dataset__path=str(path),
        dataset__num_classes=2,
        dataset__num_examples=0,
        **fields,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two steps on images of cats and dogs."""
    place = tmp_path_factory.mktemp("story")
    pets = folder(place / "pets", ["cats", "dogs"])
    workdir = Workdir(place / "run")
    train.run(of_folder(pets, dtype="auto"), workdir)
    return workdir, pets


def lines(workdir):
    return [json.loads(line) for line in workdir.runs.open()]


def test_a_line_at_the_start_and_one_at_the_end(run):
    start, end = lines(run[0])[:2]
    assert (start["event"], end["event"]) == ("start", "end")
    assert (start["step"], end["step"], end["how"]) == (0, 2, "finished")
    assert start["dtype"] in ("float32", "mixed_bfloat16")
    assert start["versions"]["tensorflow"] and start["devices"]
    assert start["pid"] == os.getpid() and start["command"]
    assert end["seconds"] > 0


def test_an_error_is_in_the_story(run, monkeypatch):
    workdir, pets = run

    def fail(*_, **__):
        raise RuntimeError("no such luck")

    monkeypatch.setattr(training_run, "_train", fail)
    with pytest.raises(RuntimeError):
        train.run(of_folder(pets, train__num_steps=3), workdir)
    assert lines(workdir)[-1]["how"] == "error: no such luck"


def test_the_resolved_dtype_is_stored_and_kept(run, monkeypatch):
    workdir, pets = run
    stored = validation.read_stored(workdir.config)["dtype"]
    assert stored in ("float32", "mixed_bfloat16")
    other = {"float32": True, "mixed_bfloat16": False}[stored]
    monkeypatch.setattr(distribution, "has_native_bfloat16", lambda: other)
    train.run(of_folder(pets, dtype="auto", train__num_steps=2), workdir)
    assert validation.read_stored(workdir.config)["dtype"] == stored


def test_other_classes_are_refused_with_both_lists(run, tmp_path):
    zoo = folder(tmp_path / "zoo", ["dogs", "zebras"])
    with pytest.raises(UserError) as caught:
        train.run(of_folder(zoo, train__num_steps=3), run[0])
    assert "cats, dogs. Received: dogs, zebras" in str(caught.value)


def test_other_images_of_the_same_classes_are_said(run, tmp_path, caplog):
    workdir, _ = run
    more = folder(tmp_path / "more", ["cats", "dogs"])
    (more / "cats" / "0.png").rename(more / "cats" / "new.png")
    train.run(of_folder(more, train__num_steps=2), workdir)
    assert "other images of the same classes" in caplog.text


def test_a_second_training_is_refused(run):
    workdir, pets = run
    with lock.hold(workdir.path):
        with pytest.raises(UserError, match=f"process {os.getpid()} on"):
            train.run(of_folder(pets, train__num_steps=3), workdir)
        train.run(of_folder(pets, train__num_steps=3), workdir, dry_run=True)


def test_a_refused_run_leaves_no_directory(tmp_path):
    config = of_folder(tmp_path / "absent")
    with pytest.raises(UserError):
        train.run(config, Workdir(tmp_path / "run"))
    assert not list(tmp_path.iterdir())


def test_a_run_goes_on_from_its_own_configuration_with_changes(run, capsys):
    workdir, _ = run
    config = load_config(str(workdir.config))
    config.train.num_steps = 3
    config.train.batch_size = 2
    config.optimizer.generator_learning_rate = 1e-5
    config.optimizer.schedule = "cosine"
    train.run(config, workdir)
    start, end = lines(workdir)[-2:]
    assert start["changes"] == {
        "optimizer.generator_learning_rate": [1e-4, 1e-5],
        "optimizer.schedule": ["constant", "cosine"],
        "train.batch_size": [4, 2],
        "train.num_steps": [2, 3],
    }
    assert (start["step"], end["step"]) == (2, 3)
    assert "train.batch_size: 4 -> 2" in capsys.readouterr().out
    record = json.loads(workdir.metrics.read_text().splitlines()[-1])
    # The third step has two thirds of the cosine behind it.
    assert record["generator/learning_rate"] == pytest.approx(0.25e-5)
    assert validation.read_stored(workdir.config)["train"]["batch_size"] == 2


def test_what_makes_another_model_stays_refused(run):
    config = load_config(str(run[0].config))
    config.optimizer.name = "Lion"
    with pytest.raises(UserError, match="config.optimizer.name is 'Adam'"):
        train.run(config, run[0])
