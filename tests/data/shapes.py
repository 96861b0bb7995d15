"""Writes the same pictures in each shape that data come in."""

import h5py
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from sagan_tf.data import readers
from sagan_tf.data.pictures import Framing
from tools import prepare_dataset
from tools.preparation import plan

CLASSES = tuple("abcdefghij")
COUNT = 20


def draw(size=32, count=COUNT):
    """Pictures of noise; the first is of the class 0, the next of 1."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, size, size, 3), np.uint8)
    return images, np.arange(count) % len(CLASSES)


def write_folder(path, size=32):
    for number, (image, label) in enumerate(zip(*draw(size))):
        file = path / CLASSES[label] / f"{number:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    return path


def write_hdf5(path, images=None, labels=None, **options):
    """BigGAN-PyTorch's layout; `options` are those of a data set of h5py."""
    drawn, numbers = draw()
    images = np.moveaxis(drawn, -1, 1) if images is None else images
    labels = numbers if labels is None else labels
    with h5py.File(path, "w") as file:
        file.create_dataset("imgs", data=images, **options)
        file.create_dataset("labels", data=np.asarray(labels))
    return path


def example(**values):
    """A serialized `tf.train.Example`, by TensorFlow."""
    features = {}
    for name, value in values.items():
        if isinstance(value, bytes):
            kind = {"bytes_list": tf.train.BytesList(value=[value])}
        else:
            kind = {"int64_list": tf.train.Int64List(value=[int(value)])}
        features[name] = tf.train.Feature(**kind)
    return tf.train.Example(
        features=tf.train.Features(feature=features)
    ).SerializeToString()


def write_records(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


def write_improved_gan(folder, offset=0, files=2, size=128):
    """The release's records, their labels stored from `-offset` on."""
    records = [
        example(
            height=size,
            width=size,
            depth=3,
            image_raw=image.tobytes(),
            label=label - offset,
        )
        for image, label in zip(*draw(size))
    ]
    for number in range(files):
        name = f"train_{number}.tfrecords"
        write_records(folder / name, records[number::files])
    return folder


def write_shards(path, source, name="folder", size=32, shard_size=8, **options):
    reader = readers.open_reader(
        name, path=str(source), num_classes=len(CLASSES), **options
    )
    what = plan.make_plan(
        reader,
        framing=Framing(size),
        num_classes=None,
        shard_size=shard_size,
        num_examples=len(reader),
        on_unreadable="refuse",
    )
    prepare_dataset.prepare(reader, what, str(path), processes=1)
    return path


def write_array_records(path):
    """The same as `write_tfds`, in another format of its files."""
    # Not on every system.
    from array_record.python.array_record_module import ArrayRecordWriter

    for file in sorted(write_tfds(path).glob("*.tfrecord-*")):
        name = str(file).replace(".tfrecord-", ".array_record-")
        writer = ArrayRecordWriter(name, "group_size:1")
        for record in tf.data.TFRecordDataset(str(file)):
            writer.write(record.numpy())
        writer.close()
        file.unlink()
    info = path / "dataset_info.json"
    info.write_text(info.read_text().replace('"tfrecord"', '"array_record"'))
    return path


def write_tfds(path):
    """A prepared directory of TensorFlow Datasets, without its code."""
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "label": tfds.features.ClassLabel(names=CLASSES),
            "other": tfds.features.ClassLabel(num_classes=3),
        }
    )
    path.mkdir(parents=True, exist_ok=True)
    splits = []
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    for split, count in (("train", 20), ("validation", 10)):
        images, labels = draw(count=count)
        serialized = [
            features.serialize_example(
                features.encode_example(
                    {"image": image, "label": label, "other": 0}
                )
            )
            for image, label in zip(images, labels)
        ]
        name = tfds.core.ShardedFileTemplate(
            data_dir=path,
            template=template,
            dataset_name="letters",
            split=split,
            filetype_suffix="tfrecord",
        )
        halves = count // 2, count - count // 2
        for number in range(2):
            file = path / f"letters-{split}.tfrecord-0000{number}-of-00002"
            write_records(file, serialized[number * halves[0] :][: halves[0]])
        splits.append(
            tfds.core.SplitInfo(
                name=split,
                shard_lengths=list(halves),
                num_bytes=1,
                filename_template=name,
            )
        )
    tfds.folder_dataset.write_metadata(
        data_dir=path,
        features=features,
        split_infos=splits,
        filename_template=template,
    )
    return path
