"""A folder, a zip file of it and an array of it are the same images."""

import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from sagan_tf.errors import UserError
from sagan_tf.evaluation import image_findings
from sagan_tf.evaluation.images.image_sets import ImageSet
from sagan_tf.evaluation.results.outputs import NO_OUTPUTS, Outputs
from sagan_tf.evaluation.sets.gathering import Sizes
from sagan_tf.evaluation.sets.set_statistics import Statistics

COUNT = 9


@pytest.fixture
def pixels():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (COUNT, 6, 5, 3), dtype=np.uint8)


def write_folder(root, pixels, deep=True):
    for number, image in enumerate(pixels):
        folder = root / f"{number // 4}" / "deep" if deep else root
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    return root


def write_zip(path, folder):
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.rglob("*.png"):
            archive.write(file, f"all/{file.relative_to(folder)}")
        archive.writestr("__MACOSX/all/._0.png", b"nothing")
    return path


def all_of(images, batch_size=4, start=0):
    found = []
    batches = images.batches(batch_size, images.num_examples, start)
    for batch, labels in batches:
        assert len(batch) == len(labels) and not labels.any()
        found += batch
    return found


def test_three_layouts_are_the_same_images(tmp_path, pixels):
    folder = write_folder(tmp_path / "folder", pixels)
    zipped = write_zip(tmp_path / "a.ZIP", folder)
    np.savez(tmp_path / "a.npz", pixels)
    paths = folder, zipped, tmp_path / "a.npz"
    found = [all_of(ImageSet("--fake_dir", str(path))) for path in paths]
    for other in found:
        assert len(other) == COUNT
        np.testing.assert_array_equal(other, found[0])
    # In mixed order, and all of them.
    assert np.any(found[0][0] != pixels[0] / np.float32(127.5) - 1)
    levels = np.sort(np.rint((np.array(found[0]) + 1) * 127.5), axis=None)
    np.testing.assert_array_equal(levels, np.sort(pixels, axis=None))
    some = all_of(ImageSet("--fake_dir", str(folder)), 5, start=3)
    np.testing.assert_array_equal(some, found[0][3:])


@pytest.mark.parametrize("name", ["images", "images.npz"])
def test_what_is_saved_comes_back_in_order(tmp_path, pixels, name):
    images = pixels.astype(np.float32) / np.float32(127.5) - 1
    outputs = Outputs(images=str(tmp_path / name))
    outputs.check()
    with outputs.image_writer(COUNT) as put:
        put(images[:4], np.arange(4))
        put(list(images[4:]), np.arange(4, COUNT))
    again = all_of(ImageSet("--fake_dir", str(tmp_path / name)))
    np.testing.assert_array_equal(again, images)
    if name.endswith("npz"):
        with np.load(tmp_path / name) as file:
            stored, labels = file["arr_0"], file["arr_1"]
        np.testing.assert_array_equal(stored, pixels[labels])
    else:
        with pytest.raises(UserError, match="--save_images should be a new"):
            outputs.check()


def test_statistics_and_features_are_saved(tmp_path):
    features = np.random.default_rng(0).normal(size=(9, 3))
    statistics = Statistics(Sizes(2, 3), ("moments", "features", "logits"))
    statistics.update(np.ones((9, 2)), features, np.zeros(9))
    paths = [str(tmp_path / f"{name}.npz") for name in "ab"]
    Outputs(statistics=paths[0], features=paths[1]).save(statistics)
    with np.load(paths[0]) as file:
        np.testing.assert_allclose(file["mu"], features.mean(0))
        np.testing.assert_allclose(file["sigma"], np.cov(features.T))
    with np.load(paths[1]) as file:
        assert sorted(file.files) == ["features", "logits"]
        np.testing.assert_array_equal(
            file["features"], features.astype(np.float32)
        )
    NO_OUTPUTS.save(statistics)
    with pytest.raises(UserError, match="--save_features should be a file"):
        Outputs(features="x.txt").check()


