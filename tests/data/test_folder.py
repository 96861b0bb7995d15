import numpy as np
import pytest
from PIL import Image

from sagan_tf.data import open_dataset
from sagan_tf.data.decoding import decode
from sagan_tf.data.framing import Framing
from sagan_tf.errors import UserError

SIZE = 8


def random_pixels(seed, size=SIZE):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (size, size, 3), np.uint8)


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def classes(tmp_path):
    """Three classes of 2, 3 and 4 images; each image from its seed."""
    seed = 0
    for count, name in enumerate(["ants", "bees", "cats"], start=2):
        for number in range(count):
            write(tmp_path / name / f"{number}.png", random_pixels(seed))
            seed += 1
    return tmp_path


def framed(path):
    return Framing(SIZE)(decode(path.read_bytes()))


def open_folder(path, **arguments):
    return open_dataset(
        "folder", path=str(path), **{"image_size": SIZE, **arguments}
    )


def contents(dataset):
    """Label by image."""
    (images, labels), *_ = dataset.ordered_batches(100)
    bytes_of = np.rint((images.numpy() + 1) * 127.5).astype(np.uint8)
    keys = [image.tobytes() for image in bytes_of]
    return dict(zip(keys, labels.numpy().tolist()))


def refusal(path, **arguments):
    with pytest.raises(UserError) as caught:
        open_folder(path, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def expected(labels):
    return {
        random_pixels(seed).tobytes(): label
        for seed, label in enumerate(labels)
    }


def test_sub_folders_are_classes_in_the_order_of_names(classes):
    dataset = open_folder(classes)
    assert dataset.class_names == ("ants", "bees", "cats")
    assert dataset.num_examples == 9
    assert contents(dataset) == expected([0, 0, 1, 1, 1, 2, 2, 2, 2])


def test_on_demand_yields_the_same_as_in_memory(classes):
    held = open_folder(classes)
    on_demand = open_folder(classes, cache="none")
    assert held._store.in_memory and not on_demand._store.in_memory
    batches = [
        list(dataset.training_batches(4, seed=0).take(5))
        for dataset in (held, on_demand)
    ]
    for (images, labels), (images_again, labels_again) in zip(*batches):
        np.testing.assert_array_equal(images, images_again)
        np.testing.assert_array_equal(labels, labels_again)


def test_first_examples_are_of_several_classes(classes):
    dataset = open_folder(classes, num_examples=5)
    assert dataset.num_examples == 5 and dataset.num_classes == 3
    assert len(set(contents(dataset).values())) > 1


def test_sub_folders_without_classes(classes):
    dataset = open_folder(classes, num_classes=0)
    assert dataset.num_classes == 0
    assert contents(dataset) == expected([0] * 9)


def test_flat_folder_is_unconditional(tmp_path):
    for seed in range(3):
        write(tmp_path / f"{seed}.PNG", random_pixels(seed))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_text("not an image either")
    dataset = open_folder(tmp_path)
    assert dataset.num_classes == 0 and dataset.class_names == ()
    assert contents(dataset) == expected([0, 0, 0])
    assert "should be 0" in refusal(tmp_path, num_classes=2)


def test_missing_and_empty_folders_are_refused(tmp_path):
    assert "should name a folder" in refusal("")
    assert "nothing at" in refusal(tmp_path / "missing")
    file = write(tmp_path / "a" / "image.png", random_pixels(0))
    assert "a file at" in refusal(file)
    (tmp_path / "empty").mkdir()
    assert "no PNG, JPEG, WebP" in refusal(tmp_path / "empty")
    assert "class folder" in refusal(tmp_path)
    assert str(tmp_path / "empty") in refusal(tmp_path)


def test_images_beside_class_folders_are_refused(classes):
    write(classes / "stray.png", random_pixels(0))
    assert "stray.png" in refusal(classes)


def test_one_class_is_refused_unless_unconditional(tmp_path):
    write(tmp_path / "only" / "0.png", random_pixels(0))
    for num_classes in (None, 1):
        message = refusal(tmp_path, num_classes=num_classes)
        assert "one class folder" in message and "only" in message
    assert open_folder(tmp_path, num_classes=0).num_examples == 1


def test_other_number_of_classes_is_refused(classes):
    message = refusal(classes, num_classes=4)
    assert "has 3 classes" in message and "Received: 4" in message


def test_small_image_is_named_with_both_sizes(classes):
    write(classes / "bees" / "tiny.png", random_pixels(0, size=7))
    for on_unreadable in ("refuse", "skip"):
        message = refusal(classes, on_unreadable=on_unreadable)
        assert "tiny.png" in message and "7x7" in message and "8" in message


@pytest.fixture(params=["text", "cut", "empty"])
def broken(request, classes):
    """A file that is no image, or half of one."""
    path = classes / "bees" / "broken.png"
    whole = write(path, random_pixels(0, size=64)).read_bytes()
    damaged = {"text": b"hello", "cut": whole[: len(whole) // 2], "empty": b""}
    path.write_bytes(damaged[request.param])
    return path


def test_unreadable_file_is_refused_by_name(classes, broken):
    message = refusal(classes)
    assert str(broken) in message and "skip" in message


def test_unreadable_file_is_skipped_by_name(classes, broken, caplog):
    with caplog.at_level("WARNING", logger="absl"):
        dataset = open_folder(classes, on_unreadable="skip")
    assert contents(dataset) == expected([0, 0, 1, 1, 1, 2, 2, 2, 2])
    assert str(broken) in caplog.text
    assert "skipped unreadable files: 1" in caplog.text


def test_class_without_a_readable_file_is_refused(classes):
    for file in (classes / "ants").iterdir():
        file.write_bytes(b"hello")
    assert "ants" in refusal(classes, on_unreadable="skip")


def test_other_words_for_unreadable_are_refused(classes):
    assert "refuse or skip" in refusal(classes, on_unreadable="ignore")


def test_image_is_cut_in_the_middle(tmp_path):
    wide = np.zeros((SIZE, 3 * SIZE, 3), np.uint8)
    wide[:, SIZE : 2 * SIZE] = random_pixels(0)
    for name, pixels in (("wide", wide), ("tall", wide.swapaxes(0, 1))):
        path = write(tmp_path / f"{name}.png", pixels)
        middle = framed(path)
        turned = middle if name == "wide" else middle.swapaxes(0, 1)
        np.testing.assert_array_equal(turned, random_pixels(0))


def test_shrinking_is_antialiased(tmp_path):
    # One-pixel stripes of black and white become grey, not black or white.
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    image = framed(write(tmp_path / "stripes.png", stripes))
    assert np.abs(image[:, 1:-1].astype(int) - 127.5).max() < 20


def constant(mode, colour):
    return Image.new(mode, (SIZE, SIZE), colour)


def palette():
    image = constant("P", 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    return image


@pytest.mark.parametrize(
    "image, name, colour",
    [
        (constant("L", 90), "a.png", (90, 90, 90)),
        (constant("1", 1), "a.png", (255, 255, 255)),
        (palette(), "a.png", (10, 200, 30)),
        (constant("I;16", 32896), "a.png", (128, 128, 128)),
        (constant("I;16", 65535), "a.png", (255, 255, 255)),
        (constant("LA", (50, 0)), "a.png", (255, 255, 255)),
        (constant("RGBA", (0, 0, 0, 51)), "a.png", (204, 204, 204)),
        (constant("L", 90), "a.jpg", (90, 90, 90)),
        (constant("CMYK", (0, 0, 0, 255)), "a.jpeg", (0, 0, 0)),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, image, name, colour):
    image.save(tmp_path / name)
    image = framed(tmp_path / name)
    assert image.shape == (SIZE, SIZE, 3) and image.dtype == np.uint8
    assert np.abs(image.astype(int) - colour).max() <= 1


def test_orientation_of_the_camera_is_applied(tmp_path):
    pixels = random_pixels(0)
    exif = Image.Exif()
    exif[0x0112] = 3  # The camera was upside down.
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    image = framed(tmp_path / "a.png")
    np.testing.assert_array_equal(image, pixels[::-1, ::-1])


@pytest.mark.parametrize("cache", ["memory", "none", "shards"])
def test_four_channels_and_a_wide_form_in_every_store(tmp_path, cache):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 4), np.uint8)
    for number, each in enumerate(pixels):
        write(tmp_path / "images" / f"{number}.png", each)
    if cache == "shards":
        cache = str(tmp_path / "shards")
    dataset = open_folder(
        tmp_path / "images", image_size=(8, 12), channels=4, cache=cache
    )
    images, _ = dataset.images(np.arange(3))
    found = {image.tobytes() for image in images}
    assert found == {each.tobytes() for each in pixels}
    ((batch, _),) = dataset.ordered_batches(3)
    assert batch.shape == (3, 8, 12, 4)


def test_images_that_are_drawn_have_channels_and_are_squares():
    grey = open_dataset("digits", image_size=32, channels=1)
    colour = open_dataset("digits", image_size=32)
    some = np.arange(5)
    np.testing.assert_array_equal(
        grey.images(some)[0], colour.images(some)[0][..., :1]
    )
    with pytest.raises(UserError, match="squares"):
        open_dataset("twins", image_size=(32, 48))
