"""Scores a run, or a folder of images, and says by which protocol.

python -m sagan_tf.evaluate --workdir=DIR [--checkpoint=best]
python -m sagan_tf.evaluate --real_dir=DIR --fake_dir=DIR
"""

from __future__ import annotations

import sys

from sagan_tf import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
from absl import flags

from sagan_tf import runs
from sagan_tf.configuration import builders
from sagan_tf.errors import UserError
from sagan_tf.evaluation import best, metrics, run_scorer, scoring
from sagan_tf.evaluation.options import Options
from sagan_tf.evaluation.reports import format_scores
from sagan_tf.evaluation.score_table import Scores
from sagan_tf.training import devices, distribution
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir

_WORKDIR = command.define_path("workdir", "", "Directory of the run.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Which to score: latest, best, all or a step."
)
_REAL_DIR = command.define_path(
    "real_dir", "", "Folder of real images, in place of a run."
)
_FAKE_DIR = command.define_path(
    "fake_dir", "", "Folder of images to score against --real_dir."
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images", 0, "Generated images; 0 for the usual number.", 0
)
_NUM_REAL = flags.DEFINE_integer(
    "num_real", 0, "Real images of a run's data; 0 for all.", 0
)
_SPLIT = flags.DEFINE_string(
    "split",
    "",
    "Real images of a run's data: a split, such as train or test; by default "
    "config.dataset.evaluation_split, or what was trained on.",
)
_IMAGE_SIZE = flags.DEFINE_integer(
    "image_size", 0, "Pixels to cut folders to; 0 as the generated ones.", 0
)
_FEATURES = flags.DEFINE_enum(
    "features",
    "auto",
    ["auto", "inception", "twins", "digits"],
    "Network to look through; auto: that of the embedded data, or Inception.",
)
_INCEPTION_PATH = command.define_path(
    "inception_path", "", "SavedModel of TF-GAN's Inception, or one like it."
)
_EMA = flags.DEFINE_bool("ema", True, "Score the averaged generator.")
_TRUNCATION = flags.DEFINE_float(
    "truncation", 0.0, "Size that no latent exceeds; 0 for none.", 0.0
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 50, "Images at a time.", 1)
_METRIC = flags.DEFINE_enum(
    "metric",
    None,
    metrics.names_of_best(),
    "What is best by; by default what was asked for last, at first fid.",
)
_REAL_STATISTICS = command.define_path(
    "real_statistics", "", "NAME.npz to keep real statistics in."
)
_CACHE_DIR = command.define_path(
    "cache_dir", "", "Where classifiers and real statistics are kept."
)
_FORCE = flags.DEFINE_bool(
    "force", False, "Score although it means little; warn of it."
)
_TFGAN_CHECK = flags.DEFINE_bool(
    "tfgan_check",
    True,
    "Let TF-GAN compute FID and Inception score as well; stop if they differ.",
)
_WATCH = flags.DEFINE_bool(
    "watch", False, "Score checkpoints as training writes them, to its end."
)
_WATCH_SECONDS = flags.DEFINE_float(
    "watch_seconds", 10.0, "Seconds between two looks for checkpoints.", 0.01
)


def main(argv: list[str]) -> None:
    """Scores and prints a table."""
    del argv
    devices.prepare()
    folder_flags = [bool(_REAL_DIR.value), bool(_FAKE_DIR.value)]
    if bool(_WORKDIR.value) == any(folder_flags) or len(set(folder_flags)) > 1:
        raise UserError(
            "give --workdir=DIR, or --real_dir=DIR and --fake_dir=DIR"
        )
    options = Options(
        features=_FEATURES.value,
        inception_path=_INCEPTION_PATH.value,
        cache_dir=_CACHE_DIR.value,
        real_statistics=_REAL_STATISTICS.value,
        num_images=_NUM_IMAGES.value,
        num_real=_NUM_REAL.value,
        averaged=_EMA.value,
        truncation=_TRUNCATION.value,
        seed=_SEED.value,
        batch_size=_BATCH_SIZE.value,
        metric=_METRIC.value or "",
        force=_FORCE.value,
        tfgan_check=_TFGAN_CHECK.value,
        strategy=distribution.create_strategy("local"),
    )
    if _WORKDIR.value:
        scores = _score_run(options)
    else:
        folders = _REAL_DIR.value, _FAKE_DIR.value
        scores = [scoring.score_folders(*folders, options, _IMAGE_SIZE.value)]
    sys.stdout.write(format_scores(scores) + "\n")


def _score_run(options: Options) -> list[Scores]:
    workdir = Workdir(_WORKDIR.value)
    config = runs.read_config(workdir)
    checkpoints = Checkpoints(workdir.checkpoints)
    # Before minutes are spent on the real images.
    steps = [] if _WATCH.value else _requested_steps(workdir)
    scorer = builders.build_scorer(
        config,
        workdir,
        runs.places(workdir),
        options,
        checkpoints=checkpoints,
        split=_SPLIT.value,
    )
    if _WATCH.value:
        return run_scorer.watch(
            scorer,
            checkpoints.steps,
            last_step=config.train.num_steps,
            seconds=_WATCH_SECONDS.value,
        )
    return [scorer.score(step) for step in steps]


def _requested_steps(workdir: Workdir) -> list[int]:
    return best.requested_steps(
        _CHECKPOINT.value,
        runs.steps(workdir),
        runs.best_checkpoint(workdir, _METRIC.value or ""),
        allow_all=True,
    )


def cli() -> None:
    """Runs this command: what `sagan-evaluate` calls."""
    command.run(main)


if __name__ == "__main__":
    cli()
