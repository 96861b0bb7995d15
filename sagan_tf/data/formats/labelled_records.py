"""TFRecords of images with numbers as labels, which say no names.

Those that the release trains from are those of the "improved GAN" code
(Salimans et al., 2016): `image_raw` holds the 128x128x3 bytes of an image,
`label` an integer. The release adds 0 to it where it trains and -1 where it
evaluates, so either its labels start at 1 and the last class has no row in
training, or at 0; `label_offset` is ours.

Those that TensorFlow's own scripts write of ImageNet hold the file of an image
as `image/encoded`, and `image/class/label`, an integer, which starts at 1; a
file is called `train-00000-of-01024`.
"""

from __future__ import annotations

import glob
import hashlib
import os
from typing import Sequence

import numpy as np
from PIL import Image

from sagan_tf.data.decoding import UnreadableError, decode
from sagan_tf.data.importer import Sample, spread
from sagan_tf.data.tfrecords import RecordImporter, TFRecords, single
from sagan_tf.errors import UserError

# Records whose labels are looked at before training.
_SAMPLE = 1_000
# Records whose checksums tell the data from others.
_CHECKSUMS = 4_096
# Of the images in the release's records.
_SHAPE = (128, 128, 3)


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
            path,
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
        some = spread(self.count, _SAMPLE)
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


class ImprovedGan(LabelledRecords):
    """Images of 128x128 pixels in the `*tfrecord*` files of a directory.

    Args as in `LabelledRecords`.
    """

    def __init__(
        self,
        path: str,
        num_classes: int | None = None,
        label_offset: int = 0,
    ) -> None:
        super().__init__(
            "improved_gan", path, "*tfrecord*", num_classes, label_offset
        )

    def image(self, features: dict[str, Sequence]) -> Image.Image:
        """Returns the image that a record holds."""
        pixels = single(features, "image_raw", bytes)
        expected = int(np.prod(_SHAPE))
        if len(pixels) != expected:
            raise UnreadableError(
                f"`image_raw` should have {expected} bytes (128x128x3), it has "
                f"{len(pixels)}"
            )
        return Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(_SHAPE))


class EncodedRecords(LabelledRecords):
    """Encoded images in the files `SPLIT-*` of a directory.

    Args as in `LabelledRecords`; `split` is the start of the files' names.
    """

    label_feature = "image/class/label"

    def __init__(
        self,
        path: str,
        split: str = "train",
        num_classes: int | None = None,
        label_offset: int = 0,
    ) -> None:
        super().__init__(
            "tfrecords", path, f"{split}*-of-*", num_classes, label_offset
        )

    def image(self, features: dict[str, Sequence]) -> Image.Image:
        """Returns the image that a record holds."""
        return decode(single(features, "image/encoded", bytes))


def _files(name: str, path: str, inside: str) -> list[str]:
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
