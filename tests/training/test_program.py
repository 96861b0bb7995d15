"""The whole training program at toy size."""

import contextlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from configs import twins32
from sagan_tf import image_sizes, runs, train, training_run
from sagan_tf.configuration import builders, load_config, validation
from sagan_tf.data import ImageDataset
from sagan_tf.errors import DivergedError, UserError
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import sheets
from tests.training import toy

ROOT = pathlib.Path(__file__).parents[2]


def records(workdir):
    return [json.loads(line) for line in workdir.metrics.open()]


def everything(gan):
    """Returns all that training carries from step to step."""
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    variables = [
        *gan.generator.variables,
        *gan.discriminator.variables,
        *gan.ema_generator.variables,
    ]
    return [
        value.numpy()
        for value in (
            *variables,
            *(slot for adam in optimizers for slot in adam.variables()),
        )
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The workdir of a toy run, and what was printed."""
    workdir = Workdir(tmp_path_factory.mktemp("finished") / "run")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        train.run(toy.config(), workdir)
    return workdir, said.getvalue()


@pytest.fixture
def copied(finished, tmp_path):
    """A workdir of its own of that run."""
    shutil.copytree(finished[0].path, tmp_path / "run")
    return Workdir(tmp_path / "run")


# Every size, with and without attention, with and without classes.
@pytest.mark.parametrize(
    ("image_size", "num_classes", "attention"),
    [(32, 0, False), (64, 10, False), (128, 0, True), (256, 10, True)],
)
def test_two_steps_at_every_resolution(
    tmp_path, monkeypatch, image_size, num_classes, attention
):
    # A thousand large samples: other tests measure small ones.
    monkeypatch.setattr(
        training_run.builders, "build_measures", lambda config: {}
    )
    config = toy.config(
        dataset__image_size=image_size,
        dataset__num_classes=num_classes,
        dataset__num_examples=4,
        model__attention_resolutions=(16,) if attention else (),
        train__batch_size=2,
        log__every_steps=2,
        checkpoint__every_steps=2,
    )
    workdir = Workdir(tmp_path / "run")
    train.run(config, workdir)
    (record,) = records(workdir)
    assert record["step"] == 2
    assert np.isfinite(record["d_loss"]) and np.isfinite(record["g_loss"])
    assert ("generator/gate_16" in record) == attention
    with Image.open(workdir.samples / "step_00000002.png") as sheet:
        assert sheet.height >= 3 * max(image_size, 64)


@pytest.mark.parametrize(
    ("channels", "size", "attention"), [(1, 40, (10,)), (4, (32, 48), (8,))]
)
def test_two_steps_of_other_forms_and_channels(
    tmp_path, channels, size, attention
):
    height, width = image_sizes.sides(size)
    pixels = np.random.default_rng(0).integers(
        0, 256, (3, height, width, channels), np.uint8
    )
    (tmp_path / "images").mkdir()
    for number, image in enumerate(pixels):
        sheets.write_png(str(tmp_path / f"images/{number}.png"), image)
    config = toy.config(
        dataset__name="folder",
        dataset__path=str(tmp_path / "images"),
        dataset__num_classes=0,
        dataset__num_examples=3,
        dataset__channels=channels,
        dataset__image_size=size,
        model__attention_resolutions=attention,
    )
    workdir = Workdir(tmp_path / "run")
    train.run(config, workdir)
    name = f"generator/attention_distance_{attention[0]}"
    assert 0.2 < records(workdir)[-1][name] < 1.0
    with Image.open(workdir.samples / "step_00000002.png") as sheet:
        assert sheet.mode == ("RGBA" if channels == 4 else "RGB")
        assert sheet.width > sheet.height * width / height / 2
    run = runs.open_run(workdir.path)
    images = run.source().draw(np.zeros((2, 4)), np.zeros(2))
    assert images.shape == (2, height, width, channels)


def test_a_run_writes_its_whole_story(finished):
    workdir, said = finished
    assert "generator" in said and "attention_16" in said
    assert "step 2 reached" in said
    assert [record["step"] for record in records(workdir)] == [1, 2]
    assert workdir.curves.is_file()
    for name in ("coherence", "hue_coverage"):
        assert 0.0 <= records(workdir)[1][name] <= 1.0
    assert set(records(workdir)[1]) >= {
        "step",
        "d_loss",
        "g_loss",
        "d_real",
        "d_fake",
        "generator/gate_16",
        "generator/largest_sigma",
        "discriminator/gate_16",
        "discriminator/largest_sigma",
        "generator/learning_rate",
        "discriminator/learning_rate",
        "images_per_second",
        "waiting",
        "host_memory",
    }
    # In the first call the graph is compiled.
    assert "images_per_second" not in records(workdir)[0]
    assert list(workdir.tensorboard.glob("events*"))
    assert sorted(path.name for path in workdir.checkpoints.iterdir()) == [
        "step_00000001",
        "step_00000002",
    ]
    assert validation.read_stored(workdir.config)["train"]["num_steps"] == 2


def test_records_after_the_last_checkpoint_are_written_anew(copied):
    with copied.metrics.open("a") as file:
        file.write('{"step": 3, "d_loss": 1.0}\n{"step": 4, "d_lo')
    train.run(toy.config(train__num_steps=4), copied)
    assert [record["step"] for record in records(copied)] == [1, 2, 3, 4]


def test_a_finished_run_stays_as_it_is(copied):
    before = copied.metrics.read_text()
    train.run(toy.config(), copied)
    assert copied.metrics.read_text() == before


def test_another_model_is_refused_and_nothing_harmed(copied):
    before = copied.config.read_text()
    with pytest.raises(UserError, match="latent_dim is 4 there and 5 here"):
        train.run(toy.config(model__latent_dim=5), copied)
    assert copied.config.read_text() == before


def test_an_end_for_want_of_progress_needs_evaluations(tmp_path):
    with pytest.raises(UserError, match="stop_after.*--evaluate_every"):
        train.run(toy.config(train__stop_after=2), Workdir(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_dry_run_writes_nothing(tmp_path, capsys):
    train.run(toy.config(), Workdir(tmp_path / "run"), dry_run=True)
    assert "parameters" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, monkeypatch):
    whole = ImageDataset.training_batches

    def poisoned(*arguments, **options):
        """The third batch is not a number."""
        return (
            whole(*arguments, **options)
            .enumerate()
            .map(lambda i, b: (tf.where(i == 2, np.nan, b[0]), b[1]))
        )

    monkeypatch.setattr(ImageDataset, "training_batches", poisoned)
    workdir, config = Workdir(tmp_path / "run"), toy.config(train__num_steps=9)
    with pytest.raises(
        DivergedError, match="step 3 it was not.*checkpoint 2 stay"
    ) as caught:
        train.run(config, workdir)
    # The command that it names goes on with the run.
    advice = str(caught.value).partition("sagan_tf.train ")[2].partition(";")[0]
    flag, *overrides = advice.split(" ")
    assert flag == f"--workdir={workdir.path}"
    lower = load_config(str(workdir.config))
    lower.update_from_flattened_dict(
        {
            name.removeprefix("--config."): float(value)
            for name, value in (word.split("=") for word in overrides)
        }
    )
    assert lower.optimizer.generator_learning_rate == 5e-5
    changes = validation.check_same_model(
        lower, validation.read_stored(workdir.config), ""
    )
    assert len(changes) == 2
    gan = builders.build_gan(config)
    checkpoints = builders.build_checkpoints(config, workdir)
    assert checkpoints.restore_latest(gan) == 2
    assert all(np.isfinite(value).all() for value in everything(gan))


def test_other_kinds_of_a_step_run(tmp_path):
    workdir = Workdir(tmp_path / "run")
    config = toy.config(
        dtype="mixed_bfloat16",
        train__discriminator_steps=2,
        train__separate_discriminator_passes=True,
    )
    train.run(config, workdir)
    assert records(workdir)[-1]["step"] == 2
    assert np.isfinite(records(workdir)[-1]["d_loss"])


def test_digits_train(tmp_path):
    workdir = Workdir(tmp_path / "run")
    train.run(toy.config(dataset__name="digits"), workdir)
    assert len(records(workdir)) == 2


def command(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "sagan_tf.train", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_trains(tmp_path):
    fields = toy.config().copy_and_resolve_references()
    flat = {
        "dataset.num_examples": 12,
        "model.base_channels": 2,
        "model.discriminator_base_channels": 2,
        "model.attention_key_divisor": 2,
        "train.batch_size": fields.train.batch_size,
        "train.num_steps": 2,
        "train.steps_per_call": 1,
        "log.every_steps": 1,
        "log.sheet_every_steps": 2,
        "checkpoint.every_steps": 1,
    }
    done = command(
        "--config=configs/twins32.py",
        f"--workdir={tmp_path / 'run'}",
        *(f"--config.{name}={value}" for name, value in flat.items()),
    )
    assert done.returncode == 0, done.stderr
    assert "step 2 reached" in done.stdout
    assert "d_loss" in done.stderr
    stored = validation.read_stored(Workdir(tmp_path / "run").config)
    assert (
        stored["model"]["latent_dim"] == twins32.get_config().model.latent_dim
    )


def test_the_command_answers_a_wrong_field_in_one_line(tmp_path):
    done = command(
        "--config=twins32",
        f"--workdir={tmp_path / 'run'}",
        "--config.train.batch_size=0",
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "train.batch_size" in done.stderr
    assert not (tmp_path / "run").exists()
