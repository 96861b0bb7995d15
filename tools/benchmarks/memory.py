"""Peak memory, each measurement in a process of its own."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import resource
import subprocess
import sys

from sagan_tf.evaluation import tfgan
from tools.benchmarks import ours, peer
from tools.benchmarks.ours import Setting

_PROGRAM = "from tools.benchmarks import memory; memory.report({!r})"


def peak(setting: Setting, variant: str, steps: int = 2) -> float | None:
    """Returns what some training steps add to a process, in MiB.

    Args:
        setting: what to train.
        variant: `"tfgan"`, or one of our dtype policies.
        steps: how many steps to run.

    Returns:
        The greatest resident memory of a new process while it trains, less
        that after its imports; None if there was not enough.
    """
    request = json.dumps([dataclasses.asdict(setting), variant, steps])
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(request)],
        capture_output=True,
        text=True,
        check=False,
    )
    # The system ends a process that takes too much by a signal.
    if done.returncode < 0 or "OOM when allocating" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout.splitlines()[-1])


def report(request: str) -> None:
    """Trains as a request says, and writes the peak."""
    arguments, variant, steps = json.loads(request)
    arguments["attention_resolutions"] = tuple(
        arguments["attention_resolutions"]
    )
    setting = Setting(**arguments)
    if variant == "tfgan":
        tfgan.load()
    before = _resident()
    step = (
        peer.trainer(setting)
        if variant == "tfgan"
        else ours.trainer(setting, variant)
    )
    for _ in range(steps):
        step()
    sys.stdout.write(f"{_resident() - before}\n")


def _resident() -> float:
    """The greatest resident memory of this process so far, in MiB."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        # The other count starts at that of the process that started this one.
        (line,) = (
            line
            for line in status.read_text().splitlines()
            if line.startswith("VmHWM:")
        )
        return int(line.split()[1]) / 2**10
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
