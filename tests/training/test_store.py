"""A run that lives in a store: `ram://`, which TensorFlow keeps in memory."""

import json

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import exporting, runs, storage
from sagan_tf import training_run as train
from sagan_tf.configuration.files import load_config, with_config_of_run
from sagan_tf.errors import UserError
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import films
from tests.commands import assert_refused, call_each
from tests.training import toy, workdir_checks

FIELDS = {
    "optimizer__schedule": "cosine",
    "optimizer__warmup_steps": 1,
    "optimizer__end_step": 2,
}


@pytest.fixture(scope="module")
def stored():
    """A run of one and one step, the second by its own configuration."""
    workdir = Workdir("ram://bucket/run")
    train.run(toy.config(train__num_steps=1, **FIELDS), workdir)
    config = load_config(str(workdir.config))
    config.train.num_steps = 2
    train.run(config, workdir)
    return workdir


def test_n_and_n_steps_in_a_store_equal_2n_on_a_disk(stored, tmp_path):
    whole = Workdir(tmp_path / "whole")
    train.run(toy.config(train__num_steps=2, **FIELDS), whole)
    # Nothing of it is in a folder of that name.
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]
    storage.copy(stored.path, tmp_path / "parts")
    parts = Workdir(tmp_path / "parts")
    assert workdir_checks.compare(parts, whole, 2) > 50


def test_a_store_holds_the_whole_story(stored):
    found = {path.name for path in stored.path.iterdir()}
    assert found == {
        *("checkpoints", "classes.json", "config.json", "curves.png"),
        *("metrics.jsonl", "runs.jsonl", "samples", "tensorboard"),
    }
    lines = map(json.loads, stored.runs.read_text().splitlines())
    events = [(line["event"], line["step"]) for line in lines]
    assert events == [("start", 0), ("end", 1), ("start", 1), ("end", 2)]
    assert len(films.of_training(stored.samples)) == 2
    files = map(str, stored.tensorboard.iterdir())
    found = [
        (event.step, value.tag)
        for file in files
        for event in tf.compat.v1.train.summary_iterator(file)
        for value in event.summary.value
    ]
    assert {(1, "d_loss"), (2, "d_loss"), (2, "samples")} <= set(found)


def test_a_command_finds_the_configuration_in_a_store(stored):
    arguments = ["train", f"--workdir={stored.path}"]
    name, config, workdir = with_config_of_run(arguments)
    assert (name, workdir) == ("train", arguments[1])
    assert config == f"--config={stored.path}/config.json"
    # What is unknown is left to the flag to refuse.
    arguments = ["train", "--workdir=zz://a"]
    assert with_config_of_run(arguments) == arguments


def test_a_run_in_a_store_is_drawn_from_exported_and_begun_with(stored):
    run = runs.open_run("ram://bucket/run", "1")
    assert run.step == 1 and len(run.class_names()) == 10
    generator = run.load_generator()
    place = storage.at("ram://bucket/models")
    assert exporting.export(generator, place / "twins") < 1e-5
    exported = exporting.ExportedGenerator("ram://bucket/models/twins")
    latents, labels = np.ones((2, 4), np.float32), np.arange(2)
    np.testing.assert_allclose(
        exported.draw(latents, labels),
        generator([latents, labels]),
        atol=1e-5,
    )
    with pytest.raises(UserError, match="where something stands"):
        exporting.export(generator, place / "twins")


def test_a_directory_without_a_run_is_refused():
    with pytest.raises(UserError, match="ram://bucket/none.*no directory"):
        runs.open_run("ram://bucket/none")


def test_a_command_reads_from_a_store_and_writes_to_it(toy_run):
    before = f"""
import pathlib
from sagan_tf import storage
storage.copy(pathlib.Path({str(toy_run)!r}), storage.at("ram://b/run"))
"""
    run, small = "--workdir=ram://b/run", "--num_images=3"
    saved = "--save_latents=ram://b/z.npz"
    sheet, film, files, again, taken, unknown = call_each(
        "sagan_tf.sample",
        [
            (run, small, "--output=ram://b/out/x.png", saved),
            (run, "--show=film", "--num_images=10", "--output=ram://b/x.gif"),
            (run, small, "--output=ram://b/files"),
            (run, "--output=ram://b/y.png", "--latents=ram://b/z.npz"),
            (run, small, "--output=ram://b/files"),
            (run, "--output=zz://b/y.png"),
        ],
        before=before,
    )
    assert sheet.out == "ram://b/out/x.png: 3 images\n", sheet.err
    assert film.status == 0, film.err
    assert files.out == "ram://b/files: 3 images\n", files.err
    assert again.out == "ram://b/y.png: 3 images\n", again.err
    assert_refused(taken, "where something stands already")
    assert_refused(unknown, "--output should be a path, or an address that")
