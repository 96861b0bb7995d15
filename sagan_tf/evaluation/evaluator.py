"""Scores of generated pictures against real ones, under one card."""

from __future__ import annotations

import dataclasses
from typing import Iterable

import numpy as np
from absl import logging

from sagan_tf.evaluation import protocol, sanity, scores, tfgan
from sagan_tf.evaluation.coherence import half_hues, hues_agree
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.moments import Moments, frechet_distance
from sagan_tf.evaluation.real_statistics import Progress, RealStatistics
from sagan_tf.evaluation.statistics import Statistics, can_hold
from sagan_tf.evaluation.tfgan_check import scores_of_tfgan

Batches = Iterable["tuple[np.ndarray, np.ndarray]"]


@dataclasses.dataclass
class Scores:
    """A row of scores.

    Attributes:
        card: their protocol.
        values: score by metric name, in the order to show them.
    """

    card: protocol.Card
    values: dict[str, float]


class Evaluator:
    """Scores pictures against one set of real pictures.

    Args:
        network: what pictures are seen through.
        real: statistics of the real pictures.
        num_classes: number of classes of the data; 0 without labels.
        twins: whether the pictures are twins, whose coherence counts.
        force: whether implausible or poor protocols are warnings only.
        tfgan_check: whether TF-GAN computes the FID and the Inception score as
            well, and has to agree.

    Raises:
        UserError: if the score of real against real pictures is implausible.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        real: RealStatistics,
        *,
        num_classes: int = 0,
        twins: bool = False,
        force: bool = False,
        tfgan_check: bool = True,
    ) -> None:
        self.network = network
        self.num_classes = num_classes
        self.twins = twins
        self.force = force
        self.tfgan_check = tfgan_check
        self.floor = sanity.measure_floor(
            network, real, num_classes=num_classes, force=force
        )
        self._real = real.whole()
        logging.info("sanity: %s", self.floor.describe())

    def score(
        self,
        batches: Batches,
        card: protocol.Card,
        progress: Progress = lambda done: None,
    ) -> Scores:
        """Score generated pictures.

        Args:
            batches: images `(batch, height, width, 3)` in [-1, 1] and labels
                `(batch,)`; the result does not depend on how they are cut.
            card: the protocol; its `num_generated` is how many there are.
            progress: called with the number of pictures done.

        Returns:
            The scores by name, then the floor.

        Raises:
            UserError: if there are too few pictures, or TF-GAN scores them
                otherwise.
        """
        sanity.check_counts(
            self.network, self._real.count, card.num_generated, self.force
        )
        fake = self._empty_statistics(card.num_generated)
        hues = []
        for images, labels in batches:
            fake.update(*self.network(images), labels)
            if self.twins:
                hues.append(half_hues(images))
            progress(fake.count)
        values = self._compare(fake, card)
        if self.twins:
            values.update(_coherence(np.concatenate(hues)))
        if self.tfgan_check:
            values.update(self._scores_of_tfgan(fake, values, card))
        return Scores(card, {**values, **self._floor_values()})

    def _empty_statistics(self, count: int) -> Statistics:
        """Return what keeps so many pictures for TF-GAN, if it can."""
        network = self.network
        return Statistics.of(
            network,
            self.num_classes,
            keep_features=self.tfgan_check
            and can_hold(count, network.num_features),
            keep_logits=self.tfgan_check
            and can_hold(count, network.num_classes),
        )

    def _scores_of_tfgan(
        self, fake: Statistics, ours: dict[str, float], card: protocol.Card
    ) -> dict[str, float]:
        fid = protocol.metric_name("fid", card)
        inception_score = protocol.metric_name("is", card, split=False)
        theirs = scores_of_tfgan(
            self._real,
            fake,
            fid=ours[fid],
            inception_score=ours[inception_score],
        )
        names = f"tfgan_{fid}", f"tfgan_{inception_score}"
        return {
            name: value
            for name, value in zip(names, theirs)
            if value is not None
        }

    def _compare(self, fake: Statistics, card: protocol.Card) -> dict:
        real = self._real
        # As many of each, or the larger set would reach further.
        kept = min(len(real.features), len(fake.features))
        ours, theirs = fake.features[:kept], real.features[:kept]
        manifold = scores.precision_recall(theirs, ours)
        name = protocol.metric_name
        values = {
            name("fid", card): frechet_distance(real.moments, fake.moments),
            name("is", card, split=False): fake.class_score.result(),
            name("kid", card, count=kept): tfgan.kernel_distance(theirs, ours),
            name("precision", card, count=kept): manifold.precision,
            name("recall", card, count=kept): manifold.recall,
        }
        if self._have_classes(real.classes, fake.classes):
            intra = scores.intra_frechet_distance(real.classes, fake.classes)
            variety = scores.class_variety(real.classes, fake.classes)
            values[name("intra_fid", card)] = intra
            values[name("class_variety", card)] = variety
        if np.isfinite(self.floor.accuracy):
            values[name("accuracy", card, split=False)] = fake.accuracy
        return values

    def _have_classes(self, *sets: list[Moments]) -> bool:
        """Whether each class has the pictures for a distance of its own."""
        counts = [moments.count for part in sets for moments in part]
        needed = 2 if self.force else self.network.num_features + 1
        if counts and min(counts) < needed:
            logging.warning(
                "no intra-FID: it needs %d pictures of each class, received %d",
                needed,
                min(counts),
            )
        return bool(counts) and min(counts) >= needed

    def _floor_values(self) -> dict[str, float]:
        floor = self.floor
        return {
            "floor_fid": floor.fid,
            "floor_precision": floor.precision,
            "floor_recall": floor.recall,
            "real_is": floor.inception_score,
            "real_accuracy": floor.accuracy,
        }


def _coherence(hues: np.ndarray) -> dict[str, float]:
    """Return the coherence, and what chance would give the same shapes."""
    left, right = hues.T
    # Round a circle in random order nobody is his own neighbour.
    order = np.random.default_rng(0).permutation(len(hues))
    shuffled = np.empty_like(right)
    shuffled[order] = right[np.roll(order, 1)]
    count = protocol.short_count(len(hues))
    return {
        f"coherence{count}": float(np.mean(hues_agree(left, right))),
        f"coherence_shuffled{count}": float(
            np.mean(hues_agree(left, shuffled))
        ),
    }
