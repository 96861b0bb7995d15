"""Writes the reference of the commands: `python -m tools.reference`.

It reads the flags out of the sources and imports none of them, for commands
share names of flags. The page is docs/commands.md.
"""

from __future__ import annotations

import ast
import pathlib
import sys
import textwrap
from typing import Iterator, NamedTuple

_ROOT = pathlib.Path(__file__).parents[1]
_HEAD = """\
# Commands

Every command with its flags; `--help` prints the same. A command that takes
`--config` takes `--config.FIELD=VALUE` for each
[field of the configuration](configuration.md) too, and
`tools.prepare_dataset` a flag for each option of a [format](data.md). What is
wrong ends in one line on standard error and status 2 (3 where training
diverged); with SAGAN_TF_TRACEBACK=1 in the environment a traceback comes first.

This page is made by `python -m tools.reference`.
"""
_KINDS = {
    "bool": "true or false",
    "float": "a number",
    "integer": "an integer",
    "list": "words with commas between",
    "string": "text",
}
_SHARED = ("feature_flags.define", "run_flags.define")


class Flag(NamedTuple):
    """What a source says of a flag: what it takes, its default and its help."""

    name: str
    kind: str
    default: object
    help: str


def markdown() -> str:
    """Returns the page: a section for each command."""
    parts = [_HEAD]
    for path in sorted(_ROOT.glob("sagan_tf/*.py")) + sorted(
        [*_ROOT.glob("tools/*.py"), *_ROOT.glob("tools/*/__main__.py")]
    ):
        tree = ast.parse(path.read_text())
        if flags := list(flags_of(tree)):
            names = path.relative_to(_ROOT).with_suffix("").parts
            name = ".".join(part for part in names if part != "__main__")
            about = ast.get_docstring(tree).partition("\n")[0]
            parts += [f"## `{name}`\n", _about(about)]
            parts += [_entry(flag, required_of(tree)) for flag in flags] + [""]
    return "\n".join(parts)


def _about(text: str) -> str:
    """Returns a docstring's first line without the call that it ends in."""
    return text.split(": `python")[0].rstrip(":.") + ".\n"


def _entry(flag: Flag, required: tuple[str, ...]) -> str:
    notes = [flag.kind]
    if flag.name in required:
        # A run that is there has a configuration.
        of = " of a new run" if flag.name == "config" else ""
        notes.append(f"required{of}")
    elif flag.default not in (None, ""):
        notes.append(f"default `{str(flag.default).lower()}`")
    text = f"- `--{flag.name}` ({', '.join(notes)}): {flag.help.rstrip('.')}."
    return textwrap.fill(text, 80, subsequent_indent="  ")


def flags_of(tree: ast.Module) -> Iterator[Flag]:
    """Yields the flags that a source defines at its top, in order."""
    for node in tree.body:
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call):
            yield from _flags_of_call(call)


def _flags_of_call(call: ast.Call) -> Iterator[Flag]:
    name = ast.unparse(call.func)
    values = [_value(argument) for argument in call.args]
    if name == "command.define_config_flag":
        named = {word.arg: _value(word.value) for word in call.keywords}
        text = values or ["Configuration, by its name or a file's path"]
        yield Flag("config", "text", named.get("default"), *text)
    elif name in _SHARED:
        # Several commands share them: they stand where these are defined.
        for node in ast.walk(_shared(name)):
            if isinstance(node, ast.Call):
                yield from _flags_of_call(node)
    elif name == "flags.DEFINE":
        yield Flag(values[1], "a name", *values[2:4])
    elif name in ("command.define_path", "define_path"):
        yield Flag(values[0], "a path", *values[1:3])
    elif name == "flags.DEFINE_enum":
        # Names that only a call gives are in the message of a wrong one.
        listed = values[2] if isinstance(values[2], list) else ["a name"]
        yield Flag(values[0], " or ".join(listed), values[1], values[3])
    elif name.startswith("flags.DEFINE_"):
        kind = _KINDS.get(name.removeprefix("flags.DEFINE_"))
        if kind:
            yield Flag(values[0], kind, *values[1:3])


def _shared(name: str) -> ast.stmt:
    """Returns the function that defines flags for several commands."""
    module, _, function = name.partition(".")
    file = _ROOT / "sagan_tf" / "cli" / f"{module}.py"
    tree = ast.parse(file.read_text())
    return next(n for n in tree.body if getattr(n, "name", "") == function)


def required_of(tree: ast.Module) -> tuple[str, ...]:
    """Returns the flags that a command does not run without."""
    for node in ast.walk(tree):
        for word in getattr(node, "keywords", ()):
            if word.arg == "required_flags":
                return _value(word.value)
    return ()


def _value(node: ast.expr) -> object:
    """Returns a literal's value, and None of what is none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "..."
            for part in node.values
        )
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


if __name__ == "__main__":
    sys.stdout.write(markdown())
