"""Scores a run, or a folder of pictures, and says by which protocol.

python -m sagan_tf.evaluate --workdir=DIR [--checkpoint=best]
python -m sagan_tf.evaluate --real_dir=DIR --fake_dir=DIR
"""

from __future__ import annotations

import sys

from sagan_tf import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
from absl import flags

from sagan_tf.configuration import builders, validation
from sagan_tf.errors import UserError
from sagan_tf.evaluation import folders, generated, preparation, requests
from sagan_tf.evaluation.run_scorer import BEST, RunScorer
from sagan_tf.evaluation.score_text import format_scores
from sagan_tf.training import devices, distribution
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir

_WORKDIR = flags.DEFINE_string("workdir", "", "Directory of the run.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Which to score: latest, best, all or a step."
)
_REAL_DIR = flags.DEFINE_string(
    "real_dir", "", "Folder of real pictures, in place of a run."
)
_FAKE_DIR = flags.DEFINE_string(
    "fake_dir", "", "Folder of pictures to score against --real_dir."
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images", 0, "Generated pictures; 0 for the usual number.", 0
)
_NUM_REAL = flags.DEFINE_integer(
    "num_real", 0, "Real pictures of a run's data; 0 for all.", 0
)
_SPLIT = flags.DEFINE_string(
    "split",
    "",
    "Real pictures of a run's data: a split, such as train or test; by default "
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
_INCEPTION_PATH = flags.DEFINE_string(
    "inception_path", "", "SavedModel of TF-GAN's Inception, or one like it."
)
_EMA = flags.DEFINE_bool("ema", True, "Score the averaged generator.")
_TRUNCATION = flags.DEFINE_float(
    "truncation", 0.0, "Size that no latent exceeds; 0 for none.", 0.0
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the latents.", 0)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 50, "Pictures at a time.", 1)
_METRIC = flags.DEFINE_enum(
    "metric", "fid", ["fid", "kid", "is", "intra_fid"], "What is best by."
)
_REAL_STATISTICS = flags.DEFINE_string(
    "real_statistics", "", "NAME.npz to keep real statistics in."
)
_CACHE_DIR = flags.DEFINE_string(
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
    options = preparation.Options(
        cache_dir=_CACHE_DIR.value,
        real_statistics=_REAL_STATISTICS.value,
        batch_size=_BATCH_SIZE.value,
        force=_FORCE.value,
        strategy=distribution.create_strategy("local"),
        tfgan_check=_TFGAN_CHECK.value,
    )
    scores = _score_run(options) if _WORKDIR.value else _score_folder(options)
    sys.stdout.write(format_scores(scores) + "\n")


def _score_folder(options: preparation.Options) -> list:
    folders.check_folders(_REAL_DIR.value, _FAKE_DIR.value)
    network = preparation.load_network(
        _FEATURES.value, "folder", options, _INCEPTION_PATH.value
    )
    scores = folders.score_folders(
        network,
        real_dir=_REAL_DIR.value,
        fake_dir=_FAKE_DIR.value,
        options=options,
        num_images=_NUM_IMAGES.value,
        image_size=_IMAGE_SIZE.value,
    )
    return [scores]


def _score_run(options: preparation.Options) -> list:
    workdir = Workdir(_WORKDIR.value)
    config = validation.complete(workdir.read_config())
    validation.validate(config)
    checkpoints = Checkpoints(workdir.checkpoints)
    best = Checkpoints(workdir.path / BEST)
    # Training may have removed the best one from its own place.
    steps = sorted({*checkpoints.steps(), *best.steps()})
    if not _WATCH.value:
        # Before minutes are spent on the real pictures.
        requests.check(_CHECKPOINT.value, steps, workdir.path)
    split = _SPLIT.value or builders.evaluation_split(config)
    dataset = builders.build_evaluation_dataset(config, split)
    network = preparation.load_network(
        _FEATURES.value, config.dataset.name, options, _INCEPTION_PATH.value
    )
    num_images = _NUM_IMAGES.value or preparation.default_num_images(network)
    evaluator, real_card = preparation.prepare(
        network,
        dataset,
        options=options,
        num_generated=num_images,
        split=split,
        num_real=_NUM_REAL.value,
    )
    sampler = generated.CheckpointSampler(
        # The dtype of the training machine would make another protocol.
        builders.build_generator(config, dtype="float32"),
        [checkpoints, best],
        averaged=_EMA.value,
        num_images=num_images,
        truncation=_TRUNCATION.value,
        seed=_SEED.value,
        batch_size=_BATCH_SIZE.value,
    )
    scorer = RunScorer(
        evaluator,
        preparation.extend(real_card, **sampler.card()),
        workdir=workdir.path,
        sample=sampler,
        checkpoint_path=checkpoints.path,
        metric=_METRIC.value,
    )
    if _WATCH.value:
        return requests.watch(
            scorer,
            checkpoints.steps,
            last_step=config.train.num_steps,
            seconds=_WATCH_SECONDS.value,
        )
    return requests.answer(_CHECKPOINT.value, scorer, steps)


def cli() -> None:
    """Runs this command: what `sagan-evaluate` calls."""
    command.run(main)


if __name__ == "__main__":
    cli()
