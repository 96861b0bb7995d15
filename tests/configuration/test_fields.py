"""Each field refuses something, and each file in configs/ is accepted."""

import importlib
import pathlib
import shutil

import ml_collections
import pytest

from configs import default
from sagan_tf.configuration import files, load_config
from sagan_tf.configuration.fields import (
    AS_OLD_AS_RUNS,
    FIELDS,
    SECTIONS,
)
from sagan_tf.configuration.validation import (
    check_same_model,
    complete,
    flatten,
    keep_older,
    read_stored,
    validate,
)
from sagan_tf.errors import UserError
from sagan_tf.training.workdir import Workdir

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
CONFIG_NAMES = sorted(
    path.stem for path in CONFIGS.glob("*.py") if path.stem != "__init__"
)
# A variant is read as its difference; one that changes more is another recipe.
LARGEST_DIFFERENCE = 10
# What a configuration is a small difference from; the others are one from the
# default.
BUILDS_ON = {
    "digits32": "twins32",
    "emoji64": "twins32",
    "emoji64_food": "emoji64",
    "fashion32": "twins32",
    "fashion32_few": "fashion32",
    "imagenet64": "imagenet128",
    "lsun64": "celeba64_resnet",
    "lsun_church64": "celeba64",
    "paper": "imagenet128",
    "study32": "twins32",
}

# Values of the wrong type or out of range, at least one for each field.
BAD_VALUES = [
    ("seed", -1),
    ("seed", 2**31),
    ("seed", 1.0),
    ("dtype", "bfloat16"),
    ("dtype", None),
    ("dataset.name", "twin"),
    ("dataset.name", "tfds:"),
    ("dataset.path", 3),
    ("dataset.split", ""),
    ("dataset.evaluation_split", None),
    ("dataset.evaluation_path", 1),
    ("dataset.download", "yes"),
    ("dataset.label_key", 0),
    ("dataset.label_offset", 0.5),
    ("dataset.crop", -1),
    ("dataset.resize", "nearest"),
    ("dataset.on_small", "skip"),
    ("dataset.cache", False),
    ("log.wandb", None),
    ("dataset.flip", 1),
    ("dataset.balance", 1),
    ("train.fake_labels", "balanced"),
    ("dataset.prefetch", 0),
    ("dataset.shuffle_window", -1),
    ("dataset.interleave", 0),
    ("dataset.service", None),
    ("dataset.image_size", 50),
    ("dataset.image_size", 1024),
    ("dataset.image_size", (32, 64)),
    ("dataset.image_size", "64x96"),
    ("dataset.channels", 2),
    ("dataset.channels", "RGB"),
    ("dataset.background", "blu"),
    ("dataset.value_range", (0,)),
    ("dataset.value_range", (1, 1)),
    ("dataset.value_range", 4095),
    ("dataset.fit", "squeeze"),
    ("dataset.num_classes", -1),
    ("dataset.num_classes", 1),
    ("dataset.num_examples", -1),
    ("dataset.on_unreadable", "ignore"),
    ("model.architecture", "res"),
    ("model.base_channels", 0),
    ("model.base_channels", True),
    ("model.discriminator_base_channels", -1),
    ("model.latent_dim", 0),
    ("model.attention_resolutions", 16),
    ("model.attention_resolutions", ("a",)),
    ("model.attention_resolutions", (16, 16)),
    ("model.discriminator_attention_resolutions", (8, 8)),
    ("model.batch_norm_epsilon", 0.0),
    ("model.attention_gate_initial_value", float("inf")),
    ("model.attention_replacement", "none"),
    ("model.spectral_normalization", "same"),
    ("model.generator_spectral_normalization", True),
    ("model.synchronized_batch_norm", 1),
    ("model.attention_key_divisor", 0),
    ("model.attention_value_divisor", 0),
    ("model.attention_pooling", 1),
    ("model.fold_resampling", "yes"),
    ("model.normalized_class_tables", 1),
    ("model.rectified_shortcuts", "no"),
    ("model.batch_norm_momentum", 1.0),
    ("model.output_batch_norm_momentum", -0.1),
    ("loss", ""),
    ("train.gradient_penalty_weight", 0.0),
    ("train.r1_weight", -1.0),
    ("train.init_from", 1),
    ("train.freeze_discriminator", -1),
    ("train.augmentation", "color"),
    ("train.augmentation", ("colour",)),
    ("train.augmentation_target", 1.0),
    ("train.augmentation_images", 0),
    ("optimizer.generator_learning_rate", 0.0),
    ("optimizer.generator_learning_rate", float("nan")),
    ("optimizer.discriminator_learning_rate", -1e-4),
    ("optimizer.discriminator_learning_rate", float("inf")),
    ("optimizer.beta_1", 1.0),
    ("optimizer.beta_2", -0.1),
    ("optimizer.epsilon", 0.0),
    ("train.batch_size", 0),
    ("train.gradient_accumulation", 0),
    ("train.batch_size", 2.5),
    ("train.num_steps", 0),
    ("train.discriminator_steps", 0),
    ("optimizer.name", ""),
    ("optimizer.weight_decay", -0.1),
    ("optimizer.schedule", "cosinus"),
    ("optimizer.warmup_steps", -1),
    ("optimizer.end_step", 0.5),
    ("optimizer.end_share", 1.5),
    ("train.ema_warmup", 1),
    ("train.stop_after", -1),
    ("train.ema_decay", 1.0),
    ("train.ema_decay", -0.5),
    ("train.ema_start_step", -1),
    ("train.separate_discriminator_passes", 0),
    ("train.steps_per_call", 0),
    ("train.jit_compile", "auto"),
    ("train.tensor_float_32", 1),
    ("log.every_steps", 0),
    ("log.sheet_every_steps", 0),
    ("log.sheet_columns", 0),
    ("log.sheet_rows", 0),
    ("log.wandb", 1),
    ("checkpoint.every_steps", 0),
    ("checkpoint.keep", 0),
    ("checkpoint.keep_every", -1),
    ("distribution.strategy", "atuo"),
    ("distribution.cluster", "slum"),
    ("distribution.address", 3),
    ("distribution.memory_growth", None),
]

