"""Heavy-quark transport coefficients kappa = kappa_hat(T) T^3 and gamma = gamma_hat T^3 + gamma(0)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from .._checks import called, choice, float_array, number, settle
from .._types import Float
from ..errors import InputError

FitName = Literal["central", "lower", "upper"]

# Coefficients (a, b, c, d) of 1/kappa_hat = a + b x^(1/2) + c x + d x^(3/2), x = T/T_c: fits to the lattice band used
# by arXiv:2012.01240 and arXiv:2107.06147.
KAPPA_FITS: Final[dict[str, tuple[float, float, float, float]]] = {
    "central": (-0.51888965324059919, 0.98030718982413288, -0.083409768363912536, 0.0039726666253277474),
    "lower": (-0.8071156107961191, 1.5560083173857689, -0.14261556412444807, 0.0071217431979965582),
    "upper": (-0.38196931268763431, 0.71513037386309615, -0.058542116432588807, 0.0027170443410800557),
}


@dataclass(frozen=True)
class Interpolated:
    """A coefficient given at some temperatures; between them a monotone cubic, which does not overshoot."""

    name: str  # ``kappa`` or ``gamma``, for messages
    T: tuple[float, ...]  # increasing temperatures in GeV
    values: tuple[float, ...]  # kappa/T^3 or gamma/T^3

    def __call__(self, T: Float) -> Float:
        """Return the coefficient at temperatures in GeV, any shape."""
        if np.size(T) and (np.min(T) < self.T[0] or np.max(T) > self.T[-1]):
            allowed = f"reach from {float(np.min(T)):.4g} to {float(np.max(T)):.4g} GeV"
            raise InputError(self.name, f"a table from {self.T[0]:g} to {self.T[-1]:g} GeV", allowed)
        return np.asarray(PchipInterpolator(self.T, self.values)(T))


Kappa = FitName | float | Interpolated
"""kappa_hat of a preset."""


class Preset(NamedTuple):
    """Coefficients in use: three kappa_hat (central, lower, upper), gamma_hat (central first), and the source."""

    kappa: tuple[Kappa, Kappa, Kappa]
    gamma: tuple[float, ...]
    source: str

    def entries(self, name: str) -> dict[str, list[Any]]:
        """Return kappa and gamma as a run file writes them, tables named after the preset of this name."""
        kappa = [
            {"points": list(zip(k.T, k.values, strict=True)), "name": f"{name} {edge}"}
            if isinstance(k, Interpolated)
            else k
            for k, edge in zip(self.kappa, get_args(FitName), strict=True)
        ]
        return {"kappa": kappa, "gamma": list(self.gamma)}


def _lattice(*values: float) -> Interpolated:
    return Interpolated("kappa", (0.195, 0.220, 0.251, 0.293), values)


# where a source gives a range only, central is its middle; where it gives no gamma, gamma is 0
PRESETS: Final[dict[str, Preset]] = {
    "group": Preset(("central", "lower", "upper"), (-1.75, -3.5, 0.0), "fits of arXiv:2012.01240"),
    "nlo-PbPb": Preset((3.5, 3.0, 4.0), (0.0,), "in use at NLO (arXiv:2205.10289) for Pb-Pb at 5.02 TeV"),
    "nlo-AuAu": Preset((4.5, 4.0, 5.0), (0.0,), "in use at NLO (arXiv:2205.10289) for Au-Au at 200 GeV"),
    "nlo-OO": Preset((6.0, 5.0, 7.0), (0.0,), "in use at NLO (arXiv:2205.10289) for O-O"),
    "three-loop": Preset(
        (1.88, 1.72, 2.04), (0.0,), "1.88(16) of arXiv:2403.15545; its gamma(0) is in ThreeLoopPotential"
    ),
    "lattice-widths": Preset(
        (0.33, 0.29, 0.37),
        (0.0,),
        "0.33(4), from the widths of bottomonium on the lattice and Coulomb states",
    ),
    "lattice": Preset(
        (_lattice(10.95, 8.4, 6.85, 5.8), _lattice(8.5, 6.0, 4.7, 3.9), _lattice(13.4, 10.8, 9.0, 7.7)),
        (0.0,),
        "one heavy quark, 2+1 flavors, 195 to 293 MeV, arXiv:2302.08501",
    ),
}
"""Coefficients by name, for `Transport.preset` and for run files."""

_FOR_ARRAYS: Final = (
    "It is called with an array: np.where(T > 0.3, a, b) takes the place of `a if T > 0.3 else b`."
)


@dataclass(frozen=True)
class Transport:
    """Transport coefficients as functions of temperature.

    Parameters
    ----------
    kappa : {"central", "lower", "upper"}, float or callable
        kappa_hat = kappa/T^3: one of three fits to lattice data, a non-negative constant, or a function of T
        (array in GeV, any shape) that returns an array of the same shape.
    gamma : float or callable
        gamma_hat = gamma/T^3; the group's central value is -1.75, its range (-3.5, 0).
    T_c : float
        Critical temperature in GeV that scales the fits: 0.150 in the C++ code, 0.155 in the caption of
        arXiv:2107.06147 (kappa_hat changes by about 3 %).
    gamma_vacuum : float
        Part of gamma in GeV^3 that does not depend on T, -0.2 to 0.2: gamma = gamma_hat T^3 + gamma_vacuum. It acts in
        the medium, as all of gamma does. `ThreeLoopPotential` has its own, in the vacuum, too.

    Raises
    ------
    InputError
        For an unknown fit, a negative or non-finite constant, T_c outside 0.1 to 0.3 GeV, or gamma_vacuum out of range.
    """

    kappa: FitName | float | Callable[[Any], Any] = "central"
    gamma: float | Callable[[Any], Any] = -1.75
    T_c: float = 0.150
    gamma_vacuum: float = 0.0

    def __post_init__(self) -> None:
        names = get_args(FitName)
        if isinstance(self.kappa, str):
            allowed = f"be one of {sorted(names)}, a number or a callable"
            settle(self, kappa=choice("kappa", self.kappa, names, allowed))
        elif not callable(self.kappa):
            allowed = "be a non-negative number (kappa_hat), a fit name or a callable"
            settle(self, kappa=number("kappa", self.kappa, allowed, low=0))
        if not callable(self.gamma):
            settle(self, gamma=number("gamma", self.gamma, "be a finite number (gamma_hat) or a callable"))
        allowed = "be between 0.1 and 0.3 GeV"
        settle(self, T_c=number("T_c", self.T_c, allowed, "Temperatures are in GeV.", low=0.1, high=0.3))
        allowed = "be a number in GeV^3, -0.2 to 0.2"
        vacuum = number("gamma_vacuum", self.gamma_vacuum, allowed, low=-0.2, high=0.2)
        settle(self, gamma_vacuum=vacuum)

    @classmethod
    def preset(cls, name: str, edge: FitName = "central") -> Transport:
        """Return coefficients in use somewhere, by name; `PRESETS` has their sources.

        Parameters
        ----------
        name : str
            ``"group"``: the fits of arXiv:2012.01240 with gamma_hat = -1.75. ``"nlo-PbPb"``, ``"nlo-AuAu"`` and
            ``"nlo-OO"``: kappa_hat in use at next-to-leading order (arXiv:2205.10289). ``"three-loop"``: 1.88(16) of
            arXiv:2403.15545, for `ThreeLoopPotential`. ``"lattice-widths"``: 0.33(4), from thermal widths on the
            lattice. ``"lattice"``: kappa of one heavy quark, 195 to 293 MeV, arXiv:2302.08501.
        edge : {"central", "lower", "upper"}
            Central value, or an end of the range, of kappa.

        Returns
        -------
        Transport
            With kappa and gamma of this name; all but ``"group"`` have gamma = 0.

        Raises
        ------
        InputError
            For an unknown name or edge.

        Examples
        --------
        >>> import qtraj as qt
        >>> qt.Transport.preset("three-loop", "upper").kappa
        2.04
        """
        preset = PRESETS[choice("name", name, PRESETS)]
        kappa = preset.kappa[get_args(FitName).index(choice("edge", edge, get_args(FitName)))]
        return cls(kappa, preset.gamma[0])

    def kappa_hat(self, T: ArrayLike) -> Float:
        """Return kappa_hat(T), dimensionless, for T in GeV of any shape.

        `InputError` if it is negative or not finite at some T.
        """
        T = float_array("T", T)
        if isinstance(self.kappa, str):
            a, b, c, d = KAPPA_FITS[self.kappa]
            x = np.sqrt(T / self.T_c)
            inverse = a + b * x + c * x**2 + d * x**3
            if np.any(inverse <= 0):
                allowed = f"be above the pole of the {self.kappa!r} kappa fit"
                remedy = "Raise T_end or give a constant kappa."
                raise InputError("T", float(T[inverse <= 0].min()) if T.ndim else float(T), allowed, remedy)
            return np.asarray(1 / inverse)
        return _evaluated("kappa", self.kappa, T, non_negative=True)

    def gamma_hat(self, T: ArrayLike) -> Float:
        """Return gamma/T^3, dimensionless, its vacuum part included, for T in GeV of any shape."""
        T = float_array("T", T)
        gamma_hat = _evaluated("gamma", self.gamma, T, non_negative=False)
        return gamma_hat + self.gamma_vacuum / T**3 if self.gamma_vacuum else gamma_hat

    def at(self, T: ArrayLike) -> tuple[Float, Float]:
        """Return (kappa, gamma) in GeV^3 at the temperatures T in GeV, of any shape."""
        T = float_array("T", T)
        gamma_hat = _evaluated("gamma", self.gamma, T, non_negative=False)
        return self.kappa_hat(T) * T**3, gamma_hat * T**3 + self.gamma_vacuum


def _evaluated(name: str, coefficient: Any, T: Float, *, non_negative: bool) -> Float:
    if not callable(coefficient):
        return np.full_like(T, float(coefficient))
    result = float_array(
        name, called(name, coefficient, T, remedy=_FOR_ARRAYS), "return an array of real numbers"
    )
    if result.shape != T.shape:
        raise InputError(name, result.shape, f"return an array of the shape of T, {T.shape}")
    bad = ~np.isfinite(result) | ((result < 0) if non_negative else False)
    if np.any(bad):
        where = f"T = {float(T[bad].ravel()[0]) if T.ndim else float(T):.4g} GeV"
        allowed = f"return {'non-negative, ' if non_negative else ''}finite values ({where})"
        raise InputError(name, float(result[bad].ravel()[0]), allowed)
    return result
