"""The unconditional pair in the whole program, from training to export."""

import json

import numpy as np
import pytest

from sagan_tf import runs, train
from sagan_tf.exporting import ExportedGenerator, export
from sagan_tf.gan.latents import draw
from sagan_tf.networks import DCGANGenerator
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import attention_capture
from tests.training import toy


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two steps, with the gradient penalty, in parts."""
    config = toy.config(
        dataset__num_classes=0,
        loss="wasserstein",
        train__gradient_penalty_weight=5.0,
        model__architecture="dcgan",
        model__attention_resolutions=(8, 16),
        model__discriminator_attention_resolutions=(8, 4),
        model__spectral_normalization="none",
        train__gradient_accumulation=2,
        train__discriminator_steps=2,
    )
    workdir = Workdir(tmp_path_factory.mktemp("dcgan") / "run")
    train.run(config, workdir)
    return runs.open_run(workdir.path)


def test_training_writes_its_records_and_sheets(run):
    lines = run.workdir.metrics.read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["step"] for record in records] == [1, 2]
    for record in records:
        # The penalty is the difference, and positive.
        assert record["d_loss"] > record["d_fake"] - record["d_real"]
        assert np.isfinite(record["g_loss"])
        for gate in ("generator/gate_16", "discriminator/gate_4"):
            assert gate in record
    assert (run.workdir.samples / "step_00000002.png").is_file()


def test_attention_of_both_networks(run):
    seeds, labels = np.arange(3), np.zeros(3, np.int32)
    drawn = attention_capture.capture_from_generator(
        run.load_generator(), seeds, labels
    )
    assert list(drawn.scores) == list(drawn.gates) == [8, 16]
    seen = attention_capture.capture_from_discriminator(
        run.load_discriminator(), drawn.images, labels
    )
    assert list(seen.scores) == [8, 4]
    assert seen.scores[4].shape == (3, 16, 16)


def test_images_are_those_of_the_average(run):
    generator = run.load_generator()
    assert isinstance(generator, DCGANGenerator)
    latents = draw(5, generator.latent_dim, seed=1)
    images = run.source().draw(latents, np.zeros(5, np.int32))
    np.testing.assert_allclose(images, generator(latents), atol=1e-5)
    assert not np.array_equal(
        run.load_generator(averaged=False)(latents), generator(latents)
    )


def test_export_draws_the_same(run, tmp_path):
    generator = run.load_generator()
    assert export(generator, tmp_path / "saved") <= 1e-5
    exported = ExportedGenerator(tmp_path / "saved")
    assert exported.num_classes == 0
    assert set(exported.signatures) == {
        "serving_default",
        "generate",
        "sample",
        "png",
        "attention",
    }
    assert exported.card["attention_maps"] == [8, 16]
