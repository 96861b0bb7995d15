"""The page of the commands is what their sources say."""

import ast
import pathlib

from tools import reference

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "commands.md"
SOURCE = '''
"""Draws: `python -m x`."""
_A = flags.DEFINE_integer("a", 3, "Number" " of a.", 1)
_B = flags.DEFINE_enum("b", None, ["x", "y"], "Which.")
_C = flags.DEFINE_enum("c", None, names(), "Which.")
_D = command.define_config_flag(default="twins32")
_E = flags.DEFINE_bool("e", f(), f"Of {f()} things.")
def cli():
    command.run(main, required_flags=("b",))
'''


def test_page_is_up_to_date():
    assert PAGE.read_text() == reference.markdown()


def test_what_a_source_says_of_its_flags():
    tree = ast.parse(SOURCE)
    assert [tuple(flag) for flag in reference.flags_of(tree)] == [
        ("a", "an integer", 3, "Number of a."),
        ("b", "x or y", None, "Which."),
        ("c", "a name", None, "Which."),
        (
            *("config", "text", "twins32"),
            "Configuration, by its name or a file's path",
        ),
        ("e", "true or false", None, "Of ... things."),
    ]
    assert reference.required_of(tree) == ("b",)


def test_each_command_is_on_the_page():
    text = PAGE.read_text()
    for name in ("train", "evaluate", "sample", "attention", "project"):
        assert f"## `sagan_tf.{name}`\n" in text
    assert "- `--workdir` (a path, required): Directory of the run" in text
