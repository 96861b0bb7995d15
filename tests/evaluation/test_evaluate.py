"""The command: a run or a folder in, scores with their protocol out."""

import csv
import functools
import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from PIL import Image

from configs import default
from sagan_tf import runs, weights
from sagan_tf.cli import command
from sagan_tf.configuration import builders
from sagan_tf.data import open_dataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import classification_accuracy, tfgan
from sagan_tf.evaluation.features import own_classifier, small_network
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import sheets
from tools import make_pretrained

ROOT = pathlib.Path(__file__).parents[2]
STEPS = (10, 20, 30)


def toy_config():
    config = default.get_config()
    config.model.base_channels = 2
    config.model.discriminator_base_channels = 4
    config.model.latent_dim = 4
    config.model.attention_resolutions = ()
    config.dataset.num_examples = 500
    config.train.num_steps = STEPS[-1]
    return config


def write_run(path, config, steps=STEPS):
    """Writes checkpoints of different weights."""
    workdir = Workdir(path)
    workdir.write_config(json.loads(config.to_json()))
    gan = builders.build_gan(config)
    for step in steps:
        gan.step.assign(step)
        for variable in gan.ema_generator.trainable_variables:
            noise = tf.random.stateless_normal(variable.shape, (step, 0))
            variable.assign_add(0.3 * noise)
        Checkpoints(workdir.checkpoints).save(gan)
    return path


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A run of twins with three checkpoints."""
    return write_run(tmp_path_factory.mktemp("run"), toy_config())


@pytest.fixture
def weights_of_run(finished_run, tmp_path, monkeypatch):
    """Pretrained weights `toy`, that run's last step with another's score."""
    monkeypatch.setattr(weights, "DIRECTORY", tmp_path / "weights")
    path = weights.DIRECTORY / "toy"
    make_pretrained.make(runs.open_run(finished_run), path, "Twins", "CC0-1.0")
    (path / "scores.csv").write_text("step,weights,card\n")
    return path


@pytest.fixture
def run(finished_run, tmp_path):
    shutil.copytree(finished_run, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(scope="module")
def program():
    """The command with flags of its own: mains share names of flags."""
    values = flags.FlagValues()
    spec = importlib.util.find_spec("sagan_tf.evaluate")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flags, "FLAGS", values)
        for kind in ("string", "integer", "float", "bool", "enum"):
            define = getattr(flags, f"DEFINE_{kind}")
            patch.setattr(
                flags,
                f"DEFINE_{kind}",
                functools.partial(define, flag_values=values),
            )
        spec.loader.exec_module(module)
    return module, values


@pytest.fixture
def call(program, cache, capsys):
    """Calls the command as a user does; returns what it prints."""
    module, values = program

    def call_with(**given):
        for name in values:
            values[name].unparse()
        arguments = [f"--{name}={value}" for name, value in given.items()]
        command.parse_flags(
            ["evaluate", f"--cache_dir={cache}", *arguments], (), values
        )
        module.main(["evaluate"])
        return capsys.readouterr().out

    return call_with


def test_run_without_classes_has_no_accuracy(tmp_path, call):
    config = toy_config()
    config.dataset.num_classes = 0
    write_run(tmp_path, config, STEPS[:1])
    text = call(workdir=tmp_path, **SMALL)
    (row,) = table_of(tmp_path)
    assert json.loads(row["card"])["data"] == "twins 32x32, no classes"
    assert "fid80_twins" in text and "real_accuracy" not in row
    for name in ("accuracy", "intra_fid", "class_variety"):
        assert name not in text and f"{name}80_twins-classifier" not in row


SMALL = {"num_images": 80, "num_real": 400}


def test_pretrained_weights_are_scored_and_left_alone(
    weights_of_run, run, call
):
    before = {
        path: path.stat().st_mtime_ns for path in weights_of_run.rglob("*")
    }
    text = call(pretrained="toy", **SMALL)
    assert {
        path: path.stat().st_mtime_ns for path in weights_of_run.rglob("*")
    } == before
    # As those of the run, but for what half precision does.
    call(workdir=run, **SMALL)
    (row,) = table_of(run)
    (line,) = [x for x in text.splitlines() if "tfgan_fid80_twins" in x]
    expected = float(row["tfgan_fid80_twins-classifier"])
    assert float(line.split()[-1]) == pytest.approx(expected, rel=0.02)
    for name in ("watch", "checkpoint"):
        with pytest.raises(UserError, match=f"--{name} is for --workdir"):
            call(pretrained="toy", **{name: "true"})
    with pytest.raises(UserError, match="--workdir and --pretrained"):
        call(pretrained="toy", workdir=run)


def table_of(run):
    with (run / "scores.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_latest_checkpoint_is_scored(run, call):
    text = call(workdir=run, **SMALL)
    (row,) = table_of(run)
    assert row["step"] == "30" and row["weights"] == "ema"
    assert float(row["fid80_twins-classifier"]) > float(row["halves_fid"])
    assert 0 <= float(row["coherence80"]) <= 1
    assert float(row["real_accuracy"]) > 0.99
    card = json.loads(row["card"])
    assert card["num_real"] == 400 and card["num_generated"] == 80
    assert card["data"] == "twins 32x32, 10 classes"
    assert "fid80_twins-classifier" in text and "step 30" in text
    for name in ("fid80_twins-classifier", "is80_twins-classifier"):
        theirs = float(row[f"tfgan_{name}"])
        assert theirs == pytest.approx(float(row[name]), rel=1e-4)
        assert f"tfgan_{name}" in text
    assert (run / "scores.png").stat().st_size > 1000
    assert (run / "best" / "step_00000030" / "manifest.json").exists()


def test_all_are_scored_once_and_the_best_is_kept(run, call):
    text = call(workdir=run, checkpoint="all", **SMALL)
    assert text.splitlines()[0].split()[-1] == "real"
    rows = table_of(run)
    assert [row["step"] for row in rows] == ["10", "20", "30"]
    before = (run / "scores.csv").stat().st_mtime_ns
    assert call(workdir=run, checkpoint="all", **SMALL) == text
    assert (run / "scores.csv").stat().st_mtime_ns == before
    (best,) = (run / "best").glob("step_*")
    step = int(best.name[len("step_") :])
    assert f"step {step} " in call(workdir=run, checkpoint="best", **SMALL)
    # Training has removed it since, and still it can be scored anew.
    shutil.rmtree(run / "checkpoints" / best.name)
    for number, checkpoint in enumerate(("best", step, "all")):
        given = {"checkpoint": checkpoint, "truncation": 1.0, "seed": number}
        assert f"step {step} " in call(workdir=run, **given, **SMALL)
    (run / "scores.csv").unlink()
    shutil.rmtree(run / "best")
    with pytest.raises(UserError, match="--checkpoint=all first"):
        call(workdir=run, checkpoint="best", **SMALL)


def scores_of(run):
    row = table_of(run)[-1]
    del row["card"]
    return {name: float(row[name]) for name in row if name != "weights"}


def test_batch_size_does_not_matter(run, call):
    call(workdir=run, batch_size=80, **SMALL)
    expected = scores_of(run)
    (run / "scores.csv").unlink()
    call(workdir=run, batch_size=17, **SMALL)
    assert scores_of(run) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_protocol_changes_the_row(run, call):
    call(workdir=run, checkpoint=20, truncation=0.5, **SMALL)
    call(workdir=run, checkpoint=20, ema=False, **SMALL)
    call(workdir=run, checkpoint=20, seed=1, **SMALL)
    rows = table_of(run)
    assert len(rows) == 3
    names = ["", "_truncation0.5", "_raw"]
    names = [f"fid80_twins-classifier{ending}" for ending in names]
    scores = [row[name] for row in rows for name in names if row[name]]
    assert len(scores) == len(set(scores)) == 3
    assert [row["weights"] for row in rows].count("generator") == 1


def test_watch_scores_what_comes_and_ends_with_training(run, call):
    later = run / "checkpoints" / "step_00000030"
    aside = run / "aside"
    later.rename(aside)

    def come():
        while not (run / "scores.csv").exists():
            time.sleep(0.05)
        aside.rename(later)

    thread = threading.Thread(target=come)
    thread.start()
    text = call(workdir=run, watch=True, watch_seconds=0.05, **SMALL)
    thread.join()
    assert [row["step"] for row in table_of(run)] == ["10", "20", "30"]
    assert text.splitlines()[0].count("step") == 3


def test_statistics_of_another_protocol_are_refused(run, call, tmp_path):
    file = tmp_path / "real.npz"
    call(workdir=run, real_statistics=file, **SMALL)
    with pytest.raises(UserError) as caught:
        call(workdir=run, real_statistics=file, num_images=80, num_real=500)
    assert "num_real: expected 500, received 400" in str(caught.value)
    with pytest.raises(UserError, match="split: expected 'test'"):
        call(workdir=run, real_statistics=file, split="test", **SMALL)


def test_scores_that_tfgan_denies_are_not_written(run, call, monkeypatch):
    monkeypatch.setattr(tfgan, "frechet_distance", lambda *_: 1.0)
    with pytest.raises(UserError, match="and 1 from TF-GAN") as caught:
        call(workdir=run, **SMALL)
    assert "\n" not in str(caught.value)
    assert not (run / "scores.csv").exists()
    assert "tfgan_" not in call(workdir=run, tfgan_check=False, **SMALL)
    assert not [name for name in table_of(run)[0] if "tfgan_" in name]


@pytest.mark.parametrize(
    "given, message",
    [
        ({"checkpoint": 25}, r"\[10, 20, 30\]. Received: step 25"),
        ({"checkpoint": "last"}, "should be latest, best, all or a step"),
        ({"num_images": 64, "num_real": 400}, "needs more than 64 images"),
        ({"num_images": 80, "num_real": 7}, "8 real and 4 generated"),
        ({"real_dir": "x"}, "give --workdir=DIR, --pretrained"),
        ({"inception_path": "absent"}, "no saved_model.pb"),
        ({"real_statistics": "x.json", **SMALL}, "should be a file NAME.npz"),
        ({"num_images": 80, "num_real": 501}, "--num_real should be at most"),
        ({"metric": "intra_fid", **SMALL}, "needs --num_images=650 or more"),
        ({"resize": "clean", **SMALL}, "--resize should be left out"),
        ({"on_unreadable": "skip"}, "is for --real_dir and --fake_dir"),
        ({"image_size": 8}, "--image_size is for --real_dir"),
        ({"save_images": ROOT, **SMALL}, "--save_images should be a new"),
        ({"neighbours": "a.jpg", **SMALL}, "should be a file NAME.png"),
    ],
)
def test_bad_requests_are_one_line(run, call, given, message):
    with pytest.raises(UserError, match=message) as caught:
        call(workdir=run, **given)
    assert "\n" not in str(caught.value)
    assert not (run / "scores.csv").exists()


def test_an_own_classifier_scores_by_its_name(run, call, monkeypatch, tmp_path):
    monkeypatch.setattr(own_classifier, "_STEPS", 120)
    monkeypatch.setattr(own_classifier, "_LEAST_ACCURACY", 0.4)
    given = {"cache_dir": tmp_path, "features": "own"}
    call(workdir=run, **given, **SMALL)
    (file,) = tmp_path.glob("own-*.npz")
    (row,) = table_of(run)
    assert float(row[f"fid80_{file.stem}"]) > float(row["halves_fid"])
    assert f"accuracy80_{file.stem}" in row
    # It never learns what is scored against.
    text = call(workdir=run, split="test", **given, **SMALL, force=True)
    assert f"fid80_test_{file.stem}" in text
    assert list(tmp_path.glob("own-*.npz")) == [file]
    # Another run may be scored through it, by its name.
    (run / "scores.csv").unlink()
    given["features"] = file.stem
    text = call(workdir=run, **given, **SMALL)
    assert f"fid80_{file.stem}" in text and "accuracy80" in text
    monkeypatch.setattr(own_classifier, "_STEPS", 1)
    file.rename(tmp_path / "own-0.npz")
    with pytest.raises(UserError, match="a classifier in .*: own-0. Received"):
        call(workdir=run, **given, **SMALL)
    given["features"] = "own"
    with pytest.raises(UserError, match=r"should recognise 40%.* of \d+; more"):
        call(workdir=run, **given, **SMALL)


def test_classifiers_are_trained_if_asked_for(run, call, monkeypatch, tmp_path):
    monkeypatch.setattr(classification_accuracy, "_STEPS", 30)
    call(workdir=run, **SMALL)
    text = call(workdir=run, cas=True, **SMALL)
    (row,) = table_of(run)
    (line,) = (line for line in text.splitlines() if line.startswith("cas80"))
    ours, real = map(float, line.split()[1:])
    assert (ours, real) == (float(row["cas80"]), float(row["real_cas"]))
    assert 0 <= ours <= 1 and 0 <= float(row["cas_reverse80"]) <= 1
    held_out = "40 of train, which the generator was trained on"
    assert json.loads(row["card"])["cas_test"] == held_out
    # Scored anew for its images, it keeps what took so long.
    call(workdir=run, save_images=tmp_path / "images", **SMALL)
    assert table_of(run) == [row]
    monkeypatch.setattr(small_network, "train", None)
    assert call(workdir=run, metric="cas", **SMALL) == text


def test_classifiers_are_tested_by_the_split_that_is_scored(
    run, call, monkeypatch
):
    monkeypatch.setattr(classification_accuracy, "_STEPS", 30)
    call(workdir=run, cas=True, split="test", **SMALL)
    (row,) = table_of(run)
    assert json.loads(row["card"])["cas_test"] == "400 of test"
    assert {"cas80_test", "cas_reverse80_test"} <= row.keys()


def test_directories_that_are_no_run_are_refused(tmp_path, call, run):
    with pytest.raises(UserError, match="there is no config.json"):
        call(workdir=tmp_path / "absent")
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(
        UserError, match="should have a checkpoint. Received: none"
    ):
        call(workdir=run)
    with pytest.raises(UserError, match="give --workdir=DIR, --pretrained"):
        call()
    with pytest.raises(UserError, match="give --workdir=DIR, --pretrained"):
        call(fake_dir=tmp_path)
    for flag in ("seed", "checkpoint", "truncation"):
        with pytest.raises(UserError, match=f"--{flag} is for --workdir"):
            call(fake_dir=tmp_path, real_dir=tmp_path, **{flag: 1})


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Real images, and likewise ones of another size and ones of noise."""
    root = tmp_path_factory.mktemp("folders")
    random = np.random.default_rng(0)
    for name, size, split in (("real", 40, "train"), ("fake", 32, "test")):
        data = open_dataset(
            "twins", image_size=size, split=split, num_examples=90
        )
        images, _ = next(iter(data.ordered_batches(90)))
        for index, image in enumerate(images.numpy()):
            sheets.write_png(f"{root}/{name}/{index}.png", image)
            noise = random.uniform(-1, 1, (32, 32, 3))
            sheets.write_png(f"{root}/noise/{index}.png", noise)
    return root


