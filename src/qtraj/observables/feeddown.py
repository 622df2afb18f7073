"""Feed-down: from the survival of states made in the collision to what is measured after their decays.

R_AA with feed-down is that of arXiv:2012.01240; `FeedDown.source` says where the fractions come from.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from .._checks import boolean, choice, float_array, mapping, settle, text
from .._types import Float
from ..errors import InputError
from ..states import MESONS

MESON_NAMES: Final = tuple(meson.name for meson in MESONS)
"""PDG names of the nine states, in the order of every array of length nine."""

# errors of measured input that enter R_AA; a table without errors of its own cannot give them
NOT_ESTIMATED: Final = ("feed-down fractions", "cross sections")
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
    matrix_shifts : mapping of str to array_like, shape (9, 9), optional
        How the matrix changes when one measured branching fraction rises by its standard error; the keys name
        the decays, whose errors are independent.
    sigma_exp_error : array_like, shape (9,), optional
        Independent standard errors of `sigma_exp`, in its unit.

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
    matrix_shifts: Mapping[str, Any] = field(default_factory=dict)
    sigma_exp_error: Any = None

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
        given = mapping("matrix_shifts", self.matrix_shifts)
        settle(
            self,
            matrix=matrix,
            sigma_exp=sigma_exp,
            name=text("name", self.name),
            source=text("source", self.source),
            matrix_shifts={n: _array(f"matrix_shifts[{n!r}]", s, matrix.shape) for n, s in given.items()},
        )
        if self.sigma_exp_error is not None:
            error = _array("sigma_exp_error", self.sigma_exp_error, (_COUNT,))
            if np.any(error < 0):
                raise InputError("sigma_exp_error", self.sigma_exp_error, "hold non-negative errors")
            settle(self, sigma_exp_error=error)
        direct = self.sigma_direct
        if np.any(direct < 0):
            least = f"{MESON_NAMES[int(np.argmin(direct))]}: direct part {direct.min():.4g}"
            allowed, remedy = "exceed the feed-down from heavier states", "Check the order of the states."
            raise InputError("sigma_exp", least, allowed, remedy)

    @classmethod
    def named(cls, name: str = "group", *, errors: bool = True) -> FeedDown:
        """Return a table shipped with the package, `name` "group" or "pdg2026".

        ``"group"``: the one-step fractions of the Kent State group's papers, without Y(2S), Y(3S) -> chi_b;
        ``"pdg2026"``: the cascade-complete matrix (1 - B)^-1 from PDG 2026 branching fractions. Without `errors`, those
        of the fractions in PDG 2026, nothing of `matrix_shifts` enters R_AA. `InputError` if there is no table of this
        name.
        """
        tables = _tables()
        errors = boolean("errors", errors)
        name = choice("name", name, tables["matrices"], f"be one of {', '.join(tables['matrices'])}")
        entry = tables["matrices"][name]
        source = f"matrix: {entry['source']}; sigma_exp: {tables['sigma_exp_source']}"
        return cls(entry["matrix"], tables["sigma_exp"], name, source, _shifts(name) if errors else {})

    @cached_property
    def sigma_direct(self) -> Float:
        """Cross sections without feed-down, F^-1 sigma_exp, shape (9,)."""
        return np.asarray(np.linalg.solve(self.matrix, self.sigma_exp))

    def apply(self, survival: ArrayLike) -> Float:
        r"""Return R_AA of the nine states.

        .. math:: R_{AA}^i = [F (S \sigma_{direct})]_i / [F \sigma_{direct}]_i

        the definition used with arXiv:2012.01240; linear in S, with non-negative coefficients that sum to 1. `survival`
        is S, shape (..., 9), in the order of `MESON_NAMES`; R_AA, of that shape, is exactly 1 where nothing is lost.
        """
        # contiguous rows make every sum run in one order, so that survival 1 gives 1.0 to the last bit;
        # complex survivals carry derivatives (see `sums.estimate`)
        survival = np.ascontiguousarray(survival, dtype=complex if np.iscomplexobj(survival) else float)
        if survival.shape[-1:] != (_COUNT,):
            raise InputError("survival", survival.shape, f"have a last axis of length {_COUNT}")
        yields = self.matrix * self.sigma_direct
        return np.asarray(np.sum(yields * survival[..., None, :], axis=-1) / np.sum(yields, axis=-1))

    @cached_property
    def variations(self) -> tuple[tuple[str, FeedDown, FeedDown], ...]:
        """Tables with one measured number one standard error up and down, as (part, up, down).

        ``part`` is ``"branching"`` or ``"cross_sections"``: the part of an error it belongs to. Half the difference
        that an observable makes between the two is the error that this number gives it.
        """
        exact, varied = replace(self, matrix_shifts={}, sigma_exp_error=None), []
        for shift in self.matrix_shifts.values():
            # a fraction with an error as large as itself stops at zero
            up, down = (replace(exact, matrix=np.maximum(self.matrix + s * shift, 0.0)) for s in (1, -1))
            varied.append(("branching", up, down))
        if self.sigma_exp_error is not None:
            for shift in np.diag(self.sigma_exp_error)[self.sigma_exp_error > 0]:
                up, down = (replace(exact, sigma_exp=self.sigma_exp + s * shift) for s in (1, -1))
                varied.append(("cross_sections", up, down))
        return tuple(varied)

    @property
    def not_estimated(self) -> tuple[str, ...]:
        """Errors of R_AA that this table cannot give because it has no errors of its own."""
        known = (bool(self.matrix_shifts), self.sigma_exp_error is not None)
        return tuple(name for name, there in zip(NOT_ESTIMATED, known, strict=True) if not there)


def _array(name: str, value: Any, shape: tuple[int, ...]) -> Float:
    array = float_array(name, value, "be an array of numbers")
    if array.shape != shape:
        raise InputError(name, array.shape, f"have shape {shape}", f"States: {', '.join(MESON_NAMES)}.")
    if not np.all(np.isfinite(array)):
        raise InputError(name, value, "be finite")
    array.setflags(write=False)
    return array


@cache
def _shifts(name: str) -> dict[str, Float]:
    """Return the changes of a shipped matrix per standard error of each of its decays (PDG 2026)."""
    text = resources.files("qtraj.data").joinpath("feeddown/branching.csv").read_text(encoding="utf-8")
    matrix = np.array(_tables()["matrices"][name]["matrix"])
    shifts = {}
    for row in csv.DictReader(text.splitlines()):
        if name not in row["used_by"].split():
            continue
        step = np.zeros((_COUNT, _COUNT))
        place = MESON_NAMES.index(row["daughter"]), MESON_NAMES.index(row["parent"])
        step[place] = float(row["pdg2026_error"])
        if (
            name == "pdg2026"
        ):  # F = (1 - B)^-1 of a cascade changes by F dB F, one of single steps by dB itself
            step = matrix @ step @ matrix
        shifts[f"{row['parent']} -> {row['daughter']} {row['channel']}"] = step
    return shifts


@cache
def _tables() -> dict[str, Any]:
    text = resources.files("qtraj.data").joinpath("feeddown/feeddown.json").read_text(encoding="utf-8")
    tables: dict[str, Any] = json.loads(text)
    if tuple(tables["states"]) != MESON_NAMES:
        raise InputError("feeddown.json", tables["states"], f"list the states as {MESON_NAMES}")
    return tables
