"""An exported generator draws what the network draws, and says what it is."""

import io
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from sagan_tf import exporting, runs
from sagan_tf.errors import UserError
from sagan_tf.exporting import saved_model, verification
from sagan_tf.gan.latents import draw_each
from sagan_tf.networks import bake
from sagan_tf.visualization import sheets


@pytest.fixture(scope="module")
def generator(toy_run):
    return runs.open_run(toy_run).load_generator()


@pytest.fixture(scope="module")
def exported(generator, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "toy"
    difference = exporting.export(generator, path, {"step": 3})
    assert 0.0 < difference <= verification.TOLERANCE
    return exporting.ExportedGenerator(path)


@pytest.fixture(scope="module")
def unconditional(unconditional_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "unconditional"
    generator = runs.open_run(unconditional_run).load_generator()
    exporting.export(generator, path)
    return exporting.ExportedGenerator(path)


def ask(model, name, **inputs):
    answer = model.signatures[name](
        **{key: tf.constant(value) for key, value in inputs.items()}
    )
    return {key: value.numpy() for key, value in answer.items()}


def test_the_five_signatures_have_their_names_and_types(exported):
    given = {"latents": tf.float32, "labels": tf.int32}
    drawn = {"labels": tf.int32, "seed": tf.int32, "truncation": tf.float32}
    images = {"images": tf.uint8}
    expected = {
        "serving_default": (given, images),
        "generate": (given, {"images": tf.float32}),
        "sample": (drawn, images),
        "png": (drawn, {"png_bytes": tf.string}),
        "attention": (given, {**images, "attention": tf.float32}),
    }
    found = {}
    for name, function in exported.signatures.items():
        _, inputs = function.structured_input_signature
        outputs = function.structured_outputs
        found[name] = tuple(
            {key: spec.dtype for key, spec in specs.items()}
            for specs in (inputs, outputs)
        )
    assert found == expected


def test_it_holds_the_weights_of_inference_and_no_layers(exported, generator):
    prefix = str(exported.path / "variables" / "variables")
    stored = [
        shape
        for name, shape in tf.train.list_variables(prefix)
        if name.endswith("VARIABLE_VALUE")
    ]
    weights = bake(generator).variables
    assert sorted(stored) == sorted(list(v.shape) for v in weights)
    graph = (exported.path / "saved_model.pb").read_bytes()
    assert b"_tf_keras" not in graph


@pytest.mark.parametrize("count", [1, 3])
def test_any_batch_equals_the_network(exported, generator, count):
    latents = draw_each(np.arange(count), 4)
    labels = np.arange(count, dtype=np.int32)
    live = generator([latents, labels], training=False).numpy()
    images = exported.draw(latents, labels)
    assert images.std() > 0.01
    np.testing.assert_allclose(images, live, atol=1e-5)
    given = {"latents": latents, "labels": labels}
    served = ask(exported, "serving_default", **given)["images"]
    np.testing.assert_array_equal(served, sheets.to_uint8(images))


def test_an_image_depends_on_its_own_seed_alone(exported):
    labels, seeds = [4, 4, 1], np.array([7, 8, 9], np.int32)
    counted = ask(exported, "sample", labels=labels, seed=7, truncation=1.0)
    each = ask(
        exported, "sample", labels=labels, seed=seeds, truncation=[1.0] * 3
    )
    alone = ask(exported, "sample", labels=[4], seed=8, truncation=1.0)
    np.testing.assert_array_equal(counted["images"], each["images"])
    np.testing.assert_array_equal(counted["images"][1:2], alone["images"])
    assert (counted["images"][0] != counted["images"][1]).any()


@pytest.mark.parametrize("truncation", [0.0, 0.5])
def test_samples_are_those_of_the_library(exported, generator, truncation):
    latents = draw_each([5, 6], 4, truncation)
    labels = np.array([2, 3], np.int32)
    live = generator([latents, labels], training=False).numpy()
    images = ask(
        exported, "sample", labels=labels, seed=5, truncation=truncation
    )["images"]
    np.testing.assert_allclose(images / 127.5 - 1.0, live, atol=1.01 / 127.5)


def test_png_strings_hold_the_samples(exported):
    inputs = {"labels": [0, 9], "seed": 1, "truncation": 0.0}
    images = ask(exported, "sample", **inputs)["images"]
    for image, png in zip(images, ask(exported, "png", **inputs)["png_bytes"]):
        decoded = np.asarray(Image.open(io.BytesIO(png)))
        np.testing.assert_array_equal(decoded, image)


def test_attention_is_that_of_the_last_layer(exported, generator):
    latents, labels = draw_each([1, 2], 4), np.array([0, 1], np.int32)
    answer = ask(exported, "attention", latents=latents, labels=labels)
    _, scores = generator(
        [latents, labels], training=False, return_attention_scores=True
    )
    assert list(scores) == [8, 16]
    assert answer["attention"].shape == (2, 256, 64)
    np.testing.assert_allclose(answer["attention"], scores[16], atol=1e-5)
    np.testing.assert_allclose(answer["attention"].sum(-1), 1.0, atol=1e-5)
    served = ask(exported, "serving_default", latents=latents, labels=labels)
    np.testing.assert_array_equal(answer["images"], served["images"])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"labels": [10, 3, 99]},
            r"\[`labels` should be in \[0, 10\). Received: \[10 99\]\]",
        ),
        ({"labels": [-1]}, "`labels` should be in"),
        ({"truncation": -0.5}, "`truncation` should not be negative"),
        ({"truncation": np.float32("nan")}, "`truncation` should not"),
        (
            {"seed": [1, 2]},
            "`seed` should be one number, or one for each label. "
            r"Received: \[1 2\]",
        ),
        ({"truncation": [1.0, 2.0]}, "`truncation` should be one"),
    ],
)
@pytest.mark.parametrize("name", ["sample", "png"])
def test_arguments_without_sense_are_refused(exported, name, inputs, message):
    good = {"labels": [0], "seed": 1, "truncation": 0.0}
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask(exported, name, **{**good, **inputs})


