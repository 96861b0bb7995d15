"""The playground's page, in a headless Chromium.

It takes the Chromium of the environment variable CHROMIUM, of the PATH, or the
one that `python -m playwright install chromium` fetches; without any, these
tests fail.
"""

import base64
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse

import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from sagan_tf import runs
from sagan_tf.cli import drawing
from sagan_tf.exporting import ExportedGenerator
from sagan_tf.visualization import sheets
from tools import make_pretrained
from tools.playground import nearest, views
from tools.playground.playground_model import PlaygroundModel

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What is not on this machine cannot be found at all.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 60_000


# Its flags, behind the directory of the weights that come along.
PROGRAM = """
import pathlib, runpy, sys
from sagan_tf import weights
weights.DIRECTORY = pathlib.Path(sys.argv.pop(1))
runpy.run_module("tools.playground", run_name="__main__", alter_sys=True)
"""


class Playground:
    """A running playground.

    Args:
        flag: what it opens, as a flag; without it all weights.
        weights: directory of the weights that come along.
    """

    def __init__(self, *flag, weights=""):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        # NiceGUI would take the server for a test of its own.
        variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYTEST")
        }
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", PROGRAM, str(weights)),
                *(*flag, f"--port={port}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=variables,
            # An interrupt is ignored by what a background job starts.
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.default_int_handler
            ),
        )
        for line in self.process.stdout:
            if self.address in line:
                return
        raise RuntimeError(self.process.stderr.read())

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60), self.process.stderr.read()


class Visitor:
    """Somebody who looks at the page and remembers what went wrong."""

    def __init__(self, page, address):
        self.page = page
        self.complaints, self.requests = [], []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.goto(address)
        for name in ("look", "grid", "between"):
            self.wait_for_other(name, "")

    def _listen(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def find(self, name):
        return self.page.locator(f"[data-testid={name}]")

    def source(self, name):
        return self.find(name).locator("img").get_attribute("src") or ""

    def wait_for_other(self, name, source):
        """Waits until an image is there, and another one than this."""
        self.page.wait_for_function(
            """([name, source]) => {
              const image = document.querySelector(
                `[data-testid=${name}] img`);
              return image && image.complete && image.naturalWidth > 1
                && image.src !== source;
            }""",
            arg=[name, source],
        )

    def image(self, name):
        data = self.source(name).split(",", 1)[1]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))

    def click(self, name, right, down):
        """Clicks at a share of an element's width and height, once it rests."""
        place = self.find(name).bounding_box()
        self.find(name).click(
            position={
                "x": right * place["width"],
                "y": down * place["height"],
            }
        )

    def download(self, name):
        with self.page.expect_download() as found:
            self.find(name).click()
        with open(found.value.path(), "rb") as file:
            return found.value.suggested_filename, file.read()


