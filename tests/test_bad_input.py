"""Whatever a user gets wrong is one line, and nothing on disk is harmed."""

import json
import math
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sagan_tf.training.workdir import Workdir
from tests.configuration.test_fields import BAD_VALUES, CONTRADICTIONS
from tests.conftest import make_run
from tests.training import toy

ROOT = pathlib.Path(__file__).parents[1]
TRAIN = "sagan_tf.train"
IMPORT = "tools.import_checkpoint"
LAUNCH = "tools.launch_local"
TORTURE = "tools.torture"
EVALUATE = "sagan_tf.evaluate"
SAMPLE = "sagan_tf.sample"
ATTENTION = "sagan_tf.attention"
EXPORT = "sagan_tf.export"
CLIENT = "tools.client"
BENCHMARK = "tools.benchmark"
QUIET = "TF_CPP_MIN_LOG_LEVEL"
# Stands for the directory with all files of the cases.
HERE = "HERE"
GOOD = (f"--config={HERE}/good.py", f"--workdir={HERE}/new")

CONFIG_FILE = """
from configs import default

def get_config():
    config = default.get_config()
    with config.unlocked(), config.ignore_type():
        config.update_from_flattened_dict({settings})
    return config
"""


def case(words, *arguments, module=TRAIN, **variables):
    """A command line that is wrong, and what the line about it holds."""
    words = (words,) if isinstance(words, str) else tuple(words)
    return module, arguments, variables, words


FLAGS = [
    case("--config is required"),
    case("--workdir is required", GOOD[0]),
    case("--workdir is required", GOOD[0], "--workdir="),
    case("--config is required", GOOD[1]),
    case("no such file", "--config=", GOOD[1]),
    case("did you mean twins32?", "--config=twins23", GOOD[1]),
    case("unknown flag --workdri; did", GOOD[0], "--workdri=a"),
    case("unknown flag --qqq", *GOOD, "--qqq"),
    case("--features is for --evaluate_every", *GOOD, "--features=own"),
    case("unknown flag --batch_size", *GOOD, "--batch_size=3"),
    case("unexpected argument 'now'", *GOOD, "now"),
    case("unexpected argument '3'", *GOOD, "--config.seed=3", "3"),
    case("--dry_run should be true", *GOOD, "--dry_run=maybe"),
    case("--deterministic should be", *GOOD, "--deterministic=7"),
    case("Missing value", GOOD[0], "--workdir"),
    case("absent", *GOOD, "--flagfile=absent"),
    case(
        ("unknown field", "did you mean --config.train.num_steps?"),
        *GOOD,
        "--config.train.num_step=4",
    ),
    case("unknown field --config.qqq", *GOOD, "--config.qqq=1"),
    case("unknown field", *GOOD, "--config.=1"),
    case("seed has no fields", *GOOD, "--config.seed.x=1"),
    case("is a section", *GOOD, "--config.train=1"),
    case("should be an integer", *GOOD, "--config.seed=one"),
    case("should be an integer", *GOOD, "--config.train.batch_size=1.5"),
    case("should be an integer", *GOOD, "--config.train.num_steps="),
    case("should be a number", *GOOD, "--config.optimizer.beta_1=b"),
    case("should be true or false", *GOOD, "--config.train.jit_compile=x"),
    case(
        "attention_resolutions",
        *GOOD,
        "--config.model.attention_resolutions=(",
    ),
    case("train.batch_size", *GOOD, "--config.train.batch_size=-4"),
    case("train.batch_size", *GOOD, "--config.train.batch_size=0"),
    case("dataset.name", *GOOD, "--config.dataset.name=imagenet"),
    case("did you mean twins", *GOOD, "--config.dataset.name=twin"),
    case(
        "generator_learning_rate",
        *GOOD,
        "--config.optimizer.generator_learning_rate=nan",
    ),
    case("needs --config=NAME", GOOD[1], "--config.seed=1"),
]