def score_in(text, name):
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    return float(line.split()[1])


def scores_of_text(text):
    words = [line.split() for line in text.splitlines()[1:-1]]
    return {name: float(score) for name, score, *_ in words}


def test_folder_against_folder(folders, call, caplog, tmp_path):
    given = {
        "real_dir": folders / "real",
        "features": "twins-classifier",
        "force": True,
    }
    same = call(fake_dir=folders / "fake", **given)
    assert "knows nothing of these images (folder)" in caplog.text
    assert "--real_dir has 40x40 100%, --fake_dir has 32x32" in caplog.text
    noise = call(fake_dir=folders / "noise", **given)
    name = "fid90_folder_foreign-twins-classifier"
    assert 0 < score_in(same, name) < score_in(noise, name) / 5
    saved = {
        "save_images": tmp_path / "fake.npz",
        "save_statistics": tmp_path / "statistics.npz",
    }
    fewer = call(fake_dir=folders / "fake", num_images=70, **given, **saved)
    assert "fid70_folder_foreign-twins-classifier" in fewer
    assert "folder " in same and "own sizes" in same
    # The very images again, and the FID from their mean and covariance.
    again = call(fake_dir=tmp_path / "fake.npz", **given)
    assert scores_of_text(again) == scores_of_text(fewer)
    given["real_dir"], given["features"] = "", "twins"
    given["real_statistics"] = tmp_path / "statistics.npz"
    text = call(fake_dir=folders / "real", **given)
    backwards = "fid90_statistics_foreign-twins-classifier"
    assert "protocol unknown" in text and "precision" not in text
    assert score_in(text, backwards) > 0
    zero = call(fake_dir=tmp_path / "fake.npz", **given)
    name = "fid70_statistics_foreign-twins-classifier"
    assert score_in(zero, name) == pytest.approx(0, abs=1e-5)


