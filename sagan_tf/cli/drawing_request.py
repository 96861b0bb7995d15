"""From what a user asks `sagan_tf.sample` for to what is drawn."""

from __future__ import annotations

import dataclasses

import numpy as np

from sagan_tf.cli import drawing
from sagan_tf.errors import UserError
from sagan_tf.visualization import arrangements, ways
from sagan_tf.visualization.arrangements import Arrangement

_ROWS, _OF_EACH_CLASS = 6, 10
# Of a film: images from stop to stop, and stops in one class.
_STEPS, _STOPS = 20, 4


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for, by the names of the flags.

    Attributes:
        show: `"samples"`, `"latents"`, `"classes"`, `"truncation"` or `"film"`.
        labels: the classes.
        num_images: how many; None for a sensible number.
        columns: images in a row of a way or a sweep.
        seed: of the first image.
        truncation: size that no number of a latent exceeds; 0 for none.
        spherical: whether ways between latents follow the sphere.
        mixes: whether the generator can mix classes.
    """

    show: str
    labels: list[int]
    num_images: int | None
    columns: int
    seed: int
    truncation: float
    spherical: bool
    mixes: bool

    def arrange(self, names: tuple[str, ...], latent_dim: int) -> Arrangement:
        """Returns what to draw.

        Args:
            names: a name for each class of the generator; empty if it has none.
            latent_dim: length of a latent.

        Raises:
            UserError: if the flags do not go together.
        """
        return getattr(self, f"_{self.show}")(names, latent_dim)

    def _seeds(self, count: int) -> np.ndarray:
        return drawing.count_seeds(self.seed, count)

    def _samples(self, names: tuple[str, ...], latent_dim: int) -> Arrangement:
        # Without classes, or of one alone, a square.
        count = _OF_EACH_CLASS * (len(self.labels) if self.labels[1:] else 10)
        return arrangements.samples(
            self._seeds(self.num_images or count),
            self.labels,
            names,
            latent_dim,
            self.truncation,
        )

    def _truncation(
        self, names: tuple[str, ...], latent_dim: int
    ) -> Arrangement:
        del names
        rows, most = self._rows(), len(arrangements.TRUNCATIONS)
        if rows > most:
            raise UserError(
                f"--num_images should be at most {most * self.columns}, {most} "
                f"truncations of --columns={self.columns}. Received: "
                f"{self.num_images}"
            )
        return arrangements.truncation_sweep(
            self._seeds(self.columns), self.labels, latent_dim, rows
        )

    def _latents(self, names: tuple[str, ...], latent_dim: int) -> Arrangement:
        return ways.latent_paths(
            self._seeds(2 * self._rows()),
            *(self.labels, names, latent_dim, self.columns, self.truncation),
            spherical=self.spherical,
        )

    def _classes(self, names: tuple[str, ...], latent_dim: int) -> Arrangement:
        if len(self.labels) < 2:
            raise UserError(
                "--show=classes should have two --labels or more to go "
                f"between. Received: {self.labels}"
            )
        self._check_mixing()
        return ways.class_paths(
            self._seeds(self._rows()),
            *(self.labels, names, latent_dim, self.columns, self.truncation),
        )

    def _film(self, names: tuple[str, ...], latent_dim: int) -> Arrangement:
        if len(self.labels) > 1:
            self._check_mixing()
        stops = len(self.labels) if self.labels[1:] else _STOPS
        steps, rest = divmod(self.num_images or _STEPS * stops, stops)
        if rest or not steps:
            raise UserError(
                f"--num_images should be a multiple of the {stops} stops of "
                f"the film. Received: {self.num_images}"
            )
        return ways.closed_walk(
            self._seeds(stops),
            *(self.labels, len(names), latent_dim, steps, self.truncation),
        )

    def _check_mixing(self) -> None:
        if not self.mixes:
            raise UserError(
                f"--show={self.show} needs --workdir: an exported generator "
                "takes whole classes only"
            )

    def _rows(self) -> int:
        count = self.num_images or _ROWS * self.columns
        if count % self.columns:
            raise UserError(
                "--num_images should be a multiple of --columns "
                f"({self.columns}) with --show={self.show}. Received: {count}"
            )
        return count // self.columns