@pytest.fixture(scope="module")
def browser():
    known = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), None
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=known, args=list(FLAGS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(toy_run, export):
    return export(toy_run)


@pytest.fixture(scope="module")
def model(path):
    return PlaygroundModel(ExportedGenerator(path))


@pytest.fixture(scope="module")
def playground(path):
    playground = Playground(f"--saved_model={path}")
    yield playground
    playground.process.kill()


@pytest.fixture
def visitor(browser, playground):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    visitor = Visitor(page, playground.address)
    yield visitor
    page.close()
    assert visitor.complaints == []


def test_the_page_asks_nobody_but_this_machine(visitor, playground):
    hosts = {
        urllib.parse.urlsplit(url).hostname
        for url in visitor.requests
        if not url.startswith(("data:", "blob:"))
    }
    assert hosts == {"127.0.0.1"}
    assert len(visitor.requests) > 5
    server = psutil.Process(playground.process.pid)
    peers = [c.raddr.ip for c in server.net_connections("inet") if c.raddr]
    assert set(peers) <= {"127.0.0.1"}
    listening = {
        connection.laddr.ip
        for connection in server.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_it_shows_what_the_model_draws(visitor, model):
    drawn = model.grid(range(10), 0, 6, 0.0)
    expected = views.Sheet(drawn).image()
    np.testing.assert_array_equal(visitor.image("grid"), expected)
    way = views.Sheet(model.between(range(10), 1, 2, 0.5, 0.0)).image()
    np.testing.assert_array_equal(visitor.image("between"), way)


def test_another_seed_draws_other_images(visitor, model):
    before = visitor.source("grid")
    visitor.find("next").click()
    visitor.wait_for_other("grid", before)
    expected = views.Sheet(model.grid(range(10), 6, 6, 0.0)).image()
    np.testing.assert_array_equal(visitor.image("grid"), expected)


def test_a_click_shows_where_that_point_looks(visitor, model):
    drawn = model.grid(range(10), 0, 6, 0.0)
    scores = model.attention(drawn, 21)
    before = visitor.source("look")
    # The middle of the fourth image of the fourth class.
    sheet = views.Sheet(drawn)
    height, width = sheet.image().shape[:2]
    corner = (width - 3 * 68 + 16, 4 + 3 * 68 + 16)
    visitor.click("grid", corner[0] / width, corner[1] / height)
    visitor.wait_for_other("look", before)
    point = sheet.point_at(*corner)
    assert point.index == 21
    # A browser counts in whole pixels; the query is the same.
    expected = views.overlay(drawn.images[21], scores, point)
    np.testing.assert_array_equal(visitor.image("look"), expected)
    told = visitor.find("told").inner_text()
    assert told == views.describe(drawn.images[21], scores, point)
    assert visitor.page.locator("[data-testid=look] svg circle").count() == 1
    assert visitor.page.locator("[data-testid=grid] svg circle").count() == 1


def test_the_overlay_follows_a_drag_in_the_large_image(visitor):
    visitor.click("look", 0.1, 0.1)
    place = visitor.find("look").bounding_box()
    seen = {visitor.source("look")}
    visitor.page.mouse.move(place["x"] + 50, place["y"] + 50)
    visitor.page.mouse.down()
    for share in (0.3, 0.6, 0.9):
        before = visitor.source("look")
        visitor.page.mouse.move(
            place["x"] + share * place["width"],
            place["y"] + share * place["height"],
        )
        visitor.wait_for_other("look", before)
        seen.add(visitor.source("look"))
    visitor.page.mouse.up()
    assert len(seen) == 4


def test_the_slider_goes_from_one_latent_to_the_other(visitor, model):
    before = visitor.source("between")
    visitor.click("position", 0.001, 0.5)
    visitor.wait_for_other("between", before)
    expected = views.Sheet(model.between(range(10), 1, 2, 0.0, 0.0)).image()
    np.testing.assert_array_equal(visitor.image("between"), expected)


def test_truncation_changes_both_boards(visitor, model):
    before = visitor.source("grid"), visitor.source("between")
    assert visitor.page.get_by_text("none", exact=True).is_visible()
    # From 0.1 on the left to none on the right.
    visitor.click("truncation", 0.9 / 3.9, 0.5)
    for name, source in zip(("grid", "between"), before):
        visitor.wait_for_other(name, source)
    expected = views.Sheet(model.grid(range(10), 0, 6, 1.0)).image()
    np.testing.assert_array_equal(visitor.image("grid"), expected)


def right_edges(page):
    """Returns how far right the page goes, and each of its images."""
    images = page.locator("img").all()
    boxes = [image.bounding_box() for image in images]
    whole = page.evaluate("document.documentElement.scrollWidth")
    return [whole, *(box["x"] + box["width"] for box in boxes)]


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280])
def test_nothing_is_cut_off_on_a_narrow_screen(browser, playground, width):
    page = browser.new_page(viewport={"width": width, "height": 844})
    visitor = Visitor(page, playground.address)
    edges = right_edges(page)
    assert len(edges) == 4 and max(edges) <= width
    before = visitor.source("look")
    visitor.click("grid", 0.9, 0.53)
    visitor.wait_for_other("look", before)
    page.close()
    assert visitor.complaints == []


def test_nothing_waits_once_all_is_drawn(visitor):
    visitor.find("busy").wait_for(state="hidden")
    assert visitor.page.locator(".q-spinner:visible").count() == 0


def test_weights_that_come_along_are_chosen_on_the_page(
    browser, toy_weights, unconditional_run, tmp_path
):
    shutil.copytree(toy_weights / "toy", tmp_path / "first")
    run = runs.open_run(unconditional_run)
    make_pretrained.make(run, tmp_path / "second", "Noise", "CC0-1.0")
    playground = Playground(weights=tmp_path)
    try:
        page = browser.new_page()
        visitor = Visitor(page, playground.address)
        page.get_by_text("Twins; step 3, 32 x 32 pixels").wait_for()
        visitor.find("weights").click()
        page.get_by_role("option", name="second").click()
        page.get_by_text("Loading second").wait_for()
        page.get_by_text("has no attention").wait_for()
        for name in ("look", "grid", "between"):
            visitor.wait_for_other(name, "")
        page.close()
        assert visitor.complaints == []
    finally:
        playground.process.kill()


@pytest.fixture(scope="module")
def of_run(toy_run):
    playground = Playground(f"--workdir={toy_run}")
    yield playground
    playground.process.kill()


def drop(visitor, path, content):
    path.write_bytes(content)
    visitor.find("drop").locator("input[type=file]").set_input_files(path)