def test_real_and_generated_images_have_a_bar(
    run, folders, call, tmp_path, bars
):
    kept = tmp_path / "real.npz"
    for _ in range(2):
        call(workdir=run, real_statistics=kept, **SMALL)
    # What is kept takes no time, nor does a step that is scored.
    expected = [("real", 0, 400, 400), ("step 30", 0, 80, 80)]
    assert bars() == expected
    call(
        real_dir=folders / "real",
        fake_dir=folders / "fake",
        features="twins",
        real_statistics=tmp_path / "folder.npz",
        force=True,
    )
    assert bars()[2:] == [("real", 0, 90, 90), ("fake", 0, 90, 90)]


@pytest.fixture
def numbers(program, call, monkeypatch):
    """Calls the command; returns its scores to the last digit."""
    found = []
    monkeypatch.setattr(
        program[0], "format_scores", lambda rows: found.extend(rows) or ""
    )

    def call_with(**given):
        call(**given)
        return found[-1].values

    return call_with


def test_saved_images_of_a_run_give_its_scores(run, numbers, tmp_path):
    kept = tmp_path / "real.npz"
    saved = {"save_images": tmp_path / "images", "real_statistics": kept}
    first = numbers(workdir=run, **SMALL)
    outputs = {
        "save_features": tmp_path / "f.npz",
        "neighbours": tmp_path / "deep" / "sheet.png",
    }
    assert numbers(workdir=run, **outputs, **saved, **SMALL) == first
    assert (tmp_path / "deep" / "sheet.png").stat().st_size > 1000
    (row,) = table_of(run)
    assert json.loads(row["card"])["pixels"] == "bytes"
    files = {"features": "twins", "force": True, "real_statistics": kept}
    again = numbers(fake_dir=tmp_path / "images", **files)
    # Files have neither classes nor halves.
    assert len(again) > 12
    assert again == {name: first[name] for name in again}
    with np.load(tmp_path / "f.npz") as file:
        assert file["features"].shape == (80, 64)
        np.testing.assert_array_equal(file["labels"], np.arange(80) % 10)
    with pytest.raises(UserError, match="take one checkpoint"):
        numbers(workdir=run, checkpoint="all", **saved, **SMALL)
    with pytest.raises(UserError, match="--neighbours should be left out"):
        numbers(
            fake_dir=tmp_path / "images", neighbours=tmp_path / "n.png", **files
        )


