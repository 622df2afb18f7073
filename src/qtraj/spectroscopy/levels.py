"""Thermal mass shifts, widths and binding energies of quarkonium by several routes side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from .._checks import instance, texts
from .._types import Float
from ..errors import InputError
from ..observables.estimate import Estimate
from ..physics.model import LindbladModel
from ..physics.transport import Transport
from ..radial.laguerre import LaguerreMesh
from ..solvers.parallel import Tally
from ..solvers.projection import threshold
from ..solvers.result import Progress
from ..solvers.solve import reporting
from ..states import State
from .hamiltonian import checked_temperatures, continuum, effective_hamiltonian, vacuum_hamiltonian
from .routes import RouteLevels, complex_levels, estimate_of, first_order
from .spectral import mesh_for, peak_levels, source_of

ROUTES: Final = ("perturbation", "poles", "spectral")
"""First order in the medium; complex eigenvalues of H_eff; peaks of spectral functions."""

DIPOLE: Final = "dipole"
"""First order in dipole terms alone, (gamma - i kappa) r^2/2: what a whole potential is compared with."""


def routes_of(model: LindbladModel) -> tuple[str, ...]:
    """Return the routes of `ROUTES` that there are for a model: at all orders no eigenvector is its own left one."""
    return ROUTES if model.spectrum is None else tuple(name for name in ROUTES if name != "poles")


# points of the mesh to compare with over those of the mesh: denser near the origin and longer, too
DENSER = 1.25


@dataclass(frozen=True, eq=False)
class ThermalLevels:
    """Levels of ns states at nt temperatures.

    Parameters
    ----------
    model : LindbladModel
        The model.
    T : ndarray, shape (nt,)
        Temperatures in GeV.
    states : tuple of State
        The ns states.
    vacuum, vacuum_error : ndarray, shape (ns,)
        Energies in the vacuum in GeV, without the masses of the quarks, and their difference to those on a finer mesh.
    continuum : ndarray, shape (nt,)
        Re V(r; T) in GeV far away, without dipole terms, as `hamiltonian.continuum` has it: binding energies count from
        it.
    routes : mapping of str to RouteLevels
        Results by route.
    settings : mapping of str to str
        Mesh, source and what else was chosen.
    dipole : Transport or None
        Coefficients of the route ``dipole``, if it is there.
    """

    model: LindbladModel
    T: Float
    states: tuple[State, ...]
    vacuum: Float
    vacuum_error: Float
    continuum: Float
    routes: Mapping[str, RouteLevels]
    settings: Mapping[str, str]
    dipole: Transport | None = None

    def __repr__(self) -> str:
        states, where = ", ".join(state.name for state in self.states), f"{self.T[0]:g}"
        if len(self.T) > 1:
            where = f"{len(self.T)} temperatures, {where} to {self.T[-1]:g}"
        return (
            f"ThermalLevels of {states} at {where} GeV, by {', '.join(self.routes)}; {self.model.potential}"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: shifts and widths in MeV, routes side by side."""
        import pandas as pd  # noqa: PLC0415  `import qtraj` is a third quicker without

        table = pd.DataFrame(
            {
                (route, f"{what} [MeV]"): [
                    str(1e3 * estimate[i, j]) for i, j in np.ndindex(estimate.value.shape)
                ]
                for route in self.routes
                for what, estimate in (("shift", self.shift(route)), ("width", self.width(route)))
            },
            index=pd.MultiIndex.from_product(
                [[s.name for s in self.states], self.T], names=["state", "T [GeV]"]
            ),
        )
        return f"<p>{escape(repr(self))}</p>{table.to_html(border=0, max_rows=40)}"

    def shift(self, route: str) -> Estimate:
        """Return Re E(T) - E(0) in GeV, by a `route`, shape (ns, nt)."""
        shift = self.routes[route].real(self.vacuum[:, None])
        # where there is no number there is no error
        vacuum_error = np.where(np.isfinite(shift.value), self.vacuum_error[:, None], 0.0)
        return Estimate(shift.value, {**shift.parts, "vacuum_mesh": vacuum_error})

    def width(self, route: str) -> Estimate:
        """Return Gamma(T) in GeV, by a `route`, shape (ns, nt)."""
        levels = self.routes[route]
        parts = {name: 2 * part.imag for name, part in levels.parts.items()}
        return estimate_of(-2 * levels.energy.imag, parts)

    def mass(self, route: str) -> Estimate:
        """Return 2 M_Q + Re E(T) in GeV, by a `route`, shape (ns, nt)."""
        return self.routes[route].real(-2 * self.model.mass)

    def binding(self, route: str) -> Estimate:
        """Return Re V(infinity; T) - Re E(T) in GeV, by a `route`, shape (ns, nt); negative above the threshold."""
        energy = self.routes[route].real(self.continuum)
        return Estimate(-energy.value, energy.parts)

    def mean_radius(self, route: str) -> Estimate:
        """Return <r> in GeV^-1, by a `route`, shape (ns, nt)."""
        return estimate_of(self.routes[route].radius, self.routes[route].radius_parts)


