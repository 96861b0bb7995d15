"""Looks for a collapse while training, and says when it began."""

from __future__ import annotations

import collections
import math
import statistics
from typing import Iterable

import numpy as np
import tensorflow as tf
from absl import logging

from sagan_tf.gan import SAGAN

# Images of one class are called all alike below this share of the spread of
# real images; a network that has never been above it is still learning.
_LEAST_VARIETY = 0.1
# Observations after which a network should have begun to vary.
_PATIENCE = 20
# The hinge is content with a gap of 2; several times that, and several times
# what the run had before, is a discriminator that nobody answers any more.
_LARGEST_GAP, _LARGEST_GAP_GROWTH = 8.0, 5.0
_LARGEST_GATE = 10.0
# Observations in a row that make a collapse of a bad moment.
_IN_A_ROW = 3
_CLASSES, _PER_CLASS = 8, 8


class CollapseWatch:
    """Watches variety, the gap of the logits and the gates of a run.

    - `variety`: spread of the images of one class from one batch of fixed
      latents, as a share of the spread of real images;
    - `gap`: mean logit of real less that of generated images;
    - `gate_*`: the gates of the attention layers.

    Each is bad if it is so three observations in a row, and then a warning
    names the step at which it began, in the log and in TensorBoard.

    Args:
        gan: the model.
        real_images: some real images `(batch, height, width, 3)`.
    """

    def __init__(self, gan: SAGAN, real_images: np.ndarray) -> None:
        self._sampler = gan.sampler
        self._real_spread = max(_spread(real_images), 1e-6)
        classes = np.arange(_CLASSES) % max(gan.generator.num_classes, 1)
        self._labels = tf.constant(np.repeat(classes, _PER_CLASS), tf.int32)
        self._latents = tf.random.stateless_normal(
            (_CLASSES * _PER_CLASS, gan.generator.latent_dim),
            (gan.seed, 2**31 + 1),
        )
        self._was_varied = False
        self._observations = 0
        self._gaps: list[float] = []
        self._bad_since: dict[str, list[int]] = collections.defaultdict(list)

    def observe(
        self, step: int, values: dict[str, float]
    ) -> tuple[dict[str, float], list[str]]:
        """Look at a run.

        Args:
            step: the step.
            values: its metrics: `d_real` and `d_fake`, and gates as `gate_*`,
                whatever stands before.

        Returns:
            What to record besides, `variety`, `gap` and `collapse_since` (the
            step, or -1), and warnings that are new.
        """
        observed = {
            "variety": self.variety(),
            "gap": values["d_real"] - values["d_fake"],
        }
        warnings = self._judge_all(step, {**values, **observed})
        began = [s[0] for s in self._bad_since.values() if len(s) >= _IN_A_ROW]
        observed["collapse_since"] = float(min(began, default=-1))
        return observed, warnings

    def recall(self, records: Iterable[dict[str, float | None]]) -> None:
        """Learn what a run that goes on has been like.

        Args:
            records: what `observe` was given and returned, with its `step`,
                in order; None stands for a value that was not finite.
        """
        for record in records:
            if "variety" in record:
                known = {
                    name: math.nan if value is None else value
                    for name, value in record.items()
                }
                self._judge_all(record["step"], known)

    def _judge_all(self, step: int, values: dict[str, float]) -> list[str]:
        """Take note of an observation; return warnings that are new."""
        self._observations += 1
        variety, gap = values["variety"], values["gap"]
        warnings = [
            *self._judge(
                "variety",
                step,
                self._lacks_variety(variety),
                f"images of one class are alike (variety {variety:.3f})",
            ),
            *self._judge(
                "gap",
                step,
                self._is_too_large(gap),
                f"the discriminator is far ahead (gap {gap:.1f})",
            ),
        ]
        for name, gate in values.items():
            if "gate_" in name:
                bad = not abs(gate) < _LARGEST_GATE
                text = f"{name} runs away ({gate:.1f})"
                warnings += self._judge(name, step, bad, text)
        return warnings

    def variety(self) -> float:
        """Return the spread within a class as a share of the real spread."""
        images = self._sampler(self._latents, self._labels)
        parts = np.split(images, _CLASSES)
        return float(np.mean([_spread(part) for part in parts])) / (
            self._real_spread
        )

    def _lacks_variety(self, variety: float) -> bool:
        self._was_varied |= variety > 2 * _LEAST_VARIETY
        may_judge = self._was_varied or self._observations > _PATIENCE
        return may_judge and not variety >= _LEAST_VARIETY

    def _is_too_large(self, gap: float) -> bool:
        usual = statistics.median(self._gaps) if self._gaps else gap
        bad = not gap <= max(_LARGEST_GAP, _LARGEST_GAP_GROWTH * usual)
        if not bad:
            self._gaps.append(gap)
        return bad

    def _judge(self, what: str, step: int, bad: bool, text: str) -> list[str]:
        since = self._bad_since[what]
        if not bad:
            if len(since) >= _IN_A_ROW:
                logging.info("%s has recovered at step %d", what, step)
            since.clear()
            return []
        since.append(step)
        if len(since) != _IN_A_ROW:
            return []
        return [f"collapse since step {since[0]}: {text}"]


def _spread(images: np.ndarray) -> float:
    """Return the mean standard deviation of a pixel over the images."""
    return float(np.std(np.asarray(images, np.float32), axis=0).mean())
