"""What other evaluators read: the images, statistics and features scored."""

from __future__ import annotations

import contextlib
import dataclasses
import zipfile
from typing import Callable, Iterator

import numpy as np
from PIL import Image

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.evaluation.sets.set_statistics import Statistics
from sagan_tf.visualization.sheets import to_uint8
from sagan_tf.whole_files import beside, replacing, write_npz

Put = Callable[["np.ndarray | list[np.ndarray]", np.ndarray], None]


@dataclasses.dataclass(frozen=True)
class Outputs:
    """Files to write of the generated images; an empty name writes none.

    Attributes:
        images: a new folder of PNG files, or an `.npz` with `arr_0` and the
            labels as `arr_1`, as ADM's evaluator reads it.
        statistics: an `.npz` with `mu` and `sigma`, as pytorch-fid reads it.
        features: an `.npz` with `features`, `logits` and `labels`.
        neighbours: a PNG of generated images beside the nearest real ones.
    """

    images: str = ""
    statistics: str = ""
    features: str = ""
    neighbours: str = ""

    def __bool__(self) -> bool:
        """Returns whether there is anything to write."""
        return any(dataclasses.astuple(self))

    def check(self) -> None:
        """Refuses names that cannot be written, before the work begins."""
        for flag, path, ending in (
            ("save_statistics", self.statistics, ".npz"),
            ("save_features", self.features, ".npz"),
            ("neighbours", self.neighbours, ".png"),
        ):
            if path and not path.endswith(ending):
                raise UserError(
                    f"--{flag} should be a file NAME{ending}. Received: {path}"
                )
        path = storage.at(self.images)
        is_taken = (
            self.images
            and not self.images.endswith(".npz")
            and (path.is_file() or path.is_dir() and any(path.iterdir()))
        )
        if is_taken:
            raise UserError(
                "--save_images should be a new folder or a file NAME.npz. "
                f"Received: {path}, which is there"
            )

    @contextlib.contextmanager
    def image_writer(self, count: int) -> Iterator[Put]:
        """Gives what takes the images, batch by batch, and their labels.

        They are numbered such that `ImageSet` reads them in this order.

        Args:
            count: how many images will come.
        """
        numbers = iter(np.random.RandomState(0).permutation(count))
        if not self.images:
            yield lambda images, labels: None
        elif self.images.endswith(".npz"):
            with _array_writer(self.images, count, numbers) as put:
                yield put
        else:
            folder = storage.at(self.images)
            folder.mkdir(parents=True, exist_ok=True)
            yield lambda images, labels: _write_files(folder, images, numbers)

    def save(self, statistics: Statistics) -> None:
        """Writes the statistics and the features."""
        if self.statistics:
            moments = statistics.moments
            write_npz(
                self.statistics, mu=moments.mean, sigma=moments.covariance
            )
        if self.features:
            parts = {
                name: part.joined()
                for name in ("features", "logits")
                if (part := statistics.rows(name)) is not None
            }
            if "features" not in parts:
                raise UserError(
                    "--save_features should be empty: the features of all "
                    f"{statistics.count} images take too much memory"
                )
            if "labels" in statistics.parts:
                parts["labels"] = statistics.labels
            write_npz(self.features, **parts)


NO_OUTPUTS = Outputs()


def _write_files(
    folder: storage.AnyPath,
    images: np.ndarray | list[np.ndarray],
    numbers: Iterator[int],
) -> None:
    for image in images:
        file = folder / f"{next(numbers):08d}.png"
        with replacing(file) as aside:
            Image.fromarray(to_uint8(image)).save(aside, format="PNG")


@contextlib.contextmanager
def _array_writer(
    path: str, count: int, numbers: Iterator[int]
) -> Iterator[Put]:
    storage.at(path).parent.mkdir(parents=True, exist_ok=True)
    kept_labels = np.zeros(count, np.int64)
    # Images of gigabytes are never in memory.
    with beside(path) as aside:
        array = None

        def put(
            images: np.ndarray | list[np.ndarray], labels: np.ndarray
        ) -> None:
            nonlocal array
            for image, label in zip(images, labels):
                if array is None:
                    array = np.lib.format.open_memmap(
                        aside, "w+", np.uint8, (count, *image.shape)
                    )
                if image.shape != array.shape[1:]:
                    raise UserError(
                        "--save_images should be a folder: the images are of "
                        "several sizes"
                    )
                number = next(numbers)
                array[number] = to_uint8(image)
                kept_labels[number] = label

        yield put
        array.flush()
        with replacing(path) as whole:
            with zipfile.ZipFile(whole, "w") as archive:
                archive.write(aside, "arr_0.npy")
                with archive.open("arr_1.npy", "w") as file:
                    np.lib.format.write_array(file, kept_labels)
