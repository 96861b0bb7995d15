"""What is found before training, by images made for it."""

import numpy as np
import pytest
from PIL import Image

from sagan_tf.data import ImageDataset
from sagan_tf.data.findings import inspect
from sagan_tf.data.stores import HeldImages, ImagesOnDemand
from sagan_tf.errors import UserError
from sagan_tf.training import first_look
from sagan_tf.training.workdir import Workdir


def noise(count):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (count, 8, 8, 3), np.uint8)


def make(images, labels, classes=3, store=HeldImages, **arguments):
    names = [f"kind {number}" for number in range(classes)]
    return ImageDataset(
        store(images, np.asarray(labels)),
        name="letters",
        image_size=8,
        class_names=names,
        **arguments,
    )


def on_demand(images, labels):
    """A store that does not know its labels."""

    def load(indices):
        return images[indices], labels[indices].astype(np.int32)

    return ImagesOnDemand(load, num_examples=len(images), image_size=8)


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
    unconditional = make(noise(4), [1] * 4, num_classes=0)
    assert inspect(unconditional).class_counts.tolist() == [4]


def test_images_scaled_to_one_are_refused():
    with pytest.raises(UserError, match="up to 255. Received: 1 at most"):
        inspect(make(noise(4) // 255, [0, 1, 2, 0]))


@pytest.mark.parametrize("store", [HeldImages, on_demand])
def test_the_sheet_has_a_row_for_each_class(tmp_path, store):
    images = noise(10)
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    dataset = make(images, labels, store=store)
    findings, _ = first_look.look(dataset)
    path = first_look.draw(dataset, findings, Workdir(tmp_path))
    assert path == str(tmp_path / "samples" / "real.png")
    with Image.open(path) as image:
        sheet = np.asarray(image)
    # Images are enlarged eight times, with two white pixels around each.
    assert sheet.shape[0] == 3 * 64 + 4 * 2
    left = sheet.shape[1] - 8 * 66
    for label in range(3):
        row = sheet[2 + 66 * label :][:64:8, left:]
        first = row[:, :64:8]
        np.testing.assert_array_equal(first, images[labels == label][0])
