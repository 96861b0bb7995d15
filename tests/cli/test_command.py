"""What a user sees: one line and a status, whatever was wrong."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import pytest
import tensorflow as tf
from absl import flags

from configs import twins32
from sagan_tf.cli import command
from sagan_tf.errors import DivergedError, UserError

ROOT = pathlib.Path(__file__).parents[2]

CONFIG = """
from configs import default

def get_config():
    return default.get_config()
"""

NESTED = """
from sagan_tf.configuration import load_config

def get_config():
    return load_config("twins23")
"""

PROGRAM = '''
"""A toy command."""

import sys
import time

from absl import flags
from sagan_tf.cli import command

_CONFIG = command.define_config_flag()
_WORKDIR = flags.DEFINE_string("workdir", None, "Directory of the run.")
_FAIL = flags.DEFINE_string("fail", "", "Name of an exception.")


def main(argv):
    if _FAIL.value == "interrupt":
        sys.stdout.write("ready")
        sys.stdout.flush()
        time.sleep(60)
    if _FAIL.value:
        raise getattr(__builtins__, _FAIL.value)("broken inside")
    sys.stdout.write(f"{_WORKDIR.value} {_CONFIG.value.train.num_steps}")


if __name__ == "__main__":
    command.run(main, required_flags=("config", "workdir"))
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A directory with a good and several broken configuration files."""
    files = {
        "good.py": CONFIG,
        "syntax.py": "x = 1\ndef get_config(:\n",
        "nothing.py": "x = 1\n",
        "none.py": "def get_config():\n    return None\n",
        "imports.py": "import a_module_that_is_not\n",
        "unknown.py": CONFIG.replace(
            "return default.get_config()",
            "c = default.get_config()\n    c.train.num_step = 4\n    return c",
        ),
        "kind.py": CONFIG.replace(
            "return default.get_config()",
            "c = default.get_config()\n    c.seed = 'one'\n    return c",
        ),
        "nested.py": NESTED,
        "toy.py": PROGRAM,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    return tmp_path


def parse(arguments, monkeypatch, required=("workdir",)):
    """Parses arguments with flags of the usual kinds; returns the flags."""
    values = flags.FlagValues()
    argv = ["toy", *arguments]
    # Where ml_collections looks for the fields to override.
    monkeypatch.setattr(sys, "argv", argv)
    command.define_config_flag(flag_values=values)
    flags.DEFINE_string("workdir", None, "Run.", flag_values=values)
    flags.DEFINE_integer("count", 1, "N.", 1, flag_values=values)
    flags.DEFINE_float("rate", 1.0, "Rate.", flag_values=values)
    flags.DEFINE_bool("dry_run", False, "Dry.", flag_values=values)
    flags.DEFINE_enum("format", "a", ["a", "b"], "F.", flag_values=values)
    command.parse_flags(argv, required, values)
    return values


def test_good_arguments_are_parsed(folder, monkeypatch):
    values = parse(
        [
            "--config=good.py",
            "--workdir=run",
            "--config.train.num_steps=1_000",
            "--config.model.attention_resolutions=(8, 16)",
            "--noconfig.model.fold_resampling",
            "--config.dtype",
            "auto",
        ],
        monkeypatch,
    )
    assert values.workdir == "run"
    assert values.config.train.num_steps == 1000
    assert values.config.model.attention_resolutions == (8, 16)
    assert values.config.model.fold_resampling is False
    assert values.config.dtype == "auto"


def test_a_configuration_is_found_by_name(folder, monkeypatch):
    """Also where a file or a folder of the same name lies."""
    (folder / "twins32").mkdir()
    (folder / "configs").mkdir()
    (folder / "configs" / "twins32.py").write_text("broken(")
    words = ["--config=twins32", "--workdir=run", "--config.train.num_steps=7"]
    config = parse(words, monkeypatch).config
    assert config.is_locked
    assert config.train.num_steps == 7
    config.train.num_steps = twins32.get_config().train.num_steps
    assert config.to_dict() == twins32.get_config().to_dict()


def test_a_run_goes_on_with_its_own_configuration(folder, monkeypatch):
    stored = twins32.get_config()
    stored.train.num_steps = 9
    (folder / "run").mkdir()
    (folder / "run" / "config.json").write_text(stored.to_json())
    words, required = (
        ["--workdir=run", "--config.dtype=float32"],
        (
            "config",
            "workdir",
        ),
    )
    for given in ([], ["--config=run/config.json"]):
        config = parse([*given, *words], monkeypatch, required).config
        assert config.is_locked
        assert (config.dtype, config.train.num_steps) == ("float32", 9)
        config.dtype = stored.dtype
        assert config.to_dict() == stored.to_dict()
    with pytest.raises(UserError, match="--config is required"):
        parse(["--workdir=new"], monkeypatch, required)
    (folder / "run" / "config.json").write_text("{")
    with pytest.raises(UserError, match="run/config.json: Expecting") as caught:
        parse(["--workdir=run"], monkeypatch, required)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "--workdir is required: Run"),
        ("--workdir=", "--workdir is required: Run"),
        ("--workdri=x", "unknown flag --workdri; did you mean --workdir?"),
        ("--zzz=x", "unknown flag --zzz"),
        ("--count=a", "--count should be a positive integer. Received: 'a'"),
        ("--count=0", "--count should be a positive integer. Received: '0'"),
        ("--rate=fast", "--rate should be a number. Received: 'fast'"),
        ("--dry_run=maybe", "--dry_run should be true or false. Received: 'm"),
        ("--format=c", "--format=c: value should be one of <a|b>"),
        ("--workdir=x stray", "unexpected argument 'stray'"),
        ("--count", "Missing value for flag --count"),
        ("--config", "Missing value for flag --config"),
        (
            "--config=goo.py",
            "study32, twins32, or a Python file with a get_config(); did you "
            "mean good.py?",
        ),
        (
            "--config=twins23",
            "--config=twins23: no such configuration, expected celeba64, ",
        ),
        ("--config=twins23", "get_config(); did you mean twins32?"),
        ("--config=configs/twins23.py", "; did you mean twins32?"),
        ("--config=twins32:x", "--config=twins32:x: get_config() takes 0"),
        (
            "--config=nested.py",
            "--config=nested.py, line 5: twins23: no such configuration, ",
        ),
        ("--config=absent/x.py", "--config=absent/x.py: no such file"),
        ("--config=.", "--config=.: no such file"),
        ("--config=", "--config=: no such file"),
        ("--config=syntax.py", "--config=syntax.py, line 2: "),
        ("--config=nothing.py", "the file does not define get_config()"),
        ("--config=none.py", "should return a ConfigDict. Received: NoneType"),
        ("--config=imports.py", "imports.py, line 1: No module named 'a_mod"),
        (
            "--config=unknown.py",
            'unknown.py, line 6: Key "num_step" does not exist and cannot be '
            "added since the config is locked; Did you mean "
            '"num_steps" instead of "num_step"?',
        ),
        ("--config=kind.py", "--config=kind.py, line 6: Could not override"),
        ("--config=good.py:x", "--config=good.py:x: get_config() takes 0"),
        ("--config.seed=1", "--config.seed needs --config=NAME"),
        ("--config.seed=1 --config=good.py", "before a value for --config"),
        (
            "--config=good.py --config.train.num_step=1",
            "unknown field --config.train.num_step; did you mean "
            "--config.train.num_steps?",
        ),
        (
            "--config=good.py --config.trian.num_steps=1",
            "unknown field --config.trian.num_steps; did you mean "
            "--config.train.num_steps?",
        ),
        ("--config=good.py --config.qqq", "unknown field --config.qqq"),
        ("--config=good.py --config.=3", "unknown field --config."),
        (
            "--config=good.py --config.seed.x=3",
            "--config.seed.x: seed has no fields",
        ),
        (
            "--config=good.py --config.train=5",
            "--config.train is a section, set its fields: --config.train.",
        ),
        (
            "--config=good.py --config.seed=abc",
            "--config.seed should be an integer. Received: 'abc'",
        ),
        (
            "--config=good.py --config.train.num_steps=1.5",
            "--config.train.num_steps should be an integer. Received: '1.5'",
        ),
        (
            "--config=good.py --config.optimizer.epsilon=tiny",
            "--config.optimizer.epsilon should be a number. Received: 'tiny'",
        ),
        (
            "--config=good.py --config.train.jit_compile=maybe",
            "--config.train.jit_compile should be true or false.",
        ),
        (
            "--config=good.py --config.train.num_steps",
            "Missing value for flag --config.train.num_steps",
        ),
    ],
)
def test_bad_arguments_are_one_line(folder, monkeypatch, arguments, message):
    with pytest.raises(UserError) as caught:
        parse(arguments.split(), monkeypatch)
    text = str(caught.value)
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UserError("`a` should be b.\n Received: c"), 2, "error: `a` should "),
        (DivergedError("a loss at step 3"), 3, "error: a loss at step 3"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "error: not enough memory: use smaller batches"),
        (MemoryError("3 GiB"), 2, "error: not enough memory (3 GiB): use"),
        (
            tf.errors.ResourceExhaustedError(
                None, None, "At node a:\nOOM when allocating b\n\t [[c]]"
            ),
            2,
            "error: not enough memory (OOM when allocating b): use",
        ),
        (
            tf.errors.InternalError(
                None, None, "cudaSetDevice() failed. Status: out of memory"
            ),
            2,
            "error: not enough memory (cudaSetDevice() failed. Status: out of",
        ),
        (FileNotFoundError(2, "No such", "a/b"), 2, "error: a/b: No such"),
        (OSError(28, "No space left"), 2, "error: No space left"),
    ],
)
def test_users_errors_end_in_one_line(capsys, error, status, line):
    with pytest.raises(SystemExit) as caught:
        with command.one_line_errors("sagan_tf.toy"):
            raise error
    assert caught.value.code == status
    written = capsys.readouterr().err
    assert written.startswith(f"sagan_tf.toy: {line}")
    assert written.count("\n") == 1 and written.endswith("\n")


