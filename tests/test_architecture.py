"""Who may import whom, and what no source of ours may contain.

A room is a package or a module directly in `sagan_tf/`. Rooms that do not
exist yet are covered as soon as they come.
"""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
LONGEST_FILE = 300
LONGEST_EXAMPLE = 150

# The room within `configuration` that may import what it builds.
BUILDERS = "sagan_tf.configuration.builders"
MAINS = {"train", "evaluate", "sample", "attention", "export", "project"}
# Everybody may raise a UserError, open and write files and know what fits and
# whether GPUs are hidden.
EVERYBODY = {
    "cuda_libraries",
    "errors",
    "image_sizes",
    "keras_two",
    "progress",
    "storage",
    "user_cache",
    "whole_files",
}
BELOW_BUILDERS = {
    "data",
    "evaluation",
    "exporting",
    "gan",
    "interop",
    "layers",
    "networks",
    "training",
    "visualization",
}
DOOR = {
    "cli",
    "configuration",
}
MAY_IMPORT = {
    **{
        main: {
            "builders",
            "evaluation",
            "exporting",
            "gan",
            "runs",
            "training",
            "training_run",
            "visualization",
            "weights",
        }
        | DOOR
        for main in MAINS
    },
    # Flags of what is drawn become what is drawn.
    "cli": {"configuration", "visualization", "weights"},
    # Widths and the table of formats, which need no TensorFlow.
    "configuration": {"data", "networks"},
    "builders": BELOW_BUILDERS | {"configuration"},
    # From a workdir to its networks.
    "runs": BELOW_BUILDERS | {"builders", "configuration", "weights"},
    # From the name of weights to their networks.
    "pretrained": {"networks", "runs", "weights"},
    # From a configuration to a trained run.
    "training_run": {
        "builders",
        "configuration",
        "runs",
        "training",
        "visualization",
    },
    # Sheets are drawn while training and scoring.
    "training": {"data", "gan", "networks", "visualization"},
    "evaluation": {"data", "gan", "networks", "visualization"},
    "visualization": {"data", "gan", "networks"},
    "exporting": {"gan", "networks"},
    "interop": {"layers", "networks"},
    # The sampler asks the networks for a copy that only draws.
    "gan": {"networks"},
    "networks": {"layers"},
    "layers": set(),
    "cuda_libraries": set(),
    "data": set(),
    "errors": set(),
    "image_sizes": set(),
    "keras_two": set(),
    "progress": set(),
    "storage": set(),
    "user_cache": set(),
    "weights": set(),
    "whole_files": set(),
    # The package's own door, `from sagan_tf import SAGAN`.
    "": {"gan", "networks"},
}
# The rooms within `evaluation`; modules beside them may import any.
WITHIN_EVALUATION = {
    "images": set(),
    "numerics": set(),
    "features": set(),
    "sets": {"features", "images", "numerics"},
    "results": {"images", "numerics", "sets"},
}
READS_CONFIGS = MAINS | DOOR | {"builders", "runs"}
FOR_CONFIGS = (
    "ml_collections",
    "sagan_tf.configuration.default",
    "sagan_tf.configuration.load_config",
)
HEAVY = {
    "matplotlib",
    "sklearn",
    "tensorflow_addons",
    "tensorflow_datasets",
    "tensorflow_gan",
}
# Who alone imports them, tests and tools included.
DOORS = {"tensorflow_gan": "sagan_tf.evaluation.tfgan"}
PRIVATE = ("keras", "tensorflow.python", "tensorflow.keras.src")
# The one tool that is a command of the tests' equipment.
TEST_COMMAND = "tools.torture"


def sources(*folders):
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*.py")
    )


def name_of(path):
    """Returns the dotted name of the module in a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module):
    """Returns `layers` for `sagan_tf.layers.residual`, "" for `sagan_tf`."""
    if module.startswith(BUILDERS):
        return "builders"
    return module.partition(".")[2].partition(".")[0]


def imported_modules(tree, module, is_package=False):
    """Yields the dotted names that a source imports, at any depth.

    Of `from sagan_tf import x` the name of x is left out unless x is a module.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                package = module.split(".")
                drop = node.level - is_package
                package = package[: len(package) - drop]
                origin = ".".join([*package, *filter(None, [origin])])
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                is_name = origin.split(".")[0] == "sagan_tf" and (
                    not is_ours(inner)
                )
                yield origin if is_name else inner


def is_ours(module):
    path = ROOT.joinpath(*module.split("."))
    known_room = module.split(".")[0] == "sagan_tf" and (
        room_of(module) in MAY_IMPORT
    )
    return path.is_dir() or path.with_suffix(".py").is_file() or known_room


