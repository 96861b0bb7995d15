"""Addresses of stores, refused where they are unknown or a disk is needed."""

import ast
import pathlib

import pytest
from absl import flags

from configs import default
from sagan_tf import user_cache
from sagan_tf.cli import command
from sagan_tf.configuration import validation
from sagan_tf.data import open_dataset
from sagan_tf.errors import UserError, is_local

ROOT = pathlib.Path(__file__).parents[1]
# Flags that hold a string and no path.
NO_PATHS = {
    "base",
    "background",
    "checkpoint",
    "data",
    "dataset",
    "features",
    "host",
    "label_key",
    "license",
    "model",
    "name",
    "server",
    "split",
}


@pytest.mark.parametrize(
    "path", ["gs://bucket/run", "s3://a", "hdfs://host/a", "file:///a"]
)
def test_addresses_are_told_from_paths(path):
    assert not is_local(path)


@pytest.mark.parametrize(
    "path", ["", "runs/a", "/gs:/a", "~/a", "a:b", "C:\\a"]
)
def test_paths_are_no_addresses(path):
    assert is_local(path)


def strings(path):
    """Names of the flags that a source defines as plain strings."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and "flags.DEFINE_string" == ast.unparse(
            node.func
        ):
            yield ast.literal_eval(node.args[0])


def test_each_flag_of_a_path_is_defined_as_one():
    for folder in ("sagan_tf", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            assert set(strings(path)) <= NO_PATHS, path


def test_a_flag_names_itself():
    command.define_path("some_place", None, "A place.")
    command.define_path("some_disk", None, "A place.", local=True)
    for flag, address in (("place", "zz://run"), ("disk", "gs://bucket/run")):
        with pytest.raises(UserError) as caught:
            command.parse_flags(["toy", f"--some_{flag}={address}"])
        assert str(caught.value).startswith(f"--some_{flag} should be a path")
        assert str(caught.value).endswith(f"Received: '{address}'")
    for address in ("gs://bucket/run", "ram://run", "file:///run"):
        command.parse_flags(["toy", f"--some_place={address}"])


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("path", "zz://bucket/images"),
        ("evaluation_path", "zz://bucket/images"),
        ("cache", "zz://bucket/images"),
    ],
)
def test_a_field_names_itself(field, address):
    config = default.get_config()
    config.dataset.update(name="folder", path="gs://bucket/images")
    validation.validate(config)
    config.dataset[field] = address
    with pytest.raises(UserError, match=f"config.dataset.{field} should be"):
        validation.validate(config)


def test_no_folder_is_made_of_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="`cache` should be a path"):
        open_dataset("twins", image_size=32, cache="zz://bucket")
    monkeypatch.setenv(user_cache.CACHE_VARIABLE, "gs://bucket")
    with pytest.raises(UserError, match="SAGAN_TF_CACHE should be a path"):
        user_cache.default_cache_dir()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--workdir=run"], "config.dataset.on_small"),
        (["--on_small=x", "--workdir=run"], "--on_small"),
        ([], "`on_small`"),
    ],
)
def test_a_message_names_what_the_command_has(arguments, word):
    values = flags.FlagValues()
    flags.DEFINE_string("workdir", "", "", flag_values=values)
    if word.startswith("--"):
        flags.DEFINE_string("on_small", "", "", flag_values=values)
    values(["toy", *arguments])
    line = "`on_small` can enlarge; `other` and data set `digits` stay"
    assert command._in_own_words(line, values) == line.replace(
        "`on_small`", word
    )
