"""Each program of examples/ runs, at toy size."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from examples import (
    attention_in_your_model,
    fine_tune,
    score_two_folders,
    train_on_your_images,
)
from sagan_tf import runs
from tests.data.writers import draw
from tests.evaluation import conftest

# A SavedModel with Inception's outputs, of five features.
inception = conftest.toy_path
TOY = ("--size=32", "--channels=8", "--latent_dim=4", "--batch=4", "--steps=2")


def write(folder, names, size=40):
    """Twelve images in turn in one sub-folder for each name."""
    for number, image in enumerate(draw(size, 12)[0]):
        file = folder / names[number % len(names)] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("images"), ("cats", "dogs"))


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    """An epoch of two steps, then another call that has none left to do."""
    output = tmp_path_factory.mktemp("mine")
    words = [str(folder), *TOY, f"--output={output}", "--epochs=1"]
    return [train_on_your_images.main(words) for _ in range(2)], output


def test_it_trains_on_a_folder_and_goes_on(trained):
    (first, second), output = trained
    assert int(first.step) == int(second.step) == 2
    assert first.generator.num_classes == 2
    for ours, theirs in zip(first.variables, second.variables):
        np.testing.assert_array_equal(ours, theirs)
    # A row of ten for each class, and white lines between.
    with Image.open(output / "epoch_0001.png") as sheet:
        assert sheet.size == (342, 70)
    generator = tf.keras.models.load_model(output / "generator.keras")
    inputs = [tf.ones((2, 4)), tf.constant([0, 1])]
    np.testing.assert_array_equal(
        generator(inputs, training=False), first(inputs)
    )


def test_what_it_trains_on(folder, tmp_path):
    batches, classes = train_on_your_images.load(folder, 32, 5)
    images, labels = next(iter(batches))
    assert classes == ["cats", "dogs"]
    assert images.shape == (5, 32, 32, 3) and labels.dtype == tf.int32
    assert -1 <= np.min(images) < -0.5 and 0.5 < np.max(images) <= 1
    flat = write(tmp_path, (".",))
    batches, classes = train_on_your_images.load(flat, 32, 5)
    assert classes == [] and not next(iter(batches))[1].numpy().any()


def test_a_run_is_trained_further_with_other_classes(
    unconditional_run, folder, tmp_path, capsys
):
    run = unconditional_run
    before = sorted(path.name for path in run.rglob("*"))
    gan = fine_tune.main(
        [str(run), str(folder), f"--output={tmp_path}"]
        + ["--batch=4", "--steps=1"]
    )
    assert gan.generator.num_classes == 2
    assert (tmp_path / "generator.keras").is_file()
    assert sorted(path.name for path in run.rglob("*")) == before
    generator, discriminator = (
        line.partition(": anew are ")[2].split(", ")
        for line in capsys.readouterr().out.splitlines()
        if ": anew are " in line
    )
    assert all(name.endswith(("gain:0", "bias:0")) for name in generator)
    assert discriminator == [
        "discriminator/embedding/embeddings:0",
        "discriminator/embedding/u:0",
    ]


def test_what_fits_is_taken_over(unconditional_run):
    generator = runs.open_run(unconditional_run).load_generator()
    copy, anew = fine_tune.for_classes(generator, 0)
    assert anew == []
    for source, variable in zip(generator.variables, copy.variables):
        np.testing.assert_array_equal(source, variable)


def test_two_folders_are_scored(folder, tmp_path, inception, capsys):
    words = [str(folder), str(folder), "--force"]
    words += [f"--inception={inception}", f"--cache={tmp_path}"]
    scores = score_two_folders.main(words)
    (fid,) = (scores[name] for name in scores if name.startswith("fid12_"))
    assert fid == pytest.approx(0.0, abs=1e-3)
    assert json.loads(capsys.readouterr().out) == pytest.approx(scores)


def test_attention_in_a_model_of_ones_own():
    model, scores = attention_in_your_model.main(["--steps=2", "--channels=8"])
    assert scores.shape == (1, 256, 64)
    np.testing.assert_allclose(scores.sum(-1), 1.0, rtol=1e-5)
    assert model.get_layer("attention").trainable_weights


def test_every_other_image_keeps_its_own_half():
    images = tf.random.stateless_uniform((4, 2, 6, 3), (0, 0))
    pairs, belong = attention_in_your_model.pairs(images, None)
    assert belong.numpy().tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(pairs[1], images[1])
    np.testing.assert_array_equal(pairs[2, :, :3], images[2, :, :3])
    np.testing.assert_array_equal(pairs[2, :, 3:], images[1, :, 3:])
