"""The command that draws images, as a user calls it."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sagan_tf import exporting, runs
from sagan_tf.gan.latents import draw_each
from sagan_tf.visualization import sheets
from tests.commands import assert_refused, call_each


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("sample")


@pytest.fixture(scope="module")
def saved_model(toy_run, place):
    path = place / "saved_model"
    exporting.export(runs.open_run(toy_run).load_generator(), path)
    return path


@pytest.fixture(scope="module")
def calls(toy_run, unconditional_run, saved_model, place):
    """What each call is given, by a name for it."""
    (place / "taken").mkdir()
    (place / "taken" / "mine").write_text("kept")
    (place / "empty").mkdir()
    np.savez(place / "wide.npz", latents=np.zeros((2, 5)))
    for step, side in ((1, 40), (2, 50)):
        sheet = np.full((side, side, 3), step, np.uint8)
        sheets.write_png(f"{place}/drawn/samples/step_0000000{step}.png", sheet)
    tf.saved_model.save(tf.Module(), str(place / "other"))
    shutil.copytree(saved_model, place / "cardless")
    (place / "cardless" / "assets.extra" / "model_card.json").unlink()
    run, free = f"--workdir={toy_run}", f"--workdir={unconditional_run}"
    exported = f"--saved_model={saved_model}"
    png = f"--output={place}/refused.png"
    few = "--num_images=4"
    return {
        "sheet": [run, f"--output={place}/sheet.png"],
        "upper": [run, few, f"--output={place}/UPPER.PNG"],
        "files": [run, few, "--labels=3,1", f"--output={place}/files"],
        "again": [run, few, "--labels=3,1", f"--output={place}/again"],
        "saved": [exported, few, "--labels=3,1", f"--output={place}/saved"],
        "seed": [run, few, "--labels=3,1", "--seed=9", f"--output={place}/9"],
        "free": [free, few, f"--output={place}/free"],
        "latents": [run, "--show=latents", f"--output={place}/latents.png"],
        "linear": [
            *(run, "--show=latents", "--way=linear", "--num_images=20"),
            f"--output={place}/linear.png",
        ],
        "classes": [run, "--show=classes", f"--output={place}/classes.png"],
        "sweep": [run, "--show=truncation", f"--output={place}/sweep.png"],
        "film": [
            *(run, "--show=film", "--labels=3,1", "--num_images=8"),
            *("--scale=1", f"--output={place}/film.gif"),
            f"--save_latents={place}/film.npz",
        ],
        "read": [
            *(run, f"--latents={place}/film.npz"),
            f"--output={place}/read.png",
        ],
        "training": [
            *(f"--workdir={place}/drawn", "--show=training"),
            f"--output={place}/training.webp",
        ],
        "narrow": [
            *(f"--workdir={place}/drawn", "--show=training", "--width=20"),
            f"--output={place}/narrow.gif",
        ],
        "no training": [run, png, "--width=20"],
        "no sheets": [run, "--show=training", f"--output={place}/none.gif"],
        "unused": [
            *(f"--workdir={place}/drawn", "--show=training", "--scale=2"),
            f"--output={place}/none.gif",
        ],
        "film ending": [run, png, "--show=film"],
        "odd film": [
            *(run, "--show=film", "--num_images=7", "--labels=1,2"),
            f"--output={place}/none.gif",
        ],
        "mixed film": [exported, "--show=film", f"--output={place}/none.gif"],
        "no latents": [run, png, f"--latents={place}/none.npz"],
        "other latents": [free, png, f"--latents={place}/wide.npz"],
        "seeded": [run, png, f"--latents={place}/film.npz", "--seed=3"],
        "shares": [exported, png, f"--latents={place}/film.npz"],
        "bad label": [run, png, "--labels=0,10"],
        "bad word": [run, png, "--labels=blob"],
        "free label": [free, png, "--labels=0"],
        "bad truncation": [run, png, "--truncation=-1"],
        "nan": [run, png, "--truncation=nan"],
        "bad seed": [run, png, "--seed=-1"],
        "no images": [run, png, "--num_images=0"],
        "ragged": [run, png, "--show=latents", "--num_images=15"],
        "long sweep": [run, png, "--show=truncation", "--num_images=70"],
        "one class": [run, png, "--show=classes", "--labels=1"],
        "whole": [exported, png, "--show=classes"],
        "both": [run, exported, png],
        "pretrained": [
            *("--pretrained=toy", few, "--labels=3,1"),
            f"--output={place}/pretrained",
        ],
        "no weights": ["--pretrained=boy", png],
        "two runs": [run, "--pretrained=toy", png],
        "raw": ["--pretrained=toy", "--noema", png],
        "neither": [png],
        "missing": [f"--workdir={place}/none", png],
        "no run": [f"--workdir={place}/empty", png],
        "no model": [f"--saved_model={place}/empty", png],
        "other": [f"--saved_model={place}/other", png],
        "cardless": [f"--saved_model={place}/cardless", png],
        "saved label": [exported, png, "--labels=10"],
        "step": [run, png, "--checkpoint=7"],
        "taken": [run, few, f"--output={place}/taken"],
        "jpeg": [run, few, f"--output={place}/x.jpg"],
        "no output": [run],
    }


@pytest.fixture(scope="module")
def answers(calls, toy_weights):
    found = call_each("sagan_tf.sample", calls.values(), weights=toy_weights)
    return dict(zip(calls, found))


REFUSALS = {
    "no sheets": ("--workdir", "sheets", "none"),
    "unused": ("--scale", "--show=training"),
    "no training": ("--width", "--show=samples"),
    "film ending": ("--output", ".gif", "--show=film"),
    "odd film": ("--num_images", "2 stops", "7"),
    "mixed film": ("--workdir", "whole classes"),
    "no latents": ("--latents", "none.npz"),
    "other latents": ("--latents", "(images, 4)", "(2, 5)"),
    "seeded": ("--seed", "--latents"),
    "shares": ("--latents", "whole classes"),
    "bad label": ("--labels", "0 to 9", "'10'"),
    "bad word": ("--labels", "'blob'"),
    "free label": ("--labels", "no classes"),
    "bad truncation": ("--truncation", "-1"),
    "nan": ("--truncation", "nan"),
    "bad seed": ("--seed", "-1"),
    "no images": ("--num_images", "0"),
    "ragged": ("--num_images", "multiple", "15"),
    "long sweep": ("--num_images", "at most 60"),
    "one class": ("--labels", "two"),
    "whole": ("--workdir", "whole classes"),
    "both": ("one of --workdir", "--workdir and --saved_model"),
    "neither": ("one of --workdir", "Received: none"),
    "no weights": ("weights should be toy", "'boy'", "did you mean toy?"),
    "two runs": ("one of --workdir", "--workdir and --pretrained"),
    "raw": ("holds discriminator and ema_generator, no generator",),
    "missing": ("--workdir", "no directory"),
    "no run": ("config.json",),
    "no model": ("--saved_model", "saved_model.pb"),
    "other": ("signatures", "none"),
    "cardless": ("model_card.json", "num_classes"),
    "saved label": ("--labels", "0 to 9", "'10'"),
    "step": ("--checkpoint", "[3]", "7"),
    "taken": ("--output", "taken"),
    "jpeg": ("--output", ".png"),
    "no output": ("--output is required",),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_in_one_line(answers, name, place):
    assert_refused(answers[name], *REFUSALS[name])
    assert not (place / "refused.png").exists()
    assert (place / "taken" / "mine").read_text() == "kept"


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("sheet", 100),
        ("latents", 60),
        ("linear", 20),
        ("classes", 60),
        ("sweep", 60),
    ],
)
def test_sheets_are_written(answers, name, count, place):
    assert answers[name].status == 0, answers[name].err
    assert f"{count} images" in answers[name].out
    with Image.open(place / f"{name}.png") as sheet:
        # Ten images of twice 32 pixels in each row.
        assert sheet.width >= 10 * 66
        assert sheet.height == count // 10 * 66 + 2 + sheets.TITLE_HEIGHT


def test_a_film_goes_through_latents_and_classes(answers, place):
    assert answers["film"].status == 0, answers["film"].err
    with Image.open(place / "film.gif") as film:
        assert (film.n_frames, film.size) == (8, (32, 32))
        assert film.info["loop"] == 0


def test_saved_latents_are_drawn_again(answers, place, toy_run):
    assert answers["read"].status == 0, answers["read"].err
    with np.load(place / "film.npz") as saved:
        latents, labels = saved["latents"], saved["labels"]
    assert latents.shape == (8, 4) and labels.shape == (8, 10)
    live = runs.open_run(toy_run).load_generator()(
        [latents, labels], training=False
    )
    first = np.asarray(Image.open(place / "read.png").convert("RGB"))
    # Below the title, in its frame of two pixels, twice as large.
    top = sheets.TITLE_HEIGHT + 2
    image = first[top : top + 64 : 2, 2:66:2].astype(int)
    assert np.abs(image - sheets.to_uint8(live)[0]).max() <= 1


def test_the_sheets_of_a_training_become_a_film(answers, place):
    assert answers["training"].status == 0, answers["training"].err
    assert "2 sheets" in answers["training"].out
    with Image.open(place / "training.webp") as film:
        assert (film.n_frames, film.size) == (2, (50, 50))
    assert answers["narrow"].status == 0, answers["narrow"].err
    with Image.open(place / "narrow.gif") as film:
        assert (film.n_frames, film.size) == (2, (20, 20))


def test_endings_count_whatever_their_case(answers, place):
    assert answers["upper"].status == 0, answers["upper"].err
    with Image.open(place / "UPPER.PNG") as sheet:
        assert sheet.format == "PNG"


def read(directory):
    paths = sorted(directory.iterdir())
    return [p.name for p in paths], np.stack([Image.open(p) for p in paths])


def test_single_files_are_the_generator_s_class_by_class(
    answers, place, toy_run
):
    assert answers["files"].status == 0, answers["files"].err
    run = runs.open_run(toy_run)
    names, images = read(place / "files")
    classes = [run.class_names()[label] for label in (3, 3, 1, 1)]
    expected = [f"{i:06d}_{name}.png" for i, name in enumerate(classes)]
    assert names == expected
    live = run.load_generator()(
        [draw_each(range(4), 4), np.array([3, 3, 1, 1])], training=False
    )
    difference = images.astype(int) - sheets.to_uint8(live)
    assert np.abs(difference).max() <= 1


def test_the_seed_decides(answers, place):
    _, first = read(place / "files")
    np.testing.assert_array_equal(first, read(place / "again")[1])
    assert (first != read(place / "9")[1]).any()


def test_a_saved_model_draws_what_the_run_draws(answers, place):
    assert answers["saved"].status == 0, answers["saved"].err
    first, second = read(place / "files")[1], read(place / "saved")[1]
    assert np.abs(first.astype(int) - second).max() <= 1


def test_pretrained_weights_draw_what_their_run_draws(answers, place):
    assert answers["pretrained"].status == 0, answers["pretrained"].err
    (names, first), (others, second) = (
        read(place / name) for name in ("files", "pretrained")
    )
    assert names == others
    # Kernels of half precision are a part in 2,000 off.
    assert np.abs(first.astype(int) - second).max() <= 2


def test_images_without_classes_have_numbers_for_names(answers, place):
    assert answers["free"].status == 0, answers["free"].err
    names, _ = read(place / "free")
    assert names == [f"{i:06d}.png" for i in range(4)]