def test_truncation_is_none_by_default(exported):
    model = tf.saved_model.load(str(exported.path))
    found = model.sample(labels=[4, 1], seed=7)["images"]
    expected = ask(exported, "sample", labels=[4, 1], seed=7, truncation=0.0)
    np.testing.assert_array_equal(found, expected["images"])
    # What a server fills in.
    stored = saved_model_pb2.SavedModel()
    stored.ParseFromString((exported.path / "saved_model.pb").read_bytes())
    for name in ("sample", "png"):
        signature = stored.meta_graphs[0].signature_def[name]
        assert signature.defaults["truncation"].float_val == [0.0]


def test_an_unconditional_generator_takes_no_labels(
    unconditional, unconditional_run
):
    assert unconditional.num_classes == 0
    assert "attention" not in unconditional.signatures
    one = ask(unconditional, "sample", seed=3, truncation=0.0)["images"]
    two = ask(unconditional, "sample", seed=[3, 4], truncation=0.0)["images"]
    assert two.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(one, two[:1])
    latents = draw_each([3], 4)
    generator = runs.open_run(unconditional_run).load_generator()
    np.testing.assert_allclose(
        unconditional.draw(latents, [0]), generator(latents), atol=1e-5
    )


def test_the_card_tells_the_sizes(exported):
    stored = json.loads(
        (exported.path / "assets.extra" / "model_card.json").read_text()
    )
    assert stored["step"] == 3
    assert stored["num_classes"] == exported.num_classes == 10
    assert stored["latent_dim"] == exported.latent_dim == 4
    assert stored["attention_maps"] == [8, 16]


def test_it_holds_no_power_iteration_and_no_raw_kernel(exported, generator):
    reader = tf.train.load_checkpoint(
        str(exported.path / "variables/variables")
    )
    sizes = [
        int(np.prod(shape))
        for shape in reader.get_variable_to_shape_map().values()
    ]
    # Folding makes the first kernel of each block 16/9 as large.
    assert sum(sizes) < 16 / 9 * generator.count_params() + 10
    names = " ".join(reader.get_variable_to_shape_map())
    assert "spectral" not in names and "/u/" not in names


def test_the_command_line_tool_of_tensorflow_runs_it(exported, tmp_path):
    # What saved_model_cli itself starts.
    tool = "from tensorflow.python.tools import saved_model_cli as cli; "
    subprocess.run(
        [
            *(sys.executable, "-c", tool + "cli.main()", "run"),
            *("--dir", exported.path, "--tag_set", "serve"),
            *("--signature_def", "sample", "--outdir", tmp_path),
            "--input_exprs",
            "labels=[1, 2];seed=7;truncation=1.0",
        ],
        check=True,
        cwd=tmp_path,
        capture_output=True,
    )
    expected = ask(exported, "sample", labels=[1, 2], seed=7, truncation=1.0)
    np.testing.assert_array_equal(
        np.load(tmp_path / "images.npy"), expected["images"]
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_the_numbers_are_proven_by_their_own_tolerance(
    generator, exported, dtype, tmp_path
):
    difference = exporting.export(generator, tmp_path / "x", dtype=dtype)
    assert difference > verification.TOLERANCE
    model = exporting.ExportedGenerator(tmp_path / "x")
    card, usual = model.card, exported.card
    assert (card["dtype"], usual["dtype"]) == (dtype, "float32")
    assert card["difference"] == difference
    rms = card["root_mean_square_difference"]
    assert 0.0 < rms < difference and rms <= verification.ROUNDED[dtype]
    assert card["images_per_second"] > 0.0
    sizes = [
        (each.path / "variables" / "variables.data-00000-of-00001").stat()
        for each in (model, exported)
    ]
    assert sizes[0].st_size < 0.7 * sizes[1].st_size
    # What goes in and comes out stays as it was.
    latents, labels = np.ones((2, 4), np.float32), np.arange(2)
    images = model.draw(latents, labels)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, exported.draw(latents, labels), atol=0.1)


