"""Formats that keep images and labels in ways of their own, and balance."""

import gzip

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.data import open_dataset
from sagan_tf.data.formats import open_importer
from sagan_tf.errors import UserError
from sagan_tf.gan.latents import draw_for_replica
from tests.data import writers
from tests.data.test_odd_files import draw, encoded


def idx(*values):
    array = np.asarray(values[0], np.uint8)
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes((0, 0, 8, array.ndim)) + lengths + array.tobytes()


@pytest.fixture
def digits(tmp_path):
    """Four files, two of them packed."""
    random = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 12), ("t10k", 6)):
        images = random.integers(0, 256, (count, 28, 28), np.uint8)
        labels = np.arange(count) % 4
        arrays[split] = images, labels
        packed = gzip.compress(idx(images))
        (tmp_path / f"{split}-images-idx3-ubyte.gz").write_bytes(packed)
        (tmp_path / f"{split}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path, arrays


@pytest.mark.parametrize(
    ("split", "name"), [("train", "train"), ("test", "t10k")]
)
def test_idx_files_hold_grey_images(digits, split, name):
    folder, arrays = digits
    importer = open_importer("idx", path=str(folder), split=split)
    images, labels = arrays[name]
    assert importer.class_names == tuple(f"class {n}" for n in range(4))
    assert importer.labels.tolist() == labels.tolist()
    for index, image in enumerate(images):
        sample = importer.read(index)
        np.testing.assert_array_equal(sample.image, image)
    dataset = open_dataset(
        "idx", path=str(folder), split=split, image_size=32, on_small="enlarge"
    )
    assert dataset.num_examples == len(labels)


def test_classes_of_idx_files_have_the_names_beside_them(digits):
    folder, _ = digits
    (folder / "classes.txt").write_text("shirt\ncoat\nAnkle boot\n\nbag\n")
    names = open_importer("idx", path=str(folder)).class_names
    assert names == ("shirt", "coat", "Ankle boot", "bag")
    (folder / "classes.txt").write_text("shirt\ncoat\n")
    with pytest.raises(UserError, match=r"each of 4 classes\. Received: 2"):
        open_importer("idx", path=str(folder))


def test_odd_idx_files_are_refused(digits):
    folder, _ = digits
    file = folder / "t10k-labels-idx1-ubyte"
    whole = file.read_bytes()
    for data in (whole[:-1], b"", b"hello", whole[:3] + b"\x02" + whole[4:]):
        file.write_bytes(data)
        with pytest.raises(UserError, match="idx1-ubyte should be a whole IDX"):
            open_importer("idx", path=str(folder))
    file.write_bytes(gzip.compress(whole)[:-9])
    with pytest.raises(UserError, match="cannot be read"):
        open_importer("idx", path=str(folder))
    file.unlink()
    with pytest.raises(
        UserError, match="should hold one file t10k-labels-idx1"
    ):
        open_importer("idx", path=str(folder))
    with pytest.raises(UserError, match="train or test"):
        open_importer("idx", path=str(folder), split="all")


def write_imagenet(folder):
    for split, count in (("train", 8), ("validation", 4)):
        for shard in range(2):
            records = [
                writers.example(
                    **{
                        "image/encoded": encoded(draw(seed=number), "PNG"),
                        "image/class/label": 1 + number % 4,
                        "image/filename": b"x.png",
                    }
                )
                for number in range(shard, count, 2)
            ]
            name = f"{split}-{shard:05d}-of-00002"
            writers.write_records(folder / name, records)
    return folder


def test_records_of_encoded_images(tmp_path):
    folder = write_imagenet(tmp_path)
    options = {"path": str(folder), "num_classes": 4}
    with pytest.raises(UserError, match="a `label_offset` of -1 would fit"):
        open_importer("tfrecords", **options)
    options["label_offset"] = -1
    train = open_importer("tfrecords", **options)
    other = open_importer("tfrecords", split="validation", **options)
    assert (train.count, other.count) == (8, 4)
    assert train.identity() != other.identity()
    for place, number in enumerate([0, 2, 4, 6, 1, 3, 5, 7]):
        image, label = train.read(place)
        np.testing.assert_array_equal(image, draw(seed=number))
        assert label == number % 4
    with pytest.raises(UserError, match="no file .*/test"):
        open_importer("tfrecords", split="test", **options)


@pytest.mark.parametrize(
    ("key", "classes", "names"),
    [
        ("attributes/dark", None, ("not dark", "dark")),
        ("attributes/kind", 3, ("class 0", "class 1", "class 2")),
    ],
)
def test_numbers_of_tfds_are_classes(tmp_path, key, classes, names):
    path = writers.write_tfds(tmp_path / "letters" / "1.0.0", attributes=True)
    importer = open_importer(
        "tfds:letters", path=str(path), label_key=key, num_classes=classes
    )
    assert importer.class_names == names
    numbers = np.arange(20) % 10
    expected = numbers > 4 if classes is None else numbers % 3
    found = [importer.read(index).label for index in range(20)]
    assert found == expected.astype(int).tolist()


def test_an_integer_needs_the_number_of_classes(tmp_path):
    path = writers.write_tfds(tmp_path / "letters" / "1.0.0", attributes=True)
    with pytest.raises(UserError, match="`num_classes` should be given"):
        open_importer(
            "tfds:letters", path=str(path), label_key="attributes/kind"
        )
    with pytest.raises(UserError, match="attributes/dark, attributes/kind"):
        open_importer("tfds:letters", path=str(path), label_key="dark")


def uneven(tmp_path, **arguments):
    names = [f"a/{n}.png" for n in range(30)] + ["b/1.png", "b/2.png"]
    for number, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        draw(seed=number).save(path)
    return open_dataset("folder", path=str(tmp_path), image_size=8, **arguments)


def test_balanced_classes_come_equally_often(tmp_path):
    dataset = uneven(tmp_path, balance=True)
    batches = list(dataset.training_batches(16, seed=0).take(8))
    for epoch in (batches[:2], batches[2:4]):
        labels = np.concatenate([labels for _, labels in epoch])
        assert np.bincount(labels).tolist() == [16, 16]
    # Four epochs of 16 show each of 30 images once or more.
    images = np.concatenate([images for images, _ in batches])
    assert len(np.unique(images, axis=0)) > 26
    # What follows is the same from any start.
    later = next(iter(dataset.training_batches(16, seed=0, start_batch=5)))
    np.testing.assert_array_equal(later[0], batches[5][0])


def test_balance_needs_known_classes(tmp_path):
    for arguments in ({"num_classes": 0}, {}):
        folder = tmp_path / str(len(arguments))
        folder.mkdir()
        with pytest.raises(UserError, match="`balance` needs classes"):
            if arguments:
                uneven(folder, balance=True, **arguments)
            path = writers.write_tfds(folder / "letters" / "1.0.0")
            open_dataset(
                "tfds:letters",
                path=str(path),
                image_size=32,
                label_key="label",
                cache="none",
                balance=True,
            )


def test_fake_labels_come_as_often_as_they_are_asked_for():
    draw_labels = lambda shares: draw_for_replica(  # noqa: E731
        40_000, 1, 3, tf.constant((1, 2), tf.int64), shares
    )[1].numpy()
    shares = [0.1, 0.0, 0.9]
    counts = np.bincount(draw_labels(shares), minlength=3) / 40_000
    np.testing.assert_allclose(counts, shares, atol=0.01)
    # As before where nothing is asked for.
    counts = np.bincount(draw_labels(None), minlength=3) / 40_000
    np.testing.assert_allclose(counts, [1 / 3] * 3, atol=0.01)
