"""Options of layers as values, which travel through networks as one argument.

A configuration holds them as dictionaries. Those of version 0.1 spell them out
as arguments of their own; `spectral_as_value` and `batch_norm_as_value` read
these too.
"""

from __future__ import annotations

import dataclasses
from typing import Any

# Arguments of version 0.1 that `BatchNorm` holds.
_OLD_BATCH_NORM = {
    "momentum": "momentum",
    "norm_epsilon": "epsilon",
    "synchronized_norm": "synchronized",
    "normalized_tables": "normalized_tables",
}


@dataclasses.dataclass(frozen=True)
class SpectralNorm:
    """How kernels are normalized: arguments of `SpectralNormalization`.

    Attributes:
        power_iterations: iterations per call.
        minimum_divisor: the divisor is never smaller.
        transposed: whether the kernel's matrix is transposed.
    """

    power_iterations: int = 1
    minimum_divisor: float = 0.0
    transposed: bool = False

    @classmethod
    def of(cls, value: Any) -> SpectralNorm | None:
        """Returns what a constructor's argument means.

        Args:
            value: a `SpectralNorm`, a dictionary of its fields, True for the
                defaults; None or False for no normalization.
        """
        if value is None or value is False:
            return None
        if isinstance(value, cls):
            return value
        return cls() if value is True else cls(**value)


@dataclasses.dataclass(frozen=True)
class BatchNorm:
    """How features are normalized: of `ConditionalBatchNormalization`.

    Attributes:
        momentum: decay of the moving statistics, in [0, 1).
        epsilon: added to the variance.
        synchronized: whether replicas share their batch statistics.
        normalized_tables: how class tables are spectrally normalized; None for
            plain tables.
    """

    momentum: float = 0.999
    epsilon: float = 1e-5
    synchronized: bool = True
    normalized_tables: SpectralNorm | None = None

    def __post_init__(self) -> None:
        """Lets the tables be given as `SpectralNorm.of` takes them."""
        tables = SpectralNorm.of(self.normalized_tables)
        object.__setattr__(self, "normalized_tables", tables)

    @classmethod
    def of(cls, value: BatchNorm | dict[str, Any]) -> BatchNorm:
        """Returns what a constructor's argument, or a configuration, means."""
        return value if isinstance(value, cls) else cls(**value)


def arguments(layer: Any, *names: str) -> dict[str, Any]:
    """Returns attributes of a layer as the plain data of a configuration."""
    return {name: _plain(getattr(layer, name)) for name in names}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return dataclasses.asdict(value)
    if isinstance(value, dict):
        # Keras wraps the dictionaries among a layer's attributes.
        return {name: _plain(each) for name, each in value.items()}
    return value


def spectral_as_value(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a configuration without the argument `spectral_options`."""
    config = dict(config)
    options = SpectralNorm(**config.pop("spectral_options", {}))
    for name in ("spectral_normalization", "normalized_tables"):
        if config.get(name) is True:
            config[name] = dataclasses.asdict(options)
    return config


def batch_norm_as_value(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a configuration whose batch normalization is one argument."""
    config = spectral_as_value(config)
    old = {
        new: config.pop(name)
        for name, new in _OLD_BATCH_NORM.items()
        if name in config
    }
    if old:
        config["batch_norm"] = {**config.get("batch_norm", {}), **old}
    return config
