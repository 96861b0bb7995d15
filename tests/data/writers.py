"""Writes the same images in each format."""

import hashlib
import io
import json

import h5py
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from sagan_tf.data.formats import open_importer
from sagan_tf.data.framing import Framing
from sagan_tf.data.sharding import Preparation, prepare

CLASSES = tuple("abcdefghij")
COUNT = 20
_ATTRIBUTES = {"dark": np.bool_, "kind": np.int64}
OLD_ROW = [
    ("shard", "<i4"),
    ("offset", "<i8"),
    ("length", "<i4"),
    ("image_offset", "<i8"),
    ("image_length", "<i4"),
    ("label", "<i4"),
]


def draw(size=32, count=COUNT):
    """Images of noise; the first is of the class 0, the next of 1."""
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
    ).SerializeToString(deterministic=True)


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
    importer = open_importer(
        name, path=str(source), num_classes=len(CLASSES), **options
    )
    preparation = Preparation(
        importer, Framing(size), importer.count, shard_size=shard_size
    )
    prepare(preparation, str(path), threads=1)
    return path


def write_old_shards(path, shard_size=8):
    """The first kind of shards: TFRecords, of the same images in order."""
    path.mkdir(parents=True)
    rows, shards = [], []
    images, labels = draw()
    for number, start in enumerate(range(0, COUNT, shard_size)):
        part = range(start, min(start + shard_size, COUNT))
        records = []
        for index in part:
            file = io.BytesIO()
            Image.fromarray(images[index]).save(file, "PNG")
            origin = f"{CLASSES[labels[index]]}/{index:02d}.png".encode()
            records.append(
                example(
                    image=file.getvalue(), label=labels[index], source=origin
                )
            )
            before = sum(16 + len(record) for record in records[:-1]) + 12
            inside = before + records[-1].index(file.getvalue())
            row = (number, before, len(records[-1]), inside)
            rows.append((*row, file.getbuffer().nbytes, labels[index]))
        name = f"shard-{number:05d}-of-00003.tfrecord"
        data = write_records(path / name, records).read_bytes()
        shards.append(
            {
                "file": name,
                "num_examples": len(part),
                "num_bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
            }
        )
    np.save(path / "index.npy", np.array(rows, OLD_ROW))
    rows_digest = hashlib.sha256((path / "index.npy").read_bytes())
    index = {
        "format": "sagan_tf shards 1",
        "settings": {"framing": {"image_size": 32}},
        "num_examples": COUNT,
        "class_names": CLASSES,
        "class_counts": [2] * len(CLASSES),
        "skipped": [],
        "rows_sha256": rows_digest.hexdigest(),
        "shards": shards,
    }
    (path / "index.json").write_text(json.dumps(index))
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


def write_tfds(path, attributes=False):
    """A prepared directory of TensorFlow Datasets, without its code.

    With attributes each image is dark or not, and has a number from 0 to 2.
    """
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "label": tfds.features.ClassLabel(names=CLASSES),
            "other": tfds.features.ClassLabel(num_classes=3),
            **({"attributes": _ATTRIBUTES} if attributes else {}),
        }
    )
    path.mkdir(parents=True, exist_ok=True)

    def of(label):
        return {"dark": label > 4, "kind": label % 3}

    splits = []
    template = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    for split, count in (("train", 20), ("validation", 10)):
        images, labels = draw(count=count)
        serialized = [
            features.serialize_example(
                features.encode_example(
                    {
                        "image": image,
                        "label": label,
                        "other": 0,
                        **({"attributes": of(label)} if attributes else {}),
                    }
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
