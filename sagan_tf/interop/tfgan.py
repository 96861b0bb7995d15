"""Checkpoints of the self-attention example that ships with TF-GAN."""

from __future__ import annotations

from typing import Sequence

from sagan_tf.interop.checkpoint import Naming
from sagan_tf.interop.from_shapes import load_networks
from sagan_tf.layers import BatchNorm, SpectralNorm
from sagan_tf.networks import Discriminator, Generator

_SPECTRAL = "spectral_normalize/spectral_norm/spectral_norm_u"
_NORM = {
    "gain": "gamma",
    "bias": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
}

# The example keeps `u` on the side of the inputs, divides by max(1, sigma)
# except in the attention, and has one epsilon and one decay in all its
# normalizations.
NAMING = Naming(
    source="TF-GAN's self-attention example",
    attention="ops",
    templates={
        "dense": {
            "kernel": "dense/kernel",
            "bias": "dense/bias",
            "u": f"dense/{{scope}}/dense/kernel/{_SPECTRAL}",
        },
        "convolution": {
            "kernel": "{leaf}/kernel",
            "bias": "{leaf}/bias",
            "u": f"{{leaf}}/{{scope}}/{{leaf}}/kernel/{_SPECTRAL}",
        },
        "projection": {
            "kernel": "weights",
            "u": f"{{scope}}/weights/{_SPECTRAL}",
        },
        "embedding": {"kernel": "embedding_map", "u": _SPECTRAL},
        "attention": {"gate": "sigma_ratio"},
        "conditional_norm": _NORM,
        "norm": _NORM,
    },
    options={
        "spectral_normalization": SpectralNorm(
            transposed=True, minimum_divisor=1.0
        )
    },
    generator_options={
        "batch_norm": BatchNorm(epsilon=1e-3),
        "output_momentum": 0.999,
    },
    attention_options={"spectral_normalization": SpectralNorm(transposed=True)},
)


def load(
    prefix: str, attention_resolutions: Sequence[int] | None = None
) -> tuple[Generator, Discriminator]:
    """Reads a checkpoint of TF-GAN's example, as `load_networks` does.

    Both what its estimator writes and what a saver of the bare networks writes
    is read. The networks divide by `max(1, sigma)` as the example does.
    """
    return load_networks(prefix, NAMING, attention_resolutions)
