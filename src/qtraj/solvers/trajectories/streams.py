"""Random numbers of trajectories: the k-th number of a trajectory depends on (seed, history, trajectory, k) only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Integer = NDArray[np.int64]

_PER_COUNT = 4
"""Philox 4x64 makes four numbers for each value of its counter."""


class Streams:
    """Uniform numbers in [0, 1) for trajectories first ... first + size - 1 of one history.

    The k-th numbers of all trajectories are one Philox stream (its counter's upper words hold k, its key comes from
    the seed and the history), and trajectory j takes the j-th number of it. A trajectory therefore finds the same
    numbers in any batch and any process, and a whole batch draws at the cost of one call.

    Parameters
    ----------
    seed, history : int
        What the streams are keyed by.
    first, size : int
        The trajectories.
    """

    def __init__(self, seed: int, history: int, first: int, size: int) -> None:
        key = np.random.SeedSequence((seed, history)).generate_state(2, np.uint64)
        self._key, self._first, self._size = key, first, size
        self._columns: list[Float] = []

    def numbers(self, k: int) -> Float:
        """Return the k-th number of every trajectory, shape (size,)."""
        while len(self._columns) <= k:
            count, skip = divmod(self._first, _PER_COUNT)
            counter = [count, 0, len(self._columns), 0]
            generator = np.random.Generator(np.random.Philox(key=self._key, counter=counter))
            self._columns.append(generator.random(skip + self._size)[skip:])
        return self._columns[k]

    def take(self, rows: Integer, k: Integer) -> Float:
        """Return number k[i] of trajectory rows[i] (counted from the first), shape (len(rows),)."""
        out = np.empty(len(rows))
        for column in np.unique(k):
            chosen = k == column
            out[chosen] = self.numbers(int(column))[rows[chosen]]
        return out
