"""What the fields of the networks and of the loss demand of each other."""

from typing import Any, Callable, Dict, Tuple

from sagan_tf.configuration.rules import field_error

# Channels of the feature map of each height, in units of base_channels.
_GENERATOR_WIDTHS = {
    32: {8: 4, 16: 4},
    64: {8: 8, 16: 4, 32: 2},
    128: {8: 16, 16: 8, 32: 4, 64: 2},
    256: {8: 16, 16: 8, 32: 8, 64: 4, 128: 2},
}
_DISCRIMINATOR_WIDTHS = {
    32: {8: 2, 16: 2},
    64: {8: 4, 16: 2, 32: 1},
    128: {8: 8, 16: 4, 32: 2, 64: 1},
    256: {8: 8, 16: 8, 32: 4, 64: 2, 128: 1},
}
# Fields that say nothing to the networks of strided convolutions, and their
# defaults: there, attention has one form and nothing is resampled.
_RESNET_ONLY = {
    "model.attention_value_divisor": 2,
    "model.attention_pooling": True,
    "model.attention_replacement": "attention",
    "model.output_batch_norm_momentum": 0.9999,
    "model.fold_resampling": True,
    "model.normalized_class_tables": False,
    "model.rectified_shortcuts": False,
}
_PENALTY_WEIGHT = 10.0


def _widths(fields: Dict[str, Any]) -> Dict[str, Dict[int, int]]:
    """Returns the widths of each network's maps by their heights."""
    size = fields["dataset.image_size"]
    if fields["model.architecture"] == "dcgan":
        heights = [h for h in (4, 8, 16, 32, 64, 128) if h < size]
        widths = {height: size // (2 * height) for height in heights}
        return {"generator": widths, "discriminator": widths}
    return {
        "generator": _GENERATOR_WIDTHS[size],
        "discriminator": _DISCRIMINATOR_WIDTHS[size],
    }


def _check_architecture(fields: Dict[str, Any]) -> None:
    if fields["model.architecture"] != "dcgan":
        return
    classes = fields["dataset.num_classes"]
    if classes:
        expected = '0 with the architecture "dcgan", which has no classes'
        raise field_error("dataset.num_classes", expected, classes)
    for name, default in _RESNET_ONLY.items():
        if fields[name] != default:
            expected = 'left at its default with the architecture "dcgan"'
            raise field_error(name, expected, fields[name])


def _check_class_tables(fields: Dict[str, Any]) -> None:
    name = "model.normalized_class_tables"
    if fields[name] and not fields["dataset.num_classes"]:
        raise field_error(name, "False without classes", True)


def _attention_resolutions(fields: Dict[str, Any]) -> Dict[str, str]:
    """Returns the field of each network that says where it attends."""
    own = "model.discriminator_attention_resolutions"
    shared = "model.attention_resolutions"
    return {
        "generator": shared,
        "discriminator": shared if fields[own] == (0,) else own,
    }


def _check_attention_places(fields: Dict[str, Any]) -> None:
    size = fields["dataset.image_size"]
    allowed = tuple(_widths(fields)["generator"])
    for name in _attention_resolutions(fields).values():
        if not set(fields[name]) <= set(allowed):
            expected = f"any of {allowed} at image size {size}"
            raise field_error(name, expected, fields[name])


def _check_attention_channels(fields: Dict[str, Any]) -> None:
    base = fields["model.base_channels"]
    own_base = fields["model.discriminator_base_channels"] or base
    units = {"generator": base, "discriminator": own_base}
    parts = ["key", "value"]
    if fields["model.architecture"] == "dcgan":
        parts = ["key"]
    for network, places in _attention_resolutions(fields).items():
        multiples = _widths(fields)[network]
        for resolution in fields[places]:
            channels = units[network] * multiples[resolution]
            for part in parts:
                name = f"model.attention_{part}_divisor"
                if channels < fields[name]:
                    expected = (
                        f"at most the {network}'s {channels} channels "
                        f"at resolution {resolution}"
                    )
                    raise field_error(name, expected, fields[name])


def _check_loss(fields: Dict[str, Any]) -> None:
    name, loss = "train.gradient_penalty_weight", fields["loss"]
    if loss != "wasserstein":
        if fields[name] != _PENALTY_WEIGHT:
            expected = f'left at its default with the loss "{loss}"'
            raise field_error(name, expected, fields[name])
        return
    name = "model.spectral_normalization"
    if fields[name] != "none":
        expected = (
            '"none" with the loss "wasserstein", whose gradient penalty bounds '
            "the discriminator in its place"
        )
        raise field_error(name, expected, fields[name])


CHECKS: Tuple[Callable[[Dict[str, Any]], None], ...] = (
    _check_architecture,
    _check_class_tables,
    _check_attention_places,
    _check_attention_channels,
    _check_loss,
)
