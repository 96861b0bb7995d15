"""Scores a run, or files of images, and says by which protocol.

python -m sagan_tf.evaluate --workdir=DIR [--checkpoint=best]
python -m sagan_tf.evaluate --real_dir=DIR --fake_dir=DIR
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import contextlib
import shutil
import tempfile
from typing import Any, Iterator

from absl import flags

from sagan_tf import runs, weights
from sagan_tf.cli import feature_flags, run_flags
from sagan_tf.configuration import builders
from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics, run_scorer, scoring
from sagan_tf.evaluation.options import Options
from sagan_tf.evaluation.results import best
from sagan_tf.evaluation.results.outputs import Outputs
from sagan_tf.evaluation.results.reports import format_scores
from sagan_tf.evaluation.results.score_table import Scores
from sagan_tf.training import devices, distribution, lock
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir

_WORKDIR, _PRETRAINED = run_flags.define()
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Which to score: latest, best, all or a step."
)
_REAL_DIR = command.define_path(
    "real_dir",
    "",
    "Folder, .zip, .tar or .npz of real images, in place of a run.",
)
_FAKE_DIR = command.define_path(
    "fake_dir", "", "Folder, .zip, .tar or .npz to score against --real_dir."
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
    "image_size", 0, "Pixels to cut files to squares of; 0 as they are.", 0
)
_ON_UNREADABLE = flags.DEFINE_enum(
    "on_unreadable",
    "refuse",
    ["refuse", "skip"],
    "What to do about files in folders that cannot be read.",
)
_FEATURES, _INCEPTION_PATH = feature_flags.define()
_RESIZE = flags.DEFINE_enum(
    "resize",
    "tfgan",
    ["tfgan", "clean"],
    "How images come to Inception's size: as in TF-GAN, or in clean-fid.",
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
    "real_statistics",
    "",
    "NAME.npz to keep real statistics in, or with somebody's mu and sigma.",
)
_CACHE_DIR = command.define_path(
    "cache_dir", "", "Where classifiers and real statistics are kept."
)
_CAS = flags.DEFINE_bool(
    "cas",
    False,
    "Train classifiers on generated and on real images as well, for the "
    "classification accuracy score: a few minutes.",
)
_FORCE = flags.DEFINE_bool(
    "force", False, "Score although it means little; warn of it."
)
_TFGAN_CHECK = flags.DEFINE_bool(
    "tfgan_check",
    True,
    "Let TF-GAN compute FID and Inception score as well; stop if they differ.",
)
_SAVE_IMAGES = command.define_path(
    "save_images", "", "New folder or NAME.npz for the images scored."
)
_SAVE_STATISTICS = command.define_path(
    "save_statistics", "", "NAME.npz for their mu and sigma (pytorch-fid's)."
)
_SAVE_FEATURES = command.define_path(
    "save_features", "", "NAME.npz for their features and logits."
)
_NEIGHBOURS = command.define_path(
    "neighbours", "", "NAME.png of generated images beside real ones like them."
)
_WATCH = flags.DEFINE_bool(
    "watch", False, "Score checkpoints as training writes them, to its end."
)
_WATCH_SECONDS = flags.DEFINE_float(
    "watch_seconds", 10.0, "Seconds between two looks for checkpoints.", 0.01
)
_WATCH_TIMEOUT = flags.DEFINE_float(
    "watch_timeout",
    600.0,
    "Seconds to wait for a training that is not there before --watch ends.",
    0.0,
)

_OF_FILES = (_IMAGE_SIZE, _ON_UNREADABLE)
_OF_TRAININGS = (_CHECKPOINT, _WATCH, _WATCH_SECONDS, _WATCH_TIMEOUT)
_OF_RUNS = (
    *(_SPLIT, _EMA, _TRUNCATION, _SEED, _METRIC, _CAS),
    *_OF_TRAININGS,
)


def main(argv: list[str]) -> None:
    """Scores and prints a table."""
    del argv
    devices.prepare()
    options = _options()
    if _WORKDIR.value or _PRETRAINED.value:
        with _open_workdir() as workdir:
            scores = _score_run(workdir, options)
    else:
        files = _REAL_DIR.value, _FAKE_DIR.value
        scores = [scoring.score_files(*files, options)]
    sys.stdout.write(format_scores(scores) + "\n")


def _options() -> Options:
    """Returns what the flags say, if they fit together."""
    outputs = Outputs(
        _SAVE_IMAGES.value,
        _SAVE_STATISTICS.value,
        _SAVE_FEATURES.value,
        _NEIGHBOURS.value,
    )
    _check_flags(outputs)
    return Options(
        features=_FEATURES.value,
        inception_path=_INCEPTION_PATH.value,
        resize=_RESIZE.value,
        cache_dir=_CACHE_DIR.value,
        real_statistics=_REAL_STATISTICS.value,
        num_images=_NUM_IMAGES.value,
        num_real=_NUM_REAL.value,
        image_size=_IMAGE_SIZE.value,
        skip_unreadable=_ON_UNREADABLE.value == "skip",
        averaged=_EMA.value,
        truncation=_TRUNCATION.value,
        seed=_SEED.value,
        batch_size=_BATCH_SIZE.value,
        metric=_METRIC.value or "",
        # What is best by it has to have it.
        cas=_CAS.value or (_METRIC.value or "").startswith("cas"),
        force=_FORCE.value,
        tfgan_check=_TFGAN_CHECK.value,
        outputs=outputs,
        strategy=distribution.create_strategy("local"),
    )


def _check_flags(outputs: Outputs) -> None:
    """Refuses flags that contradict each other or would do nothing."""
    is_run, fake = bool(_WORKDIR.value or _PRETRAINED.value), _FAKE_DIR.value
    has_real = bool(_REAL_DIR.value or _REAL_STATISTICS.value)
    if is_run == bool(fake or _REAL_DIR.value) or not (
        is_run or fake and has_real
    ):
        raise UserError(
            "give --workdir=DIR, --pretrained=NAME, or --real_dir=DIR and "
            "--fake_dir=DIR"
        )
    if is_run:
        run_flags.only_one(_WORKDIR, _PRETRAINED)
    for flag in _OF_TRAININGS if _PRETRAINED.value else ():
        if flag.present:
            raise UserError(f"--{flag.name} is for --workdir: leave it out")
    for flag in _OF_FILES if is_run else _OF_RUNS:
        if flag.present:
            kind = "--real_dir and --fake_dir" if is_run else "--workdir"
            raise UserError(f"--{flag.name} is for {kind}: leave it out")
    if outputs and (_WATCH.value or _CHECKPOINT.value == "all"):
        raise UserError(
            "--save_images, --save_statistics, --save_features and "
            "--neighbours take one checkpoint"
        )


@contextlib.contextmanager
def _open_workdir() -> Iterator[Workdir]:
    """Yields the run's directory; of pretrained weights a copy to write to.

    Theirs is a part of the package. Its scores stay behind, so that each one
    that is asked for is computed.
    """
    if _WORKDIR.value:
        yield Workdir(_WORKDIR.value)
        return
    source = weights.resolve(_PRETRAINED.value)
    with tempfile.TemporaryDirectory(prefix="sagan_tf_pretrained_") as place:
        shutil.copytree(
            source,
            place,
            ignore=shutil.ignore_patterns("scores.*"),
            dirs_exist_ok=True,
        )
        yield Workdir(place)


def _score_run(workdir: Workdir, options: Options) -> list[Scores]:
    config = runs.read_config(workdir)
    # Before minutes are spent on the real images.
    steps = [] if _WATCH.value else _requested_steps(workdir, options)

    def restore(generator: Any, step: int, averaged: bool) -> None:
        place = runs.place_of(workdir, step)
        place.restore_generator(generator, step, averaged)

    scorer = builders.build_scorer(
        config, workdir, restore, options, split=_SPLIT.value
    )
    if _WATCH.value:
        return run_scorer.watch(
            scorer,
            Checkpoints(workdir.checkpoints).steps,
            last_step=config.train.num_steps,
            seconds=_WATCH_SECONDS.value,
            is_training=lambda: lock.holder(workdir.path),
            timeout=_WATCH_TIMEOUT.value,
        )
    return [scorer.score(step) for step in steps]


def _requested_steps(workdir: Workdir, options: Options) -> list[int]:
    return best.requested_steps(
        _CHECKPOINT.value,
        runs.steps(workdir),
        runs.best_checkpoint(workdir, options.metric),
        allow_all=True,
    )


def cli() -> None:
    """Runs this command: what `sagan-evaluate` calls."""
    command.run(main)


if __name__ == "__main__":
    cli()