# Fields that some runs are older than.
NEWER = [
    name for name, field in FIELDS.items() if field.since is not AS_OLD_AS_RUNS
]
DCGAN = {"model.architecture": "dcgan", "dataset.num_classes": 0}
WASSERSTEIN = {"loss": "wasserstein", "model.spectral_normalization": "none"}

# Settings that are fine one by one, and what the message has to hold.
CONTRADICTIONS = [
    ({"dataset.name": "folder"}, ["dataset.path", "directory of images"]),
    ({"dataset.path": "images"}, ["dataset.path", "twins"]),
    ({"dataset.on_unreadable": "skip"}, ["dataset.on_unreadable", "twins"]),
    ({"dataset.service": "grpc://a:1"}, ["dataset.service", "twins"]),
    (
        {"dataset.balance": True, "dataset.shuffle_window": 8},
        ["dataset.shuffle_window", "dataset.balance"],
    ),
    (
        {"dataset.balance": True, "train.fake_labels": "data"},
        ["train.fake_labels", "dataset.balance"],
    ),
    (
        {"dataset.balance": True, "dataset.num_classes": 0},
        ["dataset.balance", "num_classes"],
    ),
    ({"dataset.crop": 160}, ["dataset.crop", "twins"]),
    (
        {
            "dataset.name": "folder",
            "dataset.path": "a",
            "dataset.split": "test",
        },
        ["dataset.split", "folder", "test"],
    ),
    (
        {"dataset.name": "hdf5", "dataset.path": "a", "dataset.download": True},
        ["dataset.download", "hdf5"],
    ),
    (
        {"dataset.name": "tfds:cifar10", "dataset.label_offset": -1},
        ["dataset.label_offset", "tfds:cifar10", "-1"],
    ),
    (
        {
            "dataset.name": "tfds:cifar10",
            "dataset.evaluation_path": "a",
            "dataset.evaluation_split": "train",
        },
        ["dataset.evaluation_split", "another", "dataset.evaluation_path"],
    ),
    (
        {
            "dataset.name": "tfds:cifar10",
            "dataset.evaluation_path": "a",
            "dataset.split": "evaluation",
        },
        ["dataset.evaluation_split", "another", '("evaluation")'],
    ),
    ({"dataset.name": "hdf5"}, ["dataset.path", "the file of images"]),
    ({"dataset.num_classes": 7}, ["dataset.num_classes", "10 or 0", "7"]),
    (
        {"dataset.name": "digits", "dataset.num_classes": 9},
        ["dataset.num_classes", "digits"],
    ),
    (
        {"dataset.name": "digits", "dataset.image_size": 64},
        ["dataset.image_size", "32", "64"],
    ),
    (
        {"dataset.image_size": (32, 48)},
        ["dataset.image_size", "one number", "twins"],
    ),
    ({"dataset.fit": "pad"}, ["dataset.fit", "left at its default"]),
    (
        {"dataset.image_size": 40},
        ["model.attention_resolutions", "(10, 20)", "image size 40"],
    ),
    (
        {"model.attention_resolutions": (32,)},
        ["model.attention_resolutions", "(8, 16)", "(32,)"],
    ),
    ({"model.attention_resolutions": (16, 4)}, ["(8, 16)", "(16, 4)"]),
    (
        {"dataset.image_size": 128, "model.attention_resolutions": (128,)},
        ["(8, 16, 32, 64)", "image size 128"],
    ),
    (
        {"model.base_channels": 1},
        ["attention_key_divisor", "generator's 4 channels", "16"],
    ),
    (
        {"model.discriminator_base_channels": 2},
        ["attention_key_divisor", "discriminator's 4 channels"],
    ),
    (
        {"model.attention_value_divisor": 65},
        ["attention_value_divisor", "64 channels", "65"],
    ),
    (
        {"optimizer.schedule": "cosine", "optimizer.warmup_steps": 10_000},
        ["optimizer.end_step", "warmup_steps (10000)"],
    ),
    ({"optimizer.end_share": 0.5}, ["end_share", "left at its default"]),
    (
        {"checkpoint.keep_every": 700},
        ["checkpoint.keep_every", "checkpoint.every_steps (500)", "500"],
    ),
    ({"train.ema_start_step": 10_000}, ["ema_start_step", "10000"]),
    (
        {"model.architecture": "dcgan"},
        ["dataset.num_classes", "no classes", "10"],
    ),
    (
        {**DCGAN, "model.attention_value_divisor": 1},
        ["attention_value_divisor", "left at its default", "dcgan"],
    ),
    ({**DCGAN, "model.attention_pooling": False}, ["attention_pooling"]),
    (
        {**DCGAN, "model.attention_replacement": "residual"},
        ["attention_replacement", "dcgan"],
    ),
    ({**DCGAN, "model.fold_resampling": False}, ["fold_resampling"]),
    (
        {**DCGAN, "model.output_batch_norm_momentum": 0.9},
        ["output_batch_norm_momentum"],
    ),
    (
        {**DCGAN, "model.attention_resolutions": (32,)},
        ["attention_resolutions", "(4, 8, 16)", "(32,)"],
    ),
    (
        {**DCGAN, "model.base_channels": 4},
        ["attention_key_divisor", "generator's 4 channels", "8"],
    ),
    ({**DCGAN, "model.rectified_shortcuts": True}, ["rectified_shortcuts"]),
    (
        {
            "dataset.num_classes": 0,
            "model.normalized_class_tables": True,
        },
        ["normalized_class_tables", "without classes"],
    ),
    (
        {"loss": "wasserstein"},
        ["spectral_normalization", '"none"', "gradient penalty", "release"],
    ),
    (
        {"train.gradient_penalty_weight": 5.0},
        ["gradient_penalty_weight", "left at its default", "hinge", "5.0"],
    ),
    (
        {**WASSERSTEIN, "train.r1_weight": 5.0},
        ["r1_weight", "left at its default", "wasserstein", "5.0"],
    ),
    (
        {"train.augmentation_target": 0.6},
        ["augmentation_target", "left at its default", "0.6"],
    ),
    (
        {"train.freeze_discriminator": 1},
        ["freeze_discriminator", "left at its default", "train.init_from"],
    ),
    (
        {"train.init_from": "a", "train.freeze_discriminator": 5},
        ["freeze_discriminator", "at most 4", "5"],
    ),
    ({"distribution.cluster": "slurm"}, ["distribution.cluster", "tf_config"]),
    ({"distribution.address": "me"}, ["distribution.address", "empty", "me"]),
    (
        {
            "distribution.strategy": "multi_worker",
            "distribution.cluster": "kubernetes",
        },
        ["distribution.address", "label of the pods"],
    ),
    (
        {
            "distribution.strategy": "multi_worker",
            "distribution.cluster": "gce",
            "distribution.address": "project/zone",
        },
        ["distribution.address", "PROJECT/ZONE", "project/zone"],
    ),
]

