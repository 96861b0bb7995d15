"""Single files for other runtimes: TensorFlow Lite's, and what all share.

tests_extras/test_onnx.py has ONNX, whose packages the base set-up lacks.
"""

import json
import os
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import exporting, runs
from sagan_tf.errors import UserError
from sagan_tf.exporting import single_file, tflite_format, verification
from sagan_tf.gan.latents import draw_each
from sagan_tf.networks import Generator, bake


@pytest.fixture(scope="module")
def generator(toy_run):
    generator = runs.open_run(toy_run).load_generator()
    for layer in generator.attention_layers().values():
        # In blocks of queries, where the network draws by itself.
        layer.max_scores = 1000
    return generator


@pytest.fixture(scope="module")
def path(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "new" / "toy.tflite"
    difference = exporting.export_file(generator, path, "tflite", {"step": 3})
    assert 0.0 < difference <= verification.TOLERANCE
    return path


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_batch_equals_the_network(path, generator, count):
    latents = draw_each(np.arange(count), 4).numpy()
    labels = np.arange(count, dtype=np.int32) + 3
    runner = tf.lite.Interpreter(str(path)).get_signature_runner()
    images = runner(latents=latents, labels=labels)["images"]
    live = generator([latents, labels], training=False)
    assert images.std() > 0.01
    np.testing.assert_allclose(images, live, atol=1e-5)


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_out_of_range_is_refused_by_the_runtime(path, label):
    inputs = {
        "latents": np.zeros((1, 4), np.float32),
        "labels": np.array([label], np.int32),
    }
    with pytest.raises(RuntimeError, match="index out of bounds"):
        tflite_format.load(path.read_bytes())(inputs)


def test_the_card_stands_beside_the_file(path):
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "toy.tflite",
        "toy.tflite.json",
    ]
    card = json.loads(path.with_name("toy.tflite.json").read_text())
    assert card["step"] == 3
    assert (card["num_classes"], card["latent_dim"]) == (10, 4)
    assert card["difference"] <= verification.TOLERANCE


@pytest.mark.parametrize(("dtype", "share"), [("float16", 0.7), ("int8", 0.6)])
def test_smaller_numbers_make_smaller_files(dtype, share, tmp_path):
    # Large enough that there is something to round.
    generator = Generator(
        32,
        latent_dim=16,
        base_channels=16,
        attention_resolutions=(16,),
    )
    generator.build_from_config({})
    sizes = {}
    for each in ("float32", dtype):
        file = tmp_path / f"{each}.tflite"
        exporting.export_file(generator, file, "tflite", dtype=each)
        card = json.loads(file.with_name(f"{file.name}.json").read_text())
        assert card["dtype"] == each and card["images_per_second"] > 0.0
        assert card["num_bytes"] == file.stat().st_size
        sizes[each] = card["num_bytes"]
    assert sizes[dtype] < share * sizes["float32"]
    assert verification.TOLERANCE < card["difference"]
    rms = card["root_mean_square_difference"]
    assert 0.0 < rms <= verification.ROUNDED[dtype]


def test_without_classes_there_are_no_labels(unconditional_run, tmp_path):
    generator = runs.open_run(unconditional_run).load_generator()
    file = tmp_path / "x.tflite"
    exporting.export_file(generator, file, "tflite")
    latents = draw_each([3, 4], 4).numpy()
    images = tflite_format.load(file.read_bytes())({"latents": latents})
    np.testing.assert_allclose(
        images["images"], generator(latents, training=False), atol=1e-5
    )


def test_what_draws_something_else_is_not_written(
    generator, toy_run, tmp_path, monkeypatch
):
    other = runs.open_run(toy_run).load_generator(averaged=False)
    monkeypatch.setattr(single_file, "bake", lambda _: bake(other))
    with pytest.raises(UserError, match="Lite should be those of the network"):
        exporting.export_file(generator, tmp_path / "x.tflite", "tflite")
    assert not list(tmp_path.iterdir())


