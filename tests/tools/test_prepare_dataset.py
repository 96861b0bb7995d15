"""Preparation by a real process: the same shards, whatever happens to it."""

import hashlib
import io
import json
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordReader
from PIL import Image

from sagan_tf.data import open_dataset
from tests.commands import assert_refused, call_each

ROOT = pathlib.Path(__file__).parents[2]
CLASSES = ("ants", "bees", "cats")
SIZE, SHARD_SIZE = 16, 4
PROGRAM = "tools.prepare_dataset"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Three classes of 60 images."""
    folder = tmp_path_factory.mktemp("images")
    for seed in range(180):
        path = folder / CLASSES[seed % 3] / f"{seed}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (24, 20, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return folder


def arguments(images, output, *more):
    return [
        f"--path={images}",
        f"--image_size={SIZE}",
        f"--shard_size={SHARD_SIZE}",
        f"--output={output}",
        *more,
    ]


def start(*given):
    return subprocess.Popen(
        [sys.executable, "-m", PROGRAM, *given],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*given):
    process = start(*given)
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def contents(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
    }


@pytest.fixture(scope="module")
def shards(images, tmp_path_factory):
    output = tmp_path_factory.mktemp("shards") / "whole"
    run(*arguments(images, output, "--threads=1"))
    return output


def test_any_number_of_threads_writes_the_same(images, shards, tmp_path):
    out = run(*arguments(images, tmp_path / "by_three", "--threads=3"))
    assert contents(tmp_path / "by_three") == contents(shards)
    assert "180 images of 16x16 pixels in 45 shards" in out
    assert "60  bees" in out and "lanczos" in out


def test_five_kills_change_nothing(images, shards, tmp_path):
    output, moments = tmp_path / "killed", random.Random(0)
    done = 0
    for _ in range(5):
        process = start(*arguments(images, output, "--threads=2"))
        wanted = done + moments.randint(1, 7)
        while done < wanted and process.poll() is None:
            time.sleep(moments.uniform(0.0, 0.01))
            done = len(list((output / ".progress").glob("*.json"))) - 1
        assert process.poll() is None, "it ended before it was killed"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not (output / "index.json").exists()
    run(*arguments(images, output, "--threads=2"))
    assert contents(output) == contents(shards)


def test_what_is_done_is_not_done_again(images, shards, tmp_path):
    output = tmp_path / "part"
    process = start(*arguments(images, output, "--threads=1"))
    while len(list((output / ".progress").glob("*.json"))) < 5:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = {
        f"shard-{path.stem}-of-00045.array_record"
        for path in (output / ".progress").glob("0*.json")
    }
    before = {name: (output / name).stat().st_ino for name in finished}
    run(*arguments(images, output, "--threads=1"))
    assert {n: (output / n).stat().st_ino for n in finished} == before
    assert contents(output) == contents(shards)


def test_shards_hold_what_the_folder_holds(images, shards):
    by_folder, by_shards = (
        open_dataset(name, path=str(path), image_size=SIZE)
        for name, path in (("folder", images), ("shards", shards))
    )
    assert by_shards.class_names == CLASSES
    found = []
    for dataset in (by_folder, by_shards):
        (images, labels), *_ = dataset.ordered_batches(180)
        pixels = [image.numpy().tobytes() for image in images]
        found.append(dict(zip(pixels, labels.numpy().tolist())))
    assert found[0] == found[1]


def test_each_record_is_an_image_that_says_where_it_is_from(images, shards):
    index = json.loads((shards / "index.json").read_text())
    assert index["class_counts"] == [60, 60, 60]
    read = 0
    for number, shard in enumerate(index["shards"]):
        reader = ArrayRecordReader(str(shards / shard["file"]))
        for record in reader.read_all():
            with Image.open(io.BytesIO(record)) as image:
                assert image.size == (SIZE, SIZE)
                assert (images / image.text["Source"]).is_file()
            read += 1
        assert shard["file"] == f"shard-{number:05d}-of-00045.array_record"
    assert read == 180


def test_a_sheet_is_there_to_be_looked_at(shards):
    with Image.open(shards / "sheet.png") as sheet:
        # Three rows of eight images of 64 pixels, and the names before them.
        assert sheet.height == 3 * 64 + 4 * 2
        assert sheet.width > 8 * 64 + 9 * 2 + 20


def test_what_does_not_fit_is_refused(images, shards, tmp_path):
    broken = tmp_path / "broken"
    for number, name in enumerate(("a", "b")):
        (broken / name).mkdir(parents=True)
        for file in sorted((images / CLASSES[number]).iterdir())[:4]:
            (broken / name / file.name).write_bytes(file.read_bytes())
    victim = sorted((broken / "b").iterdir())[0]
    victim.write_bytes(victim.read_bytes()[:700])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("keep me")
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in shards.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    first = changed / "shard-00000-of-00045.array_record"
    first.write_bytes(first.read_bytes()[:-1] + b"?")
    foreign = []
    for number, text in enumerate(("[]", "{", '{"format": 1}', "\xff", "null")):
        foreign.append(tmp_path / f"foreign{number}")
        foreign[-1].mkdir()
        (foreign[-1] / "index.json").write_text(text, encoding="latin-1")
    (tmp_path / "empty.tfrecords").touch()
    skipped = tmp_path / "skipped"
    calls = [
        arguments(images, shards, "--resize=box"),
        arguments(images, tmp_path / "full"),
        arguments(images, tmp_path / "large", "--image_size=32"),
        arguments(broken, tmp_path / "a", "--threads=1"),
        arguments(broken, tmp_path / "b", "--threads=2"),
        arguments(images, tmp_path / "c", "--num_classes=4"),
        arguments(images, tmp_path / "d", "--dataset=images"),
        ["--verify", f"--output={changed}"],
        *[arguments(images, folder) for folder in foreign],
        arguments(
            tmp_path / "empty.tfrecords",
            tmp_path / "f",
            "--dataset=improved_gan",
            "--num_classes=2",
        ),
        ["--verify", f"--output={shards}"],
        arguments(broken, skipped, "--on_unreadable=skip"),
        arguments(images, tmp_path / "e", "--image_size=32", "--threads=1")
        + ["--on_small=enlarge", "--num_examples=8"],
        arguments(images, shards),
        arguments(images, "ram://prepared"),
        ["--verify", "--output=ram://prepared"],
    ]
    cache = f"import os; os.environ['SAGAN_TF_CACHE'] = '{tmp_path}/cache'"
    answers = call_each(PROGRAM, calls, before=cache)
    refusals = [
        ("another framing", "lanczos", "box"),
        ("should be empty", "notes.txt"),
        ("too small", "20x24", "32", "on_small"),
        (str(victim), "truncated", " --on_unreadable to skip"),
        (str(victim), "truncated", " --on_unreadable to skip"),
        ("has 3 classes", "Received: 4"),
        ("folder, shards, tfds:NAME", "'images'"),
        (str(first), "changed"),
        *[(str(folder), "index.json cannot be used") for folder in foreign],
        ("empty.tfrecords", "should hold an image"),
    ]
    done = answers[len(refusals) :]
    for answer, words in zip(answers, refusals):
        assert_refused(answer, *words)
    assert [answer.status for answer in done] == [0] * 6, done
    assert "every shard is as it was" in done[0].out
    assert "7 images" in done[1].out and "skipped 1" in done[1].out
    assert "8 images of 32x32" in done[2].out
    assert "prepared already" in done[3].out
    # A store has no sheet, which would have to come back.
    assert "180 images" in done[4].out and "look at" not in done[4].out
    assert "ram://prepared: every shard is as it was" in done[5].out
    assert (foreign[0] / "index.json").read_text() == "[]"
    assert (tmp_path / "full" / "notes.txt").read_text() == "keep me"
    assert len(open_dataset("shards", path=str(skipped), image_size=8).labels)
