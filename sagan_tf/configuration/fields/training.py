"""Fields of `train`."""

from __future__ import annotations

from sagan_tf.configuration.fields.field import (
    BOOLEAN,
    DECAY,
    NOT_NEGATIVE,
    PATH,
    POSITIVE,
    Check,
    Field,
    OnlyIf,
    integer,
    one_of,
    original,
)

# As `gan.augmentation` names them, which needs TensorFlow.
AUGMENTATIONS = ("color", "translation", "cutout")
_AUGMENTED = OnlyIf("train.augmentation", bool)

FIELDS = (
    original(
        "train.batch_size",
        64,
        integer(1),
        "real images per update, over all devices together",
        may_change=True,
    ),
    original(
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
        may_change=True,
    ),
    original(
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
        only_if=OnlyIf("dataset.num_classes", lambda count: count != 0),
    ),
    Field(
        "train.gradient_penalty_weight",
        10.0,
        POSITIVE,
        "weight of the gradient penalty, where the loss has one",
        only_if=OnlyIf("loss", lambda loss: loss != "hinge"),
    ),
    Field(
        "train.r1_weight",
        0.0,
        NOT_NEGATIVE,
        "weight of R1, the penalty on the discriminator's slope at real "
        "images; 0 is none",
        only_if=OnlyIf("loss", lambda loss: loss != "wasserstein"),
    ),
    Field(
        "train.augmentation",
        (),
        Check(
            lambda value: (
                isinstance(value, tuple)
                and len(set(value)) == len(value)
                and all(name in AUGMENTATIONS for name in value)
            ),
            f"a tuple of some of {AUGMENTATIONS}",
        ),
        "what changes real and generated images alike where the discriminator "
        "sees them (DiffAugment), against learning few images by heart; () is "
        "nothing, all three suit a few hundred images",
    ),
    Field(
        "train.augmentation_target",
        0.0,
        DECAY,
        "mean sign of the discriminator's logits of real images that the "
        "probability of each change is adapted to (ADA has 0.6); 0 makes every "
        "change always",
        only_if=_AUGMENTED,
    ),
    Field(
        "train.augmentation_images",
        500_000,
        integer(1),
        "real images in which that probability could go from 0 to 1",
        only_if=_AUGMENTED,
    ),
    Field(
        "train.init_from",
        "",
        PATH,
        "workdir of another run, and behind a colon its step (or best), or "
        "pretrained:NAME, whose weights a new run starts from where they fit; "
        "optimizers, average and steps start anew",
    ),
    Field(
        "train.freeze_discriminator",
        0,
        integer(0),
        "blocks of the discriminator, from the image on, that keep the weights "
        "of init_from (FreezeD)",
        only_if=OnlyIf("train.init_from", bool),
    ),
    original(
        "train.ema_decay",
        0.999,
        DECAY,
        "decay per step of the averaged generator (EMA); the release has no "
        "average, which is 0",
        may_change=True,
    ),
    original(
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
    original(
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
        may_change=True,
    ),
    original(
        "train.steps_per_call",
        10,
        integer(1),
        "steps that run in one call of the graph, at most: a call ends where "
        "something is due",
        may_change=True,
    ),
    original(
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
        may_change=True,
    ),
)
