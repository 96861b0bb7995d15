"""The playground without its page: what it draws, shows, and refuses.

tests_extras/test_playground_page.py has the page, in a browser.
"""

import asyncio
import importlib
import io
import json
import shutil
import socket
import sys
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tools.playground
from sagan_tf import exporting, runs
from sagan_tf.errors import UserError
from sagan_tf.exporting import saved_model, verification
from sagan_tf.gan.latents import draw_each
from tests.commands import assert_refused, call_each
from tools.playground import choice, readiness, views
from tools.playground.latest import Latest
from tools.playground.playground_model import PlaygroundModel
from tools.playground.samples import Samples


def export(run, path):
    """Writes a SavedModel without its proof, which has a test of its own."""
    with pytest.MonkeyPatch.context() as patch:
        proof = verification.Proof("float32", 0.0, 0.0, 1.0, 1)
        patch.setattr(saved_model, "verify", lambda *_: proof)
        exporting.export(runs.open_run(run).load_generator(), path)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("playground")


@pytest.fixture(scope="module")
def path(toy_run, place):
    return export(toy_run, place / "models" / "1")


@pytest.fixture(scope="module")
def generator(path):
    return exporting.ExportedGenerator(path)


@pytest.fixture(scope="module")
def model(generator):
    model = PlaygroundModel(generator)
    model.warm_up()
    return model


@pytest.fixture(scope="module")
def unconditional(unconditional_run, place):
    path = export(unconditional_run, place / "unconditional")
    model = PlaygroundModel(exporting.ExportedGenerator(path))
    model.warm_up()
    return model


def test_a_row_is_a_class_and_a_column_a_seed(model, generator):
    drawn = model.grid([3, 1], seed=7, columns=2, truncation=0.5)
    expected = generator.signatures["sample"](
        labels=tf.constant([3, 3, 1, 1]),
        seed=tf.constant([7, 8, 7, 8]),
        truncation=tf.constant(0.5),
    )["images"]
    np.testing.assert_array_equal(drawn.images, expected)
    np.testing.assert_array_equal(drawn.labels, [3, 3, 1, 1])
    assert drawn.columns == 2
    assert drawn.captions == [model.class_names[3], model.class_names[1]]


def test_a_way_starts_and_ends_at_its_seeds(model):
    for position, seed in ((0.0, 4), (1.0, 9)):
        drawn = model.between([5, 6], 4, 9, position, truncation=1.0)
        alone = model.grid([5, 6], seed, 1, truncation=1.0)
        np.testing.assert_allclose(drawn.latents, alone.latents, atol=1e-6)
        assert drawn.columns == 2
    middle = model.between([5], 4, 9, 0.5, truncation=1.0).latents[0]
    ends = draw_each([4, 9], len(middle), 1.0).numpy()
    # Halfway on the sphere both ends have equal shares.
    towards = (ends[0] + ends[1]) / np.linalg.norm(ends[0] + ends[1])
    np.testing.assert_allclose(
        middle / np.linalg.norm(middle), towards, atol=1e-5
    )


def test_attention_is_that_of_the_image_asked_for(model, generator):
    drawn = model.grid([0, 1, 2], 0, 2, 0.0)
    expected = generator.signatures["attention"](
        latents=tf.constant(drawn.latents),
        labels=tf.constant(drawn.labels, tf.int32),
    )["attention"]
    for index in (1, 4):
        scores = model.attention(drawn, index)
        np.testing.assert_allclose(scores, expected[index], atol=1e-6)
    assert (model.attention(drawn, 1) != model.attention(drawn, 4)).any()


def test_what_is_downloaded_draws_the_same_again(model, generator):
    drawn = model.grid([2, 8], 3, 3, 1.0)
    with np.load(io.BytesIO(drawn.npz())) as stored:
        again = generator.draw(stored["latents"], stored["labels"])
        np.testing.assert_array_equal(
            stored["images"], np.rint((again + 1) * 127.5)
        )
        np.testing.assert_array_equal(stored["seeds"], [3, 4, 5, 3, 4, 5])
        assert stored["truncation"] == 1.0
    sheet = np.asarray(Image.open(io.BytesIO(drawn.png())))
    # Two rows of three at 96 pixels, with captions on the left.
    assert sheet.shape[0] == 2 * 98 + 2
    assert sheet.shape[1] > 3 * 98 + 2
    np.testing.assert_array_equal(sheet[-98:-2:3, -98:-2:3], drawn.images[-1])


