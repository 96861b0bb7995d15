"""The TFRecords that the release trains from.

They are those of the "improved GAN" code (Salimans et al., 2016): `image_raw`
holds the 128x128x3 bytes of an image, `label` an integer. The release adds 0
to it where it trains and -1 where it evaluates, so either its labels start at
1 and the last class has no row in training, or at 0; `label_offset` is ours.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np
from PIL import Image

from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.labelled_records import LabelledRecords
from sagan_tf.data.tfrecords import single

IMAGE_SIZE = 128
_SHAPE = (IMAGE_SIZE, IMAGE_SIZE, 3)


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
