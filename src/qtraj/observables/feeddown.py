"""Feed-down: from the survival of states made in the collision to what is measured after their decays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..states import MESONS
from .estimate import Float

MESON_NAMES: Final = tuple(meson.name for meson in MESONS)
"""PDG names of the nine states, in the order of every array of length nine."""

NOT_ESTIMATED: Final = ("feed-down fractions", "cross sections")
"""Sources of error of R_AA that no part of an Estimate covers yet."""

_COUNT: Final = len(MESONS)


@dataclass(frozen=True, eq=False)
class FeedDown:
    r"""Feed-down fractions and inclusive cross sections of the nine bottomonium states.

    Parameters
    ----------
    matrix : array_like, shape (9, 9)
        F[daughter, parent]: the fraction of parents that end as this daughter, 1 on the diagonal, so that
        sigma_exp = F sigma_direct. States in the order of `MESON_NAMES`.
    sigma_exp : array_like, shape (9,)
        Inclusive cross sections, feed-down included. Any unit: only their ratios matter.
    name, source : str, optional
        What to call the table, and where it comes from.

    Raises
    ------
    InputError
        If a shape is wrong, an entry of the matrix is negative or not finite, a diagonal entry is not 1, a
        cross section is not positive, or the feed-down exceeds a cross section.
    """

    matrix: Any
    sigma_exp: Any
    name: str = "custom"
    source: str = ""

    def __post_init__(self) -> None:
        matrix = _array("matrix", self.matrix, (_COUNT, _COUNT))
        sigma_exp = _array("sigma_exp", self.sigma_exp, (_COUNT,))
        if np.any(matrix < 0):
            raise InputError("matrix", matrix.min(), "hold non-negative fractions")
        if np.any(np.diagonal(matrix) != 1):
            raise InputError("matrix", np.diagonal(matrix), "have 1 on its diagonal")
        if np.any(sigma_exp <= 0):
            raise InputError("sigma_exp", sigma_exp, "hold positive cross sections")
        if np.linalg.matrix_rank(matrix) < _COUNT:
            raise InputError("matrix", self.name, "be invertible", "Two states feed each other completely.")
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "sigma_exp", sigma_exp)
        direct = self.sigma_direct
        if np.any(direct < 0):
            raise InputError(
                "sigma_exp",
                f"{MESON_NAMES[int(np.argmin(direct))]}: direct part {direct.min():.4g}",
                "exceed the feed-down from heavier states",
                "Check the order of the states.",
            )

    @classmethod
    def named(cls, name: str = "group") -> FeedDown:
        """Return a table shipped with the package.

        Parameters
        ----------
        name : {"group", "pdg2026"}, optional
            ``"group"``: the one-step fractions of the Kent State group's papers, without
            Y(2S), Y(3S) -> chi_b;
            ``"pdg2026"``: the cascade-complete matrix (1 - B)^-1 from PDG 2026 branching fractions.

        Raises
        ------
        InputError
            If there is no table of this name.
        """
        tables = _tables()
        if name not in tables["matrices"]:
            raise InputError("name", name, f"be one of {', '.join(tables['matrices'])}")
        entry = tables["matrices"][name]
        source = f"matrix: {entry['source']}; sigma_exp: {tables['sigma_exp_source']}"
        return cls(entry["matrix"], tables["sigma_exp"], name, source)

    @property
    def sigma_direct(self) -> Float:
        """Cross sections without feed-down, F^-1 sigma_exp, shape (9,)."""
        return np.asarray(np.linalg.solve(self.matrix, self.sigma_exp))

    def apply(self, survival: ArrayLike) -> Float:
        r"""Return R_AA of the nine states.

        .. math:: R_{AA}^i = [F (S \sigma_{direct})]_i / [F \sigma_{direct}]_i

        the definition used with arXiv:2012.01240; linear in S, with non-negative coefficients that sum to 1.

        Parameters
        ----------
        survival : array_like, shape (..., 9)
            Survival probabilities S in the order of `MESON_NAMES`.

        Returns
        -------
        ndarray, shape (..., 9)
            R_AA; exactly 1 where nothing is lost.

        Raises
        ------
        InputError
            If the last axis is not of length nine.
        """
        # contiguous rows make every sum run in one order, so that survival 1 gives 1.0 to the last bit
        survival = np.ascontiguousarray(survival, dtype=float)
        if survival.shape[-1:] != (_COUNT,):
            raise InputError("survival", survival.shape, f"have a last axis of length {_COUNT}")
        yields = self.matrix * self.sigma_direct
        return np.asarray(np.sum(yields * survival[..., None, :], axis=-1) / np.sum(yields, axis=-1))


def _array(name: str, value: Any, shape: tuple[int, ...]) -> Float:
    try:
        array = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise InputError(name, value, "be an array of numbers") from None
    if array.shape != shape:
        raise InputError(name, array.shape, f"have shape {shape}", f"States: {', '.join(MESON_NAMES)}.")
    if not np.all(np.isfinite(array)):
        raise InputError(name, value, "be finite")
    array.setflags(write=False)
    return array


@cache
def _tables() -> dict[str, Any]:
    text = resources.files("qtraj.data").joinpath("feeddown/feeddown.json").read_text(encoding="utf-8")
    tables: dict[str, Any] = json.loads(text)
    if tuple(tables["states"]) != MESON_NAMES:
        raise InputError("feeddown.json", tables["states"], f"list the states as {MESON_NAMES}")
    return tables
