"""How to score, and what that names: the network and the cache."""

from __future__ import annotations

import dataclasses

import tensorflow as tf
from absl import logging

from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.features import classifier, own_classifier
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.features.inception import NAME, load_inception
from sagan_tf.evaluation.images.image_sets import ImageSet
from sagan_tf.evaluation.results.outputs import NO_OUTPUTS, Outputs
from sagan_tf.user_cache import default_cache_dir

_OWN = "own"
_ENDING = "-classifier"


@dataclasses.dataclass(frozen=True)
class Options:
    """How to score.

    Attributes:
        features: network to look through: `"inception"`, `"twins"`, `"digits"`
            (or `"twins-classifier"`, as scores call it), `"own"` for a
            classifier of the data themselves, its name (`"own-1a2b3c4d"`) for
            one that is kept, or `"auto"`: the classifier of the embedded data,
            Inception for all others or if `inception_path` is given.
        inception_path: directory of a SavedModel in place of TF-Hub's.
        resize: how images come to Inception's size: `"tfgan"` or `"clean"`.
        cache_dir: directory of trained classifiers and real statistics; empty
            for `default_cache_dir()`.
        real_statistics: file to keep the real statistics in; empty for one in
            the cache, named by its protocol. One with `mu` and `sigma` takes
            the place of the real images.
        num_images: number of generated images; 0 for the usual number, of
            files for all.
        num_real: only the first so many real images; 0 for all.
        image_size: height and width to cut files to; 0 for none.
        skip_unreadable: whether files that cannot be read are left out.
        averaged: whether to score the averaged generator.
        truncation: size that no latent exceeds; 0 for none.
        seed: seed of the latents.
        batch_size: images at a time; no score depends on it.
        metric: score by which a checkpoint is best; empty for the run's own.
        force: whether poor protocols and implausible scores of real images are
            warnings only.
        tfgan_check: whether TF-GAN computes the FID and the Inception score as
            well, and has to agree.
        cas: whether classifiers are trained on generated and on real images.
        outputs: files to write of the generated images.
        strategy: how devices share the images; one device by default. No score
            depends on it.
    """

    features: str = "auto"
    inception_path: str = ""
    resize: str = "tfgan"
    cache_dir: str = ""
    real_statistics: str = ""
    num_images: int = 0
    num_real: int = 0
    image_size: int = 0
    skip_unreadable: bool = False
    averaged: bool = True
    truncation: float = 0.0
    seed: int = 0
    batch_size: int = 50
    metric: str = ""
    force: bool = False
    tfgan_check: bool = True
    cas: bool = False
    outputs: Outputs = NO_OUTPUTS
    strategy: tf.distribute.Strategy | None = None

    @property
    def learns_own(self) -> bool:
        """Whether the network is one that learns the images of training."""
        return self.features.removesuffix(_ENDING) == _OWN


def load_network(
    data: str, options: Options, dataset: ImageDataset | ImageSet | None = None
) -> FeatureNetwork:
    """Loads the feature network that images are looked at through.

    Args:
        data: name of the data set.
        options: which network, and where classifiers are kept.
        dataset: the images of training, for a classifier of them.

    Raises:
        UserError: if it cannot be had.
    """
    name = options.features.removesuffix(_ENDING)
    if name == "auto":
        own = classifier.has_classifier(data) and not options.inception_path
        name = data if own else NAME
    clean = options.resize == "clean"
    if name == NAME:
        return load_inception(options.inception_path, options.strategy, clean)
    for flag, given in (
        ("inception_path", options.inception_path),
        ("resize", options.resize if clean else ""),
    ):
        if given:
            raise UserError(
                f"--{flag} should be left out with --features={name}. "
                f"Received: {given}"
            )
    cache_dir = options.cache_dir or default_cache_dir()
    if options.learns_own:
        return own_classifier.load(dataset, cache_dir, options.strategy)
    if name.startswith(f"{_OWN}-"):
        return own_classifier.load_kept(name, cache_dir, options.strategy)
    network = classifier.load_classifier(name, cache_dir, options.strategy)
    if name != data:
        _mark_foreign(network, name, data)
    return network


def _mark_foreign(network: FeatureNetwork, known: str, data: str) -> None:
    """Has every name of a score say that the network knows other data."""
    logging.warning(
        "%s learned %s and knows nothing of these images (%s): its scores say "
        "little, and make no checkpoint the best; --features=own learns the "
        "classes of your data",
        network.name,
        known,
        data,
    )
    network.name = protocol.FOREIGN + network.name
    network.test_accuracy = None
