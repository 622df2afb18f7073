"""A potential fitted to lattice correlators of Wilson lines in the medium: fit parameters at six temperatures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from ..._checks import boolean, choice, settle
from ..._types import Float
from ...errors import InputError
from ...units import to_fm
from .coulomb import Color, Octet, check_isotropic, octet_of
from .ksu import CornellPotential

# 2+1 flavors of lattice QCD in the T-matrix approach: Tang, Mukherjee, Petreczky and Rapp, arXiv:2310.18864, and
# arXiv:2411.09132. T in GeV; m_d in GeV and c_b of Re V; A in GeV, a, and b and c in fm^-2 of the width
FITS: Final = np.array(
    [
        (0.195, 0.36, 1.200, 1.02000, 0.34514, 5.75970, 1.69875),
        (0.251, 0.81, 1.675, 1.22277, 0.35400, 8.08110, 2.35233),
        (0.293, 0.99, 1.925, 1.53819, 0.21116, 16.7262, 3.07552),
        (0.352, 1.11, 2.300, 1.76918, 0.58400, 8.71100, 4.65185),
        (0.500, 1.60, 3.000, 2.15539, 2.55103, 8.70876, 7.72424),
        (0.700, 2.00, 3.750, 2.41191, -5.67930, 9.10140, 8.70856),
    ]
)
_ALPHA: Final = 4 / 3 * 0.27
_SIGMA: Final = 0.225  # GeV^2
_M_S: Final = 0.2  # GeV
_FAR: Final = 1e15  # GeV^-1; every exponential is 0 and 1/r rounding


@dataclass(frozen=True)
class WilsonLinePotential:
    """Complex potential of the T-matrix approach, fitted to Wilson-line correlators of lattice QCD, 195 to 700 MeV.

    Parameters
    ----------
    half_width : bool
        Whether the fitted amplitude A is half the width, so that Gamma = 2 A phi. The source does not settle it: with
        False Gamma = A phi. Compute with both.
    octet : {"casimir", "coulomb"}
        Octet, real: V_inf + (V_inf - Re V)/8, or +alpha/(8 r).

    Attributes
    ----------
    alpha : float
        C_F times 0.27, the Coulomb coupling of the fit.

    Raises
    ------
    InputError
        If an argument is not allowed, and in a medium colder than 195 MeV, hotter than 700 MeV or anisotropic.

    Notes
    -----
    arXiv:2310.18864 and arXiv:2411.09132, with the parameters of `FITS` at 195, 251, 293, 352, 500 and 700 MeV:

        Re V = -alpha (e^{-m_d r}/r + m_d) + (sigma/m_s) (1 - e^{-m_s r - (c_b m_s r)^2})
        Im V = -Gamma/2,  Gamma = A phi(r),  phi = 1 + a e^{-b r^2} - (1 + a) e^{-c r^2},  r in fm

    with sigma = 0.225 GeV^2 and m_s = 0.2 GeV. Between two fits V(r) runs through the fitted values as a monotone cubic
    in T, which does not overshoot. The vacuum is not part of the fits: it is `CornellPotential` (0.36, 0.225), Re V
    without screening, its string breaking at 1.25 fm. Below 500 MeV no correlation of color fields has this width: its
    Fourier transform is negative by up to 10 %.
    """

    half_width: bool = False
    octet: Octet = field(default="casimir", kw_only=True)

    def __post_init__(self) -> None:
        settle(
            self,
            half_width=boolean("half_width", self.half_width),
            octet=choice("octet", self.octet, get_args(Octet)),
        )

    @property
    def alpha(self) -> float:
        """C_F times 0.27, the Coulomb coupling of the fit."""
        return _ALPHA

    @property
    def has_width(self) -> bool:
        """True: Im V is a width of its own."""
        return True

    @property
    def T_range(self) -> tuple[float, float]:
        """Lowest and highest temperature of the fits in GeV."""
        return float(FITS[0, 0]), float(FITS[-1, 0])

    def vacuum(self, r: Float, color: Color) -> Float:
        """Return V_color(r) in GeV without medium, for r in GeV^-1, any shape."""
        return CornellPotential(_ALPHA, _SIGMA, octet=self.octet).vacuum(r, color)

    def medium(self, r: Float, color: Color, T: Float, xi: Float, hard_scale: Float) -> NDArray[Any]:
        """Return V_color(r) in GeV in the medium, shape (nt, nr), of an octet real; see `ThermalPotential.medium`."""
        check_isotropic(xi)
        coldest, hottest = self.T_range
        low, high = float(np.min(T, initial=np.inf)), float(np.max(T, initial=0.0))
        if low < coldest or high > hottest:
            allowed = f"stay inside the fits of the potential, {coldest:g} to {hottest:g} GeV"
            raise InputError(
                "medium", f"T from {low:.4g} to {high:.4g} GeV", allowed, "Raise T_end, or the lowest T."
            )
        if color == "singlet":
            return self._through_fits(r, T)

        def near_and_far() -> tuple[NDArray[Any], Float]:
            V = self._through_fits(np.append(r, _FAR), T).real
            return V[:, :-1], V[:, -1:]

        return np.broadcast_to(octet_of(self, r, near_and_far), (len(T), len(r)))

    def _through_fits(self, r: Float, T: Float) -> NDArray[Any]:
        """Return V_s (nt, nr) between the fits, complex."""
        md, c_b, A, a, b, c = FITS[:, 1:, None].swapaxes(0, 1)
        real = -_ALPHA * (np.exp(-md * r) / r + md)
        real = real + _SIGMA / _M_S * -np.expm1(-_M_S * r - (c_b * _M_S * r) ** 2)
        square = to_fm(1.0) ** 2 * r**2
        width = A * (1 + a * np.exp(-b * square) - (1 + a) * np.exp(-c * square))
        width = width * (2 if self.half_width else 1)
        rows = np.concatenate([real, np.maximum(width, 0.0)], axis=1)
        found = PchipInterpolator(FITS[:, 0], rows)(T)
        return np.asarray(found[:, : len(r)] - 0.5j * found[:, len(r) :])