def breaches(source, module, is_package=False):
    """Returns the imports of a source that the table does not allow."""
    imported = list(imported_modules(ast.parse(source), module, is_package))
    return [other for other in imported if not is_allowed(module, other)]


def is_allowed(module, other):
    house, target = module.split(".")[0], other.split(".")[0]
    if house == "configs":
        # Installed, they are no package called "configs".
        return other.startswith(FOR_CONFIGS)
    if target == "tests":
        return module == TEST_COMMAND
    if target == "tools":
        return house == "tools" and tool_of(module) == tool_of(other)
    if target in ("configs", "examples"):
        return False
    if target == "sagan_tf" and room_of(other) in MAINS:
        return False
    if house in ("tools", "examples"):
        return True
    room = room_of(module)
    is_config = target == "ml_collections" or other.startswith("absl.flags")
    if is_config and room not in READS_CONFIGS:
        return False
    if target != "sagan_tf" or room_of(other) == room:
        return True
    return room_of(other) in MAY_IMPORT[room] | EVERYBODY


def tool_of(module):
    """Returns `benchmark` for `tools.benchmark.timing`."""
    return module.split(".")[1]


@pytest.mark.parametrize(
    "path", sources("sagan_tf", "configs", "tools", "examples"), ids=name_of
)
def test_imports_keep_to_the_table(path):
    is_package = path.stem == "__init__"
    assert not breaches(path.read_text(), name_of(path), is_package)


@pytest.mark.parametrize("room", WITHIN_EVALUATION)
def test_rooms_within_evaluation_keep_to_theirs(room):
    inner = "sagan_tf.evaluation."
    for path in sources(f"sagan_tf/evaluation/{room}"):
        tree = ast.parse(path.read_text())
        for other in imported_modules(tree, name_of(path)):
            target = other.removeprefix(inner).partition(".")[0]
            if other.startswith(inner) and target in WITHIN_EVALUATION:
                assert target in WITHIN_EVALUATION[room] | {room}, path


def test_each_room_has_a_row_in_the_table():
    inner = sources("sagan_tf/evaluation")
    within = {path.parent.name for path in inner} - {"evaluation"}
    assert within == set(WITHIN_EVALUATION)
    rooms = {room_of(name_of(path)) for path in sources("sagan_tf")}
    assert rooms <= set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sagan_tf.layers.a", "from sagan_tf.networks import resnet"),
        ("sagan_tf.layers.a", "from sagan_tf import networks"),
        ("sagan_tf.layers.a", "from ..networks import resnet"),
        ("sagan_tf.layers.a", "import sagan_tf.networks.resnet"),
        ("sagan_tf.layers.a", "def f():\n    from sagan_tf import gan"),
        ("sagan_tf.layers.a", "import ml_collections"),
        ("sagan_tf.layers.a", "from absl import flags"),
        ("sagan_tf.layers.a", "from sagan_tf import SAGAN"),
        ("sagan_tf.gan.a", "from sagan_tf import layers"),
        (
            "sagan_tf.training.a",
            "from sagan_tf.configuration import builders",
        ),
        ("sagan_tf.training.a", "from sagan_tf import train"),
        ("sagan_tf.configuration.builders", "from sagan_tf.cli import command"),
        ("sagan_tf.train", "from sagan_tf import evaluate"),
        ("sagan_tf.train", "from sagan_tf.layers import self_attention"),
        ("sagan_tf.train", "from configs import default"),
        ("sagan_tf.train", "import tools.benchmark"),
        ("tools.benchmark", "from sagan_tf import train"),
        ("tools.benchmark", "from configs import default"),
        ("tools.benchmark.a", "from tools import client"),
        ("tools.benchmark.a", "from tools.playground import views"),
        ("tools.client", "from tests import commands"),
        ("examples.a", "from sagan_tf import train"),
        ("examples.a", "from tools import client"),
        ("examples.a", "from tests import commands"),
        ("examples.a", "from examples import b"),
        ("configs.a", "import tensorflow as tf"),
        ("configs.a", "from sagan_tf import errors"),
        ("configs.a", "from sagan_tf.configuration import validation"),
        ("configs.a", "from configs import default"),
    ],
)
def test_a_breach_is_found(module, source):
    assert breaches(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("sagan_tf.layers.a", "from sagan_tf.layers import b"),
        ("sagan_tf.layers.a", "from . import b"),
        ("sagan_tf.layers.a", "from sagan_tf.errors import UserError"),
        ("sagan_tf.layers.a", "from absl import logging"),
        ("sagan_tf.layers.a", "import numpy as np"),
        ("sagan_tf.networks.a", "from ..layers import self_attention"),
        ("sagan_tf.train", "from absl import flags"),
        ("tools.benchmark", "from sagan_tf import SAGAN, runs"),
        ("tools.benchmark.a", "from tools.benchmark import b"),
        ("tools.torture", "from tests.training import killed_run"),
        ("examples.a", "from sagan_tf import SAGAN, runs"),
        ("examples.a", "from sagan_tf.layers import SelfAttention"),
        ("configs.a", "from sagan_tf.configuration import default"),
        ("configs.a", "from sagan_tf.configuration import load_config"),
        ("configs.a", "import ml_collections"),
    ],
)
def test_what_is_allowed_is_not_a_breach(module, source):
    assert not breaches(source, module)


