"""Potentials given by numbers: V(r) or V(r, T), real or complex, from arrays or from a file (text, or npz)."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline, make_interp_spline

from ..._atomic import decoded
from ..._checks import choice, complex_array, increasing
from ..._checks import path as path_of
from ..._types import Float
from ...errors import FileFormatError, InputError
from ...units import HBARC, to_fm
from ..medium import HINT_MEV, MAX_T
from .coulomb import Color, Octet, check_alpha, check_isotropic, octet_of

Below = Literal["coulomb", "constant"]
Beyond = Literal["constant", "linear"]

# GeV; a table has settled where Re V changes less in the last fifth of its distances. It is what the Coulomb tail of
# alpha = 0.4 changes there at 10 GeV^-1, and 1/20 of what a string does within 1 fm
_SETTLED: Final = 0.01

# Column names of a text file.
COLUMNS: Final = ("r[fm]", "r[GeV^-1]", "V[GeV]", "ReV[GeV]", "ImV[GeV]", "T[GeV]", "octet[GeV]")

_ARRAYS: Final = ("r", "r_fm", "V", "T", "vacuum", "octet")


class TabulatedPotential:
    """Potential interpolated in a table.

    Parameters
    ----------
    r : array_like, shape (nr,)
        Increasing distances in GeV^-1, positive, at least 4. A file may have fm; see `read`.
    V : array_like, shape (nr,) or (nt, nr)
        Singlet potential in GeV, real, or complex with Im V <= 0: a width.
    alpha : float
        Coulomb coupling C_F alpha_s that sets the Bohr radius of the initial states.
    T : array_like, shape (nt,), optional
        Temperatures in GeV of the rows of V, increasing, at least 2. T[0] = 0 is the vacuum.
    vacuum : array_like, shape (nr,), optional
        Real vacuum potential in GeV where T does not begin with 0. For a complex V(r) it is Re V by default.
    octet : array_like of the shape of V, "casimir", "coulomb" or None
        Octet potential in GeV; V_inf + (V_inf - Re V)/8 with V_inf = Re V at the last point, in the vacuum and at each
        temperature; +alpha/(8 r) whatever the table; or None for a model that only ever has singlets: what needs an
        octet then raises.

    Other Parameters
    ----------------
    below : {"coulomb", "constant"}
        Below the first point r Re V is constant, which continues -alpha/r, and Im V falls as r^2, as that of a dipole;
        or V is constant.
    beyond : {"constant", "linear"} or None
        Beyond the last point V stays, or goes on with its slope there; with None a method whose grid reaches further
        raises.

    Raises
    ------
    InputError
        If the arrays are not finite, increasing and of matching shapes, Im V > 0, or the vacuum of a table in T is
        missing; if the octet is "casimir" and the table does not end in a constant; and, when the potential is
        evaluated, outside the table where no rule is given.

    Notes
    -----
    A cubic spline interpolates r V(r), which has no singularity; its error falls as the fourth power of the spacing. In
    T a cubic spline (of lower order for less than four rows) runs through the rows. Where the spline of Im V exceeds 0
    between the points, Im V is 0. The hash is that of the numbers.

    For "casimir" the table must continue with ``beyond="constant"``, and each row of Re V must have settled: it changes
    by at most 0.01 GeV in the last fifth of the distances.
    """

    def __init__(
        self,
        r: ArrayLike,
        V: ArrayLike,
        *,
        alpha: float,
        T: ArrayLike | None = None,
        vacuum: ArrayLike | None = None,
        octet: ArrayLike | Octet | None = None,
        below: Below = "coulomb",
        beyond: Beyond | None = None,
    ) -> None:
        self.alpha = check_alpha(alpha)
        self.below = choice("below", below, get_args(Below))
        self.beyond = choice("beyond", beyond, (*get_args(Beyond), None))
        allowed = "be a 1-D array of at least {} finite, increasing numbers"
        self.r = increasing("r", r, allowed.format(4), least=4)
        if self.r[0] <= 0:
            raise InputError("r", float(self.r[0]), "be positive distances in GeV^-1", "Leave out r = 0.")
        self.T = None if T is None else increasing("T", T, allowed.format(2), least=2)
        if self.T is not None and (self.T[0] < 0 or self.T[-1] > MAX_T):
            raise InputError("T", float(self.T[-1]), f"be temperatures in GeV, 0 to {MAX_T:g}", HINT_MEV)
        shape = self.r.shape if self.T is None else (len(self.T), len(self.r))
        self._rows: dict[Color, NDArray[Any]] = {"singlet": _checked_values("V", V, shape)}
        self.octet: Octet | None = None  # what stands for an octet that is not in the table
        if isinstance(octet, str):
            allowed = "be an array, 'casimir', 'coulomb' or None"
            self.octet = choice("octet", octet, get_args(Octet), allowed)
        elif octet is not None:
            self._rows["octet"] = _checked_values("octet", octet, shape)
        self._vacuum = self._vacuum_rows(vacuum)
        if self.octet == "casimir":
            self._check_settled()
        digest = hashlib.sha256(repr((self.alpha, self.octet, self.below, self.beyond)).encode())
        for array in (self.r, self.T, *self._rows.values(), *self._vacuum.values()):
            digest.update(b"-" if array is None else repr((array.shape, array.dtype.str)).encode())
            digest.update(b"" if array is None else array.tobytes())
        self._digest = digest.hexdigest()

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        alpha: float,
        octet: Octet | None = None,
        below: Below = "coulomb",
        beyond: Beyond | None = None,
    ) -> TabulatedPotential:
        """Return the potential of a file, text or ``.npz``.

        Parameters
        ----------
        path : path-like
            A text file has a line of column names, r[fm] or r[GeV^-1], V[GeV] or ReV[GeV] and ImV[GeV], and optionally
            T[GeV] and octet[GeV], then numbers; ``#`` begins a comment. With T, every temperature has the same r. An
            npz file has arrays ``r`` (GeV^-1) or ``r_fm``, ``V``, and optionally ``T``, ``vacuum``, ``octet``.
        alpha, octet, below, beyond
            As for the class; an octet in the file goes first, and giving both is an error.

        Raises
        ------
        FileFormatError
            If the file is missing or not in this layout.
        InputError
            If an argument is out of range.
        """
        # before the file is read, so that nothing of these is called an error of the file
        check_alpha(alpha)
        choice("octet", octet, (*get_args(Octet), None))
        choice("below", below, get_args(Below))
        choice("beyond", beyond, (*get_args(Beyond), None))
        arrays = read_potential_table(path)
        if octet is not None and "octet" in arrays:
            raise InputError("octet", octet, "be None for a file with an octet")
        arrays.setdefault("octet", octet)
        try:
            return cls(**arrays, alpha=alpha, below=below, beyond=beyond)
        except InputError as error:
            if error.argument in ("below", "beyond") or (error.argument == "octet" and octet is not None):
                raise
            raise FileFormatError(path, str(error).rstrip(".")) from error

    @property
    def has_width(self) -> bool:
        """Whether the table is complex."""
        return any(np.iscomplexobj(rows) for rows in self._rows.values())

    @property
    def is_thermal(self) -> bool:
        """Whether the table depends on T or is complex."""
        return self.T is not None or self.has_width

    @property
    def T_range(self) -> tuple[float, float]:
        """Lowest and highest temperature of the rows in GeV, 0 and infinity for a table of r alone."""
        return (0.0, np.inf) if self.T is None else (float(self.T[0]), float(self.T[-1]))

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV without medium, for r in GeV^-1, any shape."""
        r = np.asarray(r, dtype=float)
        if color not in self._rows:
            row = self._vacuum["singlet"]
            return octet_of(self, r, lambda: (self._in_r(row, r), row[-1]))
        return self._in_r(self._vacuum[color], r)

    def medium(self, r: Float, color: Color, T: Float, xi: Float, hard_scale: Float) -> NDArray[Any]:
        """Return V_color(r) in GeV in the medium, shape (nt, nr); see `ThermalPotential.medium`."""
        check_isotropic(xi)
        if color not in self._rows:

            def near_and_far() -> tuple[NDArray[Any], NDArray[Any]]:
                V = self.medium(np.append(r, self.r[-1]), "singlet", T, xi, hard_scale)
                return V[:, :-1], V[:, -1:].real

            return np.broadcast_to(octet_of(self, r, near_and_far), (len(T), len(r)))
        rows = self._in_r(self._rows[color], r)
        if self.T is None:
            return np.broadcast_to(_absorbing(rows), (len(T), len(r)))
        # no extrapolation in T: a screened potential may do anything beyond its table
        low, high = float(np.min(T, initial=np.inf)), float(np.max(T, initial=0.0))
        if low < self.T[0] or high > self.T[-1]:
            allowed = f"stay inside the table of the potential, {self.T[0]:.4g} to {self.T[-1]:.4g} GeV"
            value = f"T from {low:.4g} to {high:.4g} GeV"
            raise InputError("medium", value, allowed, "Extend the table, or raise T_end.")
        return _absorbing(make_interp_spline(self.T, rows, k=min(3, len(self.T) - 1))(T))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TabulatedPotential) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        temperatures = "" if self.T is None else f", {len(self.T)} T {self.T[0]:g}-{self.T[-1]:g} GeV"
        return (
            f"TabulatedPotential({len(self.r)} r {self.r[0]:g}-{self.r[-1]:g} GeV^-1{temperatures}, "
            f"alpha={self.alpha:g}, sha256={self._digest[:12]})"
        )

    def _vacuum_rows(self, vacuum: ArrayLike | None) -> dict[Color, Float]:
        """Return the vacuum potential (nr,) of each tabulated color."""
        first = {color: rows if self.T is None else rows[0] for color, rows in self._rows.items()}
        if self.T is not None and self.T[0] == 0 and vacuum is not None:
            raise InputError("vacuum", vacuum, "be left out: the row of T = 0 is the vacuum")
        # the vacuum acts before and after the medium: a table must say what it is
        if self.T is not None and self.T[0] > 0:
            if vacuum is None:
                remedy = "In a file, add the rows of T = 0."
                raise InputError(
                    "vacuum", None, f"be given, as T begins with {self.T[0]:g} GeV, not 0", remedy
                )
            if "octet" in self._rows:
                raise InputError("T", float(self.T[0]), "begin with 0 for a table with an octet")
        elif self.T is not None and any(np.iscomplexobj(row) and np.any(row.imag) for row in first.values()):
            raise InputError("V", "complex", "be real at T = 0, the vacuum")
        if vacuum is not None:
            first["singlet"] = _checked_values("vacuum", vacuum, self.r.shape)
            if np.iscomplexobj(first["singlet"]):
                raise InputError("vacuum", vacuum, "be real")
        return {color: np.asarray(row.real) for color, row in first.items()}

    def _check_settled(self) -> None:
        """Refuse a table without a limit far away for an octet that needs one."""
        remedy = "It needs V far away; else give an octet, or octet='coulomb'."
        if self.beyond != "constant":
            allowed = f"go with beyond='constant', not {self.beyond!r}"
            raise InputError("octet", "casimir", allowed, remedy)
        late = np.linspace(0.8, 1.0, 9) * self.r[-1]
        for rows in (self._rows["singlet"].real, self._vacuum["singlet"]):
            worst = float(np.max(np.ptp(self._in_r(rows, late), axis=-1)))
            if worst > _SETTLED:
                allowed = "go with a table that has settled: the last fifth of its distances within 0.01 GeV"
                raise InputError("octet", f"casimir, and V changes by {worst:.3g} GeV", allowed, remedy)

    def _in_r(self, rows: NDArray[Any], r: Float) -> NDArray[Any]:
        """Interpolate V of shape (..., nr) to the distances r, shape (..., *r.shape)."""
        first, last = self.r[0], self.r[-1]
        if self.beyond is None and np.any(r > last):
            end = f"the table ends at {last:.4g} GeV^-1 ({to_fm(last):.3g} fm)"
            allowed = f"be 'constant' or 'linear': {end} and the grid reaches {float(np.max(r)):.4g}"
            raise InputError("beyond", None, allowed)
        # r V(r) has no singularity at the origin
        spline = CubicSpline(self.r, self.r * rows, axis=-1)
        inside = np.clip(r, first, last)
        V = spline(inside) / inside
        if self.below == "coulomb":
            near = np.multiply.outer(rows[..., 0].real * first, 1 / r)
            if np.iscomplexobj(rows):  # a small pair is neutral: its width is that of a dipole
                near = near + 1j * np.multiply.outer(rows[..., 0].imag / first**2, r**2)
            V = np.where(r < first, near, V)
        if self.beyond == "linear":
            slope = (spline(last, 1) - rows[..., -1]) / last  # (r V)' = V + r V'
            V = V + np.multiply.outer(slope, np.maximum(r - last, 0.0))
        return np.asarray(V)