GOOD_SETTINGS = [
    {},
    {"seed": 2**31 - 1, "dtype": "auto"},
    {"dataset.num_classes": 0},
    {"dataset.image_size": 64, "model.attention_resolutions": (8, 16, 32)},
    {"dataset.image_size": 40, "model.attention_resolutions": (10, 20)},
    {
        "dataset.name": "folder",
        "dataset.path": "a",
        "dataset.image_size": (64, 96),
        "dataset.channels": 4,
        "dataset.fit": "pad",
        "dataset.background": "#336699",
        "dataset.value_range": (0, 4095),
    },
    {"dataset.image_size": 256, "model.attention_resolutions": (128, 8)},
    {"model.attention_resolutions": (), "model.base_channels": 1},
    {"model.attention_key_divisor": 1, "model.attention_value_divisor": 1},
    {"train.num_steps": 3, "log.every_steps": 7, "checkpoint.every_steps": 5},
    {
        "optimizer.schedule": "linear",
        "optimizer.warmup_steps": 9,
        "optimizer.end_step": 10,
        "optimizer.end_share": 0.1,
    },
    {"checkpoint.keep_every": 1000},
    {
        "train.augmentation": ("color", "cutout"),
        "train.augmentation_target": 0.6,
        "train.r1_weight": 1.0,
    },
    {"train.init_from": "runs/a:best", "train.freeze_discriminator": 4},
    DCGAN,
    {**DCGAN, "model.attention_resolutions": (16, 4, 8)},
    {**DCGAN, **WASSERSTEIN, "train.gradient_penalty_weight": 5.0},
    {**WASSERSTEIN, "model.generator_spectral_normalization": "release"},
    {"dataset.name": "folder", "dataset.path": "a", "dataset.num_classes": 3},
    {"dataset.name": "tfds:celeb_a", "dataset.num_classes": 0},
    {"dataset.name": "tfds:a/b:1.0.0", "dataset.split": "train[:9%]"},
    {
        "dataset.name": "tfds:a",
        "dataset.evaluation_path": "a",
        "dataset.evaluation_split": "test",
    },
    {
        "dataset.name": "folder",
        "dataset.path": "a",
        "dataset.num_classes": 3,
        "dataset.evaluation_path": "b",
    },
    {"distribution.strategy": "tpu", "distribution.address": "local"},
    {
        "distribution.strategy": "multi_worker",
        "distribution.cluster": "gce",
        "distribution.address": "project/zone/group",
    },
]


