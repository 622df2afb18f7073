"""Measurements of the Upsilon states in nuclear collisions, as shipped with the package."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from importlib import resources
from math import inf
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from ..._checks import boolean, interval, positive, settle, text, texts
from ..._types import Float
from ...errors import InputError
from ...states import shown

Range = tuple[float, float]

EVERYTHING: Final[Range] = (-inf, inf)

_NUMBER = r"(-?\d+(?:\.\d+)?)"
# low < name < high, name < high or name > low
_CONDITION = re.compile(rf"(?:{_NUMBER}<(?!.*>))?(\|y_cm\||\|y\||pT|y_cm|y|Ntrk)([<>]){_NUMBER}(?: GeV)?")

# tables in ``qtraj/data/experiment``; its README explains columns, quality and status
FILES: Final = (
    "upsilon_raa_AA.csv",
    "upsilon_raa_group_notebook.csv",
    "upsilon_double_ratio.csv",
    "upsilon_double_ratio_OO_preliminary.csv",
    "upsilon_v2.csv",
    "upsilon_rpa.csv",
)
STATUSES: Final = ("current", "superseded", "preliminary", "duplicate")

_Row = dict[str, str]
_IDENTITY: Final = (
    *("experiment", "system", "sqrt_s_GeV", "state", "observable"),
    *("x_name", "kinematics", "paper", "quality", "status"),
)
NUMBERS: Final = (
    *("x", "x_low", "x_high", "value", "stat_plus", "stat_minus", "syst_plus", "syst_minus"),
    *("total_plus", "total_minus", "global_rel_plus", "global_rel_minus", "upper_limit_cl"),
)


@dataclass(frozen=True)
class Acceptance:
    """Range of p_T in GeV and of rapidity in which a measurement counts mesons.

    Parameters
    ----------
    pT : (float, float)
        In GeV; 0 to infinity where no limit is stated.
    y : (float, float)
        Rapidity, that of the nucleon-nucleon center of mass in proton-nucleus collisions.
    other : tuple of str
        Conditions on something else, such as the number of tracks.

    Raises
    ------
    InputError
        If a range is none.
    """

    pT: Range = (0.0, inf)
    y: Range = EVERYTHING
    other: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        settle(self, pT=interval("pT", self.pT), y=interval("y", self.y), other=texts("other", self.other))

    @classmethod
    def parse(cls, kinematics: str) -> Acceptance:
        """Read `kinematics`, words such as ``pT<30 GeV; |y|<2.4`` or ``-4.46<y_cm<-2.96``, or raise `InputError`."""
        text("kinematics", kinematics)
        ranges: dict[str, Range] = {}
        other: list[str] = []
        for condition in filter(None, map(str.strip, kinematics.split(";"))):
            match = _CONDITION.fullmatch(condition)
            if match is None:
                allowed = "be a condition such as 'pT<30 GeV', '|y|<2.4' or '2.5<y<4'"
                raise InputError("kinematics", condition, allowed)
            name, end = match[2], float(match[4])
            limits = (float(match[1] or -inf), end) if match[3] == "<" else (end, inf)
            if name == "pT":
                ranges["pT"] = max(limits[0], 0.0), limits[1]
            elif name.startswith("|"):
                # of 1.2<|y|<2.4 one side stands for both
                ranges["y"] = limits if limits[0] > 0 else (-limits[1], limits[1])
            elif name.startswith("y"):
                ranges["y"] = limits
            else:
                other.append(condition)
        return cls(**ranges, other=tuple(other))

    def within(self, pT: Range | None = None, y: Range | None = None) -> bool:
        """Return whether the acceptance lies in `pT` (GeV) and `y`, ends included; None does not restrict."""
        pairs = ((self.pT, pT), (self.y, y))
        return all(outer is None or (outer[0] <= inner[0] and inner[1] <= outer[1]) for inner, outer in pairs)


@dataclass(frozen=True, eq=False)
class DataSet:
    """Points of one measurement: one experiment, state, observable and kinematic range.

    Attributes
    ----------
    experiment, system, state, observable, x_name : str
        For example ``"CMS"``, ``"PbPb"``, ``"Y(1S)"``, ``"R_AA"``, ``"N_part"``.
    sqrt_s_GeV : float
        Center-of-mass energy per nucleon pair.
    kinematics, paper, arxiv, hepdata, quality, status, note, read_from : str
        Acceptance, journal reference, preprint, DOI of the table, how the numbers were read, whether to use
        them, remarks, and the public file they were read from.
    x, x_low, x_high : ndarray, shape (n,)
        Position and bin edges; NaN where there is none.
    value : ndarray, shape (n,)
        The measured values, or upper limits.
    stat_plus, stat_minus, syst_plus, syst_minus, total_plus, total_minus : ndarray, shape (n,)
        Absolute statistical and point-to-point systematic errors, and their quadrature; NaN if unknown.
    global_rel_plus, global_rel_minus : ndarray, shape (n,)
        Relative global uncertainty, common to all points; NaN if unknown.
    upper_limit_cl : ndarray, shape (n,)
        Confidence level of an upper limit, NaN for a measured point.
    centrality : tuple of str, length n
        Centrality class of each point, empty if not stated.
    """

    experiment: str
    system: str
    sqrt_s_GeV: float
    state: str
    observable: str
    x_name: str
    kinematics: str
    paper: str
    arxiv: str
    hepdata: str
    quality: str
    status: str
    note: str
    read_from: str
    x: Float
    x_low: Float
    x_high: Float
    value: Float
    stat_plus: Float
    stat_minus: Float
    syst_plus: Float
    syst_minus: Float
    total_plus: Float
    total_minus: Float
    global_rel_plus: Float
    global_rel_minus: Float
    upper_limit_cl: Float
    centrality: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.value)

    @property
    def source(self) -> str:
        """What to cite: paper, preprint and DOI of the table, as far as known."""
        doi = f"doi:{self.hepdata}" if self.hepdata else ""
        return ", ".join(text for text in (self.paper, self.arxiv, doi) if text)

    @property
    def acceptance(self) -> Acceptance:
        """Kinematic range, from the words of `kinematics`."""
        return Acceptance.parse(self.kinematics)

    def points(self, chosen: ArrayLike) -> DataSet:
        """Return the points that `chosen`, an index array or a mask, picks."""
        index = np.arange(len(self))[np.asarray(chosen)]
        arrays = {name: getattr(self, name)[index] for name in NUMBERS}
        return replace(self, **arrays, centrality=tuple(self.centrality[i] for i in index))

    def __str__(self) -> str:
        what = f"{self.experiment} {shown(self.state)} {self.observable} against {self.x_name}"
        energy = f"{self.sqrt_s_GeV:g} GeV" if np.isfinite(self.sqrt_s_GeV) else ""
        where = ", ".join(filter(None, (what, f"{self.system} {energy}".strip(), self.kinematics)))
        source = self.source or self.read_from
        return f"{where}: {len(self)} points ({source}; {self.quality}, {self.status})"

    def __repr__(self) -> str:
        return f"DataSet({self})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the points."""
        import pandas as pd  # noqa: PLC0415  `import qtraj` is a third quicker without

        columns: dict[str, Any] = {"centrality": self.centrality} if any(self.centrality) else {}
        columns |= {name: getattr(self, name) for name in NUMBERS}
        table = pd.DataFrame(columns).dropna(axis=1, how="all")  # what no point has is left out
        return f"<p>{escape(str(self))}</p>{table.to_html(index=False, border=0, max_rows=30, na_rep='')}"