FILES = [
    case("no such file", f"--config={HERE}/absent.py", GOOD[1]),
    case("did you mean", f"--config={HERE}/goood.py", GOOD[1]),
    case("no such file", f"--config={HERE}", GOOD[1]),
    case("syntax.py, line 2", f"--config={HERE}/syntax.py", GOOD[1]),
    case("get_config", f"--config={HERE}/nothing.py", GOOD[1]),
    case("ConfigDict", f"--config={HERE}/none.py", GOOD[1]),
    case("division", f"--config={HERE}/raises.py", GOOD[1]),
    case("a_module", f"--config={HERE}/imports.py", GOOD[1]),
    case("binary.py", f"--config={HERE}/binary.py", GOOD[1]),
    case("train.extra is not a", f"--config={HERE}/unknown.py", GOOD[1]),
    case("train.num_steps is missing", f"--config={HERE}/few.py", GOOD[1]),
    case("good.py", f"--config={HERE}/good.py:argument", GOOD[1]),
    case("which is a file", GOOD[0], f"--workdir={HERE}/file"),
    case("which is a file", GOOD[0], f"--workdir={HERE}/file/run"),
    case("should be JSON", GOOD[0], f"--workdir={HERE}/half"),
    case("should be JSON", GOOD[0], f"--workdir={HERE}/bytes"),
    case("object", GOOD[0], f"--workdir={HERE}/list"),
    case("another configuration", GOOD[0], f"--workdir={HERE}/empty"),
    case(
        ("latent_dim is 4 there and 128 here", "choose another directory"),
        f"--config={HERE}/toy128.py",
        f"--workdir={HERE}/run",
    ),
    case(
        "1 damaged",
        f"--config={HERE}/toy.py",
        f"--workdir={HERE}/damaged",
    ),
]

FOLDER = (*GOOD, "--config.dataset.name=folder")


def folder(words, name, *more):
    return case(words, *FOLDER, f"--config.dataset.path={HERE}/{name}", *more)


DATA = [
    case("dataset.path", *FOLDER),
    folder("absent", "absent"),
    folder("file", "file"),
    folder("nothing", "nothing"),
    folder("one class folder", "one"),
    folder("10", "two"),
    folder("cannot read", "text", "--config.dataset.num_classes=2"),
    folder("cannot read", "cut", "--config.dataset.num_classes=2"),
    folder("too small", "small", "--config.dataset.num_classes=2"),
    folder("class folders", "flat"),
    folder(
        "is readable",
        "text",
        "--config.dataset.num_classes=2",
        "--config.dataset.on_unreadable=skip",
    ),
    folder(
        "num_examples",
        "two",
        "--config.dataset.num_classes=2",
        "--config.dataset.num_examples=5",
    ),
    case(
        "num_examples",
        *GOOD,
        "--config.dataset.name=digits",
        "--config.dataset.num_examples=5000",
    ),
]

WORKERS = (*GOOD, "--config.distribution.strategy=multi_worker")
CLUSTERS = [
    case("TF_CONFIG should be", *GOOD, TF_CONFIG="{"),
    case("TF_CONFIG should be", *GOOD, TF_CONFIG='{"cluster": 3}'),
    case("TF_CONFIG should be", *WORKERS),
    case(
        "TF_CONFIG should be",
        *WORKERS,
        TF_CONFIG='{"cluster": {"worker": ["a:1"]}, "task": 1}',
    ),
    case("srun", *WORKERS, "--config.distribution.cluster=slurm"),
    case("label", *WORKERS, "--config.distribution.cluster=kubernetes"),
    case(
        "label",
        *WORKERS,
        "--config.distribution.cluster=kubernetes",
        "--config.distribution.address=a/b/c=d",
    ),
    case(
        "should find its workers",
        *WORKERS,
        "--config.distribution.cluster=kubernetes",
        "--config.distribution.address=app.kubernetes.io/name=sagan",
    ),
    case("PROJECT/ZONE", *WORKERS, "--config.distribution.cluster=gce"),
    case("did you mean slurm", *WORKERS, "--config.distribution.cluster=slum"),
    case("empty", *GOOD, "--config.distribution.address=me"),
    case("tf_config", *GOOD, "--config.distribution.cluster=slurm"),
]

