"""The messages within TFRecords: `tf.train.Example`, without TensorFlow.

An Example maps names to lists of bytes, integers or floats. It is a protocol
buffer of three levels: Example { 1: Features { 1: entry { 1: name, 2: Feature
{ 1: bytes, 2: floats, 3: integers } } } }.
"""

from __future__ import annotations

from typing import Iterator, Mapping

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SKIPPED = {_FIXED64: 8, _FIXED32: 4}


class BrokenExampleError(Exception):
    """The bytes are no Example."""


def encode(features: Mapping[str, bytes | int]) -> bytes:
    """Return an Example with one value for each name, in their order.

    Args:
        features: values by name; integers from 0.
    """
    entries = b"".join(
        _field(1, _field(1, name.encode()) + _field(2, _feature(value)))
        for name, value in sorted(features.items())
    )
    return _field(1, entries)


def decode(data: bytes) -> dict[str, list[bytes] | list[int]]:
    """Return the lists of bytes and of integers; floats are left out.

    Raises:
        BrokenExampleError: if the bytes are no Example.
    """
    found: dict[str, list[bytes] | list[int]] = {}
    try:
        for features in _submessages(data, 1):
            for entry in _submessages(features, 1):
                (name,) = _submessages(entry, 1)
                for feature in _submessages(entry, 2):
                    values = _values(feature)
                    if values is not None:
                        found[bytes(name).decode()] = values
    except (IndexError, ValueError) as error:
        raise BrokenExampleError("it holds no tf.train.Example") from error
    return found


def _feature(value: bytes | int) -> bytes:
    if isinstance(value, bytes):
        return _field(1, _field(1, value))
    return _field(3, _field(1, _varint(value)))


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    if value < 0:
        raise ValueError(f"Integers should not be negative. Received: {value}")
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _values(feature: memoryview) -> list[bytes] | list[int] | None:
    for number, kind, value in _fields(feature):
        if kind != _BYTES:
            raise ValueError("a list should be a message")
        if number == 1:
            return [bytes(part) for part in _submessages(value, 1)]
        if number == 3:
            return _integers(value)
    return None


def _integers(data: memoryview) -> list[int]:
    """Return integers, which are packed or not."""
    found: list[int] = []
    for number, kind, value in _fields(data):
        if number == 1 and kind == _VARINT:
            found.append(_signed(value))
        elif number == 1 and kind == _BYTES:
            position = 0
            while position < len(value):
                integer, position = _read_varint(value, position)
                found.append(_signed(integer))
    return found


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def _submessages(data: bytes | memoryview, number: int) -> Iterator[memoryview]:
    for found, kind, value in _fields(data):
        if found == number:
            if kind != _BYTES:
                raise ValueError("a field has another type")
            yield value


def _fields(
    data: bytes | memoryview,
) -> Iterator[tuple[int, int, int | memoryview]]:
    """Yield the number, the wire type and the value of each field."""
    data, position = memoryview(data), 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = _read_varint(data, position)
            yield number, kind, value
            continue
        if kind == _BYTES:
            length, position = _read_varint(data, position)
        elif kind in _SKIPPED:
            length = _SKIPPED[kind]
        else:
            raise ValueError(f"there is no wire type {kind}")
        if position + length > len(data):
            raise ValueError("a field is cut")
        yield number, kind, data[position : position + length]
        position += length


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("an integer has too many bytes")
