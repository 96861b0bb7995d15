"""TFRecords of images with numbers as labels, which say no names."""

from __future__ import annotations

import glob
import hashlib
import os
from typing import Sequence

import numpy as np
from PIL import Image

from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.importer import Sample
from sagan_tf.data.tfrecords import RecordImporter, TFRecords, single
from sagan_tf.errors import UserError

# Records whose labels are looked at before training.
_SAMPLE = 1_000
# Records whose checksums tell the data from others.
_CHECKSUMS = 4_096


class LabelledRecords(RecordImporter):
    """Images in TFRecords; subclasses say what a record holds.

    Args:
        name: of the format.
        path: a directory, a file, or a pattern such as `DIR/train-*`.
        inside: pattern of the files that are read of a directory.
        num_classes: number of classes, which the records do not say.
        label_offset: what is added to each stored label.

    Raises:
        UserError: if there are no such records, or a label of the first 1,000
            (taken from all over) is no class.
    """

    # Feature that holds the label.
    label_feature = "label"

    def __init__(
        self,
        name: str,
        path: str,
        inside: str,
        num_classes: int | None,
        label_offset: int,
    ) -> None:
        if num_classes is None:
            raise UserError(
                f"`num_classes` should be given with data set `{name}`: its "
                "records do not say it. Received: None"
            )
        self._offset = label_offset
        super().__init__(
            name,
            os.path.expanduser(path),
            TFRecords(_files(name, path, inside)),
            [f"class {number}" for number in range(num_classes)],
        )
        if self.count and num_classes:
            self._check_labels()

    def image(self, features: dict[str, Sequence]) -> Image.Image:
        """Returns the image that a record holds.

        Raises:
            UnreadableError: if it holds none.
        """
        raise NotImplementedError

    def read(self, index: int) -> Sample:
        """Returns an image and its label, compared with their checksum."""
        # Of pixels that are not encoded nothing else would notice a change.
        features = self._records.read(index, check=True)
        image, label = self.image(features), 0
        if self.class_names:
            label = single(features, self.label_feature, int) + self._offset
        hint = f" (`label_offset` is {self._offset})"
        return Sample(image, self.checked_label(index, label, hint))

    def identity(self) -> str:
        """Returns a digest of the number, sizes and checksums of the records.

        They hold images and labels; of many records a sample from all over is
        looked at.
        """
        words = f"{self._records.shard_sizes}{self._records.num_bytes}"
        digest = hashlib.sha256(words.encode())
        digest.update(self._records.checksums(_CHECKSUMS))
        name = f"{self.name} {digest.hexdigest()[:12]}"
        return f"{name}, label offset {self._offset}"

    def _check_labels(self) -> None:
        """Looks at labels from all over, and says which offset would do."""
        count = min(self.count, _SAMPLE)
        some = np.linspace(0, self.count - 1, count).astype(int)
        stored = np.array([self._stored_label(index) for index in some])
        last = len(self.class_names) - 1
        low, high = stored.min() + self._offset, stored.max() + self._offset
        if low >= 0 and high <= last:
            return
        hint = ""
        if stored.max() - stored.min() <= last:
            fitting = -stored.min() if stored.min() > 0 else last - stored.max()
            hint = f"; a `label_offset` of {fitting} would fit"
        raise UserError(
            f"{self.root} has labels from {stored.min()} to {stored.max()}, "
            f"with `label_offset` {self._offset} from {low} to {high}: "
            f"expected 0 to {last}{hint}"
        )

    def _stored_label(self, index: int) -> int:
        try:
            return single(self._records.read(index), self.label_feature, int)
        except UnreadableError as error:
            where = self.where(index)
            raise UserError(f"cannot read {where}: {error}") from error


def _files(name: str, path: str, inside: str) -> list[str]:
    if not path:
        raise UserError(
            f"`path` of data set `{name}` should name a folder, a file or a "
            "pattern. Received: ''"
        )
    path = os.path.expanduser(path)
    pattern = path
    if os.path.isdir(path):
        pattern = os.path.join(glob.escape(path), inside)
    found = sorted(file for file in glob.glob(pattern) if os.path.isfile(file))
    if not found:
        raise UserError(
            f"`path` of data set `{name}` should name TFRecords: there is no "
            f"file {pattern}"
        )
    return found
