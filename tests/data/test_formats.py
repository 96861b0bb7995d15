"""Each format trains, and yields the images that were put in."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import logging

from sagan_tf import train
from sagan_tf.configuration import builders
from sagan_tf.configuration.validation import validate
from sagan_tf.data import open_dataset
from sagan_tf.data.formats import open_importer
from sagan_tf.errors import UserError
from sagan_tf.evaluation.protocol import describe_data
from sagan_tf.training.workdir import Workdir
from tests.data import writers
from tests.training import toy


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A path for each format."""
    root = tmp_path_factory.mktemp("formats")
    folder = writers.write_folder(root / "folder")
    writers.write_folder(root / "splits" / "train")
    return {
        "folder": folder,
        "hdf5": writers.write_hdf5(root / "data.hdf5"),
        "improved_gan": writers.write_improved_gan(root / "records", offset=-1),
        "shards": writers.write_shards(root / "shards", folder),
        "tfds:letters": writers.write_tfds(root / "letters" / "1.0.0"),
        "tfds:image_folder": root / "splits",
    }


OPTIONS = {
    "improved_gan": {"label_offset": -1},
    "tfds:letters": {"label_key": "label"},
}
NAMES = (
    "folder",
    "hdf5",
    "improved_gan",
    "shards",
    "tfds:letters",
    "tfds:image_folder",
)


def open_format(name, places, **more):
    arguments = {"image_size": 32, "num_classes": 10, **OPTIONS.get(name, {})}
    return open_dataset(name, path=str(places[name]), **{**arguments, **more})


def contents(dataset):
    """Label by image."""
    (images, labels), *_ = dataset.ordered_batches(100)
    pixels = np.rint((images.numpy() + 1) * 127.5).astype(np.uint8)
    return {
        image.tobytes(): label
        for image, label in zip(pixels, labels.numpy().tolist())
    }


def test_each_format_trains_two_steps(places):
    # One model and one test: the seed that each test sets anew would have the
    # step optimized anew.
    gan = builders.build_gan(toy.config(dataset__num_classes=10))
    step = tf.function(gan.train_step)

    def two_steps(name, **options):
        fields = {f"dataset__{key}": value for key, value in options.items()}
        config = toy.config(dataset__name=name, **fields)
        validate(config)
        batches = builders.build_dataset(config).training_batches(4, seed=0)
        for batch in batches.take(2):
            assert np.isfinite(step(batch)["d_loss"]), name

    for name in NAMES:
        two_steps(name, path=str(places[name]), **OPTIONS.get(name, {}))
    with tfds.testing.mock_data(num_examples=12):
        two_steps("tfds:cifar10", download=True)
    assert int(gan.step.numpy()) == 2 * (len(NAMES) + 1)
    assert step.experimental_get_tracing_count() == 1


def test_a_run_says_and_draws_what_it_learns_from(places, tmp_path, capsys):
    config = toy.config(
        dataset__name="shards",
        dataset__path=str(places["shards"]),
        dataset__num_examples=0,
        dataset__flip=True,
        dataset__shuffle_window=8,
        model__attention_resolutions=(),
    )
    workdir = Workdir(tmp_path / "run")
    train.run(config, workdir)
    said = capsys.readouterr().out
    assert "20 looked at: 32 x 32" in said and "0 a: 2, 1 b: 2" in said
    assert "step 2 reached" in said
    assert (workdir.samples / "real.png").is_file()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cache", ["", "none"])
def test_images_and_labels_are_those_put_in(name, cache, places):
    size = 128 if name == "improved_gan" else 32
    images, labels = writers.draw(size)
    expected = {
        image.tobytes(): label for image, label in zip(images, labels.tolist())
    }
    dataset = open_format(name, places, image_size=size, cache=cache)
    assert dataset._store.in_memory == (cache == "")
    assert contents(dataset) == expected


@pytest.mark.parametrize("name", NAMES)
def test_each_format_can_be_prepared(name, places, tmp_path):
    made = writers.write_shards(
        tmp_path / "made", places[name], name, **OPTIONS.get(name, {})
    )
    prepared = open_dataset("shards", path=str(made), image_size=32)
    assert contents(prepared) == contents(open_format(name, places))


@pytest.mark.parametrize("name", NAMES)
def test_without_classes(name, places):
    dataset = open_format(name, places, num_classes=0)
    assert dataset.num_classes == 0
    assert set(contents(dataset).values()) == {0}


def test_a_split_and_a_part_of_one(places):
    name = "tfds:letters"
    whole = contents(open_format(name, places))
    part = contents(open_format(name, places, split="train[25%:75%]"))
    assert len(part) == 10 and part.items() <= whole.items()
    assert len(contents(open_format(name, places, split="validation"))) == 10


def test_a_format_without_tfrecords_is_held_in_memory(places, tmp_path):
    name = "tfds:letters"
    moved = {name: writers.write_array_records(tmp_path / "letters" / "1.0.0")}
    for split in ("train", "train[25%:75%]", "validation"):
        expected = contents(open_format(name, places, split=split))
        assert contents(open_format(name, moved, split=split)) == expected


def test_names_of_classes_need_no_images(places, monkeypatch):
    def refuse(*arguments):
        raise RuntimeError("decoded")

    monkeypatch.setattr("sagan_tf.data.decoding.decode", refuse)
    config = toy.config(
        dataset__name="folder", dataset__path=str(places["folder"])
    )
    assert builders.class_names(config) == writers.CLASSES
    twins = builders.class_names(toy.config())
    assert len(twins) == 10 and "heart" in twins
    config.dataset.num_classes = 0
    config.dataset.path = "/absent"
    assert builders.class_names(config) == ()