@pytest.mark.parametrize(
    "error",
    [
        *(ValueError("a"), KeyError("a"), OSError("a"), TypeError("a")),
        ValueError("out of memory"),
        tf.errors.InternalError(None, None, "a"),
    ],
)
def test_programming_errors_pass(capsys, error):
    with pytest.raises(type(error)):
        with command.one_line_errors("sagan_tf.toy"):
            raise error
    assert capsys.readouterr().err == ""


def test_traceback_on_request(capsys, monkeypatch):
    monkeypatch.setenv("SAGAN_TF_TRACEBACK", "1")
    with pytest.raises(SystemExit):
        with command.one_line_errors("sagan_tf.toy"):
            raise UserError("wrong")
    written = capsys.readouterr().err
    assert "Traceback" in written
    assert written.endswith("sagan_tf.toy: error: wrong\n")


def start(folder, *arguments):
    """Starts the toy command as a user does."""
    search_path = os.pathsep.join([str(ROOT), str(folder)])
    return subprocess.Popen(
        [sys.executable, "-m", "toy", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": search_path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background is deaf to interrupts.
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),
    )


GOOD = ("--config=good.py", "--workdir=run")


def test_process_runs_main(folder):
    process = start(folder, *GOOD, "--config.train.num_steps=70")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "run 70", "")


