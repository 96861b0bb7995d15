"""The statistics of a set of images, gathered in one pass."""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, Mapping

import numpy as np

from sagan_tf.evaluation import gathering
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.gathering import PARTS, Batch, Sizes
from sagan_tf.evaluation.moments import Moments
from sagan_tf.evaluation.scores import ClassScore

# Covariances of all classes may take so many bytes.
_CLASS_BYTES = 2**29
# So may all features of a set, on a machine of 12 GB or more: for a moment
# TF-GAN's FID takes twelve times as much (measured), which is half of that.
_HELD_BYTES = min(
    2**29, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 24
)


def can_hold(count: int, length: int) -> bool:
    """Returns whether there is memory for so many float32 vectors.

    It is half a gigabyte, or less on a small machine.
    """
    return 4 * count * length <= _HELD_BYTES


class Statistics:
    """The parts that metrics need of a set of images.

    Sets that were gathered apart merge. With the first 10,000 features alone
    the memory it takes does not grow with the number of images: 0.2 GB with
    Inception's 2048 features.

    Args:
        sizes: what they are made for.
        needs: names in `gathering.PARTS`. Moments of more classes than half a
            gigabyte holds are worked out from all features, where these are
            kept.
    """

    def __init__(self, sizes: Sizes, needs: Iterable[str]) -> None:
        self.sizes = sizes
        self.count = 0
        needs = dict.fromkeys(needs)
        if sizes.num_classes * sizes.num_features**2 * 8 > _CLASS_BYTES:
            if "class_moments" in needs and sizes.keep_features:
                needs.update(features=None, labels=None)
            needs.pop("class_moments", None)
        self.parts = {name: PARTS[name].build(sizes) for name in needs}

    @classmethod
    def of(
        cls,
        network: FeatureNetwork,
        needs: Iterable[str],
        num_classes: int = 0,
        keep_features: bool = False,
    ) -> Statistics:
        """Returns empty statistics of what `network` sees."""
        sizes = (network.num_classes, network.num_features)
        return cls(Sizes(*sizes, num_classes, keep_features), needs)

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
            images: `(batch, height, width, 3)` in [-1, 1], for `hues`.
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
    def class_score(self) -> ClassScore:
        """The Inception score of all images."""
        return self.parts["class_score"]

    @property
    def accuracy(self) -> float:
        """Share of images whose largest logit is at their label."""
        return self.parts["hits"].count / self.count

    @property
    def features(self) -> np.ndarray:
        """The features of the first 10,000 images, float32."""
        return self.parts["features"].joined()[: gathering.KEPT_FEATURES]

    @property
    def hues(self) -> np.ndarray:
        """The hues of both halves of all images, `(images, 2)`."""
        return self.parts["hues"].joined()

    @property
    def all_features(self) -> np.ndarray | None:
        """Those of all images, where they are kept."""
        return self._all("features")

    @property
    def all_logits(self) -> np.ndarray | None:
        """The logits of all images, float32, where they are kept."""
        return self._all("logits")

    def _all(self, name: str) -> np.ndarray | None:
        if name not in self.parts:
            return None
        rows = self.parts[name].joined()
        return rows if len(rows) == self.count else None

    def class_counts(self) -> np.ndarray | None:
        """Returns how many images each class has, where `classes` knows it."""
        if "class_moments" in self.parts:
            return np.array(
                [c.count for c in self.parts["class_moments"].each()]
            )
        if self._all("labels") is None or self.all_features is None:
            return None
        labels = self._all("labels")[:, 0].astype(int)
        return np.bincount(labels, minlength=self.sizes.num_classes)

    def classes(self) -> Iterator[Moments]:
        """Yields the moments of each class, where `class_counts` has a say."""
        if "class_moments" in self.parts:
            yield from self.parts["class_moments"].each()
            return
        for label in range(self.sizes.num_classes):
            moments = Moments(self.sizes.num_features)
            of_class = self._all("labels")[:, 0] == label
            moments.update(self.all_features[of_class])
            yield moments

    def state(self) -> dict[str, np.ndarray]:
        """Returns all but the logits, for `restored`: arrays by name."""
        state = {"count": np.int64(self.count)}
        for name, part in self.parts.items():
            if name != "logits":
                state.update(named(name, part.state()))
        return state

    def restored(self, state: Mapping[str, np.ndarray]) -> Statistics:
        """Returns statistics with these parts that `state` came from.

        Raises:
            KeyError: if a part is missing there. Labels may be: they serve only
                where there are more classes than fit.
        """
        state = _renamed(state)
        result = self.empty()
        result.count = int(state["count"])
        for name, part in result.parts.items():
            values = nested(state, name)
            if not values and name == "labels":
                continue
            if not values:
                raise KeyError(name)
            part.merge(type(part).from_state(values))
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

    Until 2026 a class had arrays of its own, `num_classes` in all.
    """
    state = dict(state)
    if "num_classes" not in state:
        return state
    state["count"] = state["moments.count"]
    for name, ours in (("features", "features.rows"), ("hits", "hits.count")):
        state[ours] = state.pop(name)
    classes = range(int(state.pop("num_classes")))
    for key in ("count", "mean", "scatter") if classes else ():
        state[f"class_moments.{key}"] = np.stack(
            [state.pop(f"class{label}.{key}") for label in classes]
        )
    return state
