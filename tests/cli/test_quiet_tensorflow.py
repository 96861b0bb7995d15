"""What TensorFlow's C++ says while it loads is kept from the user."""

import os
import subprocess
import sys

import pytest
import tensorflow as tf
from absl import logging

from sagan_tf.cli.quiet_tensorflow import without_chatter

CHATTER = (
    b"WARNING: All log messages before absl::InitializeLog() is called are "
    b"written to STDERR\n"
    b"I0000 00:00:1795653927.98 14139 port.cc:153] oneDNN operations are on.\n"
)


def test_only_chatter_is_dropped(capfd):
    with without_chatter():
        os.write(2, CHATTER + b"libfoo.so: cannot open\n")
    assert capfd.readouterr().err == "libfoo.so: cannot open\n"


def test_nothing_is_lost_when_the_import_fails(capfd):
    with pytest.raises(ImportError), without_chatter():
        os.write(2, b"a reason\n")
        raise ImportError("broken")
    assert capfd.readouterr().err == "a reason\n"


def test_an_error_of_an_entry_point_is_one_line():
    done = subprocess.run(
        [sys.executable, "-m", "sagan_tf.sample", "--workdir=/nowhere"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_checkpoint_is_saved_in_silence(tmp_path, caplog):
    with caplog.at_level("INFO", "absl"):
        tf.train.Checkpoint(a=tf.Variable(1.0)).save(str(tmp_path / "a"))
        logging.info("a line of ours")
    assert caplog.messages == ["a line of ours"]
