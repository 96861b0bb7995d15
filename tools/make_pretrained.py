"""Makes weights that come with the package out of a run.

    python -m tools.make_pretrained --workdir=DIR --name=NAME \
        --data=WORDS --license=WORDS [--checkpoint=best]

It writes sagan_tf/weights/NAME, a workdir whose checkpoint holds the averaged
generator and the discriminator alone, with kernels in float16: a few megabytes.
`--pretrained=NAME` reads it, and it travels with the wheel.
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import json
import pathlib
import re
from typing import Any

import numpy as np
from absl import flags

from sagan_tf import runs, weights
from sagan_tf.errors import UserError
from sagan_tf.evaluation.results.score_table import Scores, ScoreTable
from sagan_tf.gan.latents import draw_each
from sagan_tf.training import devices
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir
from sagan_tf.whole_files import beside

_WORKDIR = command.define_path("workdir", None, "Directory of the run.")
_NAME = flags.DEFINE_string(
    "name", None, "Name of the weights: letters, digits and underscores."
)
_DATA = flags.DEFINE_string(
    "data", None, "What the images are and where they come from, for the card."
)
_LICENSE = flags.DEFINE_string(
    "license", None, "License of the weights and of the images, for the card."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Of the run: latest, best or a step."
)
_DATASET_PATH = command.define_path(
    "dataset_path",
    None,
    "What config.dataset.path says in place of the run's, which may be a path "
    "of this machine.",
)
_OUTPUT = command.define_path(
    "output",
    "",
    "Directory to make NAME in; that of the package without it.",
    local=True,
)

# Mean of what an image differs by; a level of 256 is 0.008.
_MOST_DIFFERENCE = 0.004
_PROVEN = 16


def make(
    run: runs.Run,
    path: pathlib.Path,
    data: str,
    license: str,
    dataset_path: str | None = None,
) -> float:
    """Writes the workdir, which appears when it is whole and proven.

    Args:
        run: the run at the checkpoint to take.
        path: the directory to make; it must not exist.
        data: what the images are, in words.
        license: of weights and images, in words.
        dataset_path: `config.dataset.path` in place of the run's.

    Returns:
        The mean difference of images, in [-1, 1], from those of the run.

    Raises:
        UserError: if something stands there, or half precision does not serve.
    """
    if path.exists():
        raise UserError(f"{path} should not exist yet: remove it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as aside:
        _write(run, Workdir(aside), data, license, dataset_path)
        difference = _difference(run, runs.open_run(aside))
        if not difference <= _MOST_DIFFERENCE:
            raise UserError(
                f"images of weights in half precision should differ by at most "
                f"{_MOST_DIFFERENCE} on average. Received: {difference:.2g}"
            )
        aside.rename(path)
    return difference


def _write(
    run: runs.Run,
    workdir: Workdir,
    data: str,
    license: str,
    dataset_path: str | None,
) -> None:
    config = json.loads(run.config.to_json())
    if dataset_path is not None:
        config["dataset"]["path"] = dataset_path
    # Where these weights came from does not travel with them.
    config["train"].update(init_from="", freeze_discriminator=0)
    workdir.write_config(config)
    generator, discriminator = run.load_generator(), run.load_discriminator()
    Checkpoints(workdir.checkpoints).save_networks(
        run.step, generator, discriminator
    )
    _write_classes(run, workdir)
    scores = _scores(run)
    for row in scores:
        ScoreTable(workdir.scores).add(row)
    for lock in workdir.path.glob(".*.lock"):
        lock.unlink()
    card = {
        "data": data,
        "license": license,
        "step": run.step,
        "parameters": {
            network.name: network.count_params()
            for network in (generator, discriminator)
        },
        "scores": {
            name: float(f"{value:.6g}")
            for row in scores
            for name, value in row.values.items()
            if np.isfinite(value)
        },
    }
    workdir.card.write_text(json.dumps(card, indent=2) + "\n")


def _write_classes(run: runs.Run, workdir: Workdir) -> None:
    """Writes the names, which an older run has from its data alone."""
    if run.workdir.classes.exists():
        workdir.classes.write_text(run.workdir.classes.read_text())
    else:
        known = {"names": run.class_names(), "identity": ""}
        workdir.classes.write_text(json.dumps(known, indent=2) + "\n")


def _scores(run: runs.Run) -> list[Scores]:
    """Returns the rows of the averaged generator at this step."""
    return [
        row
        for row in ScoreTable(run.workdir.scores).rows()
        if row.card.step == run.step and row.card.weights == "ema"
    ]


def _difference(run: runs.Run, other: runs.Run) -> float:
    """Returns the mean difference of images of the same latents."""
    sources = run.source(), other.source()
    latents = draw_each(range(_PROVEN), sources[0].latent_dim)
    labels = np.arange(_PROVEN) % max(sources[0].num_classes, 1)
    images, others = (source.draw(latents, labels) for source in sources)
    return float(np.abs(images - others).mean())


def _report(path: pathlib.Path, difference: float) -> str:
    run = runs.open_run(path)
    card: dict[str, Any] = run.card()
    size = sum(file.stat().st_size for file in path.rglob("*"))
    count = " and ".join(f"{n:,}" for n in card["parameters"].values())
    return (
        f"{path}: step {run.step:,}, {count} parameters, {size / 1e6:.1f} MB, "
        f"{len(card['scores'])} scores, made from "
        f"config.dataset.path={run.config.dataset.path!r}. Images differ from "
        f"the run's by {difference:.2g} on average, of [-1, 1].\n"
    )


def main(argv: list[str]) -> None:
    """Writes the weights and reports."""
    del argv
    devices.prepare()
    if not re.fullmatch(r"\w+", _NAME.value):
        raise UserError(
            "--name should be letters, digits and underscores. "
            f"Received: {_NAME.value!r}"
        )
    path = pathlib.Path(_OUTPUT.value or weights.DIRECTORY) / _NAME.value
    run = runs.open_run(_WORKDIR.value, _CHECKPOINT.value)
    words = _DATA.value, _LICENSE.value
    difference = make(run, path, *words, _DATASET_PATH.value)
    sys.stdout.write(_report(path, difference))


if __name__ == "__main__":
    command.run(main, required_flags=("workdir", "name", "data", "license"))