def test_a_run_draws_what_its_export_draws(toy_run, model):
    of_run = choice.open_run(str(toy_run))
    # To find an image takes the discriminator.
    assert of_run.nearest is not None and model.nearest is None
    drawn, expected = (
        each.grid([3, 1], seed=7, columns=2, truncation=0.5)
        for each in (of_run, model)
    )
    assert of_run.about == "step 3, 32 x 32 pixels"
    names = runs.open_run(toy_run).class_names()
    assert drawn.captions == [names[3], names[1]]
    difference = drawn.images.astype(int) - expected.images
    assert np.abs(difference).max() <= 1
    np.testing.assert_allclose(
        of_run.attention(drawn, 2), model.attention(expected, 2), atol=1e-5
    )


def test_a_generator_is_opened_when_it_is_asked_for(model):
    opener = mock.Mock(return_value=model)
    offered = choice.Choice({"a": opener, "b": mock.Mock()})
    assert offered.titles == ["a", "b"]
    assert offered.get("a") is offered.get("a")
    opener.assert_called_once()


def test_without_classes_and_attention_it_draws_one_row(unconditional):
    drawn = unconditional.grid([], seed=0, columns=3, truncation=0.0)
    assert drawn.images.shape == (3, 32, 32, 3)
    assert drawn.captions == []
    assert unconditional.attention(drawn, 0) is None
    assert unconditional.between([], 0, 1, 0.3, 0.0).images.shape[0] == 1
    point = views.telling_point(drawn.images[2], None, 2)
    shown = views.overlay(drawn.images[2], None, point)
    np.testing.assert_array_equal(shown[7::14, 7::14], drawn.images[2])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": [10]}, "labels should be numbers from 0 to 9.*'10'"),
        ({"labels": [-1]}, "labels should be .*'-1'"),
        ({"labels": []}, "labels should name a class"),
        ({"seed": -1}, "seed should be from 0 .*-1"),
        ({"seed": 2**31}, "seed should be from 0"),
        ({"truncation": -0.5}, "truncation should be .*-0.5"),
        ({"truncation": float("nan")}, "truncation should be .*nan"),
        ({"columns": 0}, "1 to 200 images.*2 rows of 0"),
        ({"columns": 101}, "1 to 200 images.*2 rows of 101"),
    ],
)
def test_what_makes_no_sense_in_a_grid_is_refused(model, changed, message):
    good = {"labels": [0, 1], "seed": 0, "columns": 2, "truncation": 1.0}
    with pytest.raises(UserError, match=message):
        model.grid(**{**good, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": [10]}, "labels should be"),
        ({"labels": [0] * 201}, "1 to 200 images"),
        ({"first": -1}, "seed should be"),
        ({"second": 2**31}, "seed should be"),
        ({"position": 1.1}, "position should be from 0 to 1. Received: 1.1"),
        ({"position": float("nan")}, "position should be"),
        ({"truncation": -1.0}, "truncation should be"),
    ],
)
def test_what_makes_no_sense_in_a_way_is_refused(model, changed, message):
    good = {"labels": [0], "first": 0, "second": 1}
    good.update(position=0.5, truncation=1.0)
    with pytest.raises(UserError, match=message):
        model.between(**{**good, **changed})


def plain(count, columns, captions=(), size=32):
    """Images of one colour each."""
    levels = np.arange(1, count + 1, dtype=np.uint8)
    images = np.tile(levels[:, None, None, None], (1, size, size, 3))
    return Samples(
        images, np.zeros((count, 4)), np.zeros(count), columns, captions, {}
    )


@pytest.mark.parametrize("captions", [(), ("one", "<two> & more")])
@pytest.mark.parametrize("size", [32, 128])
def test_each_pixel_of_a_sheet_finds_its_image(captions, size):
    sheet = views.Sheet(plain(5, 3, captions, size))
    shown = sheet.image()
    found = np.full(shown.shape[:2], 255, np.uint8)
    for y in range(shown.shape[0]):
        for x in range(shown.shape[1]):
            point = sheet.point_at(x + 0.5, y + 0.5)
            if point is not None:
                found[y, x] = point.index + 1
    np.testing.assert_array_equal(found, shown[..., 0])


def test_a_wide_sheet_of_four_channels_finds_its_points():
    images = np.zeros((3, 32, 64, 4), np.uint8)
    drawn = Samples(images, np.zeros((3, 4)), np.zeros(3), 2, [], {})
    sheet = views.Sheet(drawn)
    # Cells of 128 x 64 pixels, 4 apart.
    assert sheet.image().shape == (140, 268, 4)
    point = sheet.point_at(4 + 132 + 32, 4 + 48)
    assert point == views.Point(1, right=0.25, down=0.75)
    shown = views.overlay(images[0], np.full((8, 2), 0.5), point)
    assert shown.shape == (224, 448, 3)


