"""The TFRecords that the release trains from.

They are those of the "improved GAN" code (Salimans et al., 2016): `image_raw`
holds the 128x128x3 bytes of a picture, `label` an integer. The release adds 0
to it where it trains and -1 where it evaluates, so either its labels start at
1 and the last class has no row in training, or at 0; `label_offset` is ours.
"""

from __future__ import annotations

import glob
import hashlib
import os

import numpy as np
from PIL import Image

from sagan_tf.data.pictures import UnreadableError
from sagan_tf.data.readers import Example, Reader
from sagan_tf.data.record_sets import RecordSet, single
from sagan_tf.errors import UserError

IMAGE_SIZE = 128
_NUM_BYTES = IMAGE_SIZE * IMAGE_SIZE * 3
# Records whose labels are looked at before training.
_SAMPLE = 1_000
# Records whose checksums tell the data from others.
_CHECKSUMS = 4_096


class ImprovedGanReader(Reader):
    """Pictures of 128x128 pixels in TFRecords.

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
        *,
        path: str,
        num_classes: int | None = None,
        label_offset: int = 0,
    ) -> None:
        if num_classes is None:
            raise UserError(
                "`num_classes` should be given with data set `improved_gan`: "
                "its records do not say it. Received: None."
            )
        self._records = RecordSet(_files(path))
        self._offset = label_offset
        super().__init__(
            name="improved_gan",
            root=os.path.expanduser(path),
            class_names=[f"class {number}" for number in range(num_classes)],
            shard_sizes=self._records.shard_sizes,
        )
        if len(self._records) and num_classes:
            self._check_labels()

    def _check_labels(self) -> None:
        """Look at labels from all over, and say which offset would do."""
        count = len(self)
        some = np.linspace(0, count - 1, min(count, _SAMPLE)).astype(int)
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
            f"expected 0 to {last}{hint}."
        )

    def _stored_label(self, index: int) -> int:
        try:
            return single(self._records.read(index), "label", int)
        except UnreadableError as error:
            raise UserError(
                f"cannot read {self.where(index)}: {error}."
            ) from error

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._records)

    def identity(self) -> str:
        """Return a digest of the number, sizes and checksums of the records.

        They hold pictures and labels; of many records a sample from all over
        is looked at.
        """
        words = f"{self._records.shard_sizes}{self._records.num_bytes}"
        digest = hashlib.sha256(words.encode())
        digest.update(self._records.checksums(_CHECKSUMS))
        name = f"improved_gan {digest.hexdigest()[:12]}"
        return f"{name}, label offset {self._offset}"

    def source(self, index: int) -> str:
        """Return the file's name and the number of the record in it."""
        return self._records.source(index)

    def where(self, index: int) -> str:
        """Return the file and the number of the record in it."""
        return self._records.where(index)

    def read(self, index: int) -> Example:
        """Return a picture, its record compared with its checksum."""
        # The pixels are not encoded: nothing else would notice.
        features = self._records.read(index, check=True)
        pixels = single(features, "image_raw", bytes)
        if len(pixels) != _NUM_BYTES:
            raise UnreadableError(
                f"`image_raw` should have {_NUM_BYTES} bytes (128x128x3), it "
                f"has {len(pixels)}"
            )
        label = 0
        if self.class_names:
            label = single(features, "label", int) + self._offset
        hint = f" (`label_offset` is {self._offset})"
        label = self._checked_label(index, label, hint)
        shape = (IMAGE_SIZE, IMAGE_SIZE, 3)
        array = np.frombuffer(pixels, np.uint8).reshape(shape)
        return Example(Image.fromarray(array), label)


def _files(path: str) -> list[str]:
    if not path:
        raise UserError(
            "`path` of data set `improved_gan` should name a folder, a file or "
            "a pattern. Received: ''."
        )
    path = os.path.expanduser(path)
    pattern = path
    if os.path.isdir(path):
        pattern = os.path.join(glob.escape(path), "*tfrecord*")
    found = sorted(file for file in glob.glob(pattern) if os.path.isfile(file))
    if not found:
        raise UserError(
            "`path` of data set `improved_gan` should name TFRecords: there "
            f"is no file {pattern}."
        )
    return found
