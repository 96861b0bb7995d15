"""The wheel, installed by the Dockerfile's steps into an empty environment."""

import os
import pathlib
import subprocess
import sysconfig
import types
import venv

import pytest

import sagan_tf
from sagan_tf import weights
from sagan_tf.configuration import validation
from sagan_tf.training.workdir import Workdir
from tests import dockerfile
from tests.training import toy

ROOT = dockerfile.ROOT
COMMANDS = ("train", "evaluate", "sample", "attention", "export", "project")
LEFT_BY_A_BUILD = (".egg-info", "build", "dist", "wheels")
# The locked packages stand for the lock, and a user needs an image.
NEEDS_AN_IMAGE = r"requirements\.txt|^useradd "


def make_environment(path):
    """Makes an empty environment; returns where its packages go.

    The locked packages of this one, pip and setuptools among them, can be
    imported in it.
    """
    venv.create(path, symlinks=True)
    (site,) = path.glob("lib/python3*/site-packages")
    locked = path / "locked"
    locked.mkdir()
    for name in {sysconfig.get_path(name) for name in ("purelib", "platlib")}:
        for package in pathlib.Path(name).iterdir():
            # pip leaves alone what it takes for installed.
            if "sagan_tf" not in package.name:
                (locked / package.name).symlink_to(package)
    (site / "locked.pth").write_text(str(locked))
    pip = path / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec {path}/bin/python -m pip "$@"\n')
    pip.chmod(0o755)
    return site


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The environment, and an empty directory to call its commands from."""
    root = tmp_path_factory.mktemp("image")
    before = set(os.listdir(ROOT))
    site = make_environment(root / "venv")
    variables = {
        **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        "PATH": f"{root / 'venv' / 'bin'}:{os.environ['PATH']}",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    dockerfile.build(root, variables, NEEDS_AN_IMAGE)
    left = set(os.listdir(ROOT)) - before
    assert not [name for name in left if name.endswith(LEFT_BY_A_BUILD)]
    home = root / dockerfile.arguments_of("WORKDIR")[-1].lstrip("/")
    return types.SimpleNamespace(site=site, home=home, variables=variables)


def start(installed, *words):
    return subprocess.Popen(
        words,
        cwd=installed.home,
        env=installed.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def files(folder):
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }


def test_site_packages_hold_nothing_else(installed):
    names = {path.name for path in installed.site.iterdir()}
    distribution = f"sagan_tf-{sagan_tf.__version__}.dist-info"
    assert names == {"locked.pth", "sagan_tf", distribution}


def test_all_of_the_library_and_each_configuration_are_in_it(installed):
    expected = files(ROOT / "sagan_tf") | {
        f"configs/{name}" for name in files(ROOT / "configs")
    }
    assert files(installed.site / "sagan_tf") == expected


def test_it_is_what_is_imported(installed):
    program = (
        "import sagan_tf.cli.command, sagan_tf.weights\n"
        "from sagan_tf.configs import study32\n"
        "print(sagan_tf.cli.command.__file__, study32.__file__)\n"
        "print(study32.get_config().model.base_channels)\n"
        "print(*sagan_tf.weights.names())\n"
        "for name in ('configs', 'tools'):\n"
        "    try: __import__(name)\n"
        "    except ModuleNotFoundError: print(name)\n"
    )
    output, errors = start(installed, "python", "-c", program).communicate()
    place = installed.site / "sagan_tf"
    assert output.split() == [
        str(place / "cli" / "command.py"),
        str(place / "configs" / "study32.py"),
        *("8", *weights.names(), "configs", "tools"),
    ], errors


@pytest.fixture(scope="module")
def run(installed):
    """The workdir of two steps."""
    fields = {**toy.FIELDS, "model.discriminator_base_channels": 2}
    process = start(
        installed,
        *("sagan-train", "--config=twins32", "--workdir=run"),
        *(f"--config.{name}={value}" for name, value in fields.items()),
    )
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert "step 2 reached" in output
    return Workdir(installed.home / "run")


@pytest.fixture(scope="module")
def processes(installed, run):
    """All at once, for each mostly starts TensorFlow."""
    started = {
        words.split()[0]: start(installed, *words.split())
        for words in (
            "sagan-sample --workdir=run --num_images=4 --output=sheet.png",
            "sagan-export --workdir=run --output=model",
            "sagan-attention --help",
            "sagan-evaluate --workdir=absent",
        )
    }
    yield started
    for process in started.values():
        process.kill()


def test_it_trains_by_a_name(run):
    assert validation.read_stored(run.config)["optimizer"]["beta_2"] == 0.9
    assert (run.checkpoints / "step_00000002").is_dir()


def test_it_samples(processes, installed):
    output, errors = processes["sagan-sample"].communicate(timeout=600)
    assert output == "sheet.png: 4 images\n", errors
    assert (installed.home / "sheet.png").is_file()


def test_it_exports(processes, installed):
    output, errors = processes["sagan-export"].communicate(timeout=600)
    assert "what the network draws" in output, errors
    assert (installed.home / "model" / "saved_model.pb").is_file()


def test_a_command_explains_its_own_flags(processes):
    output, errors = processes["sagan-attention"].communicate(timeout=600)
    assert (processes["sagan-attention"].returncode, errors) == (0, "")
    assert "--num_points" in output and "--workdir" in output
    assert "sagan_tf.attention" in output


def test_an_error_names_the_command(processes):
    output, errors = processes["sagan-evaluate"].communicate(timeout=600)
    assert (processes["sagan-evaluate"].returncode, output) == (2, "")
    assert errors.startswith("sagan-evaluate: error: ") and "absent" in errors
    assert errors.count("\n") == 1


def test_each_command_is_installed(installed):
    places = (installed.site.parents[2] / "bin").glob("sagan*")
    assert {path.name for path in places} == {
        f"sagan-{command}" for command in COMMANDS
    }
    assert dockerfile.entry_point() == ["sagan-train"]


def test_only_what_is_copied_reaches_the_image():
    for name in ("tests/a.py", "tools/a.py", "runs/a/config.json", ".git/HEAD"):
        assert not dockerfile.is_sent(pathlib.Path(name))
    assert not dockerfile.is_sent(pathlib.Path("configs/__pycache__/a.pyc"))


def install_the_lock(directory, installed, **variables):
    (step,) = (
        step
        for step in dockerfile.arguments_of("RUN")
        if "requirements.txt" in step
    )
    # A package that is there needs no network.
    (directory / "requirements.txt").write_text("absl-py\n")
    return dockerfile.shell(
        step, directory, {**installed.variables, **variables}
    )


def test_the_lock_is_installed(installed, tmp_path):
    device = dict(word.split("=") for word in dockerfile.arguments_of("ARG"))
    done = install_the_lock(tmp_path, installed, **device)
    assert done.returncode == 0, done.stderr
    assert "Requirement already satisfied: absl-py" in done.stdout


def test_a_gpu_has_its_libraries_of_the_locked_version(installed, tmp_path):
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    pip.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = install_the_lock(tmp_path, installed, DEVICE="gpu", PATH=path)
    assert done.stdout.split() == [
        *("install", "--no-cache-dir", "-r", "requirements.txt"),
        *("-c", "requirements.txt", "tensorflow[and-cuda]"),
    ]


def test_another_device_is_refused(installed, tmp_path):
    done = install_the_lock(tmp_path, installed, DEVICE="tpu")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "DEVICE should be cpu or gpu. Received: tpu\n"
