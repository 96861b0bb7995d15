"""Fields of the section `model`: the generator and the discriminator."""

from __future__ import annotations

from sagan_tf.configuration.fields.field import (
    BOOLEAN,
    DECAY,
    NUMBER,
    POSITIVE,
    Check,
    Field,
    OnlyIf,
    integer,
    is_integer,
    one_of,
    original,
)

# There, attention has one form and nothing is resampled.
_RESNET = OnlyIf("model.architecture", lambda name: name == "resnet")

_RESOLUTIONS = Check(
    lambda value: (
        isinstance(value, tuple)
        and all(is_integer(entry) for entry in value)
        and len(set(value)) == len(value)
    ),
    "a tuple of different integers, such as (16,) or ()",
)

FIELDS = (
    Field(
        "model.architecture",
        "resnet",
        one_of("resnet", "dcgan"),
        '"resnet" is the paper\'s; "dcgan" is the unconditional pair of '
        "strided convolutions of heykeetae/Self-Attention-GAN",
    ),
    original(
        "model.base_channels",
        16,
        integer(1),
        "width of the generator, and of the discriminator unless it has its "
        "own: the number of channels that the architecture multiplies; the "
        "paper's networks have 64",
    ),
    original(
        "model.discriminator_base_channels",
        0,
        integer(0),
        "width of the discriminator; 0 is the same as base_channels",
    ),
    original(
        "model.latent_dim",
        128,
        integer(1),
        "length of the latent vector, standard normal",
    ),
    original(
        "model.attention_resolutions",
        (16,),
        _RESOLUTIONS,
        "heights in pixels of the feature maps that attend, in both networks: "
        'any of 8, 16, ... up to half of the image size, with "dcgan" 4 too; '
        "() is no attention",
    ),
    original(
        "model.discriminator_attention_resolutions",
        (0,),
        _RESOLUTIONS,
        "the same for the discriminator; (0,) is the same as the generator",
    ),
    original(
        "model.attention_key_divisor",
        8,
        integer(1),
        "queries and keys have channels / this many; the paper tries 1, 2, 4, "
        "8",
    ),
    original(
        "model.attention_value_divisor",
        2,
        integer(1),
        "values have channels / this many: 2 in the release, 8 in the paper",
        only_if=_RESNET,
    ),
    original(
        "model.attention_pooling",
        True,
        BOOLEAN,
        "whether the height and width of keys and values are halved, as in "
        "the release; False is the paper's text",
        only_if=_RESNET,
    ),
    Field(
        "model.attention_gate_initial_value",
        0.0,
        NUMBER,
        "where the gate that attention is multiplied by starts: the paper has "
        "0, with which a network begins as if it had none",
    ),
    Field(
        "model.attention_replacement",
        "attention",
        one_of("attention", "residual"),
        'what stands at attention_resolutions: "attention", or "residual", a '
        "residual block with as many parameters, to tell what attention adds",
        only_if=_RESNET,
    ),
    original(
        "model.batch_norm_momentum",
        0.999,
        DECAY,
        "decay of the moving statistics of the generator's blocks; two "
        "updates a step move them, so 0.999 remembers some 500 steps",
    ),
    original(
        "model.output_batch_norm_momentum",
        0.9999,
        DECAY,
        "decay of the last normalization's",
        only_if=_RESNET,
    ),
    original(
        "model.batch_norm_epsilon",
        1e-5,
        POSITIVE,
        "added to the variance by every normalization",
    ),
    Field(
        "model.synchronized_batch_norm",
        True,
        BOOLEAN,
        "True takes the statistics of the whole batch over all devices; False "
        "those of each device's share, as the release does",
    ),
    original(
        "model.spectral_normalization",
        "release",
        one_of("release", "tfgan", "none"),
        'what kernels are divided by: "release" is sigma everywhere; "tfgan" '
        "is max(1, sigma) but in the attention, estimated from the inputs' "
        'side; "none" is nothing',
    ),
    Field(
        "model.generator_spectral_normalization",
        "same",
        one_of("same", "release", "tfgan", "none"),
        'the same for the generator alone; "same" is as above',
    ),
    Field(
        "model.normalized_class_tables",
        False,
        BOOLEAN,
        "whether the generator's tables of gains and biases by class are "
        "normalized, and one is added to the gains, as in PyTorch-StudioGAN",
        only_if=_RESNET,
    ),
    Field(
        "model.rectified_shortcuts",
        False,
        BOOLEAN,
        "whether the shortcut of the discriminator's blocks sees their input "
        "rectified, as in PyTorch-StudioGAN",
        only_if=_RESNET,
    ),
    original(
        "model.fold_resampling",
        True,
        BOOLEAN,
        "whether each convolution beside a resampling is computed in one "
        "kernel: the same function, in about half the time",
        only_if=_RESNET,
    ),
)
