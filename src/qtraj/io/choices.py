"""Models, media, starts, methods and grids from the short words of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, cast

from ..errors import InputError
from ..hydro.readers.common import load_table
from ..physics.initial import CoulombState, GaussianState, InitialState
from ..physics.medium import Bjorken, ConstantTemperature, History, TabulatedTemperature
from ..physics.model import LindbladModel
from ..physics.potentials.coulomb import Potential
from ..physics.potentials.table import Beyond, TabulatedPotential
from ..physics.transport import Transport
from ..radial.bound import Grid
from ..radial.sine import SineGrid
from ..solvers.density.method import DensityMatrix
from ..solvers.levels import STATES_MESH
from ..solvers.nojump.method import NoJump
from ..solvers.solve import Method
from ..solvers.trajectories.method import QuantumTrajectories
from ..states import State
from .config import KSU_MASS, POTENTIALS

DEFAULT_MEDIUM: Final = Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)
"""Central Pb-Pb collisions at 5.02 TeV, roughly: the medium of `qtraj solve`."""


def chosen_model(
    potential: str,
    alpha: float | None = None,
    mass: float | None = None,
    beyond: str | None = None,
    transport: Transport | None = None,
    order: str = "LO",
) -> LindbladModel:
    """Return the model of a potential."""
    if mass is None:
        mass = KSU_MASS if potential == "ksu" else LindbladModel.mass
    found = _potential(potential, alpha, beyond)
    in_order = cast('Literal["LO", "NLO"]', order)  # LindbladModel refuses others
    if transport is None:
        return LindbladModel(found, mass=mass, order=in_order)
    return LindbladModel(found, transport, mass, in_order)


def chosen_transport(
    potential: str, kappa: str | None, gamma: float | None, T_c: float | None
) -> Transport | None:
    """Return the dipole terms, or None for ``ksu`` unless they are asked for: it has a width of its own."""
    if potential == "ksu" and kappa is None and gamma is None:
        _refuse({"--T-c": T_c}, "with --potential ksu, which has a width of its own")
        return None
    strength: Any = Transport.kappa if kappa is None else kappa
    with suppress(ValueError):  # Transport refuses what is neither a number nor a name
        strength = float(strength)
    if isinstance(strength, float):
        _refuse({"--T-c": T_c}, f"with --kappa {kappa}: it scales the fits central, lower and upper")
    return Transport(
        strength, Transport.gamma if gamma is None else gamma, Transport.T_c if T_c is None else T_c
    )


def chosen_medium(
    T0: float | None,
    tau_fm: float | None,
    T_end: float | None,
    duration_fm: float | None,
    table: Path | None,
    *,
    allow_hot_end: bool = False,
) -> History:
    """Return the medium of a table of (tau in fm/c, T in GeV), of a constant temperature, or of a Bjorken flow."""
    default = DEFAULT_MEDIUM
    end = default.T_end if T_end is None else T_end
    if table is not None:
        given = {"--T0": T0, "--tau": tau_fm, "--duration": duration_fm}
        _refuse(given, "with --table, which has its own times and temperatures")
        tau, T = load_table(table, 2).T
        return TabulatedTemperature(tau, T, T_end=end, allow_hot_end=allow_hot_end)
    if allow_hot_end:
        raise InputError("--allow-hot-end", True, "be left out without --table")
    start = default.T0 if T0 is None else T0, default.tau_fm if tau_fm is None else tau_fm
    if duration_fm is not None:
        _refuse({"--T-end": T_end}, "with --duration, when the medium ends")
        return ConstantTemperature(*start, duration_fm=duration_fm)
    return Bjorken(*start, T_end=end)


def chosen_initial(l: int | None, width: float | None, color: str, state: str | None) -> InitialState:
    """Return a Gaussian start, or the Coulomb state called `state`."""
    if state is None:
        l = GaussianState.l if l is None else l
        return GaussianState(l=l, width=GaussianState.width if width is None else width, color=color)
    _refuse({"--l": l, "--width": width}, f"with --state {state}, which has its own")
    named = State.named(state)
    return CoulombState(n=named.n, l=named.l, color=color)


def chosen_method(name: str, rtol: float | None, n: int | None, seed: int | None) -> Method:
    """Return the method ``density``, ``nojump`` or ``trajectories``."""
    kinds: dict[str, tuple[type[DensityMatrix | NoJump | QuantumTrajectories], tuple[str, ...]]] = {
        "density": (DensityMatrix, ("rtol",)),
        "nojump": (NoJump, ()),
        "trajectories": (QuantumTrajectories, ("n", "seed")),
    }
    if name not in kinds:
        raise InputError("--method", name, "be density, nojump or trajectories")
    kind, own = kinds[name]
    settings: dict[str, Any] = {"rtol": rtol, "n": n, "seed": seed}
    _refuse({f"--{key}": value for key, value in settings.items() if key not in own}, f"with --method {name}")
    return kind(**{key: settings[key] for key in own if settings[key] is not None})


def _refuse(given: Mapping[str, Any], why: str) -> None:
    """Refuse flags that are given, not None, and have no effect."""
    for flag, value in given.items():
        if value is not None:
            raise InputError(flag, value, f"be left out {why}")


def _potential(potential: str, alpha: float | None, beyond: str | None) -> Potential:
    if potential in POTENTIALS:
        if beyond is not None:
            raise InputError("--beyond", beyond, f"be left out with --potential {potential}")
        kind = POTENTIALS[potential]
        return kind() if alpha is None else kind(alpha=alpha)
    if not Path(potential).is_file():
        raise InputError(
            "--potential", potential, f"be {', '.join(POTENTIALS)} or a file with a table of V(r)"
        )
    if alpha is None:
        raise InputError(
            "--alpha", None, "be given with a file", "It sets the radius of the Coulomb functions."
        )
    return TabulatedPotential.read(potential, alpha=alpha, beyond=cast("Beyond | None", beyond))


def chosen_grid(kind: str, **settings: float | None) -> Grid:
    """Return a grid."""
    grids: dict[str, tuple[Grid, tuple[str, ...]]] = {
        "mesh": (STATES_MESH, ("points", "scale")),
        "sine": (SineGrid(), ("num", "length", "derivative")),
    }
    if kind not in grids:
        raise InputError("--grid", kind, f"be one of {', '.join(grids)}")
    default, own = grids[kind]
    given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
    for name, value in given.items():
        if name not in own:
            flags = ", ".join(f"--{setting}" for setting in own)
            raise InputError(f"--{name}", value, f"be left out with --grid {kind}", f"It takes {flags}.")
    return replace(default, **given)
