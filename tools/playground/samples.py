"""Samples as the page holds them: to show, to save, to draw again."""

from __future__ import annotations

import dataclasses
import io

import numpy as np

from sagan_tf.visualization import sheets


@dataclasses.dataclass(frozen=True)
class Samples:
    """Images and all it takes to draw them again.

    Attributes:
        images: `(images, height, width, channels)`, uint8.
        latents: `(images, latent_dim)`.
        labels: `(images,)`; zeros without classes.
        columns: images in a row.
        captions: one for each row; empty if there is nothing to say.
        origin: how the latents came about, by name: seeds, truncation and so
            on.
    """

    images: np.ndarray
    latents: np.ndarray
    labels: np.ndarray
    columns: int
    captions: list[str]
    origin: dict[str, np.ndarray]

    def png(self) -> bytes:
        """Returns a sheet of the images as a PNG file."""
        sheet = sheets.image_grid(
            self.images,
            self.columns,
            row_labels=self.captions or None,
            enlarge_to=96,
        )
        return sheets.png_bytes(sheet)

    def npz(self) -> bytes:
        """Returns images, latents, labels and origin as an NPZ file."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            images=self.images,
            latents=self.latents,
            labels=self.labels,
            **self.origin,
        )
        return file.getvalue()