def _absorbing(V: NDArray[Any]) -> NDArray[Any]:
    """Return V with the overshoot of the interpolation above Im V = 0 cut off."""
    return V.real + 1j * np.minimum(V.imag, 0.0) if np.iscomplexobj(V) else np.asarray(V)


def _checked_values(name: str, V: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return V of the given shape in GeV, complex only where an imaginary part is not 0, or raise `InputError`."""
    array = complex_array(name, V, "be an array of numbers in GeV")
    if array.shape != shape:
        raise InputError(name, array.shape, f"be of shape {shape}, the axes of the table")
    if not np.all(np.isfinite(array)):
        raise InputError(name, complex(array[~np.isfinite(array)][0]), "be finite")
    if not np.any(array.imag):
        return np.array(array.real, dtype=float)
    if np.any(array.imag > 0):
        raise InputError(name, float(array.imag.max()), "have Im V <= 0: a width absorbs")
    return np.array(array, dtype=complex)


def read_potential_table(path: str | Path) -> dict[str, Any]:
    """Return the arrays of a file by the argument names of `TabulatedPotential`: r, V, and T, vacuum, octet if any."""
    file = path_of("path", path)
    if not file.is_file():
        raise FileFormatError(file, "there is no such file")
    return _read_npz(file) if file.suffix == ".npz" else _read_text(file)


def _read_npz(file: Path) -> dict[str, Any]:
    if not zipfile.is_zipfile(file):
        raise FileFormatError(file, "it is no npz file, or a truncated one")
    try:
        # no pickles: a file must not run code
        with file.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(file, f"it is no npz file of plain arrays ({error})") from None
    unknown = sorted(set(arrays) - set(_ARRAYS))
    if unknown:
        raise FileFormatError(file, f"unknown arrays {unknown}", f"Known are {', '.join(_ARRAYS)}.")
    if ("r" in arrays) == ("r_fm" in arrays) or "V" not in arrays:
        remedy = "It must have V and one of r (GeV^-1) and r_fm."
        raise FileFormatError(file, f"it has {sorted(arrays)}", remedy)
    if "r_fm" in arrays:
        arrays["r"] = arrays.pop("r_fm") / HBARC
    return arrays


def _read_text(file: Path) -> dict[str, Any]:
    try:
        lines = [_words(line) for line in decoded(file.read_bytes()).splitlines()]
    except ValueError:
        raise FileFormatError(file, "it is no text file", "Text, or npz by its name.") from None
    lines = [line for line in lines if line]
    if len(lines) < 2:
        raise FileFormatError(file, "it has no line of column names followed by numbers")
    names = lines[0]
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(names):
            problem = f"row {number} has {len(line)} numbers for {len(names)} column names"
            raise FileFormatError(file, problem)
    try:
        values = np.array(lines[1:], dtype=float)
    except ValueError as error:
        raise FileFormatError(file, f"a row holds no number: {error}") from None
    unknown = [name for name in names if name not in COLUMNS]
    remedy = f"Known columns are {', '.join(COLUMNS)}."
    if len(unknown) == len(names):
        remedy = f"They stand above the numbers, such as r[GeV^-1] V[GeV]. {remedy}"
        problem = f"its first line does not name the columns, but is {' '.join(names)}"
        raise FileFormatError(file, problem, remedy)
    if unknown or len(set(names)) < len(names):
        raise FileFormatError(file, f"unknown or repeated columns in {names}", remedy)
    distances, potentials = ({"r[fm]", "r[GeV^-1]"} & {*names}, {"V[GeV]", "ReV[GeV]"} & {*names})
    if len(distances) != 1 or len(potentials) != 1:
        remedy = "One distance and one of V[GeV] and ReV[GeV] are needed."
        raise FileFormatError(file, f"columns {names}", remedy)
    if "ImV[GeV]" in names and "ReV[GeV]" not in names:
        raise FileFormatError(file, f"columns {names}", "ImV[GeV] goes with ReV[GeV].")
    columns = dict(zip(names, values.T, strict=True))
    columns["r"] = columns.pop("r[fm]") / HBARC if "r[fm]" in columns else columns.pop("r[GeV^-1]")
    V = columns[potentials.pop()]
    fields: dict[str, NDArray[Any]] = {"V": V + 1j * columns["ImV[GeV]"] if "ImV[GeV]" in columns else V}
    if "octet[GeV]" in columns:
        fields["octet"] = columns["octet[GeV]"]
    if "T[GeV]" not in columns:
        return {"r": columns["r"], **fields}
    # on a grid, whatever the order of the rows
    r, T = columns["r"], columns["T[GeV]"]
    order, on_r, on_T = np.lexsort((r, T)), np.unique(r), np.unique(T)
    if not np.array_equal(r[order], np.tile(on_r, len(on_T))):
        raise FileFormatError(file, f"{len(r)} rows are no grid of {len(on_T)} T and {len(on_r)} r")
    on_grid = {name: values[order].reshape(len(on_T), len(on_r)) for name, values in fields.items()}
    return {"r": on_r, "T": on_T, **on_grid}


def _words(line: str) -> list[str]:
    """Return the words of a line without its comment; semicolons or commas may stand between them."""
    content = line.partition("#")[0]
    if ";" in content:  # and then a comma is a decimal one
        content = content.replace(",", ".").replace(";", " ")
    return content.replace(",", " ").split()
