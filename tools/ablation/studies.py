"""The studies, as data: arms that differ in a few fields of one configuration.

A field is named as in `sagan_tf.configuration.default`. Every arm is run with
the same seeds, so that the n-th runs of two arms see the same images in the
same order and, where the shapes agree, start from the same weights.
"""

from __future__ import annotations

from typing import Any

from tools.ablation.study import SCORES, Arm, Study

BASE = "study32"


def _rates(
    generator: float, discriminator: float, **fields: Any
) -> dict[str, Any]:
    return {
        "optimizer.generator_learning_rate": generator,
        "optimizer.discriminator_learning_rate": discriminator,
        **fields,
    }


_ONE_RATE = _rates(3e-4, 3e-4)
_PLAIN_G = {"model.generator_spectral_normalization": "none"}


def _attend(*sizes: int, **fields: Any) -> dict[str, Any]:
    named = {f"model.{name}": value for name, value in fields.items()}
    return {"model.attention_resolutions": sizes, **named}


ATTENTION = Study(
    name="attention",
    question="Does attention help, where, and is it more than parameters?",
    arms=(
        Arm("none", "no attention in either network", _attend()),
        Arm("attention-8", "attention on the 8x8 maps", _attend(8)),
        Arm("attention-16", "attention on the 16x16 maps", _attend(16)),
        Arm(
            "residual-8",
            "a residual block with as many parameters on the 8x8 maps",
            _attend(8, attention_replacement="residual"),
        ),
        Arm(
            "residual-16",
            "a residual block with as many parameters on the 16x16 maps",
            _attend(16, attention_replacement="residual"),
        ),
    ),
    reference="none",
)

STABILITY = Study(
    name="stability",
    question="What do spectral normalization and two learning rates add?",
    arms=(
        Arm(
            "no-sn",
            "no spectral normalization, both rates 3e-4",
            {**_ONE_RATE, "model.spectral_normalization": "none"},
        ),
        Arm(
            "sn-d",
            "spectral normalization of the discriminator, both rates 3e-4",
            {**_ONE_RATE, **_PLAIN_G},
        ),
        Arm("sn-both", "of both networks, both rates 3e-4", _ONE_RATE),
        Arm(
            "sn-both-5d",
            "of both, both rates 3e-4, five discriminator updates per step",
            {**_ONE_RATE, "train.discriminator_steps": 5},
        ),
        Arm(
            "sn-both-ttur",
            "of both, two rates, 1.5e-4 and 6e-4",
            _rates(1.5e-4, 6e-4),
        ),
    ),
    reference="sn-both",
    columns=(
        *("diverged", "collapsed", *SCORES, "steps_to_target"),
        *("loss_d", "loss_g", "sigma_g", "sigma_d"),
    ),
)

KEY_DIVISOR = Study(
    name="key_divisor",
    question="How much do queries, keys and the loss matter?",
    arms=(
        *(
            Arm(
                f"k{divisor}",
                f"queries and keys of channels / {divisor}, pooled keys",
                {"model.attention_key_divisor": divisor},
            )
            for divisor in (1, 2, 4, 8)
        ),
        Arm(
            "unpooled",
            "channels / 8, keys and values at every position",
            {"model.attention_pooling": False},
        ),
        Arm(
            "hinge-no-sn",
            "channels / 8, hinge loss without spectral normalization",
            {"model.spectral_normalization": "none"},
        ),
        Arm(
            "wasserstein",
            "channels / 8, Wasserstein loss with gradient penalty in its place",
            {"model.spectral_normalization": "none", "loss": "wasserstein"},
        ),
    ),
    reference="k8",
)

GATE = Study(
    name="gate",
    question="Does it matter that attention starts switched off?",
    arms=(
        Arm("gate-0", "the gate starts at 0, as in the paper"),
        Arm(
            "gate-1",
            "the gate starts at 1",
            {"model.attention_gate_initial_value": 1.0},
        ),
    ),
    reference="gate-0",
)


_LINEAR = {"optimizer.schedule": "linear"}

