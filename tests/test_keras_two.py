"""Whichever is imported first, `tf.keras` is Keras 2, or one line says why."""

import os
import subprocess
import sys

import pytest

BUILD = """
from sagan_tf.layers import SelfAttention
print(isinstance(SelfAttention(), tf.keras.layers.Layer))
print(tf.keras.layers.Layer.__module__.split(".")[0])
print(hasattr(tf.keras.optimizers.legacy, "Adam"))
"""


def run_in_fresh_process(program):
    environment = dict(os.environ)
    # This process has imported sagan_tf, which has chosen for its children.
    environment.pop("TF_USE_LEGACY_KERAS", None)
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
    )


def keras_is_three():
    done = run_in_fresh_process(
        "import keras\nprint(keras.__version__.startswith('3.'))"
    )
    return done.stdout.strip() == "True"


@pytest.mark.parametrize(
    "imports",
    [
        "import sagan_tf\nimport tensorflow as tf",
        "import tensorflow as tf\nimport sagan_tf",
    ],
)
def test_either_order_of_import_gives_keras_two(imports):
    done = run_in_fresh_process(imports + BUILD)
    assert done.returncode == 0, done.stderr
    package = "tf_keras" if keras_is_three() else "keras"
    assert done.stdout.split() == ["True", package, "True"]


def test_keras_three_in_use_is_refused_in_one_line():
    done = run_in_fresh_process(
        "import tensorflow as tf\ntf.keras.layers.Dense\nimport sagan_tf"
    )
    if not keras_is_three():
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("ImportError: sagan_tf needs Keras 2")
    assert "import sagan_tf before anything uses tf.keras" in line