def packed(folder, name):
    """Returns the images of a folder as an archive or an array."""
    if name == "folder":
        return folder
    path = folder.with_name(f"{folder.name}.{name}")
    files = sorted(folder.glob("*.png"))
    if name == "npz":
        np.savez(
            path, arr_0=np.stack([np.asarray(Image.open(f)) for f in files])
        )
    else:
        shutil.make_archive(str(path.with_suffix("")), name, folder)
    return path


def test_layouts_score_the_same_to_the_last_digit(folders, numbers, tmp_path):
    given = {"features": "twins", "force": True}
    kept = tmp_path / "kept.npz"
    files = {
        name: {
            f"{kind}_dir": packed(folders / kind, name)
            for kind in ("real", "fake")
        }
        for name in ("folder", "zip", "tar", "npz")
    }
    expected = numbers(real_statistics=kept, **files["folder"], **given)
    assert len(expected) > 18
    sheet = {"neighbours": tmp_path / "sheet.png"}
    for name in ("zip", "tar", "npz"):
        assert numbers(**files[name], **given, **sheet) == expected
    fake = {"fake_dir": folders / "fake", **given}
    assert numbers(real_statistics=kept, **fake) == expected
    moments = tmp_path / "moments.npz"
    real = {"real_dir": folders / "real", **given}
    numbers(fake_dir=folders / "real", save_statistics=moments, **real)
    found = numbers(real_statistics=moments, **fake)
    name = "fid90_{}_foreign-twins-classifier"
    assert found[name.format("statistics")] == pytest.approx(
        expected[name.format("folder")], rel=1e-9
    )


