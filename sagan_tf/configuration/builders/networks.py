"""From a configuration to the networks of a run."""

from __future__ import annotations

from typing import Any

import ml_collections

from sagan_tf.interop import tfgan
from sagan_tf.layers import BatchNorm, SpectralNorm
from sagan_tf.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    Discriminator,
    Generator,
)
from sagan_tf.training import distribution

Config = ml_collections.ConfigDict


def build_generator(
    config: Config, **overrides: Any
) -> Generator | DCGANGenerator:
    """Builds the generator.

    Args:
        **overrides: arguments of the network that replace the config's.
    """
    model = config.model
    arguments = _network_arguments(
        config,
        model.attention_resolutions,
        model.generator_spectral_normalization,
    )
    spectral_norm = arguments["spectral_normalization"] or SpectralNorm()
    arguments = {
        **arguments,
        "latent_dim": model.latent_dim,
        "base_channels": model.base_channels,
        "batch_norm": BatchNorm(
            model.batch_norm_momentum,
            model.batch_norm_epsilon,
            model.synchronized_batch_norm,
            spectral_norm if model.normalized_class_tables else None,
        ),
        "name": "generator",
        **overrides,
    }
    if model.architecture == "dcgan":
        return DCGANGenerator(**arguments)
    return Generator(
        output_momentum=model.output_batch_norm_momentum, **arguments
    )


def build_discriminator(config: Config) -> Discriminator | DCGANDiscriminator:
    """Builds the discriminator."""
    model = config.model
    resolutions = model.discriminator_attention_resolutions
    if resolutions == (0,):
        resolutions = model.attention_resolutions
    arguments = {
        **_network_arguments(config, resolutions),
        "base_channels": (
            model.discriminator_base_channels or model.base_channels
        ),
        "name": "discriminator",
    }
    if model.architecture == "dcgan":
        return DCGANDiscriminator(**arguments)
    return Discriminator(
        rectified_shortcuts=model.rectified_shortcuts, **arguments
    )


def _network_arguments(
    config: Config,
    attention_resolutions: tuple[int, ...],
    spectral_normalization: str = "same",
) -> dict[str, Any]:
    model = config.model
    options, attention_options = {}, {}
    if spectral_normalization == "same":
        spectral_normalization = model.spectral_normalization
    if spectral_normalization == "none":
        options = {"spectral_normalization": None}
    elif spectral_normalization == "tfgan":
        options = tfgan.NAMING.options
        attention_options = tfgan.NAMING.attention_options
    else:
        options = {"spectral_normalization": SpectralNorm()}
    attention_options = {
        **attention_options,
        "key_divisor": model.attention_key_divisor,
        "gate_initializer": {
            "class_name": "Constant",
            "config": {"value": model.attention_gate_initial_value},
        },
    }
    if model.architecture == "resnet":
        attention_options["value_divisor"] = model.attention_value_divisor
        attention_options["pooled"] = model.attention_pooling
        options = {
            **options,
            "attention_replacement": model.attention_replacement,
            "fold_resampling": model.fold_resampling,
        }
    return {
        **options,
        "image_size": config.dataset.image_size,
        "channels": config.dataset.channels,
        "num_classes": config.dataset.num_classes,
        "attention_resolutions": attention_resolutions,
        "attention_options": attention_options,
        "dtype": resolve_dtype(config.dtype),
    }


def resolve_dtype(name: str) -> str:
    """Returns the dtype policy that a name means on this machine.

    Args:
        name: a dtype policy, or `"auto"`: `mixed_bfloat16` where the device
            computes in bfloat16 natively, else `float32`.
    """
    if name != "auto":
        return name
    native = distribution.has_native_bfloat16()
    return "mixed_bfloat16" if native else "float32"
