"""Any potential that can be written as a Python function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from ..._checks import called, choice, function, settle
from ..._types import Float
from ...errors import InputError
from .coulomb import COLORS, Color, Octet, check_alpha, check_isotropic, octet_of

Function = Callable[..., Any]

# where a function is tried out: from far inside 1S (Bohr radius 0.7 GeV^-1) to far outside 3S (<r> = 9 GeV^-1)
_PROBE_R: Final = np.geomspace(0.01, 30.0, 25)
_PROBE_T: Final = np.array([0.2, 0.3, 0.5])
# GeV^-1, up to 80 fm: where a potential has become V_inf + c/r, if it ever does. In a hot medium a formula with e^x may
# not be finite at the last of them, and has long become constant at the others
_FAR_R: Final = np.array([25.0, 50.0, 100.0, 200.0, 400.0])
# GeV; the two values that three distances give for V_inf agree to it. A common shift of the octet by it is a phase of
# 0.003 in 5 fm/c, and r^{-1/2} times 0.1 GeV would differ by 0.001
_SATURATED: Final = 1e-4
_ARGUMENTS: Final = {1: "(r)", 2: "(r, T)", 4: "(r, T, xi, hard_scale)"}
# GeV; an imaginary part below it is rounding of a complex formula
_ROUNDING: Final = 1e-12
_FOR_ARRAYS: Final = (
    "It is called with NumPy arrays: np.where(r > 1, a, b) takes the place of `a if r > 1 else b`."
)


@dataclass(frozen=True)
class CallablePotential:
    """Potential given by functions of r, of (r, T), or of (r, T, xi, hard_scale).

    Parameters
    ----------
    singlet : callable
        V_s in GeV for NumPy arrays r in GeV^-1, T and hard_scale in GeV, which broadcast against each other; T = 0 must
        give the vacuum potential, real. A complex result is a width, Im V <= 0. A complex function of r alone acts in
        the medium, and its real part in the vacuum.
    alpha : float
        Coulomb coupling C_F alpha_s that sets the Bohr radius of the initial states.
    octet : callable, "casimir", "coulomb" or None
        V_o likewise; V_inf + (V_inf - Re V_s)/8 with V_inf = Re V_s far away, in the vacuum and at each temperature; or
        +alpha/(8 r), the octet's Coulomb potential. None for a model that only ever has singlets: what needs an octet
        then raises.

    Attributes
    ----------
    has_width : bool
        Whether a function is complex.
    is_thermal : bool
        Whether a function depends on the medium or is complex.

    Raises
    ------
    InputError
        If a function takes other numbers of arguments, raises, or is not finite, real at T = 0, absorbing and of the
        shape of its arguments for r from 0.01 to 30 GeV^-1 and T = 0, 0.2, 0.3 and 0.5 GeV; for "casimir", if it does
        not saturate there, and later at any temperature in use.

    Notes
    -----
    V_inf is 2 V(2 R) - V(R), exact for V_inf + c/r. R = 100 and R = 200 GeV^-1 (smaller ones where V overflows there)
    must give it to 1e-4 GeV, or else the potential does not saturate: a string that does not break, or a logarithm.

    Examples
    --------
    >>> import qtraj as qt
    >>> cornell = qt.CallablePotential(lambda r: -0.4 / r + 0.2 * r, alpha=0.4, octet="coulomb")
    """

    singlet: Function
    alpha: float
    octet: Function | Octet | None = None
    has_width: bool = field(init=False, repr=False, compare=False)
    is_thermal: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settle(self, alpha=check_alpha(self.alpha))
        function("singlet", self.singlet, "be a function of r, of (r, T) or of (r, T, xi, hard_scale)")
        if not callable(self.octet):
            allowed = "be a function, 'casimir', 'coulomb' or None"
            settle(self, octet=choice("octet", self.octet, (*get_args(Octet), None), allowed))
        takes_T, is_complex = zip(*map(self._probe, self._functions), strict=True)
        settle(self, has_width=any(is_complex), is_thermal=any(takes_T) or any(is_complex))
        if self.octet == "casimir":
            self._far_away(*np.array([[0.0, *_PROBE_T], np.zeros(4), [0.0, *_PROBE_T]]))

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV at T = 0, for r in GeV^-1, any shape."""
        if color not in self._functions:
            none = np.zeros(1)
            return octet_of(self, r, lambda: (self.vacuum(r, "singlet"), self._far_away(none, none, none)[0]))
        zero = np.zeros_like(r)
        return np.asarray(self._call(color, r, zero, zero, zero).real)

    def medium(self, r: Float, color: Color, T: Float, xi: Float, hard_scale: Float) -> NDArray[Any]:
        """Return V_color(r) in GeV in the medium, shape (nt, nr); see `ThermalPotential.medium`."""
        shape = (len(T), len(r))
        if color not in self._functions:

            def near_and_far() -> tuple[NDArray[Any], Float]:
                return self.medium(r, "singlet", T, xi, hard_scale), self._far_away(T, xi, hard_scale)[
                    :, None
                ]

            return np.broadcast_to(octet_of(self, r, near_and_far), shape)
        if self._count(color) < 4:
            check_isotropic(xi)
        V = self._call(color, r[None], T[:, None], xi[:, None], hard_scale[:, None])
        return np.broadcast_to(V, shape)

    def _far_away(self, T: Float, xi: Float, hard_scale: Float) -> Float:
        """Return Re V_s far away in GeV, shape (nt,); `InputError` where it does not saturate."""
        media = (T[:, None], xi[:, None], hard_scale[:, None])
        with np.errstate(all="ignore"):  # what is not finite is named below
            V = self._call("singlet", _FAR_R[None], *media).real
        V = np.broadcast_to(V, (len(T), len(_FAR_R)))
        limits = 2 * V[:, 1:] - V[:, :-1]
        # the farthest two that are finite
        last = np.where(np.isfinite(limits[:, 3]), 3, np.where(np.isfinite(limits[:, 2]), 2, 1))
        at = np.arange(len(T))
        change = np.abs(limits[at, last] - limits[at, last - 1])
        if not np.all(change <= _SATURATED):
            i = int(np.argmax(~(change <= _SATURATED)))
            where = "in the vacuum" if T[i] == 0 else f"at T = {T[i]:.4g} GeV"
            values = " ".join(f"{v:.4g}" for v in V[i])
            allowed = f"be a function, 'coulomb' or None for a singlet that does not saturate {where}"
            remedy = f"Far away, from 25 to 400 GeV^-1, V_s is {values} GeV; let its string break."
            raise InputError("octet", "casimir", allowed, remedy)
        return np.asarray(limits[at, last])

    @property
    def _functions(self) -> dict[Color, Function]:
        given = dict(zip(COLORS, (self.singlet, self.octet), strict=True))
        return {color: V for color, V in given.items() if callable(V)}

    def _count(self, color: Color) -> int:
        """Return the number of arguments of a function: those without a default."""
        try:
            parameters = inspect.signature(self._functions[color]).parameters.values()
        except (TypeError, ValueError):  # a NumPy ufunc has no signature
            return 1
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return sum(p.kind in kinds and p.default is p.empty for p in parameters)

    def _call(self, color: Color, *arguments: Float) -> NDArray[Any]:
        """Call a function with as many of r, T, xi, hard_scale as it takes."""
        given = arguments[: self._count(color)]
        return np.asarray(called(color, self._functions[color], *given, remedy=_FOR_ARRAYS))

    def _probe(self, color: Color) -> tuple[bool, bool]:
        """Check a function; return whether it takes T and whether it is complex."""
        count = self._count(color)
        if count not in _ARGUMENTS:
            raise InputError(color, self._functions[color], f"take {' or '.join(_ARGUMENTS.values())}")
        T = np.concatenate([[0.0], _PROBE_T])
        r, T_of = np.broadcast_arrays(_PROBE_R[None], T[:, None])
        # an overflow or a division by zero shows in the values, and is named there
        with np.errstate(all="ignore"):
            V = self._call(color, r, T_of, np.zeros_like(r), T_of)
        if V.shape != r.shape or V.dtype.kind not in "iufc":
            allowed = f"return numbers of the shape of its arguments, {r.shape}"
            raise InputError(color, (V.shape, V.dtype), allowed)
        if not np.all(np.isfinite(V)):
            i, j = np.argwhere(~np.isfinite(V))[0]
            where = f"r = {_PROBE_R[j]:.3g} GeV^-1" + (f", T = {T[i]:g} GeV" if count > 1 else "")
            allowed = f"be finite from r = 0.01 to 30 GeV^-1 and at T = 0 (here {where})"
            raise InputError(color, complex(V[i, j]), allowed)
        vacuum = V[0]
        if count > 1 and np.any(np.abs(vacuum.imag) > _ROUNDING):
            worst = complex(vacuum[np.argmax(np.abs(vacuum.imag))])
            raise InputError(color, worst, "be real at T = 0, the vacuum")
        if np.any(V.imag > _ROUNDING):
            raise InputError(color, float(V.imag.max()), "have Im V <= 0: a width absorbs")
        return count > 1, bool(np.iscomplexobj(V))
