"""Fields of the update: chance, arithmetic, the loss and `optimizer`."""

from __future__ import annotations

from sagan_tf.configuration.fields.field import (
    DECAY,
    NAME,
    POSITIVE,
    Check,
    Field,
    OnlyIf,
    integer,
    is_integer,
    is_number,
    one_of,
    original,
)

FIELDS = (
    original(
        "seed",
        0,
        Check(
            lambda value: is_integer(value) and 0 <= value < 2**31,
            "an integer from 0 to 2147483647",
        ),
        "start of every random number of the run: data order, weights, "
        "latents and labels",
    ),
    original(
        "dtype",
        "auto",
        one_of("float32", "mixed_bfloat16", "mixed_float16", "auto"),
        'arithmetic; "auto" is mixed_bfloat16 where the device has bfloat16 '
        "and float32 elsewhere",
        may_change=True,
    ),
    original(
        "loss",
        "hinge",
        NAME,
        'adversarial loss: "hinge", "wasserstein" with gradient penalty, which '
        'wants model.spectral_normalization = "none", or one of your own that '
        "the configuration's file registers",
    ),
    Field(
        "optimizer.name",
        "Adam",
        NAME,
        "a class of tf.keras.optimizers, such as Adam, AdamW, Lion or SGD; on "
        "TensorFlow 2.15 also one of TensorFlow Addons, such as RectifiedAdam, "
        "LAMB or Lookahead(Adam)",
    ),
    original(
        "optimizer.generator_learning_rate",
        1e-4,
        POSITIVE,
        "learning rate of the generator",
        may_change=True,
    ),
    original(
        "optimizer.discriminator_learning_rate",
        4e-4,
        POSITIVE,
        "learning rate of the discriminator",
        may_change=True,
    ),
    original(
        "optimizer.beta_1",
        0.0,
        DECAY,
        "decay of Adam's mean of the gradients",
        may_change=True,
    ),
    original(
        "optimizer.beta_2",
        0.999,
        DECAY,
        "decay of Adam's mean of their squares",
        may_change=True,
    ),
    original(
        "optimizer.epsilon",
        1e-8,
        POSITIVE,
        "added to the root of the mean square",
        may_change=True,
    ),
    Field(
        "optimizer.weight_decay",
        0.0,
        DECAY,
        "share of the weights that each update takes away, times the rate "
        "where the optimizer has it so",
        may_change=True,
    ),
    Field(
        "optimizer.schedule",
        "constant",
        one_of("constant", "linear", "cosine"),
        "how both rates fall from the end of the warm-up to end_step",
        may_change=True,
    ),
    Field(
        "optimizer.warmup_steps",
        0,
        integer(0),
        "steps in which both rates rise linearly at first",
        may_change=True,
    ),
    Field(
        "optimizer.end_step",
        0,
        integer(0),
        "step at which both rates have fallen, and stay; 0 is "
        "train.num_steps, so that a longer run has another schedule",
        only_if=OnlyIf("optimizer.schedule", lambda kind: kind != "constant"),
        may_change=True,
    ),
    Field(
        "optimizer.end_share",
        0.0,
        Check(
            lambda value: is_number(value) and 0 <= value <= 1,
            "a number from 0 to 1",
        ),
        "what is left of both rates then",
        only_if=OnlyIf("optimizer.schedule", lambda kind: kind != "constant"),
        may_change=True,
    ),
)
