"""Survival along many paths, with where and how each pair was made: the input of every observable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from .._checks import choice, complex_array, float_array, interval, mapping, settle
from .._types import Float
from ..errors import InputError
from ..states import MESONS, STATE_NAMES
from .estimate import Estimate, joint_errors

# which survival: of all pairs, of those that never jumped, or the difference
Part = Literal["total", "no_jump", "regeneration"]


class Axis(NamedTuple):
    """A variable that observables are shown against: the one place of its names."""

    words: str
    symbol: str  # plain text, as is the unit; empty where there is none
    unit: str
    label: str  # of the axis of a figure, in Matplotlib's mathtext
    column: str | None  # of a `SurvivalTable`; None for a number over all rows

    @property
    def name(self) -> str:
        """Symbol, or the words of what has none."""
        return self.symbol or self.words

    @property
    def heading(self) -> str:
        """Words, symbol and unit in plain text: ``"transverse momentum p_T [GeV]"``."""
        return " ".join(filter(None, (self.words, self.symbol, self.unit and f"[{self.unit}]")))


# name of the axis of a single number over everything, minimum bias for a table of all centralities
INTEGRATED: Final = "integrated"
# every axis by its name, which is that of the data tables
AXES: Final = {
    "b_fm": Axis("impact parameter", "b", "fm", r"$\mathit{b}$ [fm]", "b_fm"),
    "N_part": Axis(
        "mean number of participants", "N_part", "", r"$\langle \mathit{N}_\mathrm{part}\rangle$", "n_part"
    ),
    "centrality_pct": Axis("centrality", "", "%", "Centrality [%]", "centrality_pct"),
    "pT_GeV": Axis("transverse momentum", "p_T", "GeV", r"$\mathit{p}_\mathrm{T}$ [GeV]", "pT"),
    "y": Axis("rapidity", "y", "", r"$\mathit{y}$", "y"),
    "abs_y": Axis("rapidity", "|y|", "", r"$|\mathit{y}|$", "y"),
    "y_cm": Axis(
        "rapidity in the nucleon-nucleon center of mass", "y_cm", "", r"$\mathit{y}_\mathrm{cm}$", "y"
    ),
    "phi": Axis("angle from the reaction plane", "phi", "rad", r"$\mathit{\phi}$ [rad]", "phi"),
    INTEGRATED: Axis("selection", "", "", "", None),
}


def selected(selection: str) -> str:
    """Return a selection such as ``10 <= centrality_pct < 90`` in words: ``centrality 10 to 90 %``."""

    def words(match: re.Match[str]) -> str:
        low, name, high = match.groups()
        axis = AXES.get(name, Axis(name, "", "", "", None))
        return f"{axis.words} {low} to {high} {axis.unit}".strip()

    return re.sub(r"([^\s,]+) <= (\w+) < ([^\s,]+)", words, selection)


# column of the radial state that each of the nine mesons takes its survival from
MESON_COLUMNS: Final = np.array([STATE_NAMES.index(meson.radial) for meson in MESONS])
# the radial states that feed-down mixes
FED_STATES: Final = tuple(dict.fromkeys(meson.radial for meson in MESONS))
_OPTIONAL: Final = ("b_fm", "n_part", "centrality_pct", "pT", "phi", "y")


@dataclass(frozen=True, eq=False)
class SurvivalTable:
    """One row per path of a pair (or per quantum trajectory), for one setting of the model.

    Parameters
    ----------
    survival : Estimate or array_like, shape (n, 6)
        Survival of the radial states in the order of `STATE_NAMES`, with the numerical parts of its error; NaN
        where a row does not know a state (a run that starts in l = 0 does not know 1P).
    replicate : array_like of int, shape (n,)
        Independent group of each row: the replicate of a Sobol sequence, or the row itself where rows are
        independent. The scatter of groups is the statistical error of everything.
    no_jump : Estimate or array_like, shape (n, 6), optional
        Survival without any jump on the same paths.
    weight : array_like, shape (n,), optional
        Non-negative weight of each row; 1 by default.
    b_fm, n_part, centrality_pct : array_like, shape (n,), optional
        Impact parameter in fm, mean number of participants, centrality in percent (0 is head-on).
    pT, phi, y : array_like, shape (n,), optional
        Transverse momentum in GeV, its direction from the reaction plane in radians, rapidity; in
        proton-nucleus collisions that in the nucleon-nucleon center of mass, positive along the proton.
    attrs : mapping, optional
        Where the numbers come from; ``kappa``, ``gamma``, ``T_end`` where they are known.
    emulation : array_like of int, shape (n,), optional
        0 for a solved path, the only kind without it. -k for a path of sample k, k >= 1, whose survival is emulated; +k
        for a solved path of that sample, whose row holds solved minus emulated survival: it adds to the mean of the
        rows -k, see `qtraj.emulation.corrected_table`.

    Raises
    ------
    InputError
        If a shape differs, a number is not finite, a weight is negative, or no row knows any state.
    """

    survival: Any
    replicate: Any
    no_jump: Any = None
    weight: Any = None
    b_fm: Any = None
    n_part: Any = None
    centrality_pct: Any = None
    pT: Any = None
    phi: Any = None
    y: Any = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    emulation: Any = None

    def __post_init__(self) -> None:
        settle(self, survival=_survival("survival", self.survival))
        n = len(self.survival.value)
        if self.no_jump is not None:
            settle(self, no_jump=_survival("no_jump", self.no_jump))
            if not np.array_equal(np.isnan(self.no_jump.value), np.isnan(self.survival.value)):
                raise InputError("no_jump", self.no_jump.value.shape, "know the states that `survival` knows")
        allowed = f"be {n} integers, one for each row"
        for name in ("replicate", *(() if self.emulation is None else ("emulation",))):
            whole = complex_array(name, getattr(self, name), allowed)
            if whole.shape != (n,) or whole.dtype.kind not in "iu":
                raise InputError(name, getattr(self, name), allowed)
            settle(self, **{name: whole.astype(np.int64)})
        weight = np.ones(n) if self.weight is None else self.weight
        settle(self, weight=weight)
        for name in ("weight", *_OPTIONAL):
            if getattr(self, name) is not None:
                column = float_array(name, getattr(self, name))
                if column.shape != (n,) or not np.all(np.isfinite(column)):
                    raise InputError(name, getattr(self, name), f"be {n} finite numbers, one for each row")
                settle(self, **{name: column})
        if np.any(self.weight < 0) or self.weight.sum() <= 0:
            raise InputError("weight", weight, "be non-negative with a positive sum")
        mapping("attrs", self.attrs)

    def __len__(self) -> int:
        return len(self.replicate)

    def __repr__(self) -> str:
        columns = [name for name in _OPTIONAL if getattr(self, name) is not None]
        groups = len(np.unique(self.replicate))
        return (
            f"SurvivalTable of {len(self)} rows in {groups} independent groups: {', '.join(self.states)}"
            f"{'' if self.no_jump is None else ', also without jump'}; {', '.join(columns) or 'no columns of paths'}"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: between what the rows lie."""
        import pandas as pd  # noqa: PLC0415  `import qtraj` is a third quicker without

        columns = {s: self.survival.value[:, STATE_NAMES.index(s)] for s in self.states}
        columns |= {
            name: getattr(self, name) for name in ("weight", *_OPTIONAL) if getattr(self, name) is not None
        }
        table = pd.DataFrame(columns).agg(["min", "mean", "max"]).T
        return f"<p>{escape(repr(self))}</p>{table.to_html(border=0)}"

    @property
    def states(self) -> tuple[str, ...]:
        """Radial states that at least one row knows."""
        known = np.any(np.isfinite(self.survival.value), axis=0)
        return tuple(state for state, there in zip(STATE_NAMES, known, strict=True) if there)

    def part(self, part: Part = "total") -> Estimate:
        """Return the `part` "total", "no_jump" or "regeneration", shape (n, 6); `InputError` without no-jump survival.

        Regeneration is the total minus its no-jump part, path by path; the numerical parts of both add, as bounds on a
        difference do.
        """
        part = choice("part", part, get_args(Part), f"be one of {', '.join(get_args(Part))}")
        total: Estimate = self.survival
        if part == "total":
            return total
        if self.no_jump is None:
            raise InputError("part", part, "be 'total' for a table without no-jump survivals")
        no_jump: Estimate = self.no_jump
        if part == "no_jump":
            return no_jump
        return Estimate(total.value - no_jump.value, *joint_errors(total, no_jump))

    def column_known(self, name: str) -> bool:
        """Return whether the table has the column behind the axis `name`, one of `AXES`."""
        return self._on(name) is not None

    def coordinate(self, name: str) -> Float:
        """Return a column by the `name` of an axis, one of `AXES`; `InputError` if the table lacks it."""
        known = [axis for axis in AXES if axis != INTEGRATED]
        name = choice("x_name", name, known, f"be one of {', '.join(known)}")
        values = self._on(name)
        if values is None:
            allowed = f"belong to a column of the table, which lacks {AXES[name].column}"
            geometric = name in ("N_part", "centrality_pct")
            remedy = (
                "`with_geometry` gives tables with b_fm their N_part and centrality." if geometric else ""
            )
            raise InputError("x_name", name, allowed, remedy)
        return np.abs(values) if name == "abs_y" else np.asarray(values)

    def _on(self, axis: str) -> Any:
        return getattr(self, str(AXES[axis].column))

    def rows(self, chosen: ArrayLike) -> SurvivalTable:
        """Return the rows that `chosen`, an index array or a mask, picks."""
        index = np.arange(len(self))[np.asarray(chosen)]
        if not len(index):
            raise InputError("chosen", 0, "leave at least one row")

        def pick(value: Any) -> Any:
            return value if value is None else value[index]

        names = ("replicate", "weight", *_OPTIONAL, "emulation")
        columns = {name: pick(getattr(self, name)) for name in names}
        return replace(self, survival=pick(self.survival), no_jump=pick(self.no_jump), **columns)

    def select(self, **ranges: tuple[float, float] | None) -> SurvivalTable:
        """Return the rows inside ranges, for example ``select(centrality_pct=(10, 60), abs_y=(0, 2.4))``.

        `ranges` (low, high), low <= x < high, are keyed by the names of `AXES`; None does not restrict. `InputError` if
        a name is unknown, a range is not increasing, or no row is inside.
        """
        if all(limits is None for limits in ranges.values()):
            return self
        inside = np.ones(len(self), dtype=bool)
        for name, limits in ranges.items():
            if limits is None:
                continue
            low, high = interval(name, limits, "be a range (low, high) with low < high")
            x = self.coordinate(name)
            inside &= (low <= x) & (x < high)
        if not inside.any():
            raise InputError("ranges", ranges, "hold at least one row of the table")
        return self.rows(inside)

    def check_states(self) -> None:
        """Raise `InputError` if a state that feed-down needs is unknown in every row."""
        missing = [state for state in FED_STATES if state not in self.states]
        if missing:
            allowed = f"hold {', '.join(FED_STATES)}: feed-down mixes them"
            remedy = f"Add a run that starts in the l of {', '.join(missing)}."
            raise InputError("survival", ", ".join(self.states), allowed, remedy)


def _survival(name: str, value: Any) -> Estimate:
    estimate = value if isinstance(value, Estimate) else Estimate(float_array(name, value))
    shape = np.shape(estimate.value)
    if len(shape) != 2 or shape[1] != len(STATE_NAMES) or not shape[0]:
        raise InputError(name, shape, f"have shape (n, {len(STATE_NAMES)}), n at least 1")
    if np.any(np.isinf(estimate.value)) or np.all(np.isnan(estimate.value)):
        raise InputError(name, estimate.value, "be finite, or NaN where a row does not know a state")
    return estimate