def test_process_reports_a_bad_field_in_one_line(folder):
    process = start(folder, *GOOD, "--config.train.num_step=70")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert output == ""
    assert errors == (
        "toy: error: unknown field --config.train.num_step; "
        "did you mean --config.train.num_steps?\n"
    )


def test_process_keeps_the_traceback_of_a_programming_error(folder):
    process = start(folder, *GOOD, "--fail=ZeroDivisionError")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" in errors and "broken inside" in errors


def test_process_shows_help(folder):
    process = start(folder, "--help")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "A toy command." in output and "--workdir" in output
    assert "--config:" in output


def test_process_reports_a_missing_flag_file_in_one_line(folder):
    process = start(folder, "--flagfile=absent")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith("toy: error: ") and "'absent'" in errors
    assert errors.count("\n") == 1


def test_process_ends_quietly_on_an_interrupt(folder):
    process = start(folder, *GOOD, "--fail=interrupt")
    assert process.stdout.read(5) == "ready"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "toy: interrupted\n"


def test_tensorflow_starts_quietly():
    program = textwrap.dedent("""
        import os
        os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
        from sagan_tf.cli import command
        print(os.environ["TF_CPP_MIN_LOG_LEVEL"])
    """)
    output = subprocess.check_output(
        [sys.executable, "-c", program], cwd=ROOT, text=True
    )
    assert output == "3\n"
