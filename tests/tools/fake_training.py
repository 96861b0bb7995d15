"""Stands in for a training: writes records and ends as it is told to.

python -m tests.tools.fake_training WORKDIR NUM_STEPS WHAT

`WHAT` is `end`, `score`, `diverge`, `fail`, `wait` (until it is ended), `half`,
which fails halfway the first time, or `stop`, which then ends in order.
"""

import json
import os
import pathlib
import sys
import time

workdir, num_steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
what = sys.argv[3]
metrics = workdir / "metrics.jsonl"
step = len(metrics.read_text().splitlines()) if metrics.exists() else 0
resumed = step > 0
halts = what in ("half", "stop") and not resumed
last = num_steps // 2 if halts else num_steps
with metrics.open("a") as file:
    for number in range(step + 1, last + 1):
        record = {"step": number, "images_per_second": 8.0, "coherence": 0.5}
        file.write(json.dumps(record) + "\n")
(workdir / "resumed").write_text(str(resumed))
if what == "score":
    (workdir / "scored").touch()
if what == "wait":
    (workdir / "waiting").write_text(str(os.getpid()))
    time.sleep(60)
if what == "diverge":
    sys.exit(3)
if what == "fail" or (what == "half" and halts):
    sys.stderr.write("0%| |\rtrain: error: the disk is full.\n")
    sys.exit(2)