def load_raa(
    system: str | None = "PbPb",
    sqrt_s_GeV: float | None = 5020,
    state: str | Collection[str] | None = None,
    experiment: str | Collection[str] | None = None,
    x_name: str | Collection[str] | None = "N_part",
    *,
    observable: str = "R_AA",
    quality: str | Collection[str] | None = None,
    status: str | Collection[str] = "current",
    required: bool = True,
) -> tuple[DataSet, ...]:
    """Return measured R_AA against N_part of Pb-Pb at 5.02 TeV, or what the arguments say: see `load_data`.

    Parameters
    ----------
    system, sqrt_s_GeV, state, experiment, x_name, observable, quality, status, required
        As for `load_data`.

    Returns
    -------
    tuple of DataSet
        As `load_data`.

    Raises
    ------
    InputError
        As `load_data`.
    """
    return load_data(
        observable,
        system=system,
        sqrt_s_GeV=sqrt_s_GeV,
        state=state,
        experiment=experiment,
        x_name=x_name,
        quality=quality,
        status=status,
        required=required,
    )


def load_data(
    observable: str,
    *,
    system: str | None = None,
    sqrt_s_GeV: float | None = None,
    state: str | Collection[str] | None = None,
    experiment: str | Collection[str] | None = None,
    x_name: str | Collection[str] | None = None,
    pT: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    quality: str | Collection[str] | None = None,
    status: str | Collection[str] = "current",
    required: bool = True,
) -> tuple[DataSet, ...]:
    """Return the measurements that match a selection; None does not restrict.

    Parameters
    ----------
    observable : str
        ``"R_AA"``, ``"double_ratio"``, ``"v2"`` or ``"R_pA"``.
    system : str, optional
        ``"PbPb"``, ``"AuAu"``, ``"pPb"``, ``"pAu"``.
    sqrt_s_GeV : float, optional
        8160, 5020, 2760 or 200.
    state : str or collection of str, optional
        Meson names such as ``"Y(1S)"``, or ratios such as ``"Y(2S)/Y(1S)"``.
    experiment : str or collection of str, optional
        ``"CMS"``, ``"ATLAS"``, ``"ALICE"``, ``"LHCb"``, ``"STAR"``.
    x_name : str or collection of str, optional
        ``"N_part"``, ``"centrality_pct"``, ``"pT_GeV"``, ``"abs_y"``, ``"y_cm"`` or ``"integrated"``.
    pT, y : (low, high), optional
        Only measurements whose acceptance lies in this range of p_T in GeV or of rapidity, ends included;
        a measurement in |y| is taken as -y to y. Where a paper states no limit, there is none.
    quality : str or collection of str, optional
        How the numbers were read: ``"hepdata"``, ``"paper_table"``, ``"abstract"``, ``"digitised"``, ``"notebook"``.
    status : str or collection of str, optional
        ``"current"`` by default: superseded and preliminary data and second copies of a measurement
        (``"superseded"``, ``"preliminary"``, ``"duplicate"``) are left out unless asked for.
    required : bool, optional
        Whether it is an error that nothing matches; if not, a name that no table knows has no measurements either.

    Returns
    -------
    tuple of DataSet
        One per experiment, state and kinematic range, in the order of the tables; empty if nothing matches and
        nothing is `required`.

    Raises
    ------
    InputError
        If a name is unknown or nothing matches, and the message lists what is available; or if a table is damaged.
    """
    wanted: dict[str, Collection[str] | None] = {"system": None, "sqrt_s_GeV": None}
    if system is not None:
        wanted["system"] = (text("system", system, "be a name, or None"),)
    if sqrt_s_GeV is not None:
        energy = positive("sqrt_s_GeV", sqrt_s_GeV, "be an energy in GeV, or None")
        wanted["sqrt_s_GeV"] = (f"{energy:g}",)
    given = {"state": state, "experiment": experiment, "x_name": x_name, "quality": quality, "status": status}
    for name, value in given.items():
        if value is None and name != "status":
            wanted[name] = None
        elif isinstance(value, str):
            wanted[name] = (value,)
        else:
            wanted[name] = texts(name, value, "be a name or a collection of names")
    pT = None if pT is None else interval("pT", pT)
    y = None if y is None else interval("y", y)
    required = boolean("required", required)
    rows = [row for row in _table() if row["observable"] == text("observable", observable)]
    if required and not rows:
        known = dict.fromkeys(row["observable"] for row in _table())
        raise InputError("observable", observable, f"be one of {', '.join(known)}")
    for column, names in wanted.items():
        known = dict.fromkeys(row[column] for row in rows)
        for name in names or ():
            # a status is a fixed vocabulary, the other names are what the tables hold
            if required and name not in (STATUSES if column == "status" else known):
                raise InputError(column, name, f"be one of {', '.join(known)}")
    selected = [row for row in rows if all(names is None or row[c] in names for c, names in wanted.items())]
    selected = [row for row in selected if Acceptance.parse(row["kinematics"]).within(pT, y)]
    if required and not selected:
        chosen = ", ".join(f"{c}={'/'.join(names)}" for c, names in wanted.items() if names is not None)
        # what the chosen system and energy offer, or which systems there are
        place = ("system", "sqrt_s_GeV")
        near = [row for row in rows if all(row[c] in (wanted[c] or ()) for c in place)]
        columns = ("experiment", "state", "x_name", "status") if near else place
        lines = dict.fromkeys(" ".join(row[c] for c in columns) for row in near or rows)
        raise InputError("selection", chosen, "match measured points", f"Available: {'; '.join(lines)}.")
    return grouped(selected)


