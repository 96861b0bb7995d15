"""Names of classes: those a run began with, wherever its data are."""

import json

import numpy as np
import pytest

from configs import default
from sagan_tf import runs, sample, train
from sagan_tf.configuration import builders
from sagan_tf.data import open_dataset
from sagan_tf.errors import UserError
from sagan_tf.training import classes
from sagan_tf.training.workdir import Workdir
from tests.data.test_odd_files import put
from tests.training import toy

NUMBERS = tuple(map(str, range(12)))


@pytest.fixture
def images(tmp_path):
    return put(tmp_path / "images", *(f"{n}/x.png" for n in NUMBERS))


def config_of(images, num_classes=12):
    config = default.get_config()
    config.dataset.update(
        name="folder",
        path=str(images),
        num_classes=num_classes,
        on_small="enlarge",
    )
    return config


@pytest.fixture
def workdir(tmp_path):
    found = Workdir(tmp_path / "run")
    found.create()
    return found


def run_of(config, workdir):
    return runs.Run(config, 1, workdir, None)


def test_a_new_run_sorts_numbers_and_keeps_its_names(images, workdir, tmp_path):
    config = config_of(images)
    assert classes.known_names(workdir) is None
    dataset = builders.build_dataset(config, classes.known_names(workdir))
    assert dataset.class_names == NUMBERS
    workdir.write_config(json.loads(config.to_json()))
    classes.remember(dataset, workdir)
    again = builders.build_dataset(config, classes.known_names(workdir))
    assert again.class_names == NUMBERS
    assert again.identity() == dataset.identity()
    # The data may be gone.
    config.dataset.path = str(tmp_path / "nothing")
    assert run_of(config, workdir).class_names() == NUMBERS


def test_an_old_run_keeps_the_order_of_text(images, workdir):
    config = config_of(images)
    workdir.write_config(json.loads(config.to_json()))
    dataset = builders.build_dataset(config, classes.known_names(workdir))
    assert list(dataset.class_names) == sorted(NUMBERS)
    assert list(run_of(config, workdir).class_names()) == sorted(NUMBERS)
    classes.remember(dataset, workdir)
    again = run_of(config, workdir).open_dataset()
    assert again.class_names == dataset.class_names
    pixels, labels = (dataset.images(np.arange(12))[n] for n in (0, 1))
    np.testing.assert_array_equal(again.images(np.arange(12))[0], pixels)
    np.testing.assert_array_equal(again.images(np.arange(12))[1], labels)


def test_an_unconditional_run_stays_what_it_was(images, workdir, caplog):
    config = config_of(images, 0)
    for _ in range(2):
        known = classes.known_names(workdir)
        classes.remember(builders.build_dataset(config, known), workdir)
        workdir.write_config(json.loads(config.to_json()))
    assert "other images" not in caplog.text
    assert sample._list_classes(run_of(config, workdir)) == "no classes\n"


def test_other_classes_are_refused_with_both_lists(images, workdir):
    config = config_of(images)
    dataset = builders.build_dataset(config, None)
    classes.remember(dataset, workdir)
    (images / "3").rename(images / "33")
    with pytest.raises(UserError, match="2, 3, 4.* Received: .*2, 33, 4"):
        classes.remember(
            builders.build_dataset(config, classes.known_names(workdir)),
            workdir,
        )


def test_classes_are_listed_by_number_and_name(images, workdir, tmp_path):
    config = config_of(images)
    # A workdir without a list of names, whose data are there.
    text = sample._list_classes(run_of(config, workdir))
    assert text.splitlines()[:3] == ["0 0", "1 1", "2 10"]
    put(tmp_path / "b", "cats/1.png", "dogs/1.png")
    dataset = open_dataset("folder", path=str(tmp_path / "b"), image_size=8)
    classes.remember(dataset, workdir)
    assert sample._list_classes(run_of(config, workdir)) == "0 cats\n1 dogs\n"


def test_a_run_generates_classes_as_often_as_its_data(
    tmp_path, capsys, monkeypatch
):
    names = [f"cats/{n}.png" for n in range(22)] + ["dogs/1.png", "dogs/2.png"]
    put(tmp_path / "images", *names)
    config = toy.config(
        dataset__name="folder",
        dataset__path=str(tmp_path / "images"),
        dataset__num_classes=2,
        dataset__num_examples=0,
        dataset__on_small="enlarge",
        train__fake_labels="data",
        model__attention_resolutions=(),
    )
    made, build = [], builders.build_gan

    def keep(*arguments):
        made.append(build(*arguments))
        return made[0]

    monkeypatch.setattr(builders, "build_gan", keep)
    train.run(config, Workdir(tmp_path / "run"))
    np.testing.assert_allclose(made[0].class_shares, [22 / 24, 2 / 24])
    said = capsys.readouterr().out
    assert "0 cats: 22, 1 dogs: 2" in said
    assert "cats has 22 images, dogs 2; config.dataset.balance" in said
    assert classes.known_names(Workdir(tmp_path / "run")) == ("cats", "dogs")
