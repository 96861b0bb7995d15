"""Fields of what a run writes and of where it runs."""

from __future__ import annotations

import dataclasses

from sagan_tf.configuration.fields.field import (
    BOOLEAN,
    TEXT,
    Field,
    OnlyIf,
    integer,
    one_of,
    original,
)

_FIELDS = (
    original(
        "log.every_steps",
        100,
        integer(1),
        "steps between two records of the metrics; what is measured whenever a "
        "sheet is drawn has a record too",
    ),
    original(
        "log.sheet_every_steps",
        500,
        integer(1),
        "steps between two sheets of samples",
    ),
    original(
        "log.sheet_columns",
        10,
        integer(1),
        "samples side by side on a sheet",
    ),
    original(
        "log.sheet_rows",
        10,
        integer(1),
        "rows of samples on a sheet, at most one for each class",
    ),
    Field(
        "log.wandb",
        "",
        TEXT,
        "project of Weights & Biases that takes the records too (`pip install "
        "wandb`; WANDB_MODE=offline keeps them in the workdir); empty is none",
    ),
    original(
        "checkpoint.every_steps",
        500,
        integer(1),
        "steps between two checkpoints",
    ),
    original(
        "checkpoint.keep",
        3,
        integer(1),
        "newest checkpoints to keep",
    ),
    original(
        "checkpoint.keep_every",
        0,
        integer(0),
        "checkpoints at multiples of this step stay for good; 0 is none, else "
        "a multiple of every_steps",
    ),
    original(
        "distribution.strategy",
        "auto",
        one_of("auto", "one_device", "mirrored", "multi_worker", "tpu"),
        '"one_device", "mirrored" (all devices of this process), '
        '"multi_worker" (several processes), "tpu", or "auto": the workers '
        "that TF_CONFIG names, else all GPUs that this process can see, else "
        "its processor",
    ),
    Field(
        "distribution.cluster",
        "tf_config",
        one_of("tf_config", "slurm", "kubernetes", "gce"),
        'who knows the workers of "multi_worker": "tf_config" is the '
        "environment variable TF_CONFIG",
        only_if=OnlyIf(
            "distribution.strategy", lambda name: name == "multi_worker"
        ),
    ),
    Field(
        "distribution.address",
        "",
        TEXT,
        'name of the TPU (empty: TPU_NAME, "local": this machine\'s), label of '
        'the pods for "kubernetes", PROJECT/ZONE/GROUP for "gce"; else empty',
    ),
    Field(
        "distribution.memory_growth",
        True,
        BOOLEAN,
        "True takes the memory of a GPU as it is needed, so that others, such "
        "as `sagan_tf.evaluate --watch`, find room beside; False takes all at "
        "once",
    ),
)

# None of them makes another model.
FIELDS = tuple(dataclasses.replace(field, may_change=True) for field in _FIELDS)