PREFIX = ROOT / "tests" / "fixtures" / "release" / "model.ckpt"
IMPORTED = ("--format=release", f"--workdir={HERE}/new")
TOOLS = [
    case("--format is required", module=IMPORT),
    case("--checkpoint is required", *IMPORTED, module=IMPORT),
    case(
        "--workdir is required",
        IMPORTED[0],
        f"--checkpoint={PREFIX}",
        module=IMPORT,
    ),
    case("--format=torch: value should", "--format=torch", module=IMPORT),
    case("absent", *IMPORTED, "--checkpoint=absent", module=IMPORT),
    case("file", *IMPORTED, f"--checkpoint={HERE}/file", module=IMPORT),
    case("wrong", *IMPORTED, f"--checkpoint={HERE}/wrong", module=IMPORT),
    case(
        "should hold variables named",
        *IMPORTED,
        f"--checkpoint={HERE}/run/checkpoints/step_00000002/state",
        module=IMPORT,
    ),
    case(
        "should not hold a run",
        IMPORTED[0],
        f"--workdir={HERE}/run",
        f"--checkpoint={PREFIX}",
        module=IMPORT,
    ),
    case(
        "attention_resolutions",
        *IMPORTED,
        f"--checkpoint={PREFIX}",
        "--attention_resolutions=a",
        module=IMPORT,
    ),
    case(
        "no such file",
        *IMPORTED,
        f"--checkpoint={PREFIX}",
        "--config=absent.py",
        module=IMPORT,
    ),
    case("--workers should be", "--workers=0", module=LAUNCH),
    case("--workers should be", "--workers=two", module=LAUNCH),
    case("--threads should be", "--threads=-1", module=LAUNCH),
    case("should follow --", "--workers=2", module=LAUNCH),
    case("unknown flag", "--worker=2", module=LAUNCH),
    case(
        "should run: /absent",
        f"--logs={HERE}/logs_exist",
        *("--", "/absent"),
        module=LAUNCH,
    ),
    case("--workdir is required", module=TORTURE),
    case("--kills should be", "--kills=0", module=TORTURE),
    case("should not exist yet", f"--workdir={HERE}/run", module=TORTURE),
]


SCORED = (f"--workdir={HERE}/run", "--features=twins")
SCORES = [
    case("give --workdir", module=EVALUATE),
    case("give --workdir", "--real_dir=a", module=EVALUATE),
    case("give --workdir", *SCORED, "--fake_dir=a", module=EVALUATE),
    case("hold a run", f"--workdir={HERE}/nothing", module=EVALUATE),
    case("hold a run", f"--workdir={HERE}/absent", module=EVALUATE),
    case("should be JSON", f"--workdir={HERE}/half", module=EVALUATE),
    case("should be latest", *SCORED, "--checkpoint=new", module=EVALUATE),
    case("9", *SCORED, "--checkpoint=9", module=EVALUATE),
    case("--features=vgg: value should", "--features=vgg", module=EVALUATE),
    case("--metric=psnr: value should", "--metric=psnr", module=EVALUATE),
    case(("train or test", "'dev'"), *SCORED, "--split=dev", module=EVALUATE),
    case("--num_images should be", "--num_images=-1", module=EVALUATE),
    case("--batch_size should be", "--batch_size=0", module=EVALUATE),
    case("--truncation should be", "--truncation=-1", module=EVALUATE),
    case("--seed should be", "--seed=one", module=EVALUATE),
    case("unknown flag --work", "--work=a", module=EVALUATE),
    case(
        "absent",
        f"--real_dir={HERE}/absent",
        f"--fake_dir={HERE}/two",
        module=EVALUATE,
    ),
]


RUN = f"--workdir={HERE}/run"
SHEET = f"--output={HERE}/new.png"


def each(modules, words, *arguments):
    """The same mistake with several commands."""
    return [case(words, *arguments, module=module) for module in modules]


