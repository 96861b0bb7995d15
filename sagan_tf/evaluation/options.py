"""How to score, and what that names: the network and the cache."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.evaluation.classifier import has_classifier, load_classifier
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.inception import NAME, load_inception
from sagan_tf.user_cache import default_cache_dir


@dataclasses.dataclass(frozen=True)
class Options:
    """How to score.

    Attributes:
        features: network to look through: `"inception"`, `"twins"`, `"digits"`,
            or `"auto"`: the classifier of the embedded data, Inception for all
            others or if `inception_path` is given.
        inception_path: directory of a SavedModel in place of TF-Hub's.
        cache_dir: directory of trained classifiers and real statistics; empty
            for `default_cache_dir()`.
        real_statistics: file to keep the real statistics in; empty for one in
            the cache, named by its protocol.
        num_images: number of generated images; 0 for the usual number, of a
            folder for all.
        num_real: only the first so many real images; 0 for all.
        averaged: whether to score the averaged generator.
        truncation: size that no latent exceeds; 0 for none.
        seed: seed of the latents.
        batch_size: images at a time; no score depends on it.
        metric: score by which a checkpoint is best; empty for the run's own.
        force: whether poor protocols and implausible scores of real images are
            warnings only.
        tfgan_check: whether TF-GAN computes the FID and the Inception score as
            well, and has to agree.
        strategy: how devices share the images; one device by default. No score
            depends on it.
    """

    features: str = "auto"
    inception_path: str = ""
    cache_dir: str = ""
    real_statistics: str = ""
    num_images: int = 0
    num_real: int = 0
    averaged: bool = True
    truncation: float = 0.0
    seed: int = 0
    batch_size: int = 50
    metric: str = ""
    force: bool = False
    tfgan_check: bool = True
    strategy: tf.distribute.Strategy | None = None


def load_network(data: str, options: Options) -> FeatureNetwork:
    """Loads the feature network that images are looked at through.

    Args:
        data: name of the data set.
        options: which network, and where classifiers are kept.

    Raises:
        UserError: if it cannot be had.
    """
    name = options.features
    if name == "auto":
        own = has_classifier(data) and not options.inception_path
        name = data if own else NAME
    if name == NAME:
        return load_inception(options.inception_path, options.strategy)
    if options.inception_path:
        raise UserError(
            f"--inception_path should be empty with --features={name}. "
            f"Received: {options.inception_path}"
        )
    cache_dir = options.cache_dir or default_cache_dir()
    return load_classifier(name, cache_dir, options.strategy)
