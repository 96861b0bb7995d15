"""The command that draws attention, as a user calls it."""

import numpy as np
import pytest
from PIL import Image

from sagan_tf import attention, runs
from sagan_tf.visualization import attention_capture, attention_maps
from tests.commands import assert_refused, call_each


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("attention")


@pytest.fixture(scope="module")
def answers(toy_run, unconditional_run, toy_weights, place):
    run = f"--workdir={toy_run}"
    png = f"--output={place}/refused.png"
    small = ["--num_images=2", "--num_points=3", "--side=48"]
    calls = {
        "generator": [run, *small, f"--output={place}/generator.png"],
        "points": [
            *(run, *small, "--points=0:0,31:31", "--labels=7"),
            f"--output={place}/points.png",
        ],
        "discriminator": [
            *(run, *small, "--network=discriminator", "--labels=2"),
            f"--output={place}/discriminator.png",
        ],
        "none": [f"--workdir={unconditional_run}", png],
        "directory": [run, f"--output={place}"],
        "bad point": [run, png, "--points=40:2"],
        "bad label": [run, png, "--labels=99"],
        "bad truncation": [run, png, "--truncation=-2"],
        "too many": [run, png, "--num_points=9"],
        "network": [run, png, "--network=critic"],
        "too few": [
            *(run, png, "--network=discriminator"),
            *("--num_images=20", "--labels=0"),
        ],
        "missing": [f"--workdir={place}/none", png],
        "neither": [png],
        "pretrained": [
            *("--pretrained=toy", *small, "--network=discriminator"),
            *("--labels=2", f"--output={place}/pretrained.png"),
        ],
    }
    found = call_each("sagan_tf.attention", calls.values(), weights=toy_weights)
    return dict(zip(calls, found))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", ("attention layer", "none")),
        ("directory", ("--output", "PATH.png")),
        ("bad point", ("--points", "40:2")),
        ("bad label", ("--labels", "99")),
        ("bad truncation", ("--truncation", "-2")),
        ("too many", ("--num_points", "9")),
        ("network", ("--network", "critic")),
        ("too few", ("class 0", "--num_images")),
        ("missing", ("--workdir", "no directory")),
        ("neither", ("one of --workdir and --pretrained", "none")),
    ],
)
def test_bad_input_is_refused_in_one_line(answers, name, words, place):
    assert_refused(answers[name], *words)
    assert not list(place.glob("refused*"))


@pytest.mark.parametrize(
    "name", ["generator", "points", "discriminator", "pretrained"]
)
def test_a_page_and_its_maps_are_written(answers, name, place):
    assert answers[name].status == 0, answers[name].err
    with Image.open(place / f"{name}.png") as page:
        assert page.width > 4 * 48
    arrays = np.load(place / f"{name}.npz")
    assert arrays["images"].shape == (2, 32, 32, 3)
    for size in (8, 16):
        scores = arrays[f"attention_{size}"]
        assert scores.shape == (2, size**2, size**2 // 4)
        np.testing.assert_allclose(scores.sum(-1), 1.0, atol=1e-5)
        np.testing.assert_allclose(
            arrays[f"distances_{size}"], attention_maps.mean_distances(scores)
        )


def test_the_report_says_how_far_each_layer_looks(answers, place):
    arrays = np.load(place / "generator.npz")
    for size in (8, 16):
        mean = arrays[f"distances_{size}"].mean()
        words = f"{size}x{size}: mean distance {mean:.3f} sides"
        assert words in answers["generator"].out
    assert "gate +0.7" in answers["generator"].out


def test_uniform_attention_is_said_with_its_gate():
    def seen(scores):
        return attention_capture.CapturedAttention(
            np.zeros((1, 8, 8, 3)), np.zeros(1), {4: scores}, {4: -0.0041}
        )

    uniform = np.full((1, 16, 4), 0.25)
    (line,) = attention._uniform_layers(seen(uniform))
    assert "4x4 maps (gate -0.0041) 100% of the points" in line
    one_key = np.broadcast_to(np.eye(4)[1], (1, 16, 4))
    assert attention._uniform_layers(seen(one_key)) == []


def test_chosen_points_become_the_queries_under_them(answers, place):
    arrays = np.load(place / "points.npz")
    np.testing.assert_array_equal(arrays["queries_8"], [[0, 63]] * 2)
    np.testing.assert_array_equal(arrays["queries_16"], [[0, 255]] * 2)
    np.testing.assert_array_equal(arrays["labels"], [7, 7])


def test_the_discriminator_sees_real_images_of_the_class(
    answers, place, toy_run
):
    images = np.load(place / "discriminator.npz")["images"]
    dataset = runs.open_run(toy_run).open_dataset()
    real, labels = next(iter(dataset.ordered_batches(60)))
    real = np.rint((real.numpy() + 1.0) * 127.5)
    for image in images:
        (same,) = np.flatnonzero((real == image).all((1, 2, 3)))
        assert labels[same] == 2


def test_what_is_captured_is_what_the_networks_return(toy_run):
    run = runs.open_run(toy_run)
    labels = np.array([0, 1], np.int32)
    generator = run.load_generator()
    seen = attention_capture.capture_from_generator(
        generator, np.array([4, 5]), labels
    )
    again = attention_capture.capture_from_discriminator(
        run.load_discriminator(), seen.images, labels
    )
    assert seen.gates == again.gates == pytest.approx({8: 0.7, 16: 0.7})
    _, scores = run.load_discriminator()(
        [seen.images, labels], return_attention_scores=True
    )
    np.testing.assert_allclose(again.scores[8], scores[8], atol=1e-6)
    assert np.abs(seen.scores[8] - again.scores[8]).max() > 1e-4
