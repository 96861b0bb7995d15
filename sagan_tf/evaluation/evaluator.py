"""Scores of generated images against real ones, under one card."""

from __future__ import annotations

from typing import Iterable

import numpy as np
from absl import logging

from sagan_tf.data import ImageDataset
from sagan_tf.data.channels import to_rgb
from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics, protocol, tfgan_check
from sagan_tf.evaluation.classification_accuracy import ClassificationTest
from sagan_tf.evaluation.comparison import Comparison
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.images.image_sets import ImageSet
from sagan_tf.evaluation.results import neighbour_sheet
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
        dataset: the real images; None where their statistics alone are there.
        force: whether implausible or poor protocols are warnings only.
        tfgan_check: whether TF-GAN computes the FID and the Inception score as
            well, and has to agree.
        outputs: files to write of the images that are scored.
        test: what classifiers of the images are tested with; None for none.

    Raises:
        UserError: if the score of real against real images is implausible.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        real: RealStatistics,
        dataset: ImageDataset | ImageSet | None = None,
        *,
        force: bool = False,
        tfgan_check: bool = True,
        outputs: Outputs = NO_OUTPUTS,
        test: ClassificationTest | None = None,
    ) -> None:
        self.network = network
        self.dataset = dataset
        self.test = test
        self.force = force
        self.tfgan_check = tfgan_check
        self.outputs = outputs
        self._real = real.whole()
        self.channels = 3 if dataset is None else dataset.channels
        self.background = "white" if dataset is None else dataset.background
        # Of somebody else's mean and covariance nobody knows the data.
        known = dataset if self._real.count else None
        self.num_classes = 0 if known is None else known.num_classes
        setting = metrics.Setting(
            "" if known is None else known.name,
            self.num_classes,
            self.channels,
            network,
            test,
        )
        parts = self._real.parts.keys()
        self.metrics = [
            metric
            for metric in metrics.applicable(setting)
            if not metric.compares
            or set(metrics.needs([metric], True)) <= parts
        ]
        if test is not None:
            name = metrics.METRICS["cas"].reference_name
            real.references[name] = test.real_accuracy
        # Statistics of somebody else have no halves.
        self.references = self._measure(real) if self._real.count else {}

    def _measure(self, real: RealStatistics) -> dict[str, float]:
        """Returns what real images score alone, if that is plausible."""
        real.measure(self.metrics)
        names = [m.reference_name for m in self.metrics if m.reference]
        found = {name: real.references[name] for name in names}
        halves.check(self.network, self._real, found, self.force)
        words = (f"{name} {value:.4g}" for name, value in found.items())
        logging.info("real images alone: %s", ", ".join(words))
        return found

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

    def score(self, batches: Batches, card: protocol.Card) -> Scores:
        """Scores generated images.

        Args:
            batches: images `(batch, height, width, channels)` in [-1, 1] and
                labels `(batch,)`; how they are cut does not matter.
            card: the protocol; its `num_generated` is how many there are.

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
        fake = self._gather(batches, card)
        comparison = Comparison(self._real, fake, self.force, self.test)
        names, values = {}, {}
        for metric in self.metrics:
            value = metric.compute(comparison)
            if value is not None:
                names[metric.name] = metric.column(card, comparison)
                values[names[metric.name]] = value
        if self.tfgan_check:
            ours = {name: values[names[name]] for name in ("fid", "is")}
            theirs = tfgan_check.scores_of_tfgan(self._real, fake, ours)
            for name, value in theirs.items():
                values[f"{metrics.TFGAN}_{names[name]}"] = value
        return Scores(card, {**values, **self.references})

    def _gather(self, batches: Batches, card: protocol.Card) -> Statistics:
        network, count, shown = self.network, card.num_generated, []
        fake = Statistics.of(
            network,
            metrics.needs(self.metrics),
            self.num_classes,
            count,
            self.channels,
        )
        with (
            self.outputs.image_writer(count) as put,
            progress_bar(count, description=card.title) as bar,
        ):
            for images, labels in batches:
                seen = to_rgb(images, self.background)
                fake.update(*network(seen), labels, images)
                put(seen, labels)
                if self.outputs.neighbours:
                    neighbour_sheet.keep(shown, seen)
                bar.update(len(labels))
        self.outputs.save(fake)
        if self.outputs.neighbours:
            neighbour_sheet.write(
                self.outputs.neighbours,
                shown,
                self._real,
                fake,
                self.dataset,
            )
        return fake
