"""The table of formats: one line and one file make a format."""

import inspect
import subprocess
import sys
import types

import numpy as np
import pytest
from PIL import Image

from sagan_tf.data import formats, open_dataset
from sagan_tf.data.importer import Importer, Sample
from sagan_tf.errors import UserError


class Stripes(Importer):
    """Eight images of one of two colours: all that a format needs."""

    def __init__(self, path, brightness=0):
        super().__init__("stripes", path, 8, ("dark", "pale"))
        self._brightness = brightness

    def identity(self):
        return f"stripes {self._brightness}"

    def origin(self, index):
        return f"stripe {index}"

    def read(self, index):
        value = self._brightness + 100 * (index % 2)
        return Sample(Image.new("RGB", (40, 40), (value,) * 3), index % 2)


@pytest.fixture
def stripes(monkeypatch):
    brightness = formats.Option("brightness", 0, "Value of the dark ones.")
    line = formats.Format(
        "stripes", "Stripes", "stripes", options=(brightness,)
    )
    monkeypatch.setitem(formats.FORMATS, "stripes", line)
    monkeypatch.setitem(formats.OPTIONS, "brightness", brightness)
    module = types.ModuleType("stripes")
    module.Stripes = Stripes
    monkeypatch.setitem(sys.modules, "sagan_tf.data.formats.stripes", module)


def test_a_line_and_a_file_make_a_format(stripes, tmp_path):
    for cache in ("", "none", str(tmp_path)):
        dataset = open_dataset(
            "stripes", path="x", image_size=32, brightness=7, cache=cache
        )
        images, labels = dataset.images(np.arange(8))
        assert images[:, 0, 0, 0].tolist() == [7, 107] * 4
        assert labels.tolist() == [0, 1] * 4
        assert dataset.identity() == "stripes 7"
    assert "stripes" in formats.by_written_name()


def test_an_option_of_another_format_is_refused(stripes):
    with pytest.raises(UserError, match="has no `label_key` to choose"):
        open_dataset("stripes", path="x", image_size=32, label_key="a")
    with pytest.raises(UserError, match="has no `brightness` to choose"):
        open_dataset("twins", image_size=32, brightness=1)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("folder", "a folder"),
        ("hdf5", "a file"),
        ("improved_gan", "a folder, a file or a pattern"),
        ("tfrecords", "a folder, a file or a pattern"),
    ],
)
def test_a_path_that_is_needed_is_asked_for(name, what):
    expected = f"of data set `{name}` should name {what}. Received: ''$"
    with pytest.raises(UserError, match=expected):
        open_dataset(name, image_size=32, num_classes=0)


@pytest.mark.parametrize("name", formats.FORMATS)
def test_an_opener_takes_what_its_line_says(name):
    line = formats.FORMATS[name]
    module = __import__(
        f"sagan_tf.data.formats.{line.module}", fromlist=[line.opener]
    )
    takes = inspect.signature(getattr(module, line.opener)).parameters
    options = {option.name for option in line.options}
    given = {"path", "class_order", "num_classes", "split", "dataset"}
    assert options <= set(takes) <= options | given
    assert ("path" in takes) != line.embedded
    assert ("split" in takes) == line.has_splits
    assert ("dataset" in takes) == line.takes_name


def test_a_name_is_found_with_its_colon_or_without():
    assert formats.find("tfds:cifar10") is formats.FORMATS["tfds"]
    for name in ("tfds", "tfds:", "folder:", "folder:x", "cats", ""):
        assert formats.find(name) is None


def test_the_table_and_preparation_need_no_tensorflow():
    program = (
        "import sys, sagan_tf.data.formats.folder, sagan_tf.data.sharding; "
        "print(*sys.modules)"
    )
    modules = subprocess.check_output([sys.executable, "-c", program])
    names = {name.split(".")[0] for name in modules.decode().split()}
    assert "sagan_tf" in names
    assert not names & {"tensorflow", "tensorflow_datasets", "h5py", "sklearn"}
