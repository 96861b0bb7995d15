"""What is found before training, by images made for it."""

import numpy as np
import pytest
from PIL import Image

from sagan_tf.data import ImageDataset, open_dataset, stores
from sagan_tf.data.findings import inspect
from sagan_tf.data.framing import Framing
from sagan_tf.errors import UserError
from sagan_tf.training import first_look


def noise(count):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (count, 8, 8, 3), np.uint8)


def make(images, labels, classes=3, store=stores.held, **arguments):
    names = [f"kind {number}" for number in range(classes)]
    return ImageDataset(
        store(images, np.asarray(labels)),
        name="letters",
        framing=Framing(8),
        class_names=names,
        **arguments,
    )


def on_demand(images, labels):
    """A store that does not know its labels."""

    def load(indices):
        return images[indices], labels[indices].astype(np.int32)

    return stores.on_demand(load, (8, 8, 3), len(images))


def test_findings_are_said():
    dataset = make(noise(6), [0, 1, 1, 2, 2, 2])
    findings = inspect(dataset)
    assert findings.class_counts.tolist() == [1, 2, 3]
    text = "\n".join(findings.lines(dataset.class_names))
    assert "6 looked at: 8 x 8, values from 0 to 255" in text
    assert "0 kind 0: 1, 1 kind 1: 2, 2 kind 2: 3" in text
    assert "warning" not in text


def test_many_classes_are_said_in_short():
    dataset = make(noise(60), np.arange(60) % 20, classes=20)
    text = "\n".join(inspect(dataset).lines(dataset.class_names))
    assert "3 to 3 in each of 20 classes, median 3" in text


def test_labels_of_a_sample_are_not_taken_for_all():
    dataset = make(noise(6), [0, 0, 0, 1, 1, 1], store=on_demand)
    findings = inspect(dataset)
    assert not findings.all_labels and findings.warnings() == []
    assert "of 6 looked at" in findings.lines(dataset.class_names)[1]


def test_suspicious_images_are_counted():
    images = noise(8)
    images[5] = images[2]
    images[6] = images[2]
    images[7] = [9, 8, 7]
    warnings = " ".join(
        inspect(make(images, [0, 0, 1] * 2 + [1, 0])).warnings()
    )
    assert "2 of 8 images occur twice" in warnings
    assert "1 of 8 images have one colour" in warnings
    assert "1 classes have no image: 2" in warnings


def test_a_single_label_is_refused_unless_unconditional():
    with pytest.raises(UserError, match="has the label 1, where 3 classes"):
        inspect(make(noise(4), [1] * 4))
    unconditional = make(noise(4), [1] * 4, classes=0)
    assert inspect(unconditional).class_counts.tolist() == [4]


def test_images_scaled_to_one_are_refused():
    with pytest.raises(UserError, match="up to 255. Received: 1 at most"):
        inspect(make(noise(4) // 255, [0, 1, 2, 0]))


@pytest.mark.parametrize("store", [stores.held, on_demand])
def test_the_sheet_has_a_row_for_each_class(store):
    images = noise(10)
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    dataset = make(images, labels, store=store)
    findings, _ = first_look.look(dataset)
    sheet = first_look.sheet(dataset, findings)
    # Images are enlarged eight times, with two white pixels around each.
    assert sheet.shape[0] == 3 * 64 + 4 * 2
    left = sheet.shape[1] - 8 * 66
    for label in range(3):
        row = sheet[2 + 66 * label :][:64:8, left:]
        first = row[:, :64:8]
        np.testing.assert_array_equal(first, images[labels == label][0])


def said(dataset):
    return "\n".join(inspect(dataset).lines(dataset.class_names))


def open_images(folder, images, **arguments):
    """Opens images that are written as files first."""
    for name, pixels in images.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return open_dataset("folder", path=str(folder), image_size=8, **arguments)


@pytest.mark.parametrize("cache", ["", "none", "shards"])
def test_the_first_duplicates_are_named(tmp_path, cache):
    images = dict(zip(["a.png", "b.png", "c.png"], noise(3)))
    cache = str(tmp_path / "cache") if cache == "shards" else cache
    images["d.png"] = images["b.png"]
    text = said(open_images(tmp_path / "images", images, cache=cache))
    pair = sorted(["b.png", "d.png"])
    assert f"occur twice: {pair[0]} is {pair[1]}" in text or (
        f"occur twice: {pair[1]} is {pair[0]}" in text
    )


def test_dim_images_are_a_warning(tmp_path):
    levels = (noise(3)[..., 0].astype(np.uint16) * 16).clip(0, 4095)
    images = {f"{number}.png": image for number, image in enumerate(levels)}
    assert "the brightest value is 1" in said(open_images(tmp_path, images))
    assert "brightest" not in said(make(noise(6), [0, 1, 2] * 2))


def test_uneven_classes_are_a_warning_from_ten_to_one():
    def warning(few):
        labels = np.repeat([0, 1], [97, few])
        return said(make(noise(len(labels)), labels, classes=2))

    assert "kind 0 has 97 images, kind 1 3; config.dataset.balance" in warning(
        3
    )
    assert "uneven" not in warning(10)


def test_long_images_are_a_warning_with_what_is_cut_away(tmp_path):
    long = np.random.default_rng(0).integers(0, 256, (16, 128, 3), np.uint8)
    wide = open_images(tmp_path / "a", {"a.png": long, "b.png": noise(1)[0]})
    assert "1 of 2 images are 2 times as long as wide or more" in said(wide)
    assert "a.png (128x16): 88% of them" in said(wide)
    usual = open_images(tmp_path / "b", {"a.png": long[:, :31]})
    assert "cut away" not in said(usual)


def test_a_black_middle_is_not_blamed_on_a_scaling(tmp_path):
    image = np.zeros((8, 64, 3), np.uint8)
    image[:, :8] = 200
    dataset = open_images(tmp_path, {"a.png": image, "b.png": image})
    with pytest.raises(UserError, match="middle is black.* reach 200"):
        inspect(dataset)