def test_an_image_is_dropped_and_the_nearest_shown(
    browser, of_run, model, toy_run, tmp_path
):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    visitor = Visitor(page, of_run.address)
    drop(visitor, tmp_path / "a.png", b"text")
    page.get_by_text("a.png should be an image: not a PNG").wait_for()
    drop(visitor, tmp_path / "b.png", bytes(nearest.MOST_BYTES + 1))
    page.get_by_text("should have at most 20 MiB").wait_for()
    image = model.grid([3], 5, 1, 0.0).images[0]
    drop(visitor, tmp_path / "c.png", sheets.png_bytes(image))
    visitor.wait_for_other("target", "")
    # Five times as large, behind a margin of 4.
    shown = visitor.image("target")[4:-4:5, 4:-4:5]
    np.testing.assert_array_equal(shown, image)
    visitor.wait_for_other("nearest", "")
    assert "pixels" in visitor.find("distance").inner_text()
    assert max(right_edges(page)) <= 390
    name, content = visitor.download("nearest-NPZ")
    (tmp_path / name).write_bytes(content)
    latents, labels = drawing.read_latents(
        str(tmp_path / name),
        model.grid([0], 0, 1, 0.0).latents.shape[1],
        10,
        [],
    )
    again = runs.open_run(toy_run).source().draw(latents, labels)
    found = visitor.image("nearest")[4:-4:5, 4:-4:5]
    difference = sheets.to_uint8(again[0]).astype(int) - found
    assert np.abs(difference).max() <= 1
    visitor.click("position", 0.001, 0.5)
    before = visitor.source("between")
    visitor.find("as-start").click()
    visitor.wait_for_other("between", before)
    page.wait_for_function(
        "document.querySelector('[data-testid=first]').disabled"
    )
    before = visitor.source("look")
    visitor.click("nearest", 0.5, 0.5)
    visitor.wait_for_other("look", before)
    # A second one replaces the first.
    before = visitor.source("nearest")
    drop(visitor, tmp_path / "d.png", sheets.png_bytes(255 - image))
    visitor.wait_for_other("nearest", before)
    page.close()
    assert visitor.complaints == []


def test_whoever_leaves_a_search_keeps_nobody_waiting(
    browser, toy_run, tmp_path
):
    playground = Playground(f"--workdir={toy_run}")
    try:
        page = browser.new_page()
        visitor = Visitor(page, playground.address)
        image = np.zeros((32, 32, 3), np.uint8)
        drop(visitor, tmp_path / "a.png", sheets.png_bytes(image))
        visitor.wait_for_other("target", "")
        page.close()
    finally:
        status, errors = playground.stop()
    assert status in (0, 130)
    assert "Traceback" not in errors


def test_an_export_says_what_it_takes_to_find_an_image(visitor):
    words = visitor.find("no-drop").inner_text()
    assert "no discriminator" in words and "--workdir" in words
    assert visitor.find("drop").count() == 0


def test_without_attention_the_image_is_as_it_is(visitor, model):
    before = visitor.source("look")
    visitor.find("attention").click()
    visitor.wait_for_other("look", before)
    image = model.grid(range(10), 0, 6, 0.0).images[0]
    shown = visitor.image("look")[7::14, 7::14]
    np.testing.assert_array_equal(shown, image)


def test_downloads_hold_what_is_shown(visitor, model):
    drawn = model.grid(range(10), 0, 6, 0.0)
    assert visitor.download("grid-PNG") == ("grid.png", drawn.png())
    name, content = visitor.download("between-NPZ")
    assert name == "between.npz"
    with np.load(io.BytesIO(content)) as stored:
        assert stored["position"] == 0.5
        np.testing.assert_array_equal(stored["labels"], range(10))


def test_a_seed_that_makes_no_sense_is_refused_in_words(visitor):
    before = visitor.source("grid")
    visitor.page.locator("input[data-testid=seed]").fill("-5")
    message = visitor.page.get_by_text("seed should be from 0 to")
    message.wait_for()
    assert "Received: -5" in message.inner_text()
    assert visitor.source("grid") == before


def test_it_works_without_classes_and_attention(
    browser, unconditional_run, export
):
    playground = Playground(f"--saved_model={export(unconditional_run)}")
    try:
        page = browser.new_page()
        visitor = Visitor(page, playground.address)
        page.get_by_text("has no attention").wait_for()
        before = visitor.source("look")
        visitor.click("grid", 0.9, 0.5)
        visitor.wait_for_other("look", before)
        page.close()
        assert visitor.complaints == []
    finally:
        status, errors = playground.stop()
    # An interrupt ends it, and nothing was complained about.
    assert status in (0, 130)
    assert errors.replace("sagan_tf", "").count("Traceback") == 0