def test_a_package_may_import_its_own_modules():
    source = "from .b import B"
    assert not breaches(source, "sagan_tf.layers", is_package=True)


def private_names(source):
    tree = ast.parse(source)
    return [
        module
        for module in imported_modules(tree, "sagan_tf.x")
        if any(
            module == name or module.startswith(name + ".") for name in PRIVATE
        )
    ] + [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("tf.python", "tensorflow.python")
    ]


@pytest.mark.parametrize(
    "path", sources("sagan_tf", "tools", "examples"), ids=name_of
)
def test_only_public_names_of_keras_are_used(path):
    assert not private_names(path.read_text())


@pytest.mark.parametrize(
    "source",
    [
        "import keras",
        "from keras import layers",
        "from keras.src import layers",
        "from tensorflow.python.ops import array_ops",
        "from tensorflow import python",
        "x = tf.python.framework",
    ],
)
def test_a_private_name_is_found(source):
    assert private_names(source)


def test_a_public_name_is_not_private():
    source = "import tensorflow as tf\nx = tf.keras.layers.Dense"
    assert not private_names(source)


def eager_heavy_imports(source):
    """Returns heavy modules that are imported outside a function."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = [ast.Pass()]
    return [
        module
        for module in imported_modules(tree, "sagan_tf.x")
        if module.split(".")[0] in HEAVY
    ]


@pytest.mark.parametrize("path", sources("sagan_tf"), ids=name_of)
def test_heavy_packages_wait_until_they_are_needed(path):
    assert not eager_heavy_imports(path.read_text())


def test_a_heavy_import_is_found_outside_functions_only():
    assert eager_heavy_imports("import matplotlib.pyplot as plt")
    assert eager_heavy_imports("class A:\n    import sklearn")
    assert not eager_heavy_imports("def f():\n    import tensorflow_gan")


def past_the_door(source, module):
    """Returns what a source imports that another module alone should."""
    return [
        other
        for other in imported_modules(ast.parse(source), module)
        if DOORS.get(other.split(".")[0], module) != module
    ]


def test_imports_go_through_the_door():
    found = {
        name_of(path): past_the_door(path.read_text(), name_of(path))
        for path in sources(
            "sagan_tf", "tools", "examples", "tests", "tests_extras"
        )
    }
    assert not {name for name in found if found[name]}


def test_an_import_past_the_door_is_found():
    source = "def f():\n    from tensorflow_gan import eval"
    assert past_the_door(source, "tools.a")
    assert past_the_door("import tensorflow_gan as tfgan", "tests.test_a")
    assert not past_the_door(source, "sagan_tf.evaluation.tfgan")


def test_importing_the_package_is_light():
    program = "import sagan_tf, sys; print(*sys.modules)"
    output = subprocess.check_output(
        [sys.executable, "-c", program], cwd=ROOT, text=True
    )
    modules = {name.split(".")[0] for name in output.split()}
    assert "sagan_tf" in modules
    assert not modules & HEAVY


def forbidden_statements(source):
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assert)
        or isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


@pytest.mark.parametrize("path", sources("sagan_tf"), ids=name_of)
def test_no_print_and_no_assert_in_the_library(path):
    assert not forbidden_statements(path.read_text())


def test_print_and_assert_are_found():
    assert forbidden_statements("def f():\n    print(1)") == [2]
    assert forbidden_statements("assert x") == [1]
    assert forbidden_statements("tf.print(1)\nsys.stdout.write('')") == []


@pytest.mark.parametrize("path", sources("examples"), ids=name_of)
def test_an_example_is_a_page(path):
    assert len(path.read_text().splitlines()) <= LONGEST_EXAMPLE


@pytest.mark.parametrize("path", sources("sagan_tf", "tools"), ids=name_of)
def test_files_can_be_read_in_one_sitting(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