def test_the_proof_computes_on_the_processor(toy_run, tmp_path, monkeypatch):
    places = []

    def note(network):
        baked = bake(network)
        places.extend(variable.device for variable in baked.variables)
        return baked

    def stop(inputs):
        raise UserError("seen enough")

    monkeypatch.setattr(single_file, "bake", note)
    monkeypatch.setattr(single_file, "_convert", lambda *_: b"content")
    monkeypatch.setattr(tflite_format, "load", lambda content: stop)
    # As on a GPU: the weights are there, and so is all that is not told.
    with tf.device("CPU:1"):
        generator = runs.open_run(toy_run).load_generator()
        call = generator.call

        def draw(*arguments, **options):
            images = call(*arguments, **options)
            places.append(images.device)
            return images

        monkeypatch.setattr(generator, "call", draw)
        assert "CPU:1" in generator.variables[0].device
        with pytest.raises(UserError, match="seen enough"):
            exporting.export_file(generator, tmp_path / "x.tflite", "tflite")
    assert len(places) > 1
    assert all(place.endswith("CPU:0") for place in places)


@pytest.mark.parametrize(
    ("module", "fails"), [(pathlib.Path, "write_bytes"), (os, "replace")]
)
def test_a_full_disk_leaves_nothing_in_the_way(
    module, fails, tmp_path, monkeypatch
):
    function = getattr(module, fails)

    def fail(path, *arguments):
        if ".json" in path.name:
            return function(path, *arguments)
        raise OSError("no space left")

    for name, found in (
        ("bake", None),
        ("_convert", b"content"),
        ("_prove", verification.Proof("float32", 0.0, 0.0, 1.0, 7)),
        ("card_text", "card"),
    ):
        monkeypatch.setattr(single_file, name, lambda *_, found=found: found)
    path = tmp_path / "x.tflite"
    with monkeypatch.context() as patch:
        patch.setattr(module, fails, fail)
        with pytest.raises(OSError, match="no space left"):
            exporting.export_file(None, path, "tflite")
    assert not list(tmp_path.iterdir())
    exporting.export_file(None, path, "tflite")
    assert path.read_bytes() == b"content"
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "x.tflite.json"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.onnx", "should end in .tflite .*model.onnx"),
        ("model", "should end in .tflite"),
        ("taken.tflite", "should be a new file"),
        ("carded.tflite", "carded.tflite.json exists"),
        ("folder.tflite", "should be a new file"),
    ],
)
def test_a_place_that_will_not_do_is_refused(name, message, tmp_path):
    (tmp_path / "taken.tflite").write_text("mine")
    (tmp_path / "carded.tflite.json").write_text("mine")
    (tmp_path / "folder.tflite").mkdir()
    with pytest.raises(UserError, match=message):
        single_file.check_file(tmp_path / name, "tflite")
    assert (tmp_path / "taken.tflite").read_text() == "mine"


@pytest.mark.parametrize("package", ["onnx", "tf2onnx", "onnxruntime"])
def test_a_missing_package_is_named_in_one_line(package, monkeypatch, tmp_path):
    for name in ("onnx", "tf2onnx", "onnxruntime"):
        present = None if name == package else tf
        monkeypatch.setitem(sys.modules, name, present)
    words = f"the package {package},.*requirements-extras.txt"
    with pytest.raises(UserError, match=words):
        single_file.check_file(tmp_path / "x.onnx", "onnx")


@pytest.mark.parametrize("channels", [1, 4])
def test_other_forms_and_channels_in_both_formats(tmp_path, channels):
    generator = Generator(
        (32, 48),
        latent_dim=4,
        base_channels=2,
        attention_resolutions=(8,),
        channels=channels,
    )
    generator.build_from_config({})
    latents = draw_each([3, 4], 4).numpy()
    file = tmp_path / "x.tflite"
    exporting.export_file(generator, file, "tflite")
    images = tflite_format.load(file.read_bytes())({"latents": latents})
    assert images["images"].shape == (2, 32, 48, channels)
    exporting.export(generator, tmp_path / "x")
    exported = exporting.ExportedGenerator(tmp_path / "x")
    np.testing.assert_allclose(
        exported.draw(latents, None), images["images"], atol=1e-5
    )
    assert exported.card["channels"] == channels
    assert exported.card["image_size"] == [32, 48]
    answer = exported.signatures["png"](
        seed=tf.constant([1]), truncation=tf.constant(0.0)
    )
    png = tf.io.decode_png(answer["png_bytes"][0])
    assert png.shape == (32, 48, channels)
