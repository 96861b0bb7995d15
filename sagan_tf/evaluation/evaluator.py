"""Scores of generated images against real ones, under one card."""

from __future__ import annotations

import contextlib
from typing import Callable, Iterable, Iterator

import numpy as np
from absl import logging

from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics, protocol, tfgan_check
from sagan_tf.evaluation.classification_accuracy import ClassificationTest
from sagan_tf.evaluation.comparison import Comparison
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.images.three_channels import to_rgb
from sagan_tf.evaluation.results import neighbour_sheet
from sagan_tf.evaluation.results.neighbour_sheet import RealImages
from sagan_tf.evaluation.results.outputs import NO_OUTPUTS, Outputs
from sagan_tf.evaluation.results.score_table import Scores
from sagan_tf.evaluation.sets import halves
from sagan_tf.evaluation.sets.real_statistics import RealStatistics
from sagan_tf.evaluation.sets.set_statistics import Statistics
from sagan_tf.progress import progress_bar

Batches = Iterable["tuple[np.ndarray, np.ndarray]"]


class Evaluator:
    """Scores images against one set of real images.

    Args:
        network: what images are seen through.
        real: statistics of the real images.
        data: name of the data set.
        num_classes: number of classes of the data; 0 without labels.
        channels: of the data.
        background: colour below what is transparent.
        force: whether implausible or poor protocols are warnings only.
        tfgan_check: whether TF-GAN computes the FID and the Inception score as
            well, and has to agree.
        outputs: files to write of the images that are scored.
        test: what classifiers of the images are tested with; None for none.
        real_images: gives the real images, for `outputs.neighbours`.

    Raises:
        UserError: if the score of real against real images is implausible.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        real: RealStatistics,
        *,
        data: str = "",
        num_classes: int = 0,
        channels: int = 3,
        background: str = "white",
        force: bool = False,
        tfgan_check: bool = True,
        outputs: Outputs = NO_OUTPUTS,
        test: ClassificationTest | None = None,
        real_images: RealImages | None = None,
    ) -> None:
        self.network = network
        self.num_classes = num_classes
        self.channels = channels
        self.test = test
        self.real_images = real_images
        self.force = force
        self.tfgan_check = tfgan_check
        self.outputs = outputs
        self.background = background
        setting = metrics.Setting(data, num_classes, channels, network, test)
        self._real = real.whole()
        parts = self._real.parts.keys()
        self.metrics = [
            metric
            for metric in metrics.applicable(setting)
            if not metric.compares
            or set(metrics.needs([metric], True)) <= parts
        ]
        self.references = {}
        if test is not None:
            name = metrics.METRICS["cas"].reference_name
            real.references[name] = test.real_accuracy
        # Statistics of somebody else have no halves.
        if self._real.count:
            real.measure(self.metrics)
            self.references = {
                metric.reference_name: real.references[metric.reference_name]
                for metric in self.metrics
                if metric.reference
            }
            halves.check(network, self._real, self.references, force)
            logging.info("%s", halves.describe(self.references))

    def require(self, metric: str, num_images: int) -> None:
        """Refuses what no checkpoint can be best by here, before the work.

        Args:
            metric: what was asked for; empty for none.
            num_images: number of generated images.

        Raises:
            UserError: if these data, or so few images, do not have it.
        """
        names = [m.name for m in self.metrics if m.better]
        if metric and metric not in names:
            raise UserError(
                f"--metric should be one that these data have: "
                f"{', '.join(names)}. Received: {metric}"
            )
        needed = (self.network.num_features + 1) * self.num_classes
        if metric == "intra_fid" and num_images < needed and not self.force:
            raise UserError(
                f"--metric=intra_fid needs --num_images={needed} or more, "
                f"{needed // self.num_classes} of each class, or --force. "
                f"Received: {num_images}"
            )

    def score(
        self,
        batches: Batches,
        card: protocol.Card,
        progress: Callable[[int], object] = lambda done: None,
    ) -> Scores:
        """Scores generated images.

        Args:
            batches: images `(batch, height, width, channels)` in [-1, 1] and
                labels `(batch,)`; how they are cut does not matter.
            card: the protocol; its `num_generated` is how many there are.
            progress: called with the number of images done.

        Returns:
            The scores by name, then those of real images alone.

        Raises:
            UserError: if there are too few images, or TF-GAN scores them
                otherwise.
        """
        count = card.num_generated
        halves.check_counts(
            self.network, self._real.count or 2 * count, count, self.force
        )
        fake = self._gather(batches, card, progress)
        comparison = Comparison(self._real, fake, self.force, self.test)
        names, values = {}, {}
        for metric in self.metrics:
            value = metric.compute(comparison)
            if value is not None:
                names[metric.name] = metric.column(card, comparison)
                values[names[metric.name]] = value
        if self.tfgan_check:
            values.update(self._scores_of_tfgan(fake, names, values))
        return Scores(card, {**values, **self.references})

    def _gather(
        self,
        batches: Batches,
        card: protocol.Card,
        progress: Callable[[int], object],
    ) -> Statistics:
        network, shown = self.network, []
        fake = Statistics.of(
            network,
            metrics.needs(self.metrics),
            self.num_classes,
            card.num_generated,
            self.channels,
        )
        with self.outputs.image_writer(card.num_generated) as put:
            for images, labels in batches:
                seen = to_rgb(images, self.background)
                fake.update(*network(seen), labels, images)
                put(seen, labels)
                if self.outputs.neighbours:
                    neighbour_sheet.keep(shown, seen)
                progress(fake.count)
        self.outputs.save(fake)
        if self.outputs.neighbours:
            neighbour_sheet.write(
                self.outputs.neighbours,
                shown,
                self._real,
                fake,
                self.real_images,
            )
        return fake

    def _scores_of_tfgan(
        self, fake: Statistics, names: dict[str, str], ours: dict[str, float]
    ) -> dict[str, float]:
        """Returns what TF-GAN says of the two scores that it has."""
        both = names["fid"], names["is"]
        theirs = tfgan_check.scores_of_tfgan(
            self._real,
            fake,
            fid=ours[both[0]],
            inception_score=ours[both[1]],
        )
        return {
            f"{metrics.TFGAN}_{name}": value
            for name, value in zip(both, theirs)
            if value is not None
        }


@contextlib.contextmanager
def image_progress(
    total: int, description: str
) -> Iterator[Callable[[int], object]]:
    """Shows a bar of images.

    Args:
        total: number of images.
        description: what stands before it.

    Yields:
        What to call with the number of images done.
    """
    with progress_bar(total, description=description) as bar:
        yield lambda done: bar.update(done - bar.n)
