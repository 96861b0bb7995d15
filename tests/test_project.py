"""The command that finds the latent of an image, as a user calls it."""

import numpy as np
import pytest
from PIL import Image

from sagan_tf import runs
from sagan_tf.visualization import sheets
from tests.commands import assert_refused, call_each


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def answers(toy_run, toy_weights, place):
    source = runs.open_run(toy_run).source()
    image = source.draw(np.full((1, 4), 0.5, np.float32), np.array([3]))[0]
    sheets.write_png(str(place / "drawn.png"), image)
    (place / "text.png").write_text("no image")
    run, drawn = f"--workdir={toy_run}", f"--image={place}/drawn.png"
    few = ["--steps=20", "--starts=10", "--tries=2"]
    out = f"--output={place}/out.npz"
    calls = {
        "found": [run, drawn, out, *few, f"--film={place}/way.gif"],
        "labelled": [
            *(run, drawn, "--steps=2", "--starts=2", "--labels=heart"),
            f"--output={place}/heart.npz",
        ],
        "pretrained": [
            *("--pretrained=toy", drawn, "--steps=2", "--starts=2"),
            f"--output={place}/pretrained.npz",
        ],
        "both": [run, "--pretrained=toy", drawn, out],
        "no image": [run, f"--image={place}/text.png", out],
        "absent": [run, f"--image={place}/absent.png", out],
        "no npz": [run, drawn, f"--output={place}/x.png"],
        "no film": [run, drawn, out, f"--film={place}/x.avi"],
    }
    found = call_each(
        "sagan_tf.project",
        calls.values(),
        required=("image", "output"),
        weights=toy_weights,
    )
    return dict(zip(calls, found))


def test_it_says_how_near_it_came(answers, place):
    answer = answers["found"]
    assert answer.status == 0, answer.err
    assert answer.out.startswith(f"{place}/out.npz: step ")
    with np.load(place / "out.npz") as file:
        found = dict(file)
    assert found["latents"].shape == (1, 4) and found["labels"].shape == (1,)
    distances = found["pixels"] + found["features"]
    assert len(distances) == 21 and distances.min() < distances[0]
    levels = 127.5 * np.sqrt(found["pixels"][distances.argmin()])
    assert f"pixels {levels:.1f} of 255 levels away" in answer.out


def test_weights_that_come_along_serve_as_well(answers, place):
    assert answers["pretrained"].status == 0, answers["pretrained"].err
    with np.load(place / "pretrained.npz") as file:
        assert file["latents"].shape == (1, 4)
    assert_refused(answers["both"], "Received: --workdir and --pretrained")


def test_what_it_writes_can_be_drawn(answers, place, toy_run):
    with np.load(place / "out.npz") as file:
        latents, labels = file["latents"], file["labels"]
    image = runs.open_run(toy_run).source().draw(latents, labels)[0]
    with (
        Image.open(place / "out.png") as sheet,
        Image.open(place / "way.gif") as film,
    ):
        assert film.format == "GIF" and film.size == (256, 128)
        # The nearest is the last of three, four times as large.
        last = np.asarray(sheet)[-130:-2, -130:-2][::4, ::4]
    np.testing.assert_allclose(last, sheets.to_uint8(image), atol=1)


def test_a_class_can_be_told(answers, place):
    assert answers["labelled"].out.endswith(", heart\n")
    with np.load(place / "heart.npz") as file:
        assert file["labels"].tolist() == [7]


def test_what_cannot_be_done_is_refused_in_one_line(answers):
    assert_refused(answers["no image"], "text.png should be an image")
    assert_refused(answers["absent"], "absent.png: No such file")
    assert_refused(answers["no npz"], "--output should be PATH.npz")
    assert_refused(answers["no film"], "--film should end in .gif, .webp or")
