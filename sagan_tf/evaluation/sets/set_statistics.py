"""The statistics of a set of images, gathered in one pass."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

import numpy as np

from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.numerics.moments import Moments
from sagan_tf.evaluation.numerics.rows import Rows, can_hold
from sagan_tf.evaluation.sets import gathering
from sagan_tf.evaluation.sets.gathering import PARTS, Batch, Sizes


class Statistics:
    """The parts that metrics need of a set of images.

    Sets that were gathered apart merge. Features of all images are kept where
    they have classes or fit into memory, else those of the first 10,000; with
    these alone the memory it takes does not grow with the number of images.

    Args:
        sizes: what they are made for.
        needs: names in `gathering.PARTS`.
    """

    def __init__(self, sizes: Sizes, needs: Iterable[str]) -> None:
        self.sizes = sizes
        self.count = 0
        self.parts = {name: PARTS[name].build(sizes) for name in needs}

    @classmethod
    def of(
        cls,
        network: FeatureNetwork,
        needs: Iterable[str],
        num_classes: int = 0,
        count: int = 0,
        channels: int = 3,
    ) -> Statistics:
        """Returns empty statistics of what `network` sees.

        Args:
            network: whose outputs come in.
            needs: names in `gathering.PARTS`.
            num_classes: number of classes of the data; 0 without labels.
            count: how many images will come.
            channels: of the images.
        """
        sizes = network.num_classes, network.num_features, num_classes
        keep = num_classes > 0 or can_hold(count, network.num_features)
        return cls(Sizes(*sizes, keep, channels), needs)

    def empty(self) -> Statistics:
        """Returns statistics with the same parts of no image yet."""
        return Statistics(self.sizes, self.parts)

    def update(
        self,
        logits: np.ndarray,
        features: np.ndarray,
        labels: np.ndarray,
        images: np.ndarray | None = None,
    ) -> None:
        """Adds images.

        Args:
            logits: `(batch, num_logits)`.
            features: `(batch, num_features)`.
            labels: `(batch,)`.
            images: `(batch, height, width, channels)` in [-1, 1], for what is
                taken from pixels.
        """
        if not len(labels):
            return
        batch = Batch(images, logits, features, np.asarray(labels))
        for name, part in self.parts.items():
            part.update(*PARTS[name].select(batch))
        self.count += len(batch.labels)

    def merge(self, other: Statistics) -> None:
        """Adds all that `other` has gathered, as if it came after."""
        for name, part in self.parts.items():
            part.merge(other.parts[name])
        self.count += other.count

    @property
    def moments(self) -> Moments:
        """Moments of all images."""
        return self.parts["moments"]

    @property
    def accuracy(self) -> float:
        """Share of images whose largest logit is at their label.

        0 to 1, more is better: the GAN-test of Shmelkov et al.
        (arXiv:1807.09499). It needs a network that learned the classes, and
        the labels that were asked for.
        """
        return self.parts["hits"].count / self.count

    @property
    def features(self) -> np.ndarray:
        """The features of the first 10,000 images, float32."""
        return self.parts["features"].first(gathering.KEPT_FEATURES)

    @property
    def labels(self) -> np.ndarray:
        """The labels of all images."""
        return self.parts["labels"].joined()[:, 0].astype(int)

    def rows(self, name: str) -> Rows | None:
        """Returns features or logits of all images, where they are kept."""
        rows = self.parts.get(name)
        return rows if rows is not None and len(rows) == self.count else None

    def held(self, name: str) -> np.ndarray | None:
        """Returns the same as an array, where there is memory for it."""
        rows = self.rows(name)
        length = getattr(self.sizes, f"num_{name}")
        fits = rows is not None and can_hold(self.count, length)
        return rows.joined() if fits else None

    def state(self) -> dict[str, np.ndarray]:
        """Returns all that `restored` needs: arrays by name."""
        state = {"count": np.int64(self.count)}
        for name, part in self.parts.items():
            state.update(named(name, part.state()))
        return state

    def restored(self, state: Mapping[str, np.ndarray]) -> Statistics:
        """Returns statistics with these parts that `state` came from.

        Raises:
            KeyError: if a part is missing there, or features of all images
                are wanted and only the first are there.
        """
        state = _renamed(state)
        result = self.empty()
        result.count = int(state["count"])
        for name, part in result.parts.items():
            values = nested(state, name)
            if not values:
                raise KeyError(name)
            part.restore(values)
        if self.sizes.num_classes and "features" in result.parts:
            if result.rows("features") is None:
                raise KeyError("features of all images")
        return result


def named(name: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arrays whose names begin with that of what they belong to."""
    return {f"{name}.{key}": array for key, array in arrays.items()}


def nested(arrays: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Returns the arrays that belong to a name, without it."""
    start = f"{name}."
    keys = [key for key in arrays if key.startswith(start)]
    return {key[len(start) :]: arrays[key] for key in keys}


def _renamed(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns a state whose names are those of today.

    Until 2026 there was no number of all images, and no "rows".
    """
    state = dict(state)
    if "count" not in state:
        state["count"] = state["moments.count"]
        state["features.rows"] = state.pop("features")
        state["hits.count"] = state.pop("hits")
    return state