def test_a_click_knows_where_in_the_image_it_is():
    # Cells of 64 pixels, 4 apart.
    sheet = views.Sheet(plain(4, 2))
    point = sheet.point_at(4 + 68 + 16, 4 + 68 + 48)
    assert point == views.Point(3, right=0.25, down=0.75)
    assert sheet.point_at(-3.0, 10.0) is None
    assert sheet.point_at(10.0, 4 + 2 * 68 + 10) is None
    square, wide = np.zeros((32, 32, 3)), np.zeros((32, 64, 3))
    at = views.point_in_large
    assert at(square, 2, 112.0, 336.0) == views.Point(2, 0.25, 0.75)
    assert at(square, 2, 448.0, 0.0) is None
    assert at(wide, 2, 112.0, 168.0) == views.Point(2, 0.25, 0.75)
    assert at(wide, 2, 0.0, 224.0) is None


def test_marks_show_captions_and_the_point_in_svg():
    sheet = views.Sheet(plain(4, 2, ["one", "<two>"]))
    assert "&lt;two&gt;" in sheet.marks(None)
    assert "<circle" not in sheet.marks(None)
    first, last = sheet.marks(views.Point(0)), sheet.marks(views.Point(3))
    assert "<circle" in first and "<rect" in first
    assert first != last


def looking_at_one_key():
    """Each of 16 queries looks at the key of its own quarter of 4."""
    scores = np.full((16, 4), 0.01, np.float32)
    for query in range(16):
        scores[query, 2 * (query // 8) + query % 4 // 2] = 0.97
    return scores


def test_the_overlay_is_brightest_where_the_point_looks():
    image = np.full((32, 32, 3), 128, np.uint8)
    scores = looking_at_one_key()
    for point, bright in (
        (views.Point(0, 0.2, 0.2), (0, 0)),
        (views.Point(0, 0.9, 0.2), (0, 1)),
        (views.Point(0, 0.1, 0.8), (1, 0)),
    ):
        shown = views.overlay(image, scores, point).astype(float)
        quarters = shown.reshape(2, 224, 2, 224, 3).mean((1, 3, 4))
        assert np.unravel_index(quarters.argmax(), (2, 2)) == bright
        # The middle of the query that the point is in.
        middle = (int(point.down * 4) + 0.5) * 112
        right = (int(point.right * 4) + 0.5) * 112
        assert f'cx="{right}" cy="{middle}"' in views.dot(image, scores, point)
    assert views.dot(image, None, point) == ""


def test_words_tell_how_far_and_how_evenly_it_looks():
    # 0.97 of 0.177 sides, 0.01 of twice 0.637 and of 0.884.
    image, point = np.zeros((32, 32, 1)), views.Point(0, 0.1, 0.1)
    words = views.describe(image, looking_at_one_key(), point)
    assert words.startswith("Looks 0.19 sides away")
    even = np.full((16, 4), 0.25, np.float32)
    assert "spread 1.00" in views.describe(image, even, views.Point(0))


def test_the_first_point_is_one_that_looks_its_own_way():
    scores = np.full((256, 64), 1 / 64, np.float32)
    scores[:, 0] += 0.5
    scores /= scores.sum(-1, keepdims=True)
    point = views.telling_point(np.zeros((64, 64, 3)), scores, 6)
    assert point.index == 6
    assert 0.0 <= point.right < 1.0 and 0.0 <= point.down < 1.0


def test_a_slider_has_no_queue_behind_it():
    async def move():
        done, gate = [], asyncio.Event()

        async def work(position):
            await gate.wait()
            done.append(position)

        slider = Latest(work)
        first = asyncio.create_task(slider(0))
        await asyncio.sleep(0)
        for position in range(1, 9):
            await slider(position)
        gate.set()
        await first
        await slider(9)
        return done

    assert asyncio.run(move()) == [0, 8, 9]


def test_a_slider_moves_on_after_a_failure():
    async def move():
        done = []

        async def work(position):
            if position < 0:
                raise ValueError("no")
            done.append(position)

        slider = Latest(work)
        with pytest.raises(ValueError, match="no"):
            await slider(-1)
        await slider(1)
        return done

    assert asyncio.run(move()) == [1]


@pytest.fixture
def page(monkeypatch):
    """A page whose widgets do nothing, so that the library is not needed."""
    names = [
        f"tools.playground.{name}"
        for name in ("board", "controls", "nearest_panel", "page")
    ]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "nicegui", mock.MagicMock())
    yield importlib.import_module(names[-1]).Page(mock.Mock(), "", None)
    for name in names:
        sys.modules.pop(name, None)
        # A package keeps what was imported from it.
        vars(tools.playground).pop(name.rpartition(".")[2], None)


def test_a_sheet_may_shrink_while_a_point_is_looked_at(page):
    asked, shown, tasks = [], [], []
    grid = mock.Mock(drawn=plain(6, 3))
    grid.show = lambda drawn: setattr(grid, "drawn", drawn)
    page._boards = {"grid": grid}
    page._large, page._words = mock.Mock(), mock.Mock()
    page._switch = mock.Mock()
    page._large.set_source = lambda _: shown.append(page._point.index)

    async def run():
        is_done = asyncio.Event()

        async def in_thread(function, *arguments):
            if function is page._model.grid:
                return plain(2, 2)
            asked.append(arguments[1])
            if len(asked) > 1:
                await is_done.wait()
                return looking_at_one_key()
            drawing = page._draw("grid", page._model.grid)
            tasks.append(asyncio.create_task(drawing))
            while len(asked) == 1:
                await asyncio.sleep(0)
            return looking_at_one_key()

        page._in_thread = in_thread
        await page._pick("grid", views.Point(5))
        # As the switch does.
        page._show_attention()
        assert not shown
        is_done.set()
        await tasks[0]

    asyncio.run(run())
    assert (asked, shown) == ([5, 0], [0])


def test_without_the_web_library_one_line_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "tools.playground.site", raising=False)
    monkeypatch.setitem(sys.modules, "nicegui", None)
    with pytest.raises(UserError, match="nicegui.*requirements-extras.txt"):
        readiness.find_server()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_free_port_is_taken_as_it_is():
    port = free_port()
    readiness.check_port("127.0.0.1", port)
    with pytest.raises(UserError, match="--port should be free"):
        with socket.create_server(("127.0.0.1", port)):
            readiness.check_port("127.0.0.1", port)


