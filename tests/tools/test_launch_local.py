"""Several workers of one command."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tools import launch_local

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = [sys.executable, "-c"]


def run(program, tmp_path, count=2, grace=10.0):
    workers = launch_local.Workers(tmp_path)
    workers.start([*PYTHON, program], count)
    return workers.wait(grace), workers.processes


def log(tmp_path, index):
    return (tmp_path / f"worker_{index}.log").read_text()


def test_each_worker_knows_the_others_and_its_number(tmp_path):
    program = "import os; print(os.environ['TF_CONFIG'])"
    failed, processes = run(program, tmp_path, count=3)
    assert failed is None
    assert [process.returncode for process in processes] == [0, 0, 0]
    contents = [json.loads(log(tmp_path, index)) for index in range(3)]
    assert [content["task"]["index"] for content in contents] == [0, 1, 2]
    hosts = contents[0]["cluster"]["worker"]
    assert len(set(hosts)) == 3
    assert all(content["cluster"]["worker"] == hosts for content in contents)


FAILING = """
import json, os, sys, time
if json.loads(os.environ["TF_CONFIG"])["task"]["index"]:
    sys.exit("worker is broken")
{before}
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("before", "signal_number"),
    [
        ("", signal.SIGTERM),
        (
            "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            signal.SIGKILL,
        ),
    ],
)
def test_when_one_fails_all_are_ended(tmp_path, before, signal_number):
    program = FAILING.format(before=before)
    if before:
        # It must not be asked to end before it can ignore that.
        program = program.replace("sys.exit", "time.sleep(1); sys.exit")
    failed, processes = run(program, tmp_path, grace=0.2)
    assert failed == 1
    assert [process.returncode for process in processes] == [-signal_number, 1]
    assert "worker is broken" in log(tmp_path, 1)
    assert log(tmp_path, 0) == ""


def start_main(tmp_path, program):
    words = ["-m", "tools.launch_local", f"--logs={tmp_path}"]
    return subprocess.Popen(
        [sys.executable, *words, "--threads=1", "--", *PYTHON, program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_says_which_worker_failed(tmp_path):
    program = FAILING.format(before="").replace(
        '"worker is broken"',
        "'broken with ' + os.environ['TF_NUM_INTRAOP_THREADS']",
    )
    process = start_main(tmp_path, program)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert errors.startswith("tools.launch_local: worker 1 ended with status 1")
    assert errors.endswith("broken with 1\n")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_asks_the_workers_to_end(tmp_path, number):
    program = """
import signal, sys, time
def stop(*_):
    print("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""
    process = start_main(tmp_path, program)
    while not all(
        (tmp_path / f"worker_{index}.log").exists()
        and "ready" in log(tmp_path, index)
        for index in (0, 1)
    ):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "2 workers ended" in output
    assert "saved" in log(tmp_path, 0) and "saved" in log(tmp_path, 1)


EARLY = """
import os, signal, sys
from sagan_tf.cli import command
from tools import launch_local

start = launch_local.Workers.start

def interrupted(self, *arguments):
    os.kill(os.getpid(), signal.SIGINT)
    start(self, *arguments)

launch_local.Workers.start = interrupted
launch_local.COMMAND = [sys.executable, "-c", "import time; time.sleep(60)"]
command.run(launch_local.main)
"""


def test_an_interrupt_before_the_workers_are_there_leaves_no_orphan(tmp_path):
    done = subprocess.run(
        [*PYTHON, EARLY, f"--logs={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert "ended with status -15, all are ended" in done.stderr
