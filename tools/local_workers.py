"""Several workers of one cluster, as processes of this machine."""

from __future__ import annotations

import json
import os
import pathlib
import socket
import subprocess
import time
from typing import Optional

from sagan_tf.errors import UserError

_POLL_SECONDS = 0.1


def free_ports(count: int) -> list[int]:
    """Returns ports of the loopback that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def environment(ports: list[int], index: int, threads: int) -> dict[str, str]:
    """Returns the variables of one worker.

    Args:
        ports: of all workers.
        index: number of the worker.
        threads: of TensorFlow's two pools; 0 for its own choice.
    """
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    task = {"type": "worker", "index": index}
    variables = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}
    if threads:
        for pool in ("INTRAOP", "INTEROP"):
            variables[f"TF_NUM_{pool}_THREADS"] = str(threads)
    return variables


def start(
    words: list[str], workers: int, logs: pathlib.Path, threads: int = 0
) -> list[subprocess.Popen]:
    """Starts the workers.

    Args:
        words: the command of each.
        workers: their number.
        logs: directory for `worker_N.log`, made if missing.
        threads: as in `environment`.

    Raises:
        UserError: if the command cannot be run.
    """
    logs.mkdir(parents=True, exist_ok=True)
    ports = free_ports(workers)
    processes: list[subprocess.Popen] = []
    for index in range(workers):
        with (logs / f"worker_{index}.log").open("w") as log:
            try:
                processes.append(
                    subprocess.Popen(
                        words,
                        env={
                            **os.environ,
                            **environment(ports, index, threads),
                        },
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        # An interrupt on the terminal is for their parent.
                        start_new_session=True,
                    )
                )
            except OSError as error:
                end(processes, 0.0)
                raise UserError(
                    f"the command after -- should run: {words[0]}: "
                    f"{error.strerror}"
                ) from error
    return processes


def wait(processes: list[subprocess.Popen], grace: float) -> Optional[int]:
    """Waits for all workers, and ends them when one fails.

    Args:
        processes: the workers.
        grace: seconds between asking a worker to end and killing it.

    Returns:
        The number of the worker that failed first, or None.
    """
    while any(process.poll() is None for process in processes):
        failed = _failed(processes)
        if failed is not None:
            end(processes, grace)
            return failed
        time.sleep(_POLL_SECONDS)
    return _failed(processes)


def _failed(processes: list[subprocess.Popen]) -> Optional[int]:
    for index, process in enumerate(processes):
        if process.poll():
            return index
    return None


def end(processes: list[subprocess.Popen], grace: float) -> None:
    """Asks what still runs to end, and kills what does not."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + grace
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
