"""The default configuration: every field of the table at its default."""

from __future__ import annotations

import ml_collections

from sagan_tf.configuration.fields import FIELDS, SECTIONS


def get_config() -> ml_collections.ConfigDict:
    """Returns the default configuration, locked: another field is an error.

    A configuration file takes it, sets what differs, and returns it:

        from sagan_tf.configuration import default

        def get_config():
            config = default.get_config()
            config.train.batch_size = 32
            return config
    """
    config = ml_collections.ConfigDict(
        {section: {} for section in SECTIONS if section}
    )
    for field in FIELDS.values():
        place = config[field.section] if field.section else config
        value = field.default
        if field.type is not None:
            value = ml_collections.FieldReference(value, field.type)
        place[field.name.rpartition(".")[2]] = value
    return config.lock()