RECIPE = Study(
    name="recipe",
    question="What comes furthest in ten minutes of two cores?",
    arms=(
        Arm("base", "the base: 1.5e-4 and 6e-4"),
        Arm("equal-4", "both rates 4e-4", _rates(4e-4, 4e-4)),
        Arm(
            "equal-4-linear",
            "both rates 4e-4, falling to 0",
            _rates(4e-4, 4e-4, **_LINEAR),
        ),
        Arm("equal-8", "both rates 8e-4", _rates(8e-4, 8e-4)),
        Arm(
            "equal-8-linear",
            "both rates 8e-4, falling to 0",
            _rates(8e-4, 8e-4, **_LINEAR),
        ),
        Arm(
            "equal-8-b16",
            "both rates 8e-4, batch 16",
            _rates(8e-4, 8e-4, **{"train.batch_size": 16}),
        ),
        Arm(
            "equal-16-linear",
            "both rates 16e-4, falling to 0",
            _rates(16e-4, 16e-4, **_LINEAR),
        ),
        Arm(
            "ttur-4-16",
            "4e-4 and 16e-4, 3,000 steps",
            _rates(4e-4, 16e-4, **{"train.num_steps": 3_000}),
        ),
        Arm(
            "ttur-8-16",
            "8e-4 and 16e-4, 3,000 steps",
            _rates(8e-4, 16e-4, **{"train.num_steps": 3_000}),
        ),
        Arm(
            "equal-8-sn-d",
            "both rates 8e-4, the generator not normalized",
            _rates(8e-4, 8e-4, **_PLAIN_G),
        ),
    ),
    reference="base",
    columns=(*SCORES, "hue_coverage"),
)

_AUGMENTED = {"train.augmentation": ("color", "translation", "cutout")}

AUGMENTATION = Study(
    name="augmentation",
    question="What does augmentation add where there are few images?",
    arms=(
        Arm("as-they-are", "images as they are", {"train.augmentation": ()}),
        Arm("diffaugment", "augmented by DiffAugment", _AUGMENTED),
        Arm(
            "adaptive",
            "the same, as often as the discriminator's signs ask (ADA)",
            {
                **_AUGMENTED,
                "train.augmentation_target": 0.6,
                # A short run has no time for the paper's half million.
                "train.augmentation_images": 50_000,
            },
        ),
    ),
    reference="as-they-are",
    columns=(
        *("collapsed", "fid", "precision", "recall", "density", "coverage"),
        *("accuracy", "cas", "loss_d", "loss_g"),
    ),
)

_FROM_ALL = {"train.init_from": "pretrained:emoji64"}

FINE_TUNING = Study(
    name="fine_tuning",
    question="Does one class gain from a run on all of them?",
    arms=(
        Arm("afresh", "random weights", {"train.init_from": ""}),
        Arm(
            "from-all",
            "the weights of pretrained:emoji64, where they fit",
            _FROM_ALL,
        ),
        Arm(
            "frozen",
            "the same, the discriminator's first two blocks as they are "
            "(FreezeD)",
            {**_FROM_ALL, "train.freeze_discriminator": 2},
        ),
    ),
    reference="afresh",
    columns=("collapsed", "fid", "precision", "recall", "loss_d", "loss_g"),
)

VARIETY = Study(
    name="variety",
    question="What keeps the images of a class varied?",
    arms=(
        Arm("base", "the base"),
        Arm(
            "sn-d",
            "spectral normalization of the discriminator alone",
            _PLAIN_G,
        ),
        Arm(
            "sn-d-2d",
            "the same, two discriminator updates per step",
            {**_PLAIN_G, "train.discriminator_steps": 2},
        ),
    ),
    reference="base",
    columns=("collapsed", *SCORES, "loss_d", "loss_g"),
)

STUDIES = {
    study.name: study
    for study in (
        *(ATTENTION, STABILITY, KEY_DIVISOR),
        *(GATE, RECIPE, AUGMENTATION, FINE_TUNING, VARIETY),
    )
}
