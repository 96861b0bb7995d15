"""The TFRecords that the release trains from.

They are those of the "improved GAN" code (Salimans et al., 2016): `image_raw`
holds the 128x128x3 bytes of an image, `label` an integer. The release adds 0
to it where it trains and -1 where it evaluates, so either its labels start at
1 and the last class has no row in training, or at 0; `label_offset` is ours.
"""

from __future__ import annotations

import glob
import hashlib
import os

import numpy as np
from PIL import Image

from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.importer import Sample
from sagan_tf.data.tfrecords import RecordImporter, TFRecords, single
from sagan_tf.errors import UserError

IMAGE_SIZE = 128
_SHAPE = (IMAGE_SIZE, IMAGE_SIZE, 3)
# Records whose labels are looked at before training.
_SAMPLE = 1_000
# Records whose checksums tell the data from others.
_CHECKSUMS = 4_096


class ImprovedGan(RecordImporter):
    """Images of 128x128 pixels in TFRecords.

    Args:
        path: a directory whose `*tfrecord*` files are read, a file, or a
            pattern such as `DIR/train-*`.
        num_classes: number of classes, which the records do not say.
        label_offset: what is added to each stored label.

    Raises:
        UserError: if there are no such records, or a label of the first 1,000
            (taken from all over) is no class.
    """

    def __init__(
        self,
        path: str,
        num_classes: int | None = None,
        label_offset: int = 0,
    ) -> None:
        if num_classes is None:
            raise UserError(
                "`num_classes` should be given with data set `improved_gan`: "
                "its records do not say it. Received: None"
            )
        self._offset = label_offset
        super().__init__(
            "improved_gan",
            os.path.expanduser(path),
            TFRecords(_files(path)),
            [f"class {number}" for number in range(num_classes)],
        )
        if self.count and num_classes:
            self._check_labels()

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
            return single(self._records.read(index), "label", int)
        except UnreadableError as error:
            where = self.where(index)
            raise UserError(f"cannot read {where}: {error}") from error

    def identity(self) -> str:
        """Returns a digest of the number, sizes and checksums of the records.

        They hold images and labels; of many records a sample from all over is
        looked at.
        """
        words = f"{self._records.shard_sizes}{self._records.num_bytes}"
        digest = hashlib.sha256(words.encode())
        digest.update(self._records.checksums(_CHECKSUMS))
        name = f"improved_gan {digest.hexdigest()[:12]}"
        return f"{name}, label offset {self._offset}"

    def read(self, index: int) -> Sample:
        """Returns an image and its label, compared with their checksum."""
        # The pixels are not encoded: nothing else would notice.
        features = self._records.read(index, check=True)
        pixels = single(features, "image_raw", bytes)
        expected = int(np.prod(_SHAPE))
        if len(pixels) != expected:
            raise UnreadableError(
                f"`image_raw` should have {expected} bytes (128x128x3), it has "
                f"{len(pixels)}"
            )
        label = 0
        if self.class_names:
            label = single(features, "label", int) + self._offset
        hint = f" (`label_offset` is {self._offset})"
        label = self.checked_label(index, label, hint)
        array = np.frombuffer(pixels, np.uint8).reshape(_SHAPE)
        return Sample(Image.fromarray(array), label)


def _files(path: str) -> list[str]:
    if not path:
        raise UserError(
            "`path` of data set `improved_gan` should name a folder, a file or "
            "a pattern. Received: ''"
        )
    path = os.path.expanduser(path)
    pattern = path
    if os.path.isdir(path):
        pattern = os.path.join(glob.escape(path), "*tfrecord*")
    found = sorted(file for file in glob.glob(pattern) if os.path.isfile(file))
    if not found:
        raise UserError(
            "`path` of data set `improved_gan` should name TFRecords: there is "
            f"no file {pattern}"
        )
    return found