def test_names_of_classes_are_not_downloaded(tmp_path, monkeypatch):
    def refuse(self, **options):
        raise RuntimeError("downloaded")

    monkeypatch.setattr(
        tfds.core.DatasetBuilder, "download_and_prepare", refuse
    )
    config = toy.config(
        dataset__name="tfds:cifar10",
        dataset__path=str(tmp_path),
        dataset__download=True,
    )
    with pytest.raises(UserError, match="is not prepared in"):
        builders.class_names(config)


def test_scoring_has_a_split_of_its_own(places):
    config = toy.config(
        dataset__name="tfds:letters",
        dataset__path=str(places["tfds:letters"]),
        dataset__label_key="label",
        dataset__evaluation_split="validation",
    )
    assert builders.evaluation_split(config) == "validation"
    assert builders.build_dataset(config).num_examples == 12
    other = builders.build_dataset(config, split="validation")
    assert other.num_examples == 10
    # Of other files it may be the same, under another name.
    config.dataset.evaluation_path = str(places["tfds:letters"])
    config.dataset.evaluation_split = "train[:100%]"
    validate(config)
    other = builders.build_dataset(config, split="train[:100%]")
    assert other.num_examples == 20
    # What was trained on is there as well.
    assert builders.build_dataset(config, split="train").num_examples == 12


def test_scoring_has_files_of_its_own(places):
    config = toy.config(
        dataset__name="shards",
        dataset__path=str(places["shards"]),
        dataset__evaluation_path=str(places["folder"]),
    )
    split = builders.evaluation_split(config)
    assert split == "evaluation"
    with pytest.raises(ValueError, match="no index.json"):
        builders.build_dataset(config, split=split)
    config.dataset.evaluation_path = str(places["shards"])
    assert builders.build_dataset(config, split=split).num_examples == 20


def test_a_directory_does_not_mix_up_labels(places, tmp_path):
    cache = str(tmp_path / "cache")
    for name, options in (
        ("improved_gan", ({"num_classes": 0}, {"num_classes": 10})),
        (
            "tfds:letters",
            ({"num_classes": 3, "label_key": "other"}, {"label_key": "label"}),
        ),
    ):
        without, labelled = (
            set(
                contents(
                    open_format(name, places, cache=cache, **each)
                ).values()
            )
            for each in options
        )
        assert without == {0} and labelled == set(range(10))


def test_identity_is_that_of_the_images(places, tmp_path):
    texts = {name: open_format(name, places).identity() for name in NAMES}
    assert len(set(texts.values())) == len(NAMES)
    moved = writers.write_folder(tmp_path / "moved")
    again = open_dataset("folder", path=str(moved), image_size=32)
    assert again.identity() == texts["folder"]
    cut = open_dataset("folder", path=str(moved), image_size=16, crop=16)
    assert cut.identity() == texts["folder"] + ", crop 16"
    assert describe_data(cut) == f"{cut.identity()} 16x16, 10 classes"


@pytest.mark.parametrize("name", ["improved_gan", "hdf5"])
@pytest.mark.parametrize("what", ["image", "label"])
def test_other_data_of_the_same_size_are_others(name, what, tmp_path):
    def identity(folder, image, label):
        images, labels = writers.draw(128)
        # The first stays as it is.
        images[9] += image
        labels[9] = (labels[9] + label) % 10
        folder.mkdir()
        if name == "hdf5":
            path = folder / "data.hdf5"
            writers.write_hdf5(path, np.moveaxis(images, -1, 1), labels)
        else:
            path = folder / "a.tfrecords"
            writers.write_records(
                path,
                [
                    writers.example(image_raw=image.tobytes(), label=label + 1)
                    for image, label in zip(images, labels)
                ],
            )
        options = {"label_offset": -1} if name == "improved_gan" else {}
        return open_importer(
            name, path=str(path), num_classes=10, **options
        ).identity()

    first = identity(tmp_path / "a", 0, 0)
    assert identity(tmp_path / "b", 0, 0) == first
    other = identity(tmp_path / "c", what == "image", what == "label")
    assert other != first


def test_the_crop_is_cut_out_of_the_middle(places):
    whole, cut = (
        open_format("folder", places, image_size=size, crop=crop)
        for size, crop in ((32, 0), (16, 16))
    )
    (images, _), *_ = whole.ordered_batches(20)
    (middles, _), *_ = cut.ordered_batches(20)
    np.testing.assert_array_equal(images[:, 8:24, 8:24], middles)


def test_a_directory_keeps_decoded_images(places, tmp_path, monkeypatch):
    expected = contents(open_format("folder", places))
    cache = str(tmp_path / "cache")
    assert contents(open_format("folder", places, cache=cache)) == expected
    (shard,) = (tmp_path / "cache").glob("*/shard-*")
    before = shard.stat().st_mtime_ns

    def refuse(*arguments):
        raise RuntimeError("decoded again")

    monkeypatch.setattr("sagan_tf.data.formats.folder.Folder.read", refuse)
    assert contents(open_format("folder", places, cache=cache)) == expected
    assert shard.stat().st_mtime_ns == before


def test_tfds_does_not_chatter(places, caplog):
    before = logging.get_verbosity()
    logging.set_verbosity(logging.INFO)
    try:
        with caplog.at_level("INFO", logger="absl"):
            open_importer(
                "tfds:letters",
                path=str(places["tfds:letters"]),
                label_key="label",
            )
        assert logging.get_verbosity() == logging.INFO
    finally:
        logging.set_verbosity(before)
    assert not caplog.records
