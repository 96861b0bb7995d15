"""A look at the images before hours are spent on them."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib

import numpy as np

from sagan_tf.data.channels import to_channels
from sagan_tf.data.dataset import ImageDataset
from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.importer import spread
from sagan_tf.errors import UserError, printable
from sagan_tf.image_sizes import sides

# Images that are looked at; labels are all looked at, if they are known.
_SAMPLE = 256
_LISTED = 10
# Images whose sizes are looked at: many are read for that.
_SHAPES = 64
# So much brighter than the darkest image that can be seen is usual.
_BLACK, _DIM = 1, 64
# The largest class may be so many times the smallest, a side another.
UNEVEN, _LONG = 10, 2
CHANNEL_WORDS = {1: ", grey", 3: "", 4: ", RGBA"}


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a data set holds, as far as it was looked at.

    Attributes:
        images: `(sample, height, width, channels)` uint8, from all over.
        labels: `(sample,)`.
        class_counts: `(num_classes,)` images of each class.
        all_labels: whether these are of all images, not of the sample.
        duplicates: names of images of the sample, and of the earlier ones that
            they equal.
        flat: images of the sample of a single colour.
        long: names of images that are at least twice as long as what is taken,
            and the share of each that is cut away.
    """

    images: np.ndarray
    labels: np.ndarray
    class_counts: np.ndarray
    all_labels: bool
    duplicates: list[tuple[str, str]]
    flat: int
    long: list[tuple[str, float]]

    def lines(self, class_names: tuple[str, ...]) -> list[str]:
        """Returns it in words, what is suspicious last.

        Args:
            class_names: a name for each class.
        """
        count, height, width, channels = self.images.shape
        lines = [
            f"{'images':<16}{count} looked at: {height} x {width}"
            f"{CHANNEL_WORDS[channels]}, values from {self.images.min()} to "
            f"{self.images.max()}, mean {self.images.mean():.0f} of 255"
        ]
        if class_names:
            lines.append(f"{'labels':<16}{self._histogram(class_names)}")
        return lines + [
            f"warning: {text}" for text in self.warnings(class_names)
        ]

    def class_shares(self) -> list[float]:
        """Returns how often each class comes.

        Raises:
            UserError: if not all labels are known.
        """
        if not self.all_labels:
            raise UserError(
                'config.train.fake_labels should be "uniform": the labels of '
                "these data are not known before they are read; prepare them "
                "as shards with tools.prepare_dataset"
            )
        return (self.class_counts / self.class_counts.sum()).tolist()

    def _histogram(self, class_names: tuple[str, ...]) -> str:
        counts = self.class_counts
        what = "" if self.all_labels else f" of {len(self.labels)} looked at"
        if len(counts) <= _LISTED:
            named = _numbered(class_names)
            pairs = zip(named, counts)
            return ", ".join(f"{n}: {c:,}" for n, c in pairs) + what
        return (
            f"{counts.min():,} to {counts.max():,} in each of {len(counts)} "
            f"classes{what}, median {np.median(counts):,.0f}; "
            f"{', '.join(_numbered(class_names)[:_LISTED])} and so on"
        )

    def warnings(self, class_names: tuple[str, ...] = ()) -> list[str]:
        """Returns what may be a mistake."""
        found = []
        count = len(self.images)
        if self.duplicates:
            pairs = [f"{two} is {one}" for two, one in self.duplicates[:3]]
            found.append(
                f"{len(self.duplicates)} of {count} images occur twice: "
                f"{', '.join(pairs)}"
            )
        if self.flat:
            found.append(f"{self.flat} of {count} images have one colour")
        # Alpha says nothing.
        brightest = self.images[..., :3].max()
        if brightest < _DIM:
            found.append(
                f"the brightest value is {brightest} of 255: if the files have "
                "16 bits and the camera fewer, set config.dataset.value_range"
            )
        return found + self._cut_warnings() + self._class_warnings(class_names)

    def _cut_warnings(self) -> list[str]:
        if not self.long:
            return []
        name, _ = self.long[0]
        share = np.mean([share for _, share in self.long])
        return [
            f"{len(self.long)} of {min(len(self.images), _SHAPES)} images are "
            f"{_LONG} times as long as wide or more, such as {name}: "
            f"{share:.0%} of them lies beside the middle and is cut away; "
            "config.dataset.fit keeps all of it"
        ]

    def _class_warnings(self, class_names: tuple[str, ...]) -> list[str]:
        found, counts = [], self.class_counts
        if not self.all_labels or len(counts) < 2:
            return found
        names = class_names or range(len(counts))
        empty = np.flatnonzero(counts == 0)
        if len(empty):
            first = ", ".join(map(str, empty[:_LISTED]))
            found.append(f"{len(empty)} classes have no image: {first}")
        few = np.where(counts, counts, counts.max()).argmin()
        many = counts.argmax()
        if counts[many] >= UNEVEN * counts[few]:
            found.append(
                f"classes are uneven: {names[many]} has "
                f"{counts[many]:,} images, {names[few]} {counts[few]:,}; "
                "config.dataset.balance shows each equally often"
            )
        return found


