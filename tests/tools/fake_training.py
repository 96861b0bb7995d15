"""Stands in for a training: writes records and ends as it is told to.

python -m tests.tools.fake_training WORKDIR NUM_STEPS WHAT

`WHAT` is `end`, `score`, `diverge`, `fail`, `wait` (until it is ended), or
`half`, which fails halfway the first time.
"""

import json
import pathlib
import sys
import time

workdir, num_steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
what = sys.argv[3]
metrics = workdir / "metrics.jsonl"
step = len(metrics.read_text().splitlines()) if metrics.exists() else 0
resumed = step > 0
last = num_steps // 2 if what == "half" and not resumed else num_steps
with metrics.open("a") as file:
    for number in range(step + 1, last + 1):
        record = {"step": number, "images_per_second": 8.0, "coherence": 0.5}
        file.write(json.dumps(record) + "\n")
(workdir / "resumed").write_text(str(resumed))
if what == "score":
    (workdir / "scored").touch()
if what == "wait":
    (workdir / "waiting").touch()
    time.sleep(60)
if what == "diverge":
    sys.exit(3)
if last < num_steps or what == "fail":
    sys.stderr.write("0%| |\rtrain: error: the disk is full.\n")
    sys.exit(2)
