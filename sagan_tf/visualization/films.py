"""Films: images one after the other, as GIF, WebP or MP4."""

from __future__ import annotations

import io
from typing import Any, Sequence

import numpy as np
from PIL import Image

from sagan_tf import storage
from sagan_tf.data.channels import to_channels
from sagan_tf.data.decoding import UnreadableError
from sagan_tf.errors import UserError, one_line
from sagan_tf.visualization.sheets import to_image, to_uint8
from sagan_tf.whole_files import replacing

_BY_PILLOW, _VIDEO = (".gif", ".webp"), ".mp4"


def check_path(path: storage.PathLike, flag: str, beside: str = "") -> None:
    """Refuses what cannot become a film.

    Args:
        path: the file.
        flag: what gives it.
        beside: what else the message says of it.

    Raises:
        UserError: if its ending is another, it is a directory, or what writes
            it is not installed.
    """
    ending = storage.at(path).suffix.lower()
    if ending not in (*_BY_PILLOW, _VIDEO) or storage.at(path).is_dir():
        raise UserError(
            f"{flag} should end in .gif, .webp or .mp4{beside}. Received: "
            f"{path}"
        )
    if ending == _VIDEO:
        _ffmpeg()


def _ffmpeg() -> Any:
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise UserError(
            "a film in .mp4 needs the package imageio-ffmpeg: python -m pip "
            "install imageio-ffmpeg; .gif and .webp need none"
        ) from error
    return imageio_ffmpeg


def write_film(
    path: storage.PathLike,
    frames: Sequence[np.ndarray],
    frames_per_second: float = 20.0,
) -> None:
    """Writes a film, which begins again at its end if it is no MP4.

    Args:
        path: the file, as `check_path` takes it; its directory is made.
        frames: `(height, width, channels)` each, all of one size, as `to_uint8`
            takes them; what is transparent is laid on white.
        frames_per_second: how fast.

    Raises:
        OSError: the file cannot be written; what was there before stays.
        UserError: the path is refused.
        ValueError: there is no frame.
    """
    check_path(path, "a film")
    if not len(frames):
        raise ValueError("`frames` should have a frame. Received: none")
    ending = storage.at(path).suffix.lower()
    images = [to_channels(to_image(to_uint8(frame))) for frame in frames]
    storage.at(path).parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        if ending == _VIDEO:
            _write_video(aside, images, frames_per_second)
            return
        images[0].save(
            aside,
            format=ending[1:].upper(),
            save_all=True,
            append_images=images[1:],
            duration=max(round(1000 / frames_per_second), 10),
            loop=0,
        )


def _write_video(
    path: storage.AnyPath, images: Sequence[Image.Image], rate: float
) -> None:
    # What every player shows has its colours at half the size.
    width, height = (side + side % 2 for side in images[0].size)
    writer = _ffmpeg().write_frames(
        str(path),
        (width, height),
        fps=rate,
        macro_block_size=2,
        output_params=["-f", "mp4"],
    )
    writer.send(None)
    for image in images:
        page = Image.new("RGB", (width, height), "white")
        page.paste(image)
        writer.send(page.tobytes())
    writer.close()


def of_training(
    samples: storage.AnyPath, width: int | None = None
) -> list[np.ndarray]:
    """Returns the sheets of a run in the order of their steps.

    Args:
        samples: the directory of `step_STEP.png`.
        width: pixels that they are shrunk to; as they are without it.

    Returns:
        `(height, width, 3)` each, uint8, all of the size of the largest, with
        white below and on the right.

    Raises:
        UserError: if there is none, or one cannot be read.
    """
    paths = sorted(samples.glob("step_*.png"))
    if not paths:
        raise UserError(
            f"--workdir should hold sheets of its training. Received: none in "
            f"{samples}"
        )
    frames = [_read(path) for path in paths]
    high, wide = (max(frame.shape[axis] for frame in frames) for axis in (0, 1))
    pages = [np.full((high, wide, 3), 255, np.uint8) for _ in frames]
    for page, frame in zip(pages, frames):
        page[: frame.shape[0], : frame.shape[1]] = frame
    if width is None or width >= wide:
        return pages
    size = width, max(1, round(high * width / wide))
    return [np.asarray(to_image(page).resize(size)) for page in pages]


def _read(path: storage.AnyPath) -> np.ndarray:
    try:
        image = Image.open(io.BytesIO(path.read_bytes()))
        return np.asarray(to_channels(image))
    except (OSError, SyntaxError, UnreadableError) as error:
        raise UserError(
            f"{path} should be a sheet of the run. Received: {one_line(error)}"
        ) from error