def grouped(rows: Sequence[Mapping[str, str]]) -> tuple[DataSet, ...]:
    """Return the data sets of rows, one per experiment, state and kinematic range, in the order of the rows."""
    groups: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in rows:
        # points against N_part or centrality differ in their class, other ones are measured in one class
        same = () if row["x_name"] in ("N_part", "centrality_pct") else (row["centrality"],)
        groups.setdefault((*(row[c] for c in _IDENTITY), *same), []).append(row)
    found = []
    for group in groups.values():
        first = group[0]
        fields: dict[str, Any] = {c: first[c] for c in _IDENTITY}
        fields["sqrt_s_GeV"] = float(first["sqrt_s_GeV"])
        for column in ("arxiv", "hepdata", "note", "read_from"):
            fields[column] = first.get(column, "")
        for column in NUMBERS:
            # the secondary table holds one symmetric total error
            key = "total" if column.startswith("total") and "total" in first else column
            fields[column] = np.array([float(row.get(key, "") or "nan") for row in group])
            fields[column].setflags(write=False)
        found.append(DataSet(**fields, centrality=tuple(row["centrality"] for row in group)))
    return tuple(found)


@cache
def _table() -> tuple[_Row, ...]:
    folder = resources.files("qtraj.data").joinpath("experiment")
    rows: list[_Row] = []
    for name in FILES:
        rows += csv.DictReader(folder.joinpath(name).read_text(encoding="utf-8").splitlines())
    return tuple(rows)
