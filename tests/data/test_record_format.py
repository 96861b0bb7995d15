"""Our TFRecords and Examples beside TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.data import examples, record_format


def some_bytes(count):
    return np.random.default_rng(count).bytes(count)


def test_checksum_of_the_standard_example():
    # RFC 3720, appendix B.4.
    assert record_format.crc32c(b"123456789") == 0xE3069283
    assert record_format.crc32c(bytes(32)) == 0x8A9136AA
    assert record_format.crc32c(b"\xff" * 32) == 0x62A8AB43


@pytest.mark.parametrize("count", [2047, 2048, 2049, 5000, 49_152])
def test_parts_side_by_side_give_the_checksum_of_the_whole(count, monkeypatch):
    data = some_bytes(count)
    fast = record_format.crc32c(data)
    monkeypatch.setattr(record_format, "_LANES", 10**9)
    assert fast == record_format.crc32c(data)


def test_tensorflow_reads_what_we_write(tmp_path):
    path = tmp_path / "a.tfrecord"
    contents = [some_bytes(n) for n in (0, 1, 100, 30_000)]
    with path.open("wb") as file:
        starts = [record_format.write_record(file, data) for data in contents]
    # TensorFlow checks both checksums of each record.
    read = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    assert read == contents
    found = record_format.find_records(path)
    assert found.offsets.tolist() == starts
    assert found.lengths.tolist() == [0, 1, 100, 30_000]


def test_we_read_what_tensorflow_writes(tmp_path):
    path = str(tmp_path / "a.tfrecord")
    contents = [some_bytes(n) for n in (7, 3000)]
    with tf.io.TFRecordWriter(path) as writer:
        for data in contents:
            writer.write(data)
    places = list(zip(*record_format.find_records(path)))
    assert [record_format.read_record(path, *p) for p in places] == contents
    checked = [record_format.read_record(path, *p, check=True) for p in places]
    assert checked == contents


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "a.tfrecord"
    with path.open("wb") as file:
        record_format.write_record(file, b"first")
        record_format.write_record(file, some_bytes(100))
    return path


def test_a_cut_file_is_noticed(record):
    offset, length = (int(e[1]) for e in record_format.find_records(record))
    record.write_bytes(record.read_bytes()[:-10])
    with pytest.raises(record_format.BrokenRecordError, match="1 is cut"):
        record_format.find_records(record)
    with pytest.raises(record_format.BrokenRecordError, match="94 .* of 100"):
        record_format.read_record(record, offset, length)


def test_a_file_of_something_else_is_noticed(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(b"This is a text, and no record at all.")
    with pytest.raises(record_format.BrokenRecordError, match="record 0"):
        record_format.find_records(path)


def test_a_changed_byte_is_noticed(record):
    offset, length = (int(e[1]) for e in record_format.find_records(record))
    data = bytearray(record.read_bytes())
    data[offset + 50] ^= 1
    record.write_bytes(data)
    with pytest.raises(record_format.BrokenRecordError, match="checksum"):
        record_format.read_record(record, offset, length, check=True)


def test_example_of_ours_is_read_by_tensorflow():
    data = examples.encode({"image": some_bytes(300), "label": 999, "a": b""})
    example = tf.train.Example.FromString(data)
    feature = example.features.feature
    assert feature["image"].bytes_list.value[:] == [some_bytes(300)]
    assert feature["label"].int64_list.value[:] == [999]
    assert feature["a"].bytes_list.value[:] == [b""]


def test_example_of_tensorflow_is_read_by_us():
    def feature(**lists):
        return tf.train.Feature(**lists)

    example = tf.train.Example(
        features=tf.train.Features(
            feature={
                "bytes": feature(bytes_list=tf.train.BytesList(value=[b"a"])),
                "integers": feature(
                    int64_list=tf.train.Int64List(value=[0, -1, 2**40])
                ),
                "floats": feature(
                    float_list=tf.train.FloatList(value=[1.0, 2.0])
                ),
            }
        )
    )
    assert examples.decode(example.SerializeToString()) == {
        "bytes": [b"a"],
        "integers": [0, -1, 2**40],
    }


@pytest.mark.parametrize(
    "data", [b"hello", b"\x0a\x05abc", b"\xff" * 12, b"\x08\x01"]
)
def test_other_bytes_are_no_example(data):
    with pytest.raises(examples.BrokenExampleError):
        examples.decode(data)


def test_negative_integers_are_not_written():
    with pytest.raises(ValueError, match="Received: -1"):
        examples.encode({"label": -1})