def test_sizes_are_what_they_are_or_cut(tmp_path, pixels):
    folder = write_folder(tmp_path / "a", pixels, deep=False)
    Image.fromarray(pixels[0].repeat(3, axis=0)).save(folder / "tall.png")
    shapes = {image.shape for image in all_of(ImageSet("--a", str(folder)))}
    assert shapes == {(6, 5, 3), (18, 5, 3)}
    cut = ImageSet("--a", str(folder), size=8)
    assert {image.shape for image in all_of(cut)} == {(8, 8, 3)}
    assert "cut to 8x8" in cut.describe()


def test_files_that_cannot_be_read_are_named_or_skipped(
    tmp_path, pixels, caplog
):
    folder = write_folder(tmp_path / "a", pixels)
    (folder / "dead.png").symlink_to(tmp_path / "nowhere")
    (folder / "0" / "bad.jpg").write_text("no image")
    (folder / "notes.txt").write_text("left out")
    for name in ("@eaDir", ".hidden"):
        shutil.copytree(folder / "1", folder / name)
    with pytest.raises(UserError, match="--real_dir=.*on_unreadable=skip"):
        all_of(ImageSet("--real_dir", str(folder)))
    assert "left out are files of 1 .txt" in caplog.text
    kept = ImageSet("--real_dir", str(folder), skip=True)
    assert len(all_of(kept)) == COUNT
    assert "dead.png is left out" in caplog.text
    assert "0/bad.jpg is left out" in caplog.text


@pytest.mark.parametrize(
    "array, message",
    [
        (np.zeros((4, 3, 8, 8), np.uint8), r"x.transpose\(0, 2, 3, 1\)"),
        (np.zeros((4, 8, 8), np.uint8), r"np.repeat\(x\[..., None\], 3, -1\)"),
        (np.zeros((4, 8, 8, 1), np.uint8), r"np.repeat\(x, 3, -1\)"),
        (np.zeros((4, 8, 8, 3)), r"np.rint\(x \* 255\).astype\(np.uint8\)"),
    ],
)
def test_other_layouts_are_refused_with_the_conversion(
    tmp_path, array, message
):
    np.savez(tmp_path / "a.npz", array)
    with pytest.raises(UserError, match=message) as caught:
        ImageSet("--fake_dir", str(tmp_path / "a.npz"))
    assert "\n" not in str(caught.value)


def test_what_is_no_set_of_images_is_refused(tmp_path):
    np.savez(tmp_path / "mu.npz", mu=np.zeros(3), sigma=np.eye(3))
    np.savez(tmp_path / "x.npz", x=np.zeros(3))
    (tmp_path / "bad.zip").write_text("no zip")
    for name, message in (
        ("mu.npz", "give it as --real_statistics"),
        ("x.npz", "should hold images as arr_0. Received: x"),
        ("bad.zip", "cannot be read"),
        ("absent", "should be a folder, a .zip, a .tar or an .npz"),
    ):
        with pytest.raises(UserError, match=message):
            ImageSet("--fake_dir", str(tmp_path / name))


class Seeing:
    """The little of a network that findings ask for."""

    input_size = 8
    antialias = False


def test_types_and_sizes_that_differ_are_said(tmp_path, pixels, caplog):
    real = write_folder(tmp_path / "real", pixels)
    fake = tmp_path / "fake"
    fake.mkdir()
    for number in range(4):
        image = Image.fromarray(pixels[number].repeat(2, axis=0))
        image.save(fake / f"{number}.{'jpg' if number else 'png'}")
    sets = [
        ImageSet("--real_dir", str(real)),
        ImageSet("--fake_dir", str(fake)),
    ]
    image_findings.warn_of_files(Seeing(), *sets)
    types, sizes, shrinking = [record.message for record in caplog.records]
    assert "--real_dir has PNG 100%" in types
    assert "--fake_dir has JPEG 75% and PNG 25%" in types
    assert "--real_dir has 5x6 100%, --fake_dir has 5x12 100%" in sizes
    assert "100% of --fake_dir are larger than 8 pixels" in shrinking
    caplog.clear()
    image_findings.warn_of_files(Seeing(), sets[0], sets[0])
    assert not caplog.records
