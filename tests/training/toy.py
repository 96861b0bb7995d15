"""The smallest configuration that has every part of a run."""

from configs import default

FIELDS = {
    "dtype": "float32",
    "dataset.num_examples": 12,
    "model.base_channels": 2,
    "model.latent_dim": 4,
    "model.attention_key_divisor": 2,
    "train.batch_size": 4,
    "train.num_steps": 2,
    "train.steps_per_call": 1,
    "log.every_steps": 1,
    "log.sheet_every_steps": 2,
    "log.sheet_columns": 2,
    "log.sheet_rows": 3,
    "checkpoint.every_steps": 1,
}


def config(**fields):
    """Returns a toy run of two steps; fields by dotted names with `__`."""
    result = default.get_config()
    given = {name.replace("__", "."): value for name, value in fields.items()}
    result.update_from_flattened_dict({**FIELDS, **given})
    return result
