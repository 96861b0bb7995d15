"""A look at the images before hours are spent on them."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from sagan_tf.data.dataset import ImageDataset
from sagan_tf.errors import UserError

# Images that are looked at; labels are all looked at, if they are known.
_SAMPLE = 256
_LISTED = 10
_DARK = 1


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a data set holds, as far as it was looked at.

    Attributes:
        images: `(sample, size, size, 3)` uint8, from all over.
        labels: `(sample,)`.
        class_counts: `(num_classes,)` images of each class.
        all_labels: whether these are of all images, not of the sample.
        duplicates: images of the sample that equal an earlier one.
        flat: images of the sample of a single colour.
    """

    images: np.ndarray
    labels: np.ndarray
    class_counts: np.ndarray
    all_labels: bool
    duplicates: int
    flat: int

    def lines(self, class_names: tuple[str, ...]) -> list[str]:
        """Returns it in words, what is suspicious last.

        Args:
            class_names: a name for each class.
        """
        size, count = self.images.shape[1], len(self.images)
        lines = [
            f"{'images':<16}{count} looked at: {size} x {size}, values from "
            f"{self.images.min()} to {self.images.max()}, mean "
            f"{self.images.mean():.0f} of 255"
        ]
        if class_names:
            lines.append(f"{'labels':<16}{self._histogram(class_names)}")
        return lines + [f"warning: {text}" for text in self.warnings()]

    def _histogram(self, class_names: tuple[str, ...]) -> str:
        counts = self.class_counts
        what = "" if self.all_labels else f" of {len(self.labels)} looked at"
        if len(counts) <= _LISTED:
            pairs = zip(class_names, counts)
            return ", ".join(f"{n} {c:,}" for n, c in pairs) + what
        return (
            f"{counts.min():,} to {counts.max():,} in each of {len(counts)} "
            f"classes{what}, median {np.median(counts):,.0f}"
        )

    def warnings(self) -> list[str]:
        """Returns what may be a mistake."""
        found = []
        count = len(self.images)
        if self.duplicates:
            found.append(f"{self.duplicates} of {count} images occur twice")
        if self.flat:
            found.append(f"{self.flat} of {count} images have one colour")
        empty = np.flatnonzero(self.class_counts == 0)
        if self.all_labels and len(empty):
            first = ", ".join(map(str, empty[:_LISTED]))
            found.append(f"{len(empty)} classes have no image: {first}")
        return found


def inspect(dataset: ImageDataset) -> Findings:
    """Looks at labels and at a sample of the images.

    Raises:
        UserError: if a conditional run would see a single class, or images in
            in which nothing can be seen.
    """
    count = min(dataset.num_examples, _SAMPLE)
    indices = np.linspace(0, dataset.num_examples - 1, count).astype(np.int64)
    images, labels = dataset.images(indices)
    known = dataset.labels if dataset.num_classes else None
    seen = labels if known is None else known
    findings = Findings(
        images=images,
        labels=labels,
        class_counts=np.bincount(seen, minlength=dataset.num_classes),
        all_labels=known is not None,
        duplicates=count - len({_digest(image) for image in images}),
        flat=int(np.sum(np.ptp(images, axis=(1, 2)).max(axis=-1) == 0)),
    )
    _check_classes(dataset, findings)
    if images.max() <= _DARK:
        raise UserError(
            f"the images of data set `{dataset.name}` should have values up "
            f"to 255. Received: {images.max()} at most in {count} images; "
            "were they scaled to [0, 1]?"
        )
    return findings


def _check_classes(dataset: ImageDataset, findings: Findings) -> None:
    present = np.flatnonzero(findings.class_counts)
    # A small sample may miss classes, a large one hardly misses all but one.
    enough = findings.all_labels or len(findings.labels) == _SAMPLE
    if dataset.num_classes and len(present) == 1 and enough:
        raise UserError(
            f"each image of data set `{dataset.name}` has the label "
            f"{present[0]}, where {dataset.num_classes} classes were expected: "
            "set `num_classes` to 0 (unconditional)"
        )


def _digest(image: np.ndarray) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image)).digest()
