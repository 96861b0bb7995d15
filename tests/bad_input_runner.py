"""Runs many commands in one process, as a user would start each.

    python -m tests.bad_input_runner DIR < cases.json > results.json

TensorFlow starts once instead of two hundred times. What a command writes,
what it exits with, and whether it touched a file in DIR is reported.
"""

import contextlib
import io
import json
import os
import pathlib
import runpy
import sys
import traceback

from absl import app, flags

app.define_help_flags()
# Imported now, so that nothing of theirs counts as a command's own flag.
import tensorflow as tf  # noqa: E402

BASE_FLAGS = set(flags.FLAGS)


def snapshot(root):
    """Returns the content of every file below a directory."""
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(pathlib.Path(root).rglob("*"))
    }


def forget_flags():
    """Leaves no flag of the command before."""
    for name in set(flags.FLAGS) - BASE_FLAGS:
        if name in flags.FLAGS:
            delattr(flags.FLAGS, name)
    flags.FLAGS.unparse_flags()


def run(module, arguments):
    """Runs a module as a program; returns its exit status."""
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main():
    """Runs the cases of standard input."""
    root, results = sys.argv[1], []
    cases = json.load(sys.stdin)
    before = snapshot(root)
    environment = dict(os.environ)
    for module, arguments, variables in cases:
        forget_flags()
        os.environ.update(variables)
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output):
            with contextlib.redirect_stderr(errors):
                status = run(module, arguments)
        for name in variables:
            os.environ.pop(name)
        os.environ.update(environment)
        tf.keras.backend.clear_session()
        after = snapshot(root)
        harmed = [
            name
            for name in {*before, *after}
            if before.get(name, 0) != after.get(name, 0)
        ]
        before = after
        results.append((status, output.getvalue(), errors.getvalue(), harmed))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
