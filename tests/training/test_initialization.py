"""A run that starts from another one, and blocks that are kept."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import runs, train
from sagan_tf.configuration import builders
from sagan_tf.errors import UserError
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.training import initialization
from sagan_tf.training.workdir import Workdir
from tests.conftest import make_run
from tests.training import toy

OPTIONS = {"base_channels": 4, "attention_resolutions": (8,)}


def built(network_class, **options):
    if network_class is Generator:
        options["latent_dim"] = 4
    network = network_class(32, **{**OPTIONS, **options})
    network.build_from_config({})
    return network


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("runs/a", ("runs/a", "latest")),
        ("runs/a:500", ("runs/a", "500")),
        ("runs/a:best", ("runs/a", "best")),
        ("gs://runs/a", ("gs://runs/a", "latest")),
        ("a:b:7", ("a:b", "7")),
    ],
)
def test_a_step_may_stand_behind_the_workdir(text, expected):
    assert initialization.parse_source(text) == expected


@pytest.mark.parametrize("network_class", [Generator, Discriminator])
def test_equal_networks_are_taken_whole(network_class):
    ours, theirs = (built(network_class, num_classes=3) for _ in range(2))
    for variable in theirs.variables:
        variable.assign_add(tf.ones_like(variable))
    assert initialization.take_weights(ours, theirs) == []
    for mine, its in zip(ours.variables, theirs.variables):
        np.testing.assert_array_equal(mine, its)


def test_class_tables_and_channels_start_afresh_and_are_listed():
    ours = built(Generator, num_classes=3, channels=1)
    theirs = built(Generator, num_classes=5)
    before = {v.name: v.numpy() for v in ours.variables}
    left = initialization.take_weights(ours, theirs)
    names = [line.partition(":")[0] for line in left]
    blocks = [f"block_{n}/norm_{m}" for n in (1, 2, 3) for m in (1, 2)]
    tables = [f"{b}/{part}" for b in blocks for part in ("gain", "bias")]
    last = ["to_rgb/kernel", "to_rgb/bias", "to_rgb/u"]
    assert set(names) == {*tables, *last}
    assert "block_1/norm_1/gain: (5, 16) there, (3, 16) here" in left
    assert "to_rgb/u: as its kernel" in left or "to_rgb/u: (1, 3)" in str(left)
    there = {v.name.partition("/")[2]: v for v in theirs.variables}
    for variable in ours.variables:
        path = variable.name.partition("/")[2]
        expected = there[path].numpy()
        if path.partition(":")[0] in names:
            expected = before[variable.name]
        np.testing.assert_array_equal(variable, expected)


def test_a_vector_stays_with_its_kernel():
    ours, theirs = (built(Discriminator, channels=c) for c in (1, 3))
    left = initialization.take_weights(ours, theirs)
    # As many filters, so that the vector alone would fit.
    assert "block_1/conv_1/u: as its kernel" in left
    more = initialization.take_weights(
        built(Discriminator, num_classes=3), theirs
    )
    assert more == [
        "embedding/embeddings: not there",
        "embedding/u: not there",
    ]


@pytest.mark.parametrize(
    ("blocks", "kept"),
    [
        (0, []),
        (1, ["block_1"]),
        (3, ["block_1", "block_2", "attention_16", "block_3"]),
    ],
)
def test_the_first_blocks_are_kept(blocks, kept):
    network = built(Discriminator, attention_resolutions=(16, 8))
    network.freeze(blocks)
    names = {v.name.split("/")[1] for v in network.trainable_variables}
    assert names == {
        layer.name for _, layer in network.stages if layer.name not in kept
    } | {"dense"}
    with pytest.raises(ValueError, match="from 0 to 4. Received: 5"):
        network.freeze(5)


def test_a_new_run_starts_from_another(unconditional_run, tmp_path, capsys):
    config = toy.config(
        model__attention_resolutions=(),
        train__init_from=f"{unconditional_run}:3",
    )
    train.run(config, Workdir(tmp_path / "new"), dry_run=True)
    said = capsys.readouterr().out
    assert f"starts from     {unconditional_run}, step 3\n" in said
    assert "generator       " in said and "weights taken, afresh:" in said
    assert "  block_1/norm_1/gain: (8,) there, (10, 8) here" in said
    assert "  embedding/embeddings: not there" in said


def test_few_weights_that_fit_are_a_warning(
    unconditional_run, tmp_path, caplog
):
    config = toy.config(
        model__base_channels=4,
        model__attention_resolutions=(),
        train__init_from=str(unconditional_run),
    )
    train.run(config, Workdir(tmp_path / "new"), dry_run=True)
    (said, _) = [r.getMessage() for r in caplog.records if "gave" in r.msg]
    assert "init_from gave the generator " in said
    assert "base_channels is 4 here and 2 there" in said
    config.train.freeze_discriminator = 1
    words = "Received: block_1, where . of them start afresh .*base_channels is"
    with pytest.raises(UserError, match=words):
        train.run(config, Workdir(tmp_path / "new"), dry_run=True)


def test_a_run_that_goes_on_does_not_start_again(
    unconditional_run, tmp_path, capsys
):
    fields = {
        "dataset__num_classes": 0,
        "model__attention_resolutions": (),
        "train__init_from": str(unconditional_run),
    }
    path = make_run(tmp_path / "old", **fields)
    config = toy.config(**fields, train__num_steps=5)
    train.run(config, Workdir(path), dry_run=True)
    said = capsys.readouterr().out
    assert "3 to 5" in said and "starts from" not in said


def test_kept_blocks_stay_as_they_were_taken(unconditional_run):
    config = toy.config(
        dataset__num_classes=0,
        model__attention_resolutions=(),
        train__freeze_discriminator=2,
        train__init_from=str(unconditional_run),
    )
    gan = builders.build_gan(config)
    theirs = runs.open_run(unconditional_run).load_discriminator()
    assert initialization.take_weights(gan.discriminator, theirs) == []
    images = tf.random.stateless_uniform((4, 32, 32, 3), (1, 2), -1.0)
    gan.train_step((images, tf.zeros((4,), tf.int32)))
    same = {}
    there = {v.name: v.numpy() for v in theirs.variables}
    for variable in gan.discriminator.variables:
        path = variable.name.split("/")
        if path[-1] == "kernel:0":
            found = np.array_equal(variable.numpy(), there[variable.name])
            same.setdefault(path[1], []).append(found)
    assert {name: all(found) for name, found in same.items()} == {
        "block_1": True,
        "block_2": True,
        "block_3": False,
        "block_4": False,
        "dense": False,
    }


def test_a_source_that_is_not_there_is_refused(unconditional_run, tmp_path):
    for text in (str(tmp_path / "none"), f"{unconditional_run}:77"):
        config = toy.config(train__init_from=text)
        with pytest.raises(UserError, match="config.train.init_from") as caught:
            train.run(config, Workdir(tmp_path / "run"))
        assert "\n" not in str(caught.value)
        assert "--workdir" not in str(caught.value)