READERS = (SAMPLE, ATTENTION, EXPORT)
IMAGES = [
    *each(READERS, "--output is required", RUN),
    *each(READERS, "no directory", f"--workdir={HERE}/absent", SHEET),
    *each(READERS, "hold a run", f"--workdir={HERE}/nothing", SHEET),
    *each(READERS, "should be JSON", f"--workdir={HERE}/half", SHEET),
    *each(READERS, "checkpoint", f"--workdir={HERE}/damaged", SHEET),
    *each(READERS, "checkpoint", RUN, SHEET, "--checkpoint=9"),
    *each(READERS, "checkpoint", RUN, SHEET, "--checkpoint=new"),
    *each(READERS, "unknown flag --outptu", RUN, "--outptu=a"),
    *each((SAMPLE, ATTENTION), "labels", RUN, SHEET, "--labels=0,a"),
    *each((SAMPLE, ATTENTION), "labels", RUN, SHEET, "--labels=10"),
    *each((SAMPLE, ATTENTION), "truncation", RUN, SHEET, "--truncation=-1"),
    *each((SAMPLE, ATTENTION), "num_images", RUN, SHEET, "--num_images=0"),
    case("--show=all: value", RUN, SHEET, "--show=all", module=SAMPLE),
    case("points", RUN, SHEET, "--points=99:0", module=ATTENTION),
    case("already", RUN, f"--output={HERE}/two", module=EXPORT),
    *each((CLIENT, BENCHMARK), "unknown flag --qqq", "--qqq"),
    case("--output is required", module=CLIENT),
    case("localhost:1", SHEET, "--server=http://localhost:1", module=CLIENT),
    case("--only should name", "--only=speed", module=BENCHMARK),
    case(
        "--sweep_batch_sizes should be integers",
        *("--sweep_batch_sizes=2,x", "--only=sweep"),
        module=BENCHMARK,
    ),
    case("--batch_size should", "--batch_size=0", module=BENCHMARK),
    case("--num_classes should", "--num_classes=0", module=BENCHMARK),
    case("--dtypes should name", "--dtypes=half", module=BENCHMARK),
    case("--image_size should be", "--image_size=100", module=BENCHMARK),
    case(
        "should be even", "--only=scaling", "--batch_size=3", module=BENCHMARK
    ),
]


