"""Means of stratified samples, their errors, and whether the sample is large enough to trust them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...observables.estimate import TRUSTED

Float = NDArray[np.float64]

UNSEEN = 3.0
"""Events not seen in n independent trials have at most the probability 3/n, at 95 % confidence."""


@dataclass(eq=False)
class Sample:
    """Running sums of the scores of stratified rounds; memory does not grow with their number.

    Parameters
    ----------
    shape : tuple of int
        Shape of one score: (marks, 6).
    """

    shape: tuple[int, int]
    n: int = 0
    total: Float = field(init=False)
    squares: Float = field(init=False)
    scatter: Float = field(init=False)

    def __post_init__(self) -> None:
        self.total, self.squares = np.zeros(self.shape), np.zeros(self.shape)
        self.scatter = np.zeros((*self.shape, self.shape[1]))

    def add(self, scores: Float) -> None:
        """Add one round, shape (marks, n, 6), in the order of its strata.

        Neighbors differ by their own scatter and by that of the means of their strata, so half the mean square of
        their difference bounds the variance within the strata from above (the method of collapsed strata, W. G.
        Cochran, Sampling Techniques, section 5A.12).
        """
        n = scores.shape[1]
        difference = np.diff(scores, axis=1)
        self.scatter += n / (n - 1) / 2 * np.einsum("mni,mnj->mij", difference, difference)
        self.total += scores.sum(axis=1)
        self.squares += np.square(scores).sum(axis=1)
        self.n += n

    @property
    def mean(self) -> Float:
        """Mean score, shape (marks, 6); zero without any."""
        return self.total / max(self.n, 1)

    @property
    def covariance(self) -> Float:
        """Covariance of the mean between states, shape (marks, 6, 6)."""
        return self.scatter / max(self.n, 1) ** 2

    @property
    def error(self) -> Float:
        """Standard error of the mean, shape (marks, 6)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))

    @property
    def effective(self) -> Float:
        """Effective number of contributions (sum y)^2 / sum y^2, shape (marks, 6); zero where all scores vanish."""
        return np.divide(self.total**2, self.squares, out=np.zeros(self.shape), where=self.squares > 0)

    def unseen(self, contribution: float) -> Float:
        """Return what unseen, rare events may add, shape (marks, 6); zero where the sample is large enough.

        Parameters
        ----------
        contribution : float
            The most that one trajectory can score.
        """
        return np.where(self.effective < TRUSTED, UNSEEN / self.n * contribution, 0.0)
