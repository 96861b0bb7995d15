"""Runs a training command as several workers on this machine.

    python -m tools.launch_local --workers=2 --logs=logs -- \
        python -m sagan_tf.train --config=twins32 --workdir=DIR

Each worker finds the others through TF_CONFIG and writes `worker_N.log`. When
one fails, all are ended. SIGTERM and an interrupt both reach them as SIGTERM,
so that a training run is saved.
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command

# ruff: isort: split
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import Any

from absl import flags

from sagan_tf.errors import UserError

_WORKERS = flags.DEFINE_integer("workers", 2, "Number of processes.", 1)
_LOGS = command.define_path(
    "logs", "logs", "Directory of the logs.", local=True
)
_THREADS = flags.DEFINE_integer(
    "threads", 0, "Threads of each worker; 0 leaves it to TensorFlow.", 0
)
_GRACE = flags.DEFINE_float(
    "grace", 10.0, "Seconds between asking a worker to end and killing it.", 0.0
)
_POLL_SECONDS = 0.1

# What follows `--`, which absl would not tell from arguments of our own.
COMMAND: list[str] = []


class Workers:
    """Several workers of one cluster, as processes of this machine.

    They write `worker_N.log` into `logs`, which is made if it is missing.
    """

    def __init__(self, logs: pathlib.Path):
        self.processes: list[subprocess.Popen] = []
        self._logs = logs

    def log(self, index: int) -> pathlib.Path:
        """Returns the file that a worker writes its output to."""
        return self._logs / f"worker_{index}.log"

    def start(self, words: list[str], count: int, threads: int = 0) -> None:
        """Starts `count` workers, by the command `words`.

        Each of TensorFlow's two pools gets `threads`; 0 is its own choice.

        Raises:
            UserError: if the command cannot be run.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        ports = _free_ports(count)
        for index in range(count):
            variables = _environment(ports, index, threads)
            with self.log(index).open("w") as log:
                try:
                    process = subprocess.Popen(
                        words,
                        env={**os.environ, **variables},
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        # An interrupt on the terminal is for their parent.
                        start_new_session=True,
                    )
                except OSError as error:
                    self.end(0.0)
                    raise UserError(
                        f"the command after -- should run: {words[0]}: "
                        f"{error.strerror}"
                    ) from error
            self.processes.append(process)

    def wait(self, grace: float) -> int | None:
        """Waits for all workers, and ends them as `end` does when one fails.

        Returns:
            The number of the worker that failed first, or None.
        """
        while any(process.poll() is None for process in self.processes):
            failed = self._failed()
            if failed is not None:
                self.end(grace)
                return failed
            time.sleep(_POLL_SECONDS)
        return self._failed()

    def _failed(self) -> int | None:
        for index, process in enumerate(self.processes):
            if process.poll():
                return index
        return None

    def terminate(self) -> None:
        """Asks what still runs to end."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()

    def end(self, grace: float) -> None:
        """Asks what still runs to end, and kills it after `grace` seconds."""
        self.terminate()
        deadline = time.monotonic() + grace
        for process in self.processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_ports(count: int) -> list[int]:
    """Returns ports of the loopback that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _environment(ports: list[int], index: int, threads: int) -> dict[str, str]:
    """Returns the variables of one worker."""
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    task = {"type": "worker", "index": index}
    variables = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
    if threads:
        for pool in ("INTRAOP", "INTEROP"):
            variables[f"TF_NUM_{pool}_THREADS"] = str(threads)
    return variables


def main(argv: list[str]) -> int:
    """Runs the workers; returns the status of the first that failed."""
    del argv
    if not COMMAND:
        raise UserError("a command should follow --. Received: none")
    workers = Workers(pathlib.Path(_LOGS.value))
    stopped = False

    def hand_on(number: int, frame: Any) -> None:
        nonlocal stopped
        del number, frame
        stopped = True
        workers.terminate()

    # Before the first worker starts: they are in sessions of their own.
    signal.signal(signal.SIGTERM, hand_on)
    signal.signal(signal.SIGINT, hand_on)
    workers.start(COMMAND, _WORKERS.value, _THREADS.value)
    if stopped:
        # It may have come before the last of them was there.
        workers.terminate()
    failed = workers.wait(_GRACE.value)
    if failed is None:
        sys.stdout.write(
            f"{_WORKERS.value} workers ended; logs in {_LOGS.value}\n"
        )
        return 0
    status, log = workers.processes[failed].returncode, workers.log(failed)
    lines = log.read_text(errors="replace").strip().splitlines() or ["nothing"]
    sys.stderr.write(
        f"{command.program_name()}: worker {failed} ended with status "
        f"{status}, all are ended; the last line of {log}: {lines[-1]}\n"
    )
    return status if status > 0 else 128 - status


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Returns what stands before and after the first `--`."""
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


if __name__ == "__main__":
    sys.argv, COMMAND = _split(sys.argv)
    command.run(main)