@pytest.fixture(scope="module")
def answers(path, place):
    tf.saved_model.save(tf.Module(), str(place / "other"))
    function = tf.function(
        lambda images: {"logits": images},
        input_signature=[tf.TensorSpec((None, 3), name="images")],
    )
    signatures = dict.fromkeys(("serving_default", "generate"), function)
    classifier = tf.Module()
    classifier.function = function
    tf.saved_model.save(classifier, str(place / "classifier"), signatures)
    for name, card in (("no_card", None), ("list", []), ("classless", {})):
        shutil.copytree(path, place / name)
        file = place / name / "assets.extra" / "model_card.json"
        file.unlink() if card is None else file.write_text(json.dumps(card))
    shutil.copytree(path, place / "halved")
    for file in (place / "halved" / "variables").iterdir():
        file.unlink()
    (place / "empty").mkdir()
    (place / "file").write_text("")
    free = [f"--port={free_port()}"]
    calls = {
        name: [f"--saved_model={place}/{name}", *free]
        for name in (
            *("none", "empty", "file", "models", "other", "classifier"),
            *("no_card", "list", "classless", "halved"),
        )
    }
    given = f"--saved_model={path}"
    calls["no model"] = free
    calls["weights"] = ["--pretrained=boy", *free]
    calls["two"] = [given, "--pretrained=toy", *free]
    calls["no run"] = [f"--workdir={place}/none", *free]
    calls["far port"] = [given, "--port=65536"]
    calls["port 0"] = [given, "--port=0"]
    calls["word"] = [given, "--port=web"]
    calls["host"] = [given, "--host=192.0.2.1"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        calls["taken"] = [given, f"--port={taken.getsockname()[1]}"]
        module = "tools.playground.__main__"
        found = call_each(module, calls.values(), (), place / "empty")
    return dict(zip(calls, found))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", ("--saved_model", "does not exist")),
        ("empty", ("--saved_model", "has no saved_model.pb")),
        ("file", ("--saved_model", "is a file")),
        ("models", ("--saved_model", "did you mean", "models/1?")),
        ("other", ("--saved_model", "signatures", "Received: none")),
        ("classifier", ("should be a generator", "logits out")),
        ("no_card", ("model_card.json", "num_classes", "None")),
        ("list", ("model_card.json", "names and values", "[]")),
        ("classless", ("model_card.json", "num_classes")),
        ("halved", ("--saved_model", "whole SavedModel")),
        ("no model", ("give --workdir", "no weights come with the package")),
        ("weights", ("pretrained weights should be there", "'boy'")),
        ("two", ("one of --workdir", "--pretrained and --saved_model")),
        ("no run", ("--workdir", "no directory")),
        ("far port", ("--port", "65536")),
        ("port 0", ("--port", "0")),
        ("word", ("--port", "'web'")),
        ("host", ("--host", "of this machine", "192.0.2.1")),
        ("taken", ("--port should be free", "in use")),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(answers, name, words):
    assert_refused(answers[name], *words)
