"""Does the generator copy? Its images beside the nearest real ones."""

from __future__ import annotations

import numpy as np
from PIL import Image

from sagan_tf.data import ImageDataset
from sagan_tf.data.channels import to_floats, to_rgb
from sagan_tf.data.framing import Framing
from sagan_tf.evaluation.images.image_sets import ImageSet
from sagan_tf.evaluation.numerics import neighbours
from sagan_tf.evaluation.numerics.rows import Rows
from sagan_tf.evaluation.sets.set_statistics import Statistics
from sagan_tf.visualization import sheets

# Generated images that are looked at, the first ones.
LOOKED_AT = 1000
# Rows of the sheet, of the closest and of the first; real images in each.
_ROWS, _NEAREST = 8, 7
_SHOWN_SIZE = 64
_LEAST = 1e-12


def keep(kept: list[np.ndarray], images: np.ndarray | list[np.ndarray]) -> None:
    """Adds images `(height, width, 3)` in [-1, 1] as bytes, up to 1,000."""
    kept.extend(map(sheets.to_uint8, images[: LOOKED_AT - len(kept)]))


def write(
    path: str,
    generated: list[np.ndarray],
    real: Statistics,
    fake: Statistics,
    dataset: ImageDataset | ImageSet,
) -> None:
    """Writes a sheet: in each row a generated image and its nearest real ones.

    The upper half has the images that are closest to a real one, the lower
    half the first ones. The number before a row is the distance to the nearest
    real image, by that of this one to the real image nearest to it: below 1
    it is closer than real images are to each other, and near 0 a copy.

    Args:
        path: the PNG to write or to replace.
        generated: what `keep` kept.
        real: statistics of the real images, with features.
        fake: the same of the generated images, in their order.
        dataset: the real images.
    """
    rows = real.parts["features"]
    features = fake.parts["features"].first(len(generated))
    numbers, closeness = closest(features, rows)
    order = np.argsort(closeness, kind="stable")[:_ROWS]
    shown = [*order, *range(min(_ROWS, len(generated)))]
    images = []
    for index in shown:
        images += [generated[index], *_read(dataset, numbers[index])]
    height, width, _ = images[0].shape
    frame = Framing((height, width), on_small="enlarge")
    sheet = sheets.image_grid(
        np.stack([frame(Image.fromarray(image)) for image in images]),
        columns=1 + numbers.shape[1],
        row_labels=[f"{closeness[index]:.2g}" for index in shown],
        enlarge_to=_SHOWN_SIZE,
        title=(
            f"generated, then its nearest of {len(rows):,} real images: the "
            f"{len(order)} closest of {len(generated):,}, and the first"
        ),
    )
    sheets.write_png(path, sheet)


def _read(
    dataset: ImageDataset | ImageSet, numbers: np.ndarray
) -> list[np.ndarray]:
    """Returns real images by their numbers, `(height, width, 3)` bytes."""
    if isinstance(dataset, ImageSet):
        return dataset.images(numbers)
    images = to_floats(dataset.images(numbers)[0])
    return list(sheets.to_uint8(to_rgb(images, dataset.background)))


def closest(features: np.ndarray, real: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Returns which real images are the nearest, and how close they are.

    Args:
        features: `(images, num_features)` of generated images.
        real: the same of real images, two or more.

    Returns:
        Numbers of real images `(images, nearest)`, the nearest first; and
        `(images,)` distances to the first, by that of this one to the real
        image nearest to it.
    """
    count = min(_NEAREST, len(real))
    numbers, squares = neighbours.nearest(features, real, count)
    first, places = np.unique(numbers[:, 0], return_inverse=True)
    # An image is its own nearest.
    _, among = neighbours.nearest(real.where(first), real, 2)
    apart = np.sqrt(among[places, 1])
    # Some real images equal each other.
    return numbers, np.sqrt(squares[:, 0]) / np.maximum(apart, _LEAST)