def test_folders_through_inception(folders, call, inception_path):
    given = {
        "real_dir": folders / "real",
        "fake_dir": folders / "fake",
        "inception_path": inception_path,
        "num_images": 4,
        "image_size": 24,
        "force": True,
        # Of 2048 features it takes TF-GAN 12 seconds and more.
        "tfgan_check": False,
    }
    small = folders / "small"
    small.mkdir(exist_ok=True)
    for index in range(8):
        shutil.copy(folders / "real" / f"{index}.png", small)
    text = call(**{**given, "real_dir": small})
    assert "fid4_folder " in text and "is4 " in text
    assert "cut to 24x24" in text
    clean = call(resize="clean", **{**given, "real_dir": small})
    assert "cleanfid4_folder " in clean and "cleanis4 " in clean


@pytest.mark.parametrize("bad", ["empty", "text", "absent"])
def test_bad_folders_are_one_line(folders, call, tmp_path, bad):
    path = tmp_path / bad
    if bad != "absent":
        path.mkdir()
    if bad == "text":
        for number in range(9):
            (path / f"{number}.png").write_text("no image")
    for given in (
        {"real_dir": folders / "real", "fake_dir": path},
        {"real_dir": path, "fake_dir": folders / "fake"},
    ):
        with pytest.raises(UserError) as caught:
            call(features="twins", force=True, **given)
        assert "\n" not in str(caught.value) and bad in str(caught.value)


def test_process_reports_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sagan_tf.evaluate", f"--workdir={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("sagan_tf.evaluate: error: --workdir")
    assert done.stderr.count("\n") == 1
