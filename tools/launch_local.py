"""Runs a training command as several workers on this machine.

    python -m tools.launch_local --workers=2 --logs=logs -- \
        python -m sagan_tf.train --config=twins32 --workdir=DIR

Each worker finds the others through TF_CONFIG and writes `worker_N.log`. When
one fails, all are ended. SIGTERM and an interrupt both reach them as SIGTERM,
so that a training run is saved.
"""

from __future__ import annotations

import sys

from sagan_tf import command

# ruff: isort: split
import pathlib
import signal
from typing import Any

from absl import flags

from sagan_tf.errors import UserError
from tools import local_workers

_WORKERS = flags.DEFINE_integer("workers", 2, "Number of processes.", 1)
_LOGS = flags.DEFINE_string("logs", "logs", "Directory of the logs.")
_THREADS = flags.DEFINE_integer(
    "threads", 0, "Threads of each worker; 0 leaves it to TensorFlow.", 0
)
_GRACE = flags.DEFINE_float(
    "grace", 10.0, "Seconds between asking a worker to end and killing it.", 0.0
)


def main(argv: list[str]) -> int:
    """Runs the workers; returns the status of the first that failed."""
    del argv
    if not COMMAND:
        raise UserError("a command should follow --. Received: none")
    logs = pathlib.Path(_LOGS.value)
    processes = local_workers.start(
        COMMAND, _WORKERS.value, logs, _THREADS.value
    )

    def hand_on(number: int, frame: Any) -> None:
        del number, frame
        for process in processes:
            if process.poll() is None:
                process.terminate()

    signal.signal(signal.SIGTERM, hand_on)
    signal.signal(signal.SIGINT, hand_on)
    failed = local_workers.wait(processes, _GRACE.value)
    if failed is None:
        sys.stdout.write(f"{_WORKERS.value} workers ended; logs in {logs}\n")
        return 0
    status = processes[failed].returncode
    path = logs / f"worker_{failed}.log"
    lines = path.read_text(errors="replace").strip().splitlines() or ["nothing"]
    sys.stderr.write(
        f"{command.program_name()}: worker {failed} ended with status "
        f"{status}, all are ended; the last line of {path}: {lines[-1]}\n"
    )
    return status if status > 0 else 128 - status


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Returns what stands before and after the first `--`."""
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


COMMAND: list[str] = []

if __name__ == "__main__":
    sys.argv, COMMAND = _split(sys.argv)
    command.run(main)