def test_the_card_tells_size_and_speed(exported):
    files = [
        path.stat().st_size
        for path in exported.path.rglob("*")
        if path.is_file() and path.name != "model_card.json"
    ]
    assert exported.card["num_bytes"] == sum(files)
    assert exported.card["images_per_second"] > 0.0
    assert exported.card["timed"].startswith("7 at once, CPU, ")


def test_another_rounding_than_its_own_is_refused():
    expected = np.zeros((2, 8, 8, 3), np.float32)
    near = expected + 0.02
    assert verification.compare("x", near, expected, "int8")[0] > 0.0
    for dtype in ("float32", "float16"):
        with pytest.raises(UserError, match="x should be .* within"):
            verification.compare("x", near, expected, dtype)
    for wrong in (expected[:1], expected * np.nan):
        with pytest.raises(UserError, match="difference of"):
            verification.compare("x", wrong, expected, "int8")


def test_a_taken_place_is_refused_and_left_alone(generator, tmp_path):
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(UserError, match="something stands already"):
        exporting.export(generator, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_draws_something_else_is_not_left(
    generator, unconditional_run, toy_run, tmp_path, monkeypatch
):
    other = runs.open_run(toy_run).load_generator(averaged=False)
    monkeypatch.setattr(
        saved_model, "bake", lambda _, **options: bake(other, **options)
    )
    with pytest.raises(UserError, match="should be those of the network"):
        exporting.export(generator, tmp_path / "wrong")
    assert not list(tmp_path.iterdir())


def test_the_proof_computes_on_the_processor(toy_run, monkeypatch):
    places = []

    def stop(*_):
        raise UserError("seen enough")

    def note(result):
        places.extend(tensor.device for tensor in tf.nest.flatten(result))
        return result

    monkeypatch.setattr(verification, "_ask", stop)
    # As on a GPU: the weights are there, and so is all that is not told.
    with tf.device("CPU:1"):
        generator = runs.open_run(toy_run).load_generator()
        call = generator.call
        monkeypatch.setattr(
            generator,
            "call",
            lambda *args, **kwargs: note(call(*args, **kwargs)),
        )
        assert "CPU:1" in generator.variables[0].device
        with pytest.raises(UserError, match="seen enough"):
            verification.verify(None, generator)
    assert len(places) == 6
    assert all(place.endswith("CPU:0") for place in places)


def test_weights_are_prepared_on_the_processor(
    generator, monkeypatch, tmp_path
):
    places = []

    def note(network, **options):
        baked = bake(network, **options)
        places.extend(variable.device for variable in baked.variables)
        raise UserError("seen enough")

    monkeypatch.setattr(saved_model, "bake", note)
    with tf.device("CPU:1"), pytest.raises(UserError, match="seen enough"):
        exporting.export(generator, tmp_path / "exported")
    assert places and all(place.endswith("CPU:0") for place in places)


@pytest.mark.parametrize("visible", [None, "0,1"])
def test_the_proof_s_process_holds_no_gpu(monkeypatch, visible):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    environments = []

    def run(command, env, **options):
        environments.append(env)
        return subprocess.CompletedProcess(command, 1, "", "no more")

    monkeypatch.setattr(verification.subprocess, "run", run)
    with pytest.raises(UserError, match="no more"):
        verification._ask(pathlib.Path("model"), {})
    assert environments == [{**os.environ, "CUDA_VISIBLE_DEVICES": ""}]


def test_a_directory_that_is_no_saved_model_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no saved_model.pb"):
        exporting.ExportedGenerator(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="should be a whole SavedModel"):
        exporting.ExportedGenerator(tmp_path)


def test_another_saved_model_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    with pytest.raises(UserError, match="should have the signatures"):
        exporting.ExportedGenerator(tmp_path)
