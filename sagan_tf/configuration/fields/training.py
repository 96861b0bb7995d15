"""Fields of the update: the loss, `optimizer` and `train`."""

from __future__ import annotations

from sagan_tf.configuration.fields.field import (
    BOOLEAN,
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
)

FIELDS = (
    Field(
        "seed",
        0,
        Check(
            lambda value: is_integer(value) and 0 <= value < 2**31,
            "an integer from 0 to 2147483647",
        ),
        "start of every random number of the run: data order, weights, "
        "latents and labels",
    ),
    Field(
        "dtype",
        "auto",
        one_of("float32", "mixed_bfloat16", "mixed_float16", "auto"),
        'arithmetic; "auto" is mixed_bfloat16 where the device has bfloat16 '
        "and float32 elsewhere",
        may_change=True,
    ),
    Field(
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
        since="Adam",
    ),
    Field(
        "optimizer.generator_learning_rate",
        1e-4,
        POSITIVE,
        "learning rate of the generator",
        may_change=True,
    ),
    Field(
        "optimizer.discriminator_learning_rate",
        4e-4,
        POSITIVE,
        "learning rate of the discriminator",
        may_change=True,
    ),
    Field(
        "optimizer.beta_1",
        0.0,
        DECAY,
        "decay of Adam's mean of the gradients",
        may_change=True,
    ),
    Field(
        "optimizer.beta_2",
        0.999,
        DECAY,
        "decay of Adam's mean of their squares",
        may_change=True,
    ),
    Field(
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
        since=0.0,
        may_change=True,
    ),
    Field(
        "optimizer.schedule",
        "constant",
        one_of("constant", "linear", "cosine"),
        "how both rates fall from the end of the warm-up to end_step",
        since="constant",
        may_change=True,
    ),
    Field(
        "optimizer.warmup_steps",
        0,
        integer(0),
        "steps in which both rates rise linearly at first",
        since=0,
        may_change=True,
    ),
    Field(
        "optimizer.end_step",
        0,
        integer(0),
        "step at which both rates have fallen, and stay; 0 is "
        "train.num_steps, so that a longer run has another schedule",
        since=0,
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
        since=0.0,
        only_if=OnlyIf("optimizer.schedule", lambda kind: kind != "constant"),
        may_change=True,
    ),
    Field(
        "train.batch_size",
        64,
        integer(1),
        "real images per update, over all devices together",
        may_change=True,
    ),
    Field(
        "train.num_steps",
        10_000,
        integer(1),
        "generator updates in the whole run",
        may_change=True,
    ),
    Field(
        "train.stop_after",
        0,
        integer(0),
        "self-evaluations (`--evaluate_every`) in a row without a better "
        "score, after which the run ends; 0 never does",
        since=0,
        may_change=True,
    ),
    Field(
        "train.discriminator_steps",
        1,
        integer(1),
        "discriminator updates before each generator update",
    ),
    Field(
        "train.fake_labels",
        "uniform",
        one_of("uniform", "data"),
        "which classes are generated in training: each equally often, as in "
        "the release, or as often as the data have them",
        since="uniform",
        only_if=OnlyIf("dataset.num_classes", lambda count: count != 0),
    ),
    Field(
        "train.gradient_penalty_weight",
        10.0,
        POSITIVE,
        "weight of the gradient penalty, where the loss has one",
        since=10.0,
        only_if=OnlyIf("loss", lambda loss: loss != "hinge"),
    ),
    Field(
        "train.ema_decay",
        0.999,
        DECAY,
        "decay per step of the averaged generator (EMA); the release has no "
        "average, which is 0",
        may_change=True,
    ),
    Field(
        "train.ema_start_step",
        0,
        integer(0),
        "step at which averaging starts; until then it copies the generator",
        may_change=True,
    ),
    Field(
        "train.ema_warmup",
        True,
        BOOLEAN,
        "whether the n-th step of the average has a decay of at most "
        "(1 + n) / (10 + n), so that a short run does not show the weights "
        "that it began with",
        since=False,
        may_change=True,
    ),
    Field(
        "train.separate_discriminator_passes",
        False,
        BOOLEAN,
        "True shows the discriminator real, then generated images in two "
        "passes, as the release does; False shows both in one pass",
    ),
    Field(
        "train.gradient_accumulation",
        1,
        integer(1),
        "parts that each update takes its batch in, so that less memory is "
        "needed; the images of a device must be a multiple. Batch statistics "
        "are those of a part",
        since=1,
        may_change=True,
    ),
    Field(
        "train.steps_per_call",
        10,
        integer(1),
        "steps that run in one call of the graph, at most: a call ends where "
        "something is due",
        may_change=True,
    ),
    Field(
        "train.jit_compile",
        False,
        BOOLEAN,
        "whether the step is compiled with XLA",
        may_change=True,
    ),
    Field(
        "train.tensor_float_32",
        True,
        BOOLEAN,
        "whether NVIDIA's GPUs from Ampere on round what float32 convolutions "
        "and products take in to 10 bits of mantissa (TensorFloat-32), which "
        "is several times faster. Scores and exports never do, nor does a run "
        "that scores itself (`--evaluate_every`)",
        since=True,
        may_change=True,
    ),
)