def thermal_levels(
    model: LindbladModel,
    T: ArrayLike,
    states: Sequence[str] = ("1S", "2S", "1P"),
    *,
    routes: Sequence[str] | None = None,
    mesh: LaguerreMesh | None = None,
    rotation: float | None = None,
    source: str = "state",
    dipole: Transport | None = None,
    progress: Progress | bool | None = None,
) -> ThermalLevels:
    """Return thermal levels of singlet quarkonium in a static isotropic medium.

    Parameters
    ----------
    model : LindbladModel
        The model, of any order in E/T.
    T : array_like, shape (nt,)
        Increasing temperatures in GeV. States are followed from the vacuum through them.
    states : sequence of str
        States that are bound in the vacuum, such as ``"1S"``.
    routes : sequence of str, optional
        Of ``"perturbation"``, ``"poles"``, ``"spectral"``, see docs/spectroscopy.md for which to trust when, by default
        all three, at all orders in E/T without ``"poles"``; and ``"dipole"``, kappa <r^2> and gamma <r^2>/2 to compare
        a complex potential with.
    mesh : LaguerreMesh, optional
        Mesh, by default of 96 points and scaled with the Bohr radius; the ``mesh`` part of each error is the
        difference to one with a quarter more points.
    rotation : float, optional
        Of ``poles``: angle of complex scaling, by default the best one.
    source : {"state", "local"}
        Of ``spectral``: an extended source for each state, or one narrow Gaussian.
    dipole : Transport, optional
        Of ``dipole``: the coefficients; by default the model's, or ``Transport()`` for a potential with a width of its
        own, which has none.
    progress : bool or callable, optional
        As for `qtraj.solve`: True shows a bar, a function is called with the work that is done and all of it.

    Returns
    -------
    ThermalLevels

    Raises
    ------
    InputError
        If an argument is out of range, or a state is not bound in the vacuum.
    """
    instance("model", model, LindbladModel, "be a LindbladModel")
    temperatures = checked_temperatures(T)
    mesh = mesh_for(model, mesh)
    allowed = "be a sequence of names such as ('1S', '1P')"
    if not texts("states", states, allowed):
        raise InputError("states", states, allowed)
    chosen = tuple(State.named(name) for name in states)
    if len(set(chosen)) < len(chosen):
        raise InputError("states", list(states), "name each state once")
    some = f"be some of {', '.join((*ROUTES, DIPOLE))}"
    routes = texts("routes", routes_of(model) if routes is None else routes, some)
    if not routes or not set(routes) <= {*ROUTES, DIPOLE}:
        raise InputError("routes", routes, some)
    if not set(routes) <= {*routes_of(model), DIPOLE}:
        allowed = "be without 'poles' at all orders in E/T, where the decay is not symmetric"
        raise InputError("routes", routes, allowed, f"Take {' and '.join(routes_of(model))}.")
    if dipole is not None:
        instance("dipole", dipole, Transport)
        if DIPOLE not in routes:
            raise InputError("dipole", dipole, "be left out without the route 'dipole'")
    elif DIPOLE in routes:
        dipole = Transport() if model.has_width else model.transport
    source_of(chosen[0], source)
    reported = reporting(progress)
    # every route runs on both meshes; the difference is its part ``mesh`` of the error
    finer = mesh.compared(DENSER)
    vacuum, on_finer = (_vacuum_energies(model, m, chosen) for m in (mesh, finer))
    for t in temperatures:  # a coefficient that does not exist at some T raises before anything is computed
        effective_hamiltonian(model, mesh, chosen[0].l, float(t))
    if dipole is not None:
        dipole.at(temperatures)
    calculations: dict[str, Callable[..., RouteLevels]] = {
        "perturbation": first_order,
        "poles": partial(complex_levels, rotation=rotation),
        "spectral": partial(peak_levels, source=source),
        DIPOLE: partial(first_order, dipole=dipole),
    }
    steps = len(temperatures) * len({state.l for state in chosen})
    results: dict[str, RouteLevels] = {}
    with reported as report:
        tally = Tally(report, steps * len(set(routes)))
        for i, route in enumerate((name for name in calculations if name in routes), start=1):
            tally.until(steps * i)
            results[route] = calculations[route](model, temperatures, chosen, mesh, finer, advance=tally.add)
            tally.reach()
    settings = {"potential": str(model.potential), "transport": str(model.transport), "mesh": str(mesh)}
    settings |= {"mass_GeV": f"{model.mass:g}", "order": model.order, "source": source}
    settings |= {} if dipole is None else {"dipole": str(dipole)}
    limit = continuum(model, mesh, temperatures).real
    error = np.abs(vacuum - on_finer)
    return ThermalLevels(model, temperatures, chosen, vacuum, error, limit, results, settings, dipole)


def _vacuum_energies(model: LindbladModel, mesh: LaguerreMesh, states: tuple[State, ...]) -> Float:
    limit = threshold(model.potential, mesh)
    levels = {l: np.linalg.eigvalsh(vacuum_hamiltonian(model, mesh, l).real) for l in {s.l for s in states}}
    energies = np.array([levels[state.l][state.radial_index] for state in states])
    loose = [state.name for state, energy in zip(states, energies, strict=True) if not energy < limit]
    if loose:
        remedy = (
            f"They lie above {limit:.4g} GeV, the potential at the end of the mesh, {mesh.r[-1]:.3g} GeV^-1."
        )
        raise InputError("states", ", ".join(loose), "be bound in the vacuum", remedy)
    return energies