def changed(settings):
    """Returns the default with some fields set, whatever their type."""
    config = default.get_config()
    with config.ignore_type():
        config.update_from_flattened_dict(settings)
    return config


@pytest.mark.parametrize("settings", GOOD_SETTINGS, ids=str)
def test_good_settings_are_accepted(settings):
    validate(changed(settings))


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_bad_value_is_refused_by_name(name, value):
    with pytest.raises(UserError) as caught:
        validate(changed({name: value}))
    message = str(caught.value)
    assert message.startswith(
        f"config.{name} should be {FIELDS[name].check.expected}"
    )
    assert f"Received: {value!r}" in message
    assert "\n" not in message


def test_each_field_has_a_bad_value():
    assert {name for name, _ in BAD_VALUES} == set(FIELDS)


@pytest.mark.parametrize(("settings", "parts"), CONTRADICTIONS)
def test_contradiction_is_refused(settings, parts):
    with pytest.raises(UserError) as caught:
        validate(changed(settings))
    message = str(caught.value)
    assert all(part in message for part in parts), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "value", "suggestion"),
    [
        ("dataset.name", "twin", "twins"),
        ("dtype", "bfloat16", "mixed_bfloat16"),
        ("distribution.strategy", "atuo", "auto"),
    ],
)
def test_nearest_name_is_suggested(name, value, suggestion):
    with pytest.raises(UserError, match=f"did you mean {suggestion}"):
        validate(changed({name: value}))


def test_unknown_field_is_refused_with_the_nearest_name():
    config = default.get_config().unlock()
    config.train.batchsize = 32
    with pytest.raises(UserError, match="batchsize is not a.*train.batch_size"):
        validate(config)


def test_unknown_empty_section_is_refused():
    config = default.get_config().unlock()
    config.wholly_new = ml_collections.ConfigDict()
    with pytest.raises(UserError, match="wholly_new is not a field; see"):
        validate(config)


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_missing_field_is_refused(name):
    config = default.get_config().unlock()
    section, _, field = name.rpartition(".")
    del (config[section] if section else config)[field]
    with pytest.raises(UserError, match=rf"config\.{name} is missing"):
        validate(config)