def _numbered(class_names: tuple[str, ...]) -> list[str]:
    return [f"{number} {name}" for number, name in enumerate(class_names)]


def inspect(dataset: ImageDataset) -> Findings:
    """Looks at labels and at a sample of the images.

    Raises:
        UserError: if a conditional run would see a single class, or images in
            in which nothing can be seen.
    """
    indices = spread(dataset.num_examples, _SAMPLE)
    images, labels = dataset.images(indices)
    known = dataset.labels if dataset.num_classes else None
    seen = labels if known is None else known
    findings = Findings(
        images=images,
        labels=labels,
        class_counts=np.bincount(seen, minlength=dataset.num_classes),
        all_labels=known is not None,
        duplicates=_duplicates(dataset, indices, images),
        flat=int(np.sum(np.ptp(images, axis=(1, 2)).max(axis=-1) == 0)),
        long=_long(dataset),
    )
    _check_classes(dataset, findings)
    brightest = images[..., :3].max()
    if brightest <= _BLACK:
        raise UserError(
            f"the images of data set `{dataset.name}` should have values up "
            f"to 255. Received: {brightest} at most in {len(images)} images; "
            f"{_why_black(dataset)}"
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


def _duplicates(
    dataset: ImageDataset, indices: np.ndarray, images: np.ndarray
) -> list[tuple[str, str]]:
    seen: dict[bytes, int] = {}
    found = []
    for index, image in zip(indices.tolist(), images):
        first = seen.setdefault(hashlib.sha256(image).digest(), index)
        if first != index:
            found.append((dataset.origin(index), dataset.origin(first)))
    return found


def _long(dataset: ImageDataset) -> list[tuple[str, float]]:
    importer, found = dataset.importer, []
    if importer is None or importer.slow_because or dataset.fit != "crop":
        return found
    high, wide = sides(dataset.image_size)
    for index in spread(importer.count, _SHAPES).tolist():
        # What cannot be read is named elsewhere, or skipped.
        with contextlib.suppress(UnreadableError):
            width, height = importer.shape(index)
            short, long = sorted((width * high, height * wide))
            if long >= _LONG * short:
                name = f"{importer.origin(index)} ({width}x{height})"
                found.append((printable(name), 1 - short / long))
    return found


def _why_black(dataset: ImageDataset) -> str:
    importer, brightest = dataset.importer, 0
    some = spread(importer.count, _LISTED).tolist() if importer else ()
    for index in some:
        with contextlib.suppress(UnreadableError):
            image = importer.read(index).image
            whole = np.asarray(to_channels(image, 3, dataset.background))
            brightest = max(brightest, int(whole.max()))
    if brightest > _BLACK:
        return f"their middle is black, the whole images reach {brightest}"
    return "were they scaled to [0, 1]?"
