"""A message names only flags and fields of the command that speaks."""

import ast
import pathlib
import re

import pytest

from tools import reference

ROOT = pathlib.Path(__file__).parents[1] / "sagan_tf"
COMMANDS = ("train", "evaluate", "sample", "attention", "export", "project")
# Of what absl itself defines.
KNOWN = {"help"}
# Whose messages which commands show; the first that fits counts.
SPEAKERS = {
    **{f"{name}.py": (name,) for name in COMMANDS},
    "evaluation/results/best.py": (*COMMANDS[1:],),
    # Files, outputs and statistics of others are for one command.
    "evaluation/classification_accuracy.py": ("evaluate",),
    "evaluation/evaluator.py": ("evaluate",),
    "evaluation/image_findings.py": ("evaluate",),
    "evaluation/images/": ("evaluate",),
    "evaluation/results/outputs.py": ("evaluate",),
    "evaluation/sets/given_statistics.py": ("evaluate",),
    "evaluation/run_scorer.py": ("evaluate",),
    "evaluation/scoring.py": ("evaluate",),
    "evaluation/": ("evaluate", "train"),
    "configuration/builders/scoring.py": ("train",),
    "training/": ("train",),
    "exporting/exported.py": (),
    "exporting/": ("export",),
    "training_run.py": ("train",),
    "runs.py": (*COMMANDS[2:],),
}
# Words of the configuration that no command without one should say.
FIELDS = ("on_small", "`crop`", "num_examples", "config.")


def flags_of(command):
    """Returns the names of the flags that a command defines."""
    tree = ast.parse((ROOT / f"{command}.py").read_text())
    return {flag.name for flag in reference.flags_of(tree)}


def messages(source):
    """Yields the texts of a source that are no docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and ast.get_docstring(node, clean=False)
    }
    inner = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [v for v in node.values if isinstance(v, ast.Constant)]
            inner |= set(map(id, parts))
            yield "{}".join(part.value for part in parts)
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings | inner:
            yield node.value


def unknown_flags(message, speakers):
    """Returns the flags of a message that a speaker lacks.

    Behind the name of another command its flags may stand.
    """
    found, other = set(), None
    if " " not in message:
        # An argument of another program.
        return found
    pattern = r"sagan_tf\.(\w+)|--(no)?([a-z]\w*[a-z])\b"
    for match in re.finditer(pattern, message):
        if match[1] in COMMANDS:
            other = match[1]
        elif match[3]:
            known = [flags_of(other)] if other else map(flags_of, speakers)
            names = {match[3], (match[2] or "") + match[3]} | KNOWN
            if not all(own & names for own in known):
                found.add(match[0])
    return found


def sources():
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for start, speakers in SPEAKERS.items():
            if name.startswith(start):
                yield name, speakers
                break


@pytest.mark.parametrize("name, speakers", sources())
def test_flags_of_a_message_exist(name, speakers):
    found = {
        flag
        for message in messages((ROOT / name).read_text())
        for flag in unknown_flags(message, speakers)
    }
    assert not found


def test_a_flag_that_does_not_exist_is_found():
    source = 'def f(x):\n    "--doc"\n    raise E(f"a {x}: give --nothing")'
    (message,) = messages(source)
    assert unknown_flags(message, ("train",)) == {"--nothing"}
    assert unknown_flags("or --checkpoint=all", ("train",)) == {"--checkpoint"}
    assert not unknown_flags("sagan_tf.evaluate --checkpoint", ("train",))
    assert not unknown_flags("--notfgan_check", ("evaluate",))


@pytest.mark.parametrize(
    "name", ["images/image_sets", "image_findings", "results/outputs"]
)
def test_files_are_spoken_of_without_a_configuration(name):
    source = (ROOT / "evaluation" / f"{name}.py").read_text()
    found = [m for m in messages(source) for word in FIELDS if word in m]
    assert not found
