"""Images of any size and kind as images of one size and kind."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from PIL import Image, ImageColor

from sagan_tf.data.channels import MODES, to_channels
from sagan_tf.errors import UserError
from sagan_tf.image_sizes import ImageSize, as_size, sides

# Pillow's filters, all of which average when they shrink.
RESIZES = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
}
FITS = ("crop", "pad", "stretch")
# Attributes that prepared shards have always told.
_FIRST = ("image_size", "crop", "resize", "on_small")
# Left, top, right and bottom; width and height.
_Box = tuple[int, int, int, int]
_Size = tuple[int, int]


class TooSmallError(Exception):
    """The image has fewer pixels than were asked for."""


@dataclasses.dataclass(frozen=True)
class Framing:
    """How images of any size become images of one size.

    With `fit="crop"` the largest part of that form is cut out of the middle
    and resized by one of Pillow's antialiasing filters: for squares the same
    as resizing the shorter side and cropping the centre. With `"pad"` the
    whole image is shrunk until it fits, if it must be, and laid on the middle
    of the background; with `"stretch"` it is resized to both sides. An image
    of exactly that size keeps its pixels. The release's records were cut with
    `resize="bilinear"` and small images enlarged.

    Attributes:
        image_size: height and width of the result in pixels.
        crop: side in pixels of the square to cut out of the middle first, such
            as 160 for CelebA; 0 for none.
        resize: name of the filter: lanczos, bicubic, bilinear or box.
        on_small: `"refuse"` an image of fewer pixels, or `"enlarge"` it; with
            `fit="pad"` none is too small, and it says whether one is enlarged.
        fit: `"crop"`, `"pad"` or `"stretch"`.
        channels: 1, 3 or 4, as `to_channels` takes it.
        background: colour below what is transparent, and around what is
            padded, where it is transparent with four channels.
        value_range: as `to_channels` takes it.
    """

    image_size: ImageSize
    crop: int = 0
    resize: str = "lanczos"
    on_small: str = "refuse"
    fit: str = "crop"
    channels: int = 3
    background: str = "white"
    value_range: tuple[float, ...] = ()

    def checked(self) -> Framing:
        """Returns itself, its size as `as_size` has it.

        Raises:
            UserError: if an attribute is none of its names, or no size.
        """
        size = as_size(self.image_size)
        if size is None:
            raise UserError(
                "`image_size` should be positive, a number or a pair. "
                f"Received: {self.image_size}"
            )
        for name, names in (
            ("on_small", ("refuse", "enlarge")),
            ("resize", tuple(RESIZES)),
            ("fit", FITS),
            ("channels", tuple(MODES)),
        ):
            value = getattr(self, name)
            if value not in names:
                raise UserError(
                    f"`{name}` should be {' or '.join(map(str, names))}. "
                    f"Received: {value!r}"
                )
        try:
            ImageColor.getrgb(self.background)
        except ValueError as error:
            raise UserError(
                "`background` should be a colour such as black or #336699. "
                f"Received: {self.background!r}"
            ) from error
        if len({*self.value_range}) not in (0, 2):
            raise UserError(
                "`value_range` should be empty or two different numbers. "
                f"Received: {self.value_range}"
            )
        return dataclasses.replace(self, image_size=size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the result."""
        return (*sides(self.image_size), self.channels)

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Returns `(height, width, channels)` uint8.

        Args:
            image: an image of any mode.

        Raises:
            TooSmallError: if it has too few pixels and is not to be enlarged.
            UnreadableError: if its values are no numbers.
        """
        image = to_channels(
            image, self.channels, self.background, self.value_range
        )
        box = self._region(image)
        size = sides(self.image_size)[::-1]
        if self.fit == "pad":
            framed = self._pad(image, box, size)
        else:
            box = _largest(box, size) if self.fit == "crop" else box
            self._check_enough(image, box, size)
            framed = self._resized(image, box, size)
        return np.asarray(framed).reshape(self.shape)

    def _region(self, image: Image.Image) -> _Box:
        """Returns what to look at: the square that was asked for, or all."""
        whole = (0, 0, *image.size)
        if not self.crop:
            return whole
        if min(image.size) < self.crop:
            raise TooSmallError(f"{_found(image)}, where `crop` is {self.crop}")
        return _in_middle(whole, (self.crop, self.crop))

    def _resized(
        self, image: Image.Image, box: _Box, size: _Size
    ) -> Image.Image:
        """Returns a part of an image at a size."""
        if _size_of(box) == size:
            return image.crop(box)
        return image.resize(size, RESIZES[self.resize], box=box)

    def _pad(self, image: Image.Image, box: _Box, size: _Size) -> Image.Image:
        scale = min(n / part for n, part in zip(size, _size_of(box)))
        if scale > 1 and self.on_small == "refuse":
            scale = 1
        inner = tuple(max(1, round(n * scale)) for n in _size_of(box))
        clear = (0, 0, 0, 0) if self.channels == 4 else self.background
        frame = Image.new(image.mode, size, clear)
        corner = tuple((n - part) // 2 for n, part in zip(size, inner))
        frame.paste(self._resized(image, box, inner), corner)
        return frame

    def _check_enough(self, image: Image.Image, box: _Box, size: _Size) -> None:
        """Refuses an image of whose part there are too few pixels."""
        is_small = any(part < n for part, n in zip(_size_of(box), size))
        if is_small and self.on_small == "refuse":
            cut = f" and `crop` {self.crop}" if self.crop else ""
            raise TooSmallError(
                f"{_found(image)}, where `image_size` is {self.image_size}"
                f"{cut}; `on_small` can enlarge"
            )

    def settings(self) -> dict[str, Any]:
        """Returns it as JSON holds it; what came later only where unusual."""
        usual = Framing(self.image_size)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
            if name in _FIRST or value != getattr(usual, name)
        }

    def unusual(self) -> str:
        """Returns in words what is not as usual, each behind a comma."""
        usual = dataclasses.asdict(Framing(self.image_size))
        return "".join(
            f", {name} {value}"
            for name, value in dataclasses.asdict(self).items()
            if value != usual[name] and name != "on_small"
        )


def _found(image: Image.Image) -> str:
    return f"{image.width}x{image.height} pixels"


def _size_of(box: _Box) -> _Size:
    left, top, right, bottom = box
    return right - left, bottom - top


def _largest(box: _Box, size: _Size) -> _Box:
    """Returns the largest part of a box that has the form of a size."""
    (whole, high), (width, height) = _size_of(box), size
    part = round(high * width / height), round(whole * height / width)
    return _in_middle(box, (min(whole, part[0]), min(high, part[1])))


def _in_middle(box: _Box, size: _Size) -> _Box:
    """Returns the middle of a box; half a pixel is rounded up."""
    (width, height), (whole, high) = size, _size_of(box)
    left = box[0] + (whole - width + 1) // 2
    top = box[1] + (high - height + 1) // 2
    return left, top, left + width, top + height
