"""TFRecords of encoded images, as TensorFlow's own scripts write ImageNet.

`image/encoded` holds the file of an image, `image/class/label` an integer,
which starts at 1 in ImageNet's; a file is called `train-00000-of-01024`.
"""

from __future__ import annotations

from typing import Sequence

from PIL import Image

from sagan_tf.data.decoding import decode
from sagan_tf.data.labelled_records import LabelledRecords
from sagan_tf.data.tfrecords import single


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
