"""What `make setup` installs, and when: with a pip that only says what for."""

import os
import pathlib
import shutil
import subprocess

import pytest

MAKEFILE = pathlib.Path(__file__).parents[1] / "Makefile"
PYTHON = """#!/bin/sh
case "$*" in *"pip install"*) echo "$*" >> installed ;; esac
"""
CUDA = " -r requirements.txt -c requirements.txt tensorflow[and-cuda]"
# A script finds the package from anywhere.
PACKAGE = " --no-deps --no-build-isolation --editable ."


@pytest.fixture
def make(tmp_path):
    """Returns a call of make, which returns what it installed.

    Behind it comes the package, each time.
    """
    shutil.copy(MAKEFILE, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    log = tmp_path / "installed"

    def call(*arguments, lock="tensorflow==1"):
        (tmp_path / "requirements.txt").write_text(lock)
        log.write_text("")
        subprocess.run(
            ["make", "setup", *arguments],
            cwd=tmp_path,
            # Not the options of a make that runs this test.
            env={"PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
        )
        lines = log.read_text().splitlines()
        assert all(line.endswith(PACKAGE) for line in lines[1:2])
        assert len(lines) in (0, 2)
        return lines[:1]

    return call


def test_the_lock_is_installed_once(make):
    (line,) = make()
    assert line.endswith(" -r requirements.txt")
    assert make() == []
    assert make("GPU=0") == []


def test_a_gpu_adds_what_lacks_and_takes_nothing(make):
    make()
    (line,) = make("GPU=1")
    assert line.endswith(CUDA)
    assert make("GPU=1") == []
    assert make() == []


def test_another_lock_is_installed_with_and_without_a_gpu(make):
    make("GPU=1")
    (line,) = make(lock="tensorflow==2")
    assert line.endswith(" -r requirements.txt")
    # Back at the first lock: TensorFlow is no longer that one's.
    (line,) = make("GPU=1")
    assert line.endswith(CUDA)
    assert make() == []


def test_play_serves_what_comes_along(tmp_path):
    shutil.copy(MAKEFILE, tmp_path)
    (tmp_path / "requirements-extras.txt").write_text("nicegui==3")
    python = tmp_path / ".venv-extras" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$*" >> called\n')
    python.chmod(0o755)
    subprocess.run(
        ["make", "play"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
    )
    *calls, last = (tmp_path / "called").read_text().splitlines()
    assert any("-r requirements-extras.txt" in call for call in calls)
    assert last == "-m tools.playground"
