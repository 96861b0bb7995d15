"""Calls a command many times in one process of its own.

Commands share names of flags, so no two of them live in one process.
"""

import json
import pathlib
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]

PROGRAM = """
import contextlib, importlib, io, json, pathlib, sys
from sagan_tf.cli import command
from absl.testing import flagsaver

name, required, calls, before = json.loads(sys.argv[1])
exec(before)
module = importlib.import_module(name)
answers = []
for arguments in calls:
    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            with flagsaver.flagsaver(), command.one_line_errors(name):
                command.parse_flags([name, *arguments], required)
                module.main([name])
        except SystemExit as error:
            status = error.code
    answers.append((status, out.getvalue(), err.getvalue()))
print("\\n" + json.dumps(answers))
"""


class Answer(NamedTuple):
    """What a call left."""

    status: int
    out: str
    err: str


def call_each(module, calls, required=("output",), weights="", before=""):
    """Returns the answer to each list of arguments.

    Args:
        module: the command's.
        calls: lists of arguments.
        required: names of flags that have to be given.
        weights: directory of pretrained weights in place of the package's.
        before: a program that is run first.
    """
    if weights:
        before = (
            f"from sagan_tf import weights\n"
            f"weights.DIRECTORY = pathlib.Path({str(weights)!r})\n{before}"
        )
    words = [list(map(str, each)) for each in calls]
    request = json.dumps([module, required, words, before])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, request],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    return [Answer(*answer) for answer in answers]


def assert_refused(answer, *words):
    """Asserts one line on standard error that says the words."""
    assert answer.status == 2, answer
    assert len(answer.err.strip().splitlines()) == 1, answer.err
    assert "Traceback" not in answer.err
    for word in words:
        assert word in answer.err
