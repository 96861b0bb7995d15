"""Two real processes: equal to one, one lost, both gone on and ended."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from sagan_tf.training.workdir import Workdir
from tests.training import toy, workdir_checks
from tests.training.test_distribution import FIVE_STEPS, check_equal

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 600
HIDDEN = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # One thread for each: two processes share the machine.
    "OMP_NUM_THREADS": "1",
}


class Job:
    """A run of two workers, started as a user does."""

    def __init__(self, workdir, logs, **changes):
        self.workdir, self.logs = workdir, logs
        changes = {
            name.replace("__", "."): value
            for name, value in {**FIVE_STEPS, **changes}.items()
        }
        fields = {**toy.FIELDS, **changes}
        words = [
            *(sys.executable, "-m", "tools.launch_local", "--workers=2"),
            *("--threads=1", "--grace=60", f"--logs={logs}", "--"),
            *(sys.executable, "-m", "sagan_tf.train"),
            *("--config=configs/default.py", f"--workdir={workdir.path}"),
            *(f"--config.{name}={value}" for name, value in fields.items()),
        ]
        self.process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **HIDDEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def log(self, worker):
        return (self.logs / f"worker_{worker}.log").read_text()

    def said(self):
        """What the launcher and both workers said, when all have ended."""
        output, errors = self.process.communicate(timeout=SECONDS)
        return output + errors + self.log(0)[-3000:] + self.log(1)[-3000:]

    def reach(self, step):
        """Waits until a checkpoint is there."""
        deadline = time.monotonic() + SECONDS
        while workdir_checks.last_step(self.workdir) < step:
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def workers(self):
        """The process numbers of the workers, in order."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=True,
        )
        return sorted(map(int, found.stdout.split()))


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def job(tmp_path_factory, logs):
    """Five steps on two processes, over."""
    workdir = Workdir(tmp_path_factory.mktemp("job") / "run")
    job = Job(workdir, logs / "five")
    said = job.said()
    assert job.process.returncode == 0, said
    return job


def test_two_processes_train_like_one(job, alone):
    check_equal(job.workdir, alone)


def test_one_process_writes_and_speaks(job):
    chief, other = job.log(0), job.log(1)
    assert "4 images, 2 on each of 2 CPU" in chief
    assert "step 5 reached" in chief
    assert "reached" not in other and "parameters" not in other
    written = sorted(path.name for path in job.workdir.path.iterdir())
    assert written == [
        *("checkpoints", "classes.json", "config.json", "curves.png"),
        *("metrics.jsonl", "runs.jsonl", "samples", "tensorboard"),
    ]
    assert len(list((job.workdir.path / "tensorboard").iterdir())) == 1


def test_a_lost_worker_and_a_restart_and_sigterm(job, logs):
    """In this order, each job going on where the one before it stopped."""
    endless = {"train__num_steps": 10**6, "log__sheet_every_steps": 10**6}
    lost = Job(job.workdir, logs / "lost", **endless)
    lost.reach(8)
    os.kill(lost.workers()[1], signal.SIGKILL)
    said = lost.said()
    assert lost.process.returncode == 128 + signal.SIGKILL, said
    assert "worker 1 ended with status -9, all are ended" in said
    assert "another worker does not answer: start all of them" in lost.log(0)
    assert "Traceback" not in said
    workdir_checks.check_readable(job.workdir)
    stopped_at = workdir_checks.last_step(job.workdir)

    again = Job(job.workdir, logs / "again", **endless)
    again.reach(stopped_at + 4)
    again.process.terminate()
    said = again.said()
    assert again.process.returncode == 0, said
    (step,) = re.findall(r"stopped by SIGTERM at step ([\d,]+) of", said)
    step = int(step.replace(",", ""))
    assert workdir_checks.last_step(job.workdir) == step
    steps = workdir_checks.recorded_steps(job.workdir.metrics)
    assert steps == list(range(1, step + 1))
