"""The spectral function of a local source, from its evolution in real time under H_eff at constant temperature.

    S(t) = <psi_0| e^{-i H_eff t} |psi_0>,     rho(omega) = (1/pi) Re Int_0^inf dt e^{i omega t} S(t)

for a real psi_0 (M. Laine, O. Philipsen, P. Romatschke and M. Tassler, JHEP 03 (2007) 054: the Schroedinger equation of
the real-time correlator). On the mesh e^{-i H_eff t} is the exponential of a matrix H_eff = Z R Z^+, R triangular
(Schur), which is stable although H_eff is far from normal. The integral over all times is then done in closed form,

    rho(omega) = -(1/pi) Im <psi_0| (omega - H_eff)^{-1} |psi_0>,

so that no window in time widens the peaks. rho >= 0 since H_eff absorbs, and Int rho d omega = <psi_0|psi_0> = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import expm, schur

from .._checks import float_array, instance, integer, positive, settle
from ..physics.initial import GaussianState, InitialState, check_initial
from ..physics.model import LindbladModel
from ..radial.laguerre import LaguerreMesh
from ..solvers.projection import initial_coefficients
from .hamiltonian import check_model, checked_temperatures, effective_hamiltonian

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

DEFAULT_MESH = LaguerreMesh(96, 0.12)
"""To 44 GeV^-1: long enough for 3S near its threshold."""

LOCAL_SOURCE = GaussianState(l=0, width=0.2)
"""Nearly point-like S wave: the group's start (arXiv:2107.06147)."""


@dataclass(frozen=True)
class SpectralFunction:
    """Spectral function and real-time correlator of one source at one temperature.

    Parameters
    ----------
    model : LindbladModel
        The model.
    T : float
        Temperature in GeV; the medium is isotropic and at rest in time.
    source : InitialState
        A singlet; its angular momentum is the channel: l = 0 for Y, l = 1 for chi_b. `GaussianState` is nearly
        point-like, `BoundState` is an extended source that prefers one state.
    mesh : LaguerreMesh
        Mesh of N points.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    model: LindbladModel
    T: float
    source: InitialState = LOCAL_SOURCE
    mesh: LaguerreMesh = DEFAULT_MESH

    def __post_init__(self) -> None:
        check_model(self.model)
        settle(
            self, T=float(checked_temperatures(positive("T", self.T, "be a positive temperature in GeV"))[0])
        )
        check_initial("source", self.source)
        instance("mesh", self.mesh, LaguerreMesh, "be a LaguerreMesh")
        _ = self._schur  # bad sources and temperatures are found now

    def density(self, omega: ArrayLike) -> Float:
        """Return rho(omega) in GeV^-1, shape of `omega`, energies in GeV without the masses of the quarks."""
        omega = float_array("omega", omega)
        return np.asarray(-self._resolvent(omega.ravel()).imag.reshape(omega.shape) / np.pi)

    def correlator(self, step: float, count: int) -> Complex:
        """Return S(t) at t = 0, step, ..., (count - 1) step in GeV^-1, shape (count,), by exact steps.

        Parameters
        ----------
        step : float
            Time between two values in GeV^-1, positive.
        count : int
            Number of values.
        """
        step = positive("step", step, "be a positive time in GeV^-1")
        count = integer("count", count, 1)
        triangle, left, right = self._schur
        propagator = expm(-1j * step * triangle)
        values = np.empty(count, dtype=complex)
        for k in range(count):
            values[k] = left @ right
            right = propagator @ right
        return values

    @cached_property
    def _schur(self) -> tuple[Complex, Complex, Complex]:
        """R (N, N), and the source in the basis Z from the left and from the right, (N,)."""
        start = initial_coefficients(self.source, self.mesh, self.model, "singlet")
        matrix = effective_hamiltonian(self.model, self.mesh, self.source.l, self.T)
        triangle, basis = schur(matrix, output="complex")
        return triangle, start @ basis, basis.conj().T @ start

    def _resolvent(self, omega: Float) -> Complex:
        """<psi_0|(omega - H)^{-1}|psi_0> by back substitution for all energies (nw,) at once."""
        triangle, left, right = self._schur
        solution = np.empty((len(right), len(omega)), dtype=complex)
        for i in range(len(right) - 1, -1, -1):
            known = triangle[i, i + 1 :] @ solution[i + 1 :]
            solution[i] = (right[i] + known) / (omega - triangle[i, i])
        return np.asarray(left @ solution)
