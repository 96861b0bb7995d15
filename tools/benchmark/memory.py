"""Peak memory, each measurement in a process of its own."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import pathlib
import resource
import subprocess
import sys

from tools.benchmark import ours, peer
from tools.benchmark.ours import Setting

_COMMAND = (sys.executable, "-m", "tools.benchmark.memory")


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
        [*_COMMAND, request], capture_output=True, text=True, check=False
    )
    # The system ends a process that takes too much by a signal.
    if done.returncode < 0 or "OOM when allocating" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout.splitlines()[-1])


def write_peak(request: str) -> None:
    """Trains as a request says, and writes the peak."""
    arguments, variant, steps = json.loads(request)
    setting = Setting(**arguments)
    if variant == peer.NAME:
        peer.import_example()
    before = resident()
    if variant == peer.NAME:
        step = peer.trainer(setting)
    else:
        step = ours.trainer(setting, variant)
    for _ in range(steps):
        step()
    sys.stdout.write(f"{resident() - before}\n")


def resident() -> float:
    """Returns the greatest resident memory of this process so far, in MiB."""
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


def peak_from_now() -> float:
    """Has the peak begin anew, where the system can; returns it, in MiB."""
    with contextlib.suppress(OSError, AttributeError):
        # Memory that was freed would be taken again without a trace.
        ctypes.CDLL(None).malloc_trim(0)
        # See proc_pid_clear_refs(5).
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    return resident()


if __name__ == "__main__":
    write_peak(sys.argv[1])