def test_value_in_place_of_a_section_is_refused():
    config = default.get_config().unlock()
    with config.ignore_type():
        config.train = 5
    with pytest.raises(UserError, match=r"config\.train\.\w+ is missing"):
        validate(config)


def test_default_is_locked_and_has_every_field():
    config = default.get_config()
    assert config.is_locked
    assert set(flatten(config)) == set(FIELDS)
    with pytest.raises(AttributeError, match="batch_size"):
        config.train.batchsize = 1


def test_sections_are_those_of_the_fields():
    assert {field.section for field in FIELDS.values()} == set(SECTIONS)


def test_a_field_says_something_somewhere():
    for field in FIELDS.values():
        if field.only_if is not None:
            assert field.only_if.field in FIELDS, field.name


@pytest.mark.parametrize("config_name", CONFIG_NAMES)
def test_file_is_valid_and_a_small_difference(config_name):
    module = importlib.import_module(f"configs.{config_name}")
    config = module.get_config()
    base = importlib.import_module(
        f"configs.{BUILDS_ON.get(config_name, 'default')}"
    )
    fields, usual = flatten(config), flatten(base.get_config())
    different = [name for name in fields if fields[name] != usual[name]]
    assert len(different) <= LARGEST_DIFFERENCE
    assert module.__doc__ and module.get_config.__doc__
    if config.dataset.name in ("folder", "shards"):
        # The one thing that such a file cannot know.
        config.dataset.path = "images"
    validate(config)


@pytest.mark.parametrize("config_name", CONFIG_NAMES)
def test_a_name_and_a_path_are_the_same(config_name, tmp_path, monkeypatch):
    path = str(CONFIGS / f"{config_name}.py")
    monkeypatch.chdir(tmp_path)
    assert load_config(config_name).to_dict() == load_config(path).to_dict()


def test_each_name_is_told():
    assert files.names() == CONFIG_NAMES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer.generator_learning_rate", 1e-4),
        ("optimizer.discriminator_learning_rate", 4e-4),
        ("optimizer.beta_1", 0.0),
        ("optimizer.beta_2", 0.999),
        ("optimizer.epsilon", 1e-8),
        ("model.latent_dim", 128),
        ("model.base_channels", 64),
        ("model.attention_resolutions", (32,)),
        ("dataset.image_size", 128),
        ("dataset.num_classes", 1000),
        ("train.batch_size", 256),
        ("train.num_steps", 1_000_000),
    ],
)
def test_imagenet128_has_the_values_of_the_release(name, value):
    module = importlib.import_module("configs.imagenet128")
    assert flatten(module.get_config())[name] == value


def test_a_run_from_before_a_field_can_be_read():
    stored = default.get_config().to_dict()
    for section, field in (name.split(".") for name in NEWER):
        del stored[section][field]
    config = complete(stored)
    validate(config)
    assert flatten(config) == {
        **flatten(default.get_config()),
        **{name: FIELDS[name].since for name in NEWER},
    }
    asked = default.get_config()
    asked.train.batch_size = 32
    keep_older(asked, stored)
    assert check_same_model(asked, stored, "runs/old") == {
        "train.batch_size": (64, 32)
    }
    assert not asked.train.ema_warmup


def test_a_run_does_not_become_float16():
    config, stored = default.get_config(), default.get_config().to_dict()
    config.dtype = "mixed_float16"
    for before in ("auto", "float32"):
        stored["dtype"] = before
        with pytest.raises(UserError, match=f"loss scale.*in '{before}'"):
            check_same_model(config, stored, "runs/old")
    stored["dtype"] = "mixed_float16"
    check_same_model(config, stored, "runs/old")
    config.dtype = "float32"
    check_same_model(config, stored, "runs/old")


def test_a_run_of_the_first_version_can_be_read(tmp_path):
    path = pathlib.Path(__file__).parents[1] / "fixtures" / "first_config.json"
    shutil.copy(path, tmp_path / "config.json")
    config = complete(read_stored(Workdir(tmp_path).config))
    validate(config)
    assert set(flatten(config)) == set(FIELDS)


def test_nothing_else_is_added():
    assert complete({"model": 3}).to_dict() == {"model": 3}
    assert set(complete({"train": {}}).train) == {
        name.rpartition(".")[2] for name in NEWER if name.startswith("train.")
    }
