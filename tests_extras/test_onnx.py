"""ONNX files, run by ONNX Runtime."""

import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest

from sagan_tf import exporting, runs
from sagan_tf.exporting import onnx_format, verification
from sagan_tf.gan.latents import draw_each
from sagan_tf.networks import Generator


@pytest.fixture(scope="module")
def generator(toy_run):
    generator = runs.open_run(toy_run).load_generator()
    for layer in generator.attention_layers().values():
        # In blocks of queries, where the network draws by itself.
        layer.max_scores = 1000
    return generator


@pytest.fixture(scope="module")
def path(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "toy.onnx"
    difference = exporting.export_file(generator, path, "onnx", {"step": 3})
    assert 0.0 < difference <= verification.TOLERANCE
    return path


@pytest.fixture(scope="module")
def session(path):
    return onnxruntime.InferenceSession(path)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_batch_equals_the_network(session, generator, count):
    latents = draw_each(np.arange(count), 4).numpy()
    labels = np.arange(count, dtype=np.int32) + 3
    inputs = {"latents": latents, "labels": labels}
    (images,) = session.run(["images"], inputs)
    live = generator([latents, labels], training=False)
    assert images.std() > 0.01
    np.testing.assert_allclose(images, live, atol=1e-5)


def test_inputs_and_outputs_have_names_types_and_any_batch(session):
    values = [*session.get_inputs(), *session.get_outputs()]
    assert [(v.name, v.type, v.shape) for v in values] == [
        ("latents", "tensor(float)", ["batch", 4]),
        ("labels", "tensor(int32)", ["batch"]),
        ("images", "tensor(float)", ["batch", 32, 32, 3]),
    ]


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_out_of_range_is_refused_by_the_runtime(session, label):
    inputs = {
        "latents": np.zeros((1, 4), np.float32),
        "labels": np.array([label], np.int32),
    }
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, inputs)


def test_the_file_is_sound_and_has_a_card(path):
    onnx.checker.check_model(str(path), full_check=True)
    card = json.loads(path.with_name("toy.onnx.json").read_text())
    assert (card["step"], card["num_classes"]) == (3, 10)


def test_without_classes_there_are_no_labels(unconditional_run, tmp_path):
    generator = runs.open_run(unconditional_run).load_generator()
    exporting.export_file(generator, tmp_path / "x.onnx", "onnx")
    latents = draw_each([3, 4], 4).numpy()
    content = (tmp_path / "x.onnx").read_bytes()
    np.testing.assert_allclose(
        onnx_format.load(content)({"latents": latents})["images"],
        generator(latents, training=False),
        atol=1e-5,
    )


@pytest.mark.parametrize("channels", [1, 4])
def test_other_forms_and_channels(tmp_path, channels):
    generator = Generator(
        (32, 48),
        latent_dim=4,
        base_channels=2,
        attention_resolutions=(8,),
        channels=channels,
    )
    generator.build_from_config({})
    latents = draw_each([3, 4], 4).numpy()
    exporting.export_file(generator, tmp_path / "x.onnx", "onnx")
    content = (tmp_path / "x.onnx").read_bytes()
    images = onnx_format.load(content)({"latents": latents})["images"]
    assert images.shape == (2, 32, 48, channels)
    live = generator(latents, training=False)
    np.testing.assert_allclose(images, live, atol=1e-5)


def test_the_command_writes_it(toy_run, tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sagan_tf.export", "--format=onnx"),
            *(f"--workdir={toy_run}", f"--output={tmp_path}/toy.onnx"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "ONNX Runtime" in done.stdout
    assert "draws what the network draws" in done.stdout
    assert (tmp_path / "toy.onnx").stat().st_size > 10_000
