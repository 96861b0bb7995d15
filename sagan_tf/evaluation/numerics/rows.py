"""Rows of numbers that come in batches, in memory or in a file."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

import numpy as np

# Rows of more bytes go to a file. On a machine of 12 GB or more TF-GAN's FID
# takes twelve times as much for a moment (measured), half of the memory.
_HELD_BYTES = min(
    2**29, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 24
)


# So many batches become one piece.
_LOOSE = 100


def can_hold(count: int, length: int) -> bool:
    """Returns whether there is memory for so many float32 vectors.

    It is half a gigabyte, or less on a small machine.
    """
    return 4 * count * length <= _HELD_BYTES


class Rows:
    """Rows of numbers that come in batches.

    What exceeds half a gigabyte lies in a temporary file (`TMPDIR`), which
    goes with the process.

    Args:
        length: numbers in a row.
        most: how many rows are kept, the first ones.
        dtype: of the numbers.
    """

    def __init__(
        self, length: int, most: int = sys.maxsize, dtype: type = np.float32
    ) -> None:
        self._most = most
        self._dtype = dtype
        self._pieces = [np.zeros((0, length), dtype)]
        self._in_memory = 0
        self._loose = 0
        self._file: Any = None

    def __len__(self) -> int:
        """Returns how many rows are kept."""
        return sum(map(len, self._pieces))

    def update(self, rows: np.ndarray) -> None:
        """Adds `(batch, length)` numbers."""
        rows = np.array(rows[: self._most - len(self)], self._dtype)
        if len(rows):
            self._pieces.append(rows)
            self._in_memory += rows.nbytes
        if self._in_memory > _HELD_BYTES:
            self._spill()
        self._loose += 1
        if self._loose == _LOOSE and self._file is None:
            # Not all of them, which would be in memory twice for a moment.
            self._pieces[-_LOOSE:] = [np.concatenate(self._pieces[-_LOOSE:])]
        self._loose %= _LOOSE

    def merge(self, other: Rows) -> None:
        """Adds the rows of `other` behind the others, without a copy."""
        self._pieces += [piece for piece in other._pieces if len(piece)]

    def first(self, count: int) -> np.ndarray:
        """Returns the first rows; without a copy where they lie together."""
        if count <= len(self._pieces[0]):
            return np.asarray(self._pieces[0][:count])
        found, missing = [], min(count, len(self))
        for piece in self._pieces:
            found.append(piece[:missing])
            missing -= len(found[-1])
        return np.concatenate(found)

    def where(self, chosen: np.ndarray | slice) -> np.ndarray:
        """Returns the rows of an index of NumPy's, in order and each once."""
        is_chosen = np.zeros(len(self), bool)
        is_chosen[chosen] = True
        borders = np.cumsum([len(piece) for piece in self._pieces])[:-1]
        parts = zip(self._pieces, np.split(is_chosen, borders))
        return np.concatenate([piece[part] for piece, part in parts])

    def joined(self) -> np.ndarray:
        """Returns all rows, in memory unless they are in a file."""
        if self._file is not None:
            self._spill()
        elif len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]

    def state(self) -> dict[str, np.ndarray]:
        """Returns all that `restore` needs."""
        return {"rows": self.joined()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Takes the rows of a `state`."""
        self._pieces = [state["rows"]]

    def _spill(self) -> None:
        if self._file is None:
            self._file, new = tempfile.TemporaryFile(), self._pieces
        else:
            new = self._pieces[1:]
        for piece in new:
            piece.tofile(self._file)
        self._file.flush()
        shape = len(self), self._pieces[0].shape[1]
        self._pieces = [np.memmap(self._file, self._dtype, "r", shape=shape)]
        self._in_memory = 0
