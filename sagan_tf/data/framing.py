"""Images of any size as squares of one size."""

from __future__ import annotations

import dataclasses

import numpy as np
from PIL import Image

# Pillow's filters, all of which average when they shrink.
RESIZES = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
}


class TooSmallError(Exception):
    """The shorter side of the image has fewer pixels than were asked for."""


@dataclasses.dataclass(frozen=True)
class Framing:
    """How images of any size become squares of one size.

    The largest square in the middle is cut out, and resized by one of Pillow's
    antialiasing filters: the same as resizing the shorter side and cropping
    the centre. An image of exactly that size keeps its pixels. The release's
    records were cut like this, with `resize="bilinear"` and small images
    enlarged.

    Attributes:
        image_size: height and width of the result in pixels.
        crop: side in pixels of the square to cut out of the middle, such as
            160 for CelebA; 0 for the largest.
        resize: name of the filter: lanczos, bicubic, bilinear or box.
        on_small: `"refuse"` an image of fewer pixels, or `"enlarge"` it.
    """

    image_size: int
    crop: int = 0
    resize: str = "lanczos"
    on_small: str = "refuse"

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Returns `(image_size, image_size, 3)` uint8.

        Args:
            image: an RGB image.

        Raises:
            TooSmallError: if it has too few pixels and is not to be enlarged.
        """
        size = self.image_size
        side = self._side(image)
        if image.size == (size, size) and side == size:
            return np.asarray(image)
        # Half a pixel is rounded up.
        left = (image.width - side + 1) // 2
        top = (image.height - side + 1) // 2
        box = left, top, left + side, top + side
        if side == size:
            return np.asarray(image.crop(box))
        return np.asarray(
            image.resize((size, size), RESIZES[self.resize], box=box)
        )

    def _side(self, image: Image.Image) -> int:
        """Returns the side of the square that is cut out."""
        shorter = min(image.size)
        found = f"{image.width}x{image.height} pixels"
        if shorter < self.crop:
            raise TooSmallError(f"{found}, where `crop` is {self.crop}")
        side = self.crop or shorter
        if side < self.image_size and self.on_small == "refuse":
            cut = f" and `crop` {self.crop}" if self.crop else ""
            raise TooSmallError(
                f"{found}, where `image_size` is {self.image_size}{cut}; "
                "`on_small` can enlarge"
            )
        return side

    def unusual(self) -> str:
        """Returns in words what is not as usual, each behind a comma."""
        usual = Framing(self.image_size)
        return "".join(
            f", {name} {getattr(self, name)}"
            for name in ("crop", "resize")
            if getattr(self, name) != getattr(usual, name)
        )
