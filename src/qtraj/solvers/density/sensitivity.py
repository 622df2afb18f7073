"""How survival depends on kappa and gamma: derivatives of the density-matrix method, through its kernels.

JAX differentiates the kernels in forward mode. What goes into them, integrals of kappa and gamma over the steps, is
at most quadratic in the coefficients (the gradient correction of the fourth-order splitting), so central differences
give its derivatives without any error but rounding. Steps, mesh and l_max stay as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from ..._types import Float
from ...errors import InputError, collected
from ...observables.estimate import Estimate, estimate_variables
from ...physics.initial import InitialState, singlet_probability
from ...physics.medium import History
from ...physics.model import LindbladModel
from ...physics.transport import Transport
from ...states import STATE_NAMES, STATES
from ..basis import SINGLET, Basis, make_basis
from ..nojump.method import DEFAULT_MESH, NoJump, fourth_order
from ..nojump.on_mesh import EXCESS, SHARE, MeshSetting
from ..parallel import Tally, side_by_side
from ..projection import held_states
from ..result import Held, Progress, Saved, Tables, by_meaning, by_state, made, stacked
from ..solve import checked_problem, reporting
from ..steps import Profile, Steps, cut_edges, strang
from .kernels import (
    DensitySector,
    PaddedSteps,
    density_sector,
    double_precision,
    evolve_density,
    evolve_state,
    padded_steps,
    state_sector,
)
from .method import SHARES, DensityMatrix, extrapolated, step_share
from .propagate import initial_overlaps, starting_density, target_states
from .resolution import Discretization, starting_levels

if TYPE_CHECKING:
    import xarray as xr

Splitting = Callable[[Profile, Sequence[Float], float, float, Profile], Steps]

SHIFT: Final = 2.0**-8
"""Change of ln kappa and of gamma_hat in the central differences of the steps; any would do, see above."""

RUNS: Final = 5  # that are compared for one history


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(Saved, made_by="qtraj.sensitivity"):
    """Survival and its derivatives; prints itself.

    Parameters
    ----------
    survival, transition : mapping of str to Estimate
        As in `Result`: of the states that the start holds, and of the others. Shape () for one history and (n,) for a
        batch of n.
    by_log_kappa : mapping of str to Estimate
        Derivatives of either with respect to ln kappa, that is for kappa(T) -> (1 + x) kappa(T) at all temperatures.
        For a constant kappa_hat divide by it to have the derivative with respect to kappa_hat.
    by_gamma : mapping of str to Estimate
        Derivatives with respect to gamma_hat, that is for gamma(T) -> gamma(T) + x T^3.
    settings, provenance : mapping, optional
        What was asked, versions, wall time in seconds.
    """

    survival: Mapping[str, Estimate]
    transition: Mapping[str, Estimate]
    by_log_kappa: Mapping[str, Estimate]
    by_gamma: Mapping[str, Estimate]
    settings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_xarray(self) -> xr.Dataset:
        """Return all numbers as a dataset.

        Returns
        -------
        xarray.Dataset
            ``survival``, NaN for states that the start does not hold, ``transition``, NaN for those that it holds, and
            their derivatives ``by_log_kappa`` and ``by_gamma``: (history, state), for one history (state). Each part of
            an error is a variable such as ``survival_error_mesh``; settings and provenance are attributes, in JSON.
        """
        import xarray as xr  # noqa: PLC0415  `import qtraj` is a third quicker without

        axes = ("history", "state") if np.ndim(self.by_gamma["1S"].value) else ("state",)
        variables: dict[str, Any] = {}
        for name in ("survival", "transition", "by_log_kappa", "by_gamma"):
            variables |= estimate_variables(name, stacked(getattr(self, name), self.by_gamma), axes)
        held = [name in self.survival for name in STATE_NAMES]
        coordinates = {"state": list(STATE_NAMES), "held": ("state", held)}
        return xr.Dataset(variables, coordinates, self._attributes())

    @classmethod
    def _from_xarray(cls, dataset: xr.Dataset, **stored: Any) -> Sensitivity:
        survival, transition = (
            by_state(dataset, name, held=name == "survival") for name in ("survival", "transition")
        )
        slopes = (by_state(dataset, name) for name in ("by_log_kappa", "by_gamma"))
        return cls(Held(survival), transition, *slopes, **stored)

    def _shown(self) -> tuple[list[str], Tables, list[str]]:
        lines = [f"survival and its derivatives by ln kappa and gamma{self._counted()}"]
        if batch := np.ndim(self.by_gamma["1S"].value) > 0:
            lines.append('a batch: means over all histories; found.by_gamma["1S"][i] is that of history i')

        def shown(estimate: Estimate) -> str:
            return f"{np.mean(estimate.value):.5g}" if batch else str(estimate)

        tables: Tables = []
        for title, found in (("survival", self.survival), ("transition", self.transition)):
            rows = [
                [name, *map(shown, (value, self.by_log_kappa[name], self.by_gamma[name]))]
                for name, value in found.items()
                if np.any(value.value != 0)
            ]
            if rows:
                tables.append((title, ["by ln kappa", "by gamma"], rows))
        return lines, tables, []


def sensitivity(
    model: LindbladModel,
    medium: Any,
    initial: InitialState,
    *,
    rtol: float = 1e-3,
    progress: Progress | bool | None = None,
) -> Sensitivity:
    """Return survival and its derivatives with respect to kappa and gamma, without sampling noise.

    Parameters
    ----------
    model : LindbladModel
        Of either order, with a potential that does not change with the medium.
    medium : History, Histories or sequence of History
        One temperature history or a batch, as for `solve`.
    initial : InitialState
        Start of the pair.
    rtol : float, optional
        Chooses mesh, l_max and step as that of `DensityMatrix` does, 1e-5 to 0.05. Nothing is refined; the errors of
        all three numbers come from the same comparisons.
    progress : bool or callable, optional
        As of `solve`; a history needs five runs.

    Returns
    -------
    Sensitivity
        Survivals and derivatives with their errors.

    Raises
    ------
    InputError
        For a bad argument, or a potential that changes with the medium.

    Notes
    -----
    The equation is that of arXiv:2107.06147, eqs. (2.2)-(2.9), or of arXiv:2205.10289 at next-to-leading order. For the
    inference of the coefficients from data with
    such derivatives see arXiv:2601.14399.

    Examples
    --------
    >>> import qtraj as qt
    >>> found = qt.sensitivity(qt.LindbladModel(), qt.Bjorken(T0=0.3, T_end=0.25), qt.GaussianState(), rtol=0.05)
    >>> print(f"{found.by_log_kappa['1S'].value:.2f}")
    -0.08
    """
    histories, batch = checked_problem(model, medium, initial)
    if model.thermal is not None:
        raise InputError(
            "model",
            model,
            "have a potential that does not change with the medium",
            "Elsewhere take differences of `solve`, whose answers have no noise.",
        )
    problem, reported = _Problem(model, initial, DensityMatrix(rtol=rtol)), reporting(progress)
    started = time.perf_counter()
    with collected(), reported as report:
        tally = Tally(report, RUNS * len(histories))
        found = side_by_side(lambda history: problem.solve(history, tally.add), list(histories))
        tally.reach()
    start = initial_overlaps(
        make_basis(model, DEFAULT_MESH.scaled(model.scales.length), initial.l), model, initial
    )
    held = held_states(start, is_ratio=initial.survival_is_ratio)
    scale = np.where(held, start, 1.0) if initial.survival_is_ratio else np.ones(len(STATES))
    values = np.stack([value for value, _ in found]) / scale
    parts = {name: np.stack([errors[name] for _, errors in found]) / scale for name in found[0][1]}

    def estimates(row: int) -> dict[str, Estimate]:
        index = (slice(None) if batch else 0, row)
        return {
            name: Estimate(values[*index, j], {part: error[*index, j] for part, error in parts.items()})
            for j, name in enumerate(STATE_NAMES)
        }

    value, by_log_kappa, by_gamma = (estimates(row) for row in range(3))
    asked = {"model": model, "initial": initial, "medium": medium, "rtol": rtol}
    settings, provenance = {name: repr(thing) for name, thing in asked.items()}, made(len(histories), started)
    survival, transition = by_meaning(value, held)
    return Sensitivity(survival, transition, by_log_kappa, by_gamma, settings, provenance)


@dataclass(frozen=True)
class _Problem:
    """One history at a time; arrays of shape (3, 6) hold overlaps and their two derivatives."""

    model: LindbladModel
    initial: InitialState
    method: DensityMatrix

    def solve(self, history: History, advance: Callable[[int], None]) -> tuple[Float, dict[str, Float]]:
        """Return overlaps and derivatives, and the parts of their errors, as `DensityMatrix` estimates them."""
        levels = starting_levels(self.method.rtol, Profile(self.model, history), self.initial.l)
        d = self.method.discretization(levels, self.model, self.initial)
        runs: list[Any] = []
        for run in (
            lambda: self.regenerated(d, history),
            lambda: self.regenerated(d, history, halvings=-1),
            lambda: self.regenerated(d.finer(self.model), history),
            lambda: self.regenerated(d.higher(self.model), history),
            lambda: self.no_jump(history),
        ):
            runs.append(run())
            advance(1)
        fine, coarse, finer, higher, (no_jump, no_jump_parts) = runs
        value = no_jump + extrapolated(fine, coarse, self.model)
        others = {"time_step": coarse, "l_max": higher, "mesh": finer}
        parts = {name: SHARES[name] * _difference(fine, other, value) for name, other in others.items()}
        steps = self.plan(history, strang, d.step)[0].steps
        parts["time_step"] *= step_share(steps, self.model, d.l_max) / SHARES["time_step"]
        for name, part in no_jump_parts.items():
            parts[name] = parts[name] + part
        return value, parts

    def no_jump(self, history: History) -> tuple[Float, dict[str, Float]]:
        """Return the part without any jump and its errors, by the splittings of `NoJump`."""
        mesh = DEFAULT_MESH.scaled(self.model.scales.length)
        setting = MeshSetting.of(mesh, Profile(self.model, history))

        def pure(setting: MeshSetting, *, coarse: bool) -> Float:
            basis = setting.basis(self.model, self.initial.l)

            def at(halvings: int, splitting: Splitting) -> Float:
                plan = self.plan(history, splitting, NoJump().step, halvings=halvings)
                return self.pure(basis, plan, setting.jump_range, setting.filter_energy)

            return fourth_order(at, self.model, setting, coarse=coarse)

        fine, coarse = (pure(setting, coarse=c) for c in (False, True))
        finer = [pure(other, coarse=True) for other in setting.finer()]
        parts = {
            "time_step": SHARE * _difference(fine, coarse, fine),
            "mesh": EXCESS * np.max([_difference(coarse, other, fine) for other in finer], axis=0),
        }
        return fine, parts

    def regenerated(self, d: Discretization, history: History, *, halvings: int = 0) -> Float:
        """Return what comes back after jumps: full minus no-jump of the same discretization."""
        basis, plan = d.basis(self.model), self.plan(history, strang, d.step, halvings=halvings)
        return self.density(d, basis, plan) - self.pure(basis, plan, d.jump_range, d.filter_energy)

    def plan(self, history: History, splitting: Splitting, step: float, *, halvings: int = 0) -> list[Steps]:
        """Return the steps and their derivatives with respect to ln kappa and gamma_hat."""
        end = max((b for _, b in history.active), default=0.0)
        profile = Profile(self.model, history)
        intervals = cut_edges(profile, step, halvings)

        def shifted(log_kappa: float, gamma: float) -> Steps:
            other = Profile(_shifted(self.model, log_kappa, gamma), history)
            return splitting(other, intervals, 0.0, end, profile)

        def slope(log_kappa: float, gamma: float) -> Steps:
            pairs = zip(astuple(shifted(log_kappa, gamma)), astuple(shifted(-log_kappa, -gamma)), strict=True)
            return Steps(*[(up - down) / (2 * SHIFT) for up, down in pairs])

        return [splitting(profile, intervals, 0.0, end, profile), slope(SHIFT, 0.0), slope(0.0, SHIFT)]

    def density(self, d: Discretization, basis: Basis, plan: Sequence[Steps]) -> Float:
        """Return the overlaps of the density matrix and their derivatives."""
        rho, _ = starting_density(basis, self.initial, d.filter_energy)
        constants, limit = density_sector(self.model, basis, d.jump_range)
        with double_precision():
            sector: DensitySector = jax.device_put(constants)
            X, lost = [jnp.asarray(block[:, None]) for block in rho], jnp.zeros((2, 1))

            def overlaps(steps: PaddedSteps, count: int) -> Any:
                singlet = evolve_density(sector, X, lost, steps, count)[0][SINGLET][:, 0]
                # l_max is at least 2, so every state has its place
                return jnp.stack([singlet[s.l, s.radial_index, s.radial_index] for s in STATES])

            return _with_slopes(overlaps, plan, limit)

    def pure(self, basis: Basis, plan: Sequence[Steps], jump_range: float, filter_energy: float) -> Float:
        """Return the overlaps under H_eff alone and their derivatives."""
        rows, targets = target_states(basis, self.model, self.initial.l, "computed")
        found = np.zeros((3, len(STATES)))
        share = singlet_probability(self.initial.color)
        if share == 0:  # an octet without any jump overlaps with nothing
            return found
        sector, limit = state_sector(self.model, basis, SINGLET, self.initial.l, jump_range)
        start = basis.filtered(self.initial, SINGLET, filter_energy)[None]

        def overlaps(steps: PaddedSteps, count: int) -> Any:
            return jnp.abs(targets @ evolve_state(sector, start, steps, count)[0]) ** 2

        with double_precision():
            found[:, rows] = share * _with_slopes(overlaps, plan, limit)
        return found


def _with_slopes(overlaps: Callable[[PaddedSteps, int], Any], plan: Sequence[Steps], limit: Float) -> Float:
    """Return a function of the singlet's steps and its derivatives along the others of a plan, stacked."""
    base, count = padded_steps(plan[:1], SINGLET, limit)
    # only the integrals change: the times and the number of pieces stay
    moving = [name for name in ("terms", "phases", "soft") if getattr(base, name) is not None]

    def run(*values: Any) -> Any:
        return overlaps(base._replace(**dict(zip(moving, values, strict=True))), count)

    def values(steps: PaddedSteps) -> tuple[Any, ...]:
        return tuple(getattr(steps, name) for name in moving)

    slopes = [padded_steps([steps], SINGLET, limit)[0] for steps in plan[1:]]
    runs = [jax.jvp(run, values(base), values(slope)) for slope in slopes]
    return np.stack([np.asarray(runs[0][0]), *(np.asarray(slope) for _, slope in runs)])


def _shifted(model: LindbladModel, log_kappa: float, gamma: float) -> LindbladModel:
    """Return the model with kappa (1 + log_kappa) and gamma + gamma T^3."""
    given = model.transport
    transport = Transport(
        lambda T: (1 + log_kappa) * given.kappa_hat(T), lambda T: given.gamma_hat(T) + gamma, given.T_c
    )
    return replace(model, transport=transport)


def _difference(value: Float, other: Float, size: Float) -> Float:
    """Return |other - value|, (3, 6), where all states share the largest change relative to their overlap `size[0]`.

    Two approximations can agree by accident for one state, hardly for all.
    """
    change = np.abs(other - value)
    relative = np.where(size[0] > 0, change / np.where(size[0] > 0, size[0], 1.0), 0.0)
    # states of another l than the start come from far away and converge on their own
    weight = np.where(size[0] > 1e-2 * size[0].max(initial=0.0), 1.0, 0.0)
    shared = (relative * weight).max(axis=-1, keepdims=True) * size[0] * weight
    return np.asarray(np.maximum(change, shared))