def literal(value):
    """Python for a value, also for numbers that have none."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value)


def field_cases(directory=None):
    """A file for each wrong field and combination of the validation's table.

    With a directory the files are written there.
    """
    rows = [
        ({name: value}, (f"config.{name} should be",))
        for name, value in BAD_VALUES
    ]
    rows += [(settings, tuple(parts)) for settings, parts in CONTRADICTIONS]
    cases = []
    for number, (settings, words) in enumerate(rows):
        inner = ", ".join(f"{k!r}: {literal(v)}" for k, v in settings.items())
        if directory:
            text = CONFIG_FILE.format(settings="{" + inner + "}")
            (directory / f"field_{number}.py").write_text(text)
        path = f"--config={HERE}/field_{number}.py"
        cases.append(case(words, path, GOOD[1]))
    return cases


CASES = [
    *FLAGS,
    *FILES,
    *DATA,
    *CLUSTERS,
    *TOOLS,
    *SCORES,
    *IMAGES,
    *field_cases(),
]


def write_files(root):
    """Everything that the cases name."""
    field_cases(root)
    good = CONFIG_FILE.format(settings="{}")
    run = "".join(f"{k!r}: {v!r}, " for k, v in toy.FIELDS.items())
    files = {
        "good.py": good,
        "toy.py": CONFIG_FILE.format(settings="{" + run + "}"),
        "toy128.py": CONFIG_FILE.format(
            settings="{" + run + "'model.latent_dim': 128}"
        ),
        "syntax.py": "x = 1\ndef get_config(:\n",
        "nothing.py": "x = 1\n",
        "none.py": "def get_config():\n    return None\n",
        "raises.py": "def get_config():\n    return 1 / 0\n",
        "imports.py": "import a_module_that_is_not\n",
        "unknown.py": good.replace(
            "return", "config.unlock()\n    config.train.extra = 1\n    return"
        ),
        "few.py": good.replace(
            "return",
            "config.unlock()\n    del config.train['num_steps']\n    return",
        ),
        "file": "not a run\n",
        "wrong.index": "not a checkpoint\n",
        "half/config.json": '{"seed": ',
        "list/config.json": "[1, 2]",
        "empty/config.json": "{}",
        "text/a/0.png": "no image",
        "text/b/0.png": "no image",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(text)
    for name in ("nothing", "bytes", "logs_exist"):
        (root / name).mkdir()
    for name in ("worker_0.log", "worker_1.log"):
        (root / "logs_exist" / name).touch()
    (root / "bytes" / "config.json").write_bytes(b"\xff\xfe\x00{")
    (root / "binary.py").write_bytes(b"\x00\xff\x00")
    write_images(root)
    write_runs(root)


def write_images(root):
    for name, size in {
        "one/a/0.png": 40,
        "two/a/0.png": 40,
        "two/b/0.png": 40,
        "cut/a/0.png": 40,
        "cut/b/0.png": 40,
        "small/a/0.png": 8,
        "small/b/0.png": 8,
        "flat/0.png": 40,
        "flat/1.png": 40,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(0).integers(0, 255, (size, size, 3))
        Image.fromarray(noise.astype(np.uint8)).save(path)
    path = root / "cut" / "a" / "0.png"
    path.write_bytes(path.read_bytes()[:300])


def write_runs(root):
    make_run(root / "run")
    damaged = Workdir(root / "damaged")
    config = (root / "run" / "config.json").read_text()
    place = damaged.checkpoints / "step_00000002"
    place.mkdir(parents=True)
    damaged.config.write_text(config)
    (place / "manifest.json").write_text("{")
    (root / "run" / "checkpoints" / "step_00000003").rename(
        root / "run" / "checkpoints" / "step_00000002"
    )


def fill(arguments, root):
    return [word.replace(HERE, str(root)) for word in arguments]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("inputs")
    write_files(path)
    return path


@pytest.fixture(scope="module")
def results(root):
    cases = [
        (module, fill(arguments, root), variables)
        for module, arguments, variables, _ in CASES
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bad_input_runner", str(root)],
        input=json.dumps(cases),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SAGAN_TF_TRACEBACK": "0"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def name_of(index):
    module, arguments, _, words = CASES[index]
    return f"{index}-{module.rpartition('.')[2]}-{words[0]}"


def test_there_are_enough_cases():
    lines = {json.dumps(one[:3]) for one in CASES}
    assert len(lines) == len(CASES) >= 150


@pytest.mark.parametrize("index", range(len(CASES)), ids=name_of)
def test_wrong_input_is_one_line(results, index):
    module, _, _, words = CASES[index]
    status, output, errors, harmed = results[index]
    assert status == 2, errors
    assert output == ""
    assert errors.startswith(f"{module}: error: ")
    assert errors.count("\n") == 1 and errors.endswith("\n"), errors
    assert all(word in errors for word in words), errors
    assert "Traceback" not in errors
    assert harmed == []


# Those that depend most on how a process starts and ends; more are in
# tests/test_command.py.
REAL = [
    *(FLAGS[1], FILES[12], FILES[18], DATA[1], CLUSTERS[0], SCORES[3]),
    *(TOOLS[7], TOOLS[14], TOOLS[15], TOOLS[17], IMAGES[3], IMAGES[9]),
]


@pytest.fixture(scope="module")
def processes(root):
    """All of them at once, for they mostly wait for the disk."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", module, *fill(arguments, root)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **{k: v for k, v in os.environ.items() if k != QUIET},
                **variables,
            },
        )
        for module, arguments, variables, _ in REAL
    ]
    yield started
    for process in started:
        process.kill()


@pytest.mark.parametrize("number", range(len(REAL)))
def test_wrong_input_of_a_process_is_one_line(processes, number):
    module, _, _, words = REAL[number]
    output, errors = processes[number].communicate(timeout=600)
    assert processes[number].returncode == 2
    assert output == ""
    assert errors.startswith(f"{module}: error: "), errors
    assert errors.count("\n") == 1, errors
    assert all(word in errors for word in words), errors
