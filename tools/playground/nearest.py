"""What the playground's generator draws nearest to an image of a visitor."""

from __future__ import annotations

from typing import Callable, Sequence

import numpy as np

from sagan_tf.errors import UserError
from sagan_tf.gan.projection import Projector
from sagan_tf.networks import StagedGenerator
from sagan_tf.runs import Run
from sagan_tf.visualization import sheets
from tools.playground.samples import Samples

# Fewer than `sagan_tf.project` takes: somebody waits.
STARTS, TRIES, STEPS = 200, 8, 150
MOST_BYTES = 20 * 2**20


class NearestSearch:
    """Looks for what a run's generator draws nearest to an image."""

    def __init__(self, run: Run, generator: StagedGenerator):
        self._run, self._generator = run, generator
        # Training may remove the checkpoint before an image comes.
        self._discriminator = run.load_discriminator()

    def read(self, encoded: bytes, name: str) -> np.ndarray:
        """Returns an image as the run's data are: floats in [-1, 1].

        Args:
            encoded: the content of its file.
            name: the file's name.

        Raises:
            UserError: if it is too large or no image.
        """
        if len(encoded) > MOST_BYTES:
            raise UserError(
                f"{name} should have at most {MOST_BYTES // 2**20} MiB. "
                f"Received: {len(encoded) / 2**20:.1f} MiB"
            )
        return self._run.decode_image(encoded, name)

    def find(
        self,
        image: np.ndarray,
        labels: Sequence[int],
        watch: Callable[[int], None],
    ) -> tuple[Samples, str]:
        """Finds what is nearest, in some seconds or more.

        Args:
            image: what `read` returned.
            labels: the classes to try; `[0]` without classes.
            watch: called with the number of each step, 0 to `STEPS`.

        Returns:
            The image alone, and its latent; and in words how near it is.
        """
        projector = Projector(self._generator, self._discriminator, image)
        starts = projector.find_starts(labels, STARTS, TRIES)
        found = projector.bring_nearer(*starts, STEPS, watch=watch)
        drawn = Samples(
            sheets.to_uint8(found.images[-1:]),
            found.latents,
            found.labels,
            1,
            [],
            {"pixels": found.pixels, "features": found.features},
        )
        name = ""
        if self._generator.num_classes:
            name = f"{self._run.class_names()[found.labels[0]]}: "
        return drawn, name + found.in_words()
