"""What a folder holds, said by the whole program."""

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sagan_tf.configuration import load_config
from sagan_tf.configuration.validation import validate
from tests.commands import ROOT
from tests.data.test_odd_files import draw, put
from tools import inspect_dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two uneven classes, one in another script, and what goes with them."""
    root = tmp_path_factory.mktemp("images")
    put(root, *(f"кошка/{number}.png" for number in range(20)))
    put(root, "dogs/1.png", "dogs/a/2.png", seed=50)
    put(root, "кошка/again.png", "кошка/a.heic", "Thumbs.db")
    draw("RGBA", seed=9, size=(100, 40)).save(root / "dogs" / "wide.webp")
    (root / "dogs" / "broken.png").write_bytes(b"hello")
    os.mkdir(os.fsencode(root) + b"/dogs/\xff")
    return root


def call(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tools.inspect_dataset", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        text=True,
    )


@pytest.fixture(scope="module")
def answer(folder, tmp_path_factory):
    sheet = tmp_path_factory.mktemp("sheet") / "a.png"
    done = call(folder, f"--output={sheet}")
    assert done.returncode == 0, done.stderr
    return done, sheet


def test_everything_is_said(answer, folder):
    text = answer[0].stdout
    name = "\\u043a\\u043e\\u0448\\u043a\\u0430"
    for pattern in (
        r"kinds +23 PNG, 1 WEBP",
        r"channels +23 RGB, 1 RGBA",
        r"sizes +23 12x12, 1 100x40",
        rf"duplicates +1: {re.escape(name)}/again.png is {re.escape(name)}/0",
        r"left out +1 .heic",
        r"unreadable +1: dogs/broken.png \(not a PNG",
        rf"labels +0 dogs: 3, 1 {re.escape(name)}: 21",
    ):
        assert re.search(pattern, text), (pattern, text)


def test_a_sheet_is_drawn_and_nothing_is_written_to_the_folder(answer, folder):
    with Image.open(answer[1]) as sheet:
        assert np.asarray(sheet).std() > 10
    assert (
        not list(folder.rglob("*.tmp")) and not (folder / "real.png").exists()
    )


@pytest.mark.parametrize(
    "modes, channels",
    [
        ("L LA LA", 4),
        ("L L", 1),
        ("RGB L", 3),
        ("RGBA RGBA L", 4),
        ("RGBA L L L", 3),
        ("", 3),
    ],
)
def test_channels_are_those_that_most_images_need(modes, channels):
    needed = [
        inspect_dataset.needed_channels(draw(mode).convert("RGBA"))
        for mode in modes.split()
    ]
    assert inspect_dataset.channels_of_all(needed) == channels


@pytest.mark.parametrize("number, config", [(-3, "default"), (-1, "twins32")])
def test_the_proposed_lines_are_valid(answer, folder, number, config):
    line = answer[0].stdout.strip().splitlines()[number]
    words = dict(
        word.removeprefix("--config.dataset.").split("=", 1)
        for word in shlex.split(line)
        if word.startswith("--config.dataset.")
    )
    assert words == {
        "name": "folder",
        "path": str(folder),
        "image_size": "32",
        "num_classes": "2",
        "on_small": "enlarge",
        "on_unreadable": "skip",
    }
    assert f"--config={config} " in line
    config = load_config(config)
    config.dataset.update(name="folder", path="a", num_classes=2)
    validate(config)


def test_a_cpu_is_to_begin_small():
    lines = inspect_dataset.training_lines({"image_size": 256})
    large, small = (shlex.split(line) for line in lines[1::2])
    assert "--config.dataset.image_size=256" in large
    assert "--config.dataset.image_size=32" in small
    assert "--config.optimizer.generator_learning_rate=0.0002" in small


def test_what_is_no_folder_is_one_line(tmp_path):
    done = call(tmp_path / "missing")
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "there is nothing at" in done.stderr
