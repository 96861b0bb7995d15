"""Files of TFRecords, written and found again without TensorFlow.

A record is its length (8 bytes, little endian), a checksum of these bytes, the
data, and a checksum of the data. The checksum is a CRC-32C, rotated and
shifted by a constant. TensorFlow takes seconds to start, which a process that
only prepares pictures can spare.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO, NamedTuple

import numpy as np

# The reflected polynomial of Castagnoli.
_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_HEADER, _FOOTER = 12, 4
# Parts of a long message that are worked through side by side.
_LANES = 256


class BrokenRecordError(Exception):
    """A file of records ends or goes wrong in the middle of a record."""


class Records(NamedTuple):
    """Where the data of each record of a file are: both `(records,)` int64."""

    offsets: np.ndarray
    lengths: np.ndarray


def _make_table() -> np.ndarray:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        odd = (table & 1).astype(bool)
        table = np.where(odd, table >> 1 ^ _POLYNOMIAL, table >> 1)
    return table.astype(np.uint32)


_TABLE = _make_table()
_TABLE_LIST = _TABLE.tolist()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of some bytes.

    A long message is cut into equal parts, whose remainders are found side by
    side and then joined in pairs: the remainder of two parts is that of the
    first, moved on by the length of the second, plus that of the second.
    """
    if len(data) < 8 * _LANES:
        state = 0xFFFFFFFF
        for byte in data:
            state = _TABLE_LIST[(state ^ byte) & 0xFF] ^ state >> 8
        return state ^ 0xFFFFFFFF
    width = -(-len(data) // _LANES)
    lanes = np.zeros(_LANES * width, np.uint8)
    lanes[-len(data) :] = np.frombuffer(data, np.uint8)
    # Inverting the first bytes is the same as starting with ones.
    lanes[-len(data) :][:4] ^= 0xFF
    # 32 lanes of zeros that start with one bit each tell how to move on.
    columns = np.zeros((width, _LANES + 32), np.uint32)
    columns[:, :_LANES] = lanes.reshape(_LANES, width).T
    states = np.zeros(_LANES + 32, np.uint32)
    states[_LANES:] = np.uint32(1) << np.arange(32, dtype=np.uint32)
    for column in columns:
        states = _TABLE[(states ^ column) & 0xFF] ^ states >> 8
    states, move = states[:_LANES], states[_LANES:]
    while len(states) > 1:
        states = _apply(move, states[::2]) ^ states[1::2]
        move = _apply(move, move)
    return int(states[0]) ^ 0xFFFFFFFF


def _apply(move: np.ndarray, states: np.ndarray) -> np.ndarray:
    bits = (states[:, None] >> np.arange(32, dtype=np.uint32) & 1).astype(bool)
    return np.bitwise_xor.reduce(np.where(bits, move, np.uint32(0)), axis=1)


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    rotated = (crc >> 15 | crc << 17) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _MASK_DELTA) & 0xFFFFFFFF)


def write_record(file: BinaryIO, data: bytes) -> int:
    """Append a record; return where its data start.

    Args:
        file: a file open for writing bytes.
        data: what to store.
    """
    length = struct.pack("<Q", len(data))
    file.write(length + _masked(length))
    start = file.tell()
    file.write(data + _masked(data))
    return start


def find_records(path: str | os.PathLike[str]) -> Records:
    """Return where the records of a file are, looking at their lengths only.

    Raises:
        BrokenRecordError: if the file is cut or holds something else; the
            message starts with the number of the record.
        OSError: if it cannot be read.
    """
    size, position = os.path.getsize(path), 0
    offsets, lengths = [], []
    with open(path, "rb", buffering=0) as file:
        while position < size:
            header = file.read(_HEADER)
            length = int.from_bytes(header[:8], "little")
            if len(header) < _HEADER or _masked(header[:8]) != header[8:]:
                raise BrokenRecordError(
                    f"record {len(offsets)} does not start as a TFRecord does"
                )
            end = position + _HEADER + length + _FOOTER
            if end > size:
                raise BrokenRecordError(
                    f"record {len(offsets)} is cut: {end} bytes expected, the "
                    f"file has {size}"
                )
            offsets.append(position + _HEADER)
            lengths.append(length)
            position = file.seek(end)
    return Records(np.array(offsets, np.int64), np.array(lengths, np.int64))


def read_record(
    path: str | os.PathLike[str], offset: int, length: int, check: bool = False
) -> bytes:
    """Return the data of one record.

    Args:
        path: the file.
        offset: where the data start.
        length: how many bytes they are.
        check: whether to compare them with their checksum.

    Raises:
        BrokenRecordError: if the file ends before the data do, or they do not
            fit their checksum.
        OSError: if it cannot be read.
    """
    data = read_bytes(path, offset, length + check * _FOOTER)
    if len(data) < length:
        raise BrokenRecordError(f"{len(data)} bytes of {length} are there")
    data, footer = data[:length], data[length:]
    if check and _masked(data) != footer:
        raise BrokenRecordError("the checksum does not fit the data")
    return data


def read_checksum(
    path: str | os.PathLike[str], offset: int, length: int
) -> bytes:
    """Return the stored checksum of a record: 4 bytes.

    Args:
        path: the file.
        offset: where the data start.
        length: how many bytes they are.
    """
    return read_bytes(path, offset + length, _FOOTER)


def read_bytes(path: str | os.PathLike[str], offset: int, length: int) -> bytes:
    """Return so many bytes of a file, or fewer at its end."""
    with open(path, "rb", buffering=0) as file:
        file.seek(offset)
        return file.read(length)
