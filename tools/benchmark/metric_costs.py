"""Seconds and peak memory of the scores, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import NamedTuple

import numpy as np

from sagan_tf.evaluation import metrics
from sagan_tf.evaluation.comparison import Comparison
from sagan_tf.evaluation.sets.gathering import Sizes
from sagan_tf.evaluation.sets.set_statistics import Statistics
from tools.benchmark import memory

# By what stands for several: these are worked out together.
MEASURED = {
    "fid": "fid",
    "is": "is",
    "is_splits": "is_splits, its deviation",
    "kid": "kid",
    "kid_subsets": "kid_subsets, its deviation",
    "precision": "precision, recall, density, coverage, nearer",
    "intra_fid": "intra_fid, class_variety",
}
NUM_FEATURES = 2048
_NUM_LOGITS, _NUM_CLASSES = 1008, 10
_BATCH = 1000
_COMMAND = (sys.executable, "-m", "tools.benchmark.metric_costs")


class Cost(NamedTuple):
    """What a score takes.

    Attributes:
        gathering: processor time in seconds, of all cores together, to take in
            both sets, batch by batch.
        seconds: the same to compute it from what was gathered.
        held: MiB of the features and logits that it holds.
        added: MiB that computing adds at its peak.
    """

    gathering: float
    seconds: float
    held: float
    added: float


def measure(metric: str, count: int) -> Cost:
    """Returns the cost of a metric of so many images in a new process.

    Args:
        metric: a name in `MEASURED`.
        count: images in each of the two sets.
    """
    done = subprocess.run(
        [*_COMMAND, metric, str(count)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Cost(*json.loads(done.stdout.splitlines()[-1]))


def cost(metric: str, count: int, num_features: int = NUM_FEATURES) -> Cost:
    """Returns the same, measured in this process.

    Args:
        metric: a name in `MEASURED`.
        count: images in each of the two sets, of random features.
        num_features: length of a feature vector.
    """
    chosen = metrics.METRICS[metric]
    sizes = Sizes(_NUM_LOGITS, num_features, _NUM_CLASSES, keep_features=True)
    sets, seconds = [], 0.0
    for seed, of_real in enumerate((True, False)):
        needs = metrics.needs([chosen], of_real)
        sets.append(Statistics(sizes, needs))
        random = np.random.default_rng(seed)
        for start in range(0, count, _BATCH):
            numbers = np.arange(start, min(start + _BATCH, count))
            batch = [
                random.standard_normal((len(numbers), length), np.float32)
                for length in (_NUM_LOGITS, num_features)
            ]
            begun = time.process_time()
            sets[-1].update(*batch, numbers % _NUM_CLASSES)
            seconds += time.process_time() - begun
    held = sum(
        part.rows(name).joined().nbytes
        for part in sets
        for name in ("features", "logits")
        if name in part.parts
    )
    before = memory.peak_from_now()
    begun = time.process_time()
    chosen.compute(Comparison(*sets, force=True))
    return Cost(
        seconds,
        time.process_time() - begun,
        held / 2**20,
        memory.resident() - before,
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(cost(sys.argv[1], int(sys.argv[2]))) + "\n")
