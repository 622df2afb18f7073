"""Commands that solve one equation: `solve`, `states`, `spectrum`, `equilibrium`, and the page of `explore`."""

from __future__ import annotations

import json
import shlex
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer import Option

from ..errors import InputError
from . import options

if TYPE_CHECKING:
    from ..physics.initial import InitialState
    from ..physics.medium import History
    from ..physics.model import LindbladModel
    from ..physics.potentials.coulomb import Potential
    from ..physics.transport import Transport
    from ..radial.bound import Grid
    from ..solvers.equilibrium import SteadyState
    from ..solvers.result import Result
    from ..solvers.solve import Method
    from ..spectroscopy.files import Row
    from ..spectroscopy.levels import ThermalLevels

# central Pb-Pb collisions at 5.02 TeV, roughly: the medium of `qtraj solve`, GeV and fm/c
BJORKEN = {"T0": 0.425, "tau_fm": 0.6, "T_end": 0.25}

Kind = TypeVar("Kind")

SPECTRUM_WIDTH = 240  # columns, where no terminal says how many there are; the table takes what it needs
HIGHEST_T = 0.450  # GeV, unless --T-max says otherwise
OMEGA_POINTS = 600
OMEGA_ABOVE = 0.6  # GeV above the highest vacuum level
OMEGA_BELOW = 0.5  # GeV below the lowest
FUNCTIONS = 4  # spectral functions drawn at most per channel


def solve(
    T0: Annotated[
        float | None, Option("--T0", help="Temperature at --tau, GeV (Bjorken flow)  [0.425]")
    ] = None,
    tau: Annotated[float | None, Option(help="Proper time at which the medium begins, fm/c  [0.6]")] = None,
    T_end: Annotated[
        float | None, Option("--T-end", help="Temperature at which the medium ends, GeV  [0.25]")
    ] = None,
    duration: Annotated[
        float | None, Option(help="Hold T0 constant for this long, fm/c, instead of Bjorken flow.")
    ] = None,
    table: Annotated[
        Path | None,
        Option(exists=True, dir_okay=False, help="Text file of two columns, tau (fm/c) and T (GeV)."),
    ] = None,
    allow_hot_end: Annotated[
        bool, Option("--allow-hot-end", help="Of a table that ends above T-end: end the medium there.")
    ] = False,
    kappa: options.Kappa = None,
    gamma: options.Gamma = None,
    gamma_vacuum: options.GammaVacuum = None,
    transport: options.Preset = None,
    T_c: options.CriticalTemperature = None,
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    below: options.Below = None,
    beyond: options.Beyond = None,
    octet: options.Octet = None,
    mass: options.Mass = None,
    order: options.Order = "LO",
    positive: options.Positive = False,
    l: Annotated[int | None, Option(help="Angular momentum of the Gaussian start  [0]")] = None,
    width: Annotated[float | None, Option(help="Width of the Gaussian start in Bohr radii  [0.2]")] = None,
    color: Annotated[str, Option(help="Color of the start: singlet or octet.")] = "singlet",
    state: Annotated[str | None, Option(help="Start in this Coulomb state, such as 1S, instead.")] = None,
    method: Annotated[
        str | None,
        Option(
            help="density (no sampling noise), nojump or trajectories.  [density; nojump of a complex potential "
            "without an octet whose jumps are known]"
        ),
    ] = None,
    rtol: Annotated[float | None, Option(help="Of density: relative accuracy of 1S, 2S, 3S  [1e-3]")] = None,
    n: Annotated[int | None, Option(help="Of trajectories: their number  [4096]")] = None,
    seed: Annotated[int | None, Option(help="Of trajectories: seed  [0]")] = None,
    view: Annotated[
        Path | None,
        Option(metavar="DIR", help="Also write figure, animation and page of the evolution without jumps."),
    ] = None,
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Solve one temperature history and print the survival of each state with its error."""
    from .._atomic import writable_folder
    from ..hydro.readers.common import load_table
    from ..physics.initial import CoulombState, GaussianState
    from ..physics.medium import Bjorken, ConstantTemperature, TabulatedTemperature
    from ..solvers.density.method import DensityMatrix, has_jumps
    from ..solvers.solve import solve as solve_lindblad
    from ..states import State

    options.netcdf_name(out)
    for folder in filter(None, (view, out and out.parent)):  # before anything long begins
        writable_folder(folder)
    table_flags = {"below": below, "beyond": beyond, "octet": octet}
    dipole = {
        "kappa": kappa,
        "gamma": gamma,
        "gamma_vacuum": gamma_vacuum,
        "transport": transport,
        "T_c": T_c,
    }
    model = _model(potential, alpha, mass, table_flags, dipole, order, positive=positive)
    settings = BJORKEN | _given(T0=T0, tau_fm=tau, T_end=T_end)
    medium: History
    if table is not None:
        flags = {"--T0": T0, "--tau": tau, "--duration": duration}
        options.refuse(flags, "with --table, which has its own times and temperatures")
        times, temperatures = load_table(table, 2).T  # fm/c, GeV
        ends = {"T_end": settings["T_end"], "allow_hot_end": allow_hot_end}
        medium = TabulatedTemperature(times, temperatures, **ends)
    else:
        options.refuse({"--allow-hot-end": allow_hot_end or None}, "without --table")
        if duration is None:
            medium = Bjorken(**settings)
        else:
            options.refuse({"--T-end": T_end}, "with --duration, when the medium ends")
            medium = ConstantTemperature(settings["T0"], settings["tau_fm"], duration_fm=duration)
    initial: InitialState
    if state is None:
        initial = GaussianState(color=color, **_given(l=l, width=width))
    else:
        options.refuse({"--l": l, "--width": width}, f"with --state {state}, which has its own")
        named = State.named(state)
        initial = CoulombState(n=named.n, l=named.l, color=color)
    chosen = _method(method or ("density" if has_jumps(model) else "nojump"), rtol, n, seed)
    if isinstance(chosen, DensityMatrix) and not model.is_lindblad:
        chosen = replace(
            chosen, diagnostics=True
        )  # how far its twin is, and how negative rho, belongs to the answer
    result = solve_lindblad(model, medium, initial, chosen, progress=True)
    _printed_and_saved(result, out, as_json=as_json)
    if view is not None:
        from ..plots.evolution import evolve_for_view
        from ..plots.view import write_views

        options.wrote(write_views(evolve_for_view(model, medium, initial), view), err=as_json)


def states(
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    below: options.Below = None,
    beyond: options.Beyond = None,
    mass: options.Mass = None,
    grid: Annotated[str, Option(help="mesh (Laguerre) or sine (uniform).")] = "mesh",
    points: Annotated[int | None, Option(help="Points of the mesh  [128]")] = None,
    scale: Annotated[
        float | None, Option(help="Scale of the mesh, GeV^-1  [0.12, as a0 for other systems]")
    ] = None,
    num: Annotated[int | None, Option(help="Points of the sine grid  [2047]")] = None,
    length: Annotated[float | None, Option(help="Length of the sine grid, GeV^-1  [40, as a0]")] = None,
    derivative: Annotated[int | None, Option(help="Sine grid: 0 spectral, 1 second differences  [0]")] = None,
    out: Annotated[Path | None, Option(metavar="FILE.nc", help="Save the bound states as netCDF.")] = None,
) -> None:
    """Print masses, radii and Coulomb overlaps of the six vacuum states of a potential.

    Masses stand beside those of bottomonium, or of charmonium for --mass 1.0 to 2.1.
    """
    from ..io.results import save_states
    from ..pages.tables import levels_tables
    from ..solvers.projection import vacuum_levels

    options.netcdf_name(out)
    model = _model(potential, alpha, mass, {"below": below, "beyond": beyond})
    settings = {"points": points, "scale": scale, "num": num, "length": length, "derivative": derivative}
    chosen = _grid(grid, model.scales.length, **settings)
    levels = vacuum_levels(model, chosen)
    stored = levels.stored() if out is not None else None
    plain = not options.console().is_terminal
    options.print_table(levels_tables(levels, plain=plain), highlight=False)
    if out is not None and stored is not None:
        source = {"potential": str(model.potential), "mass_GeV": f"{model.mass:g}", "grid": str(chosen)}
        options.wrote([save_states(stored, out, source)])


def spectrum(
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    below: options.Below = None,
    beyond: options.Beyond = None,
    octet: options.Octet = None,
    mass: options.Mass = None,
    kappa: options.Kappa = None,
    gamma: options.Gamma = None,
    gamma_vacuum: options.GammaVacuum = None,
    transport: options.Preset = None,
    T_c: options.CriticalTemperature = None,
    order: options.Order = "LO",
    positive: options.Positive = False,
    T_min: Annotated[float, Option("--T-min", help="Lowest temperature, GeV.")] = 0.150,
    T_max: Annotated[float | None, Option("--T-max", help="Highest temperature, GeV  [0.450]")] = None,
    points: Annotated[int, Option(help="Number of temperatures.")] = 7,
    states: Annotated[str, Option(help="States, separated by commas.")] = "1S,2S,1P",
    route: Annotated[
        str | None,
        Option(
            help="Of perturbation, poles, spectral, dipole, separated by commas.  [the first three, with --order all "
            "without poles; of a complex potential all]"
        ),
    ] = None,
    source: Annotated[
        str | None, Option(help="Of spectral: state (each state's vacuum wave function) or local.  [state]")
    ] = None,
    compare: Annotated[
        list[Path] | None,
        Option(metavar="FILE.csv", help="Table from elsewhere to show beside; may be repeated."),
    ] = None,
    out: Annotated[Path | None, Option(metavar="DIR", help="Write CSV, JSON and figures there.")] = None,
) -> None:
    """Print thermal mass shifts and widths against temperature, by several routes side by side."""
    import numpy as np

    from .._atomic import writable_folder
    from ..spectroscopy.files import read_levels, rows, table
    from ..spectroscopy.levels import DIPOLE, ROUTES, routes_of, thermal_levels

    split = options.comma_separated
    if not points >= 1:
        raise InputError("--points", points, "be at least 1")
    if points == 1 and T_max is not None:
        raise InputError("--T-max", T_max, "be left out with --points 1, which is at --T-min")
    table_flags = {"below": below, "beyond": beyond, "octet": octet}
    flags = {"kappa": kappa, "gamma": gamma, "gamma_vacuum": gamma_vacuum, "transport": transport, "T_c": T_c}
    model, dipole = _model(potential, alpha, mass, table_flags, {}, order, positive=positive), None
    if model.has_width:  # kappa and gamma are then what its widths are compared with
        routes = split(route) if route is not None else (*ROUTES, DIPOLE)
        if DIPOLE in routes:
            dipole = _transport(flags)
        else:
            given = {f"--{flag.replace('_', '-')}": value for flag, value in flags.items()}
            why = f"with --potential {potential}, which has a width of its own, unless the route dipole shows them"
            options.refuse(given, why)
    else:
        model = replace(model, transport=_transport(flags))
        routes = split(route) if route is not None else routes_of(model)
    if source is not None and "spectral" not in routes:
        raise InputError("--source", source, f"be left out with --route {route}: it is that of spectral")
    others = [row for path in compare or [] for row in read_levels(path)]
    if out is not None:
        writable_folder(out)
    T = np.linspace(T_min, HIGHEST_T if T_max is None else T_max, points) if points > 1 else np.array([T_min])
    levels = thermal_levels(
        model, T, split(states), routes=routes, source=source or "state", dipole=dipole, progress=True
    )
    shown = [*rows(levels), *others]
    plain = not options.console().is_terminal
    options.print_table(table(shown, _title(levels), plain=plain), width=SPECTRUM_WIDTH, highlight=False)
    if out is not None:
        _write(levels, shown, out)


def equilibrium(
    T: Annotated[float, Option("--T", help="Temperature, GeV.")] = 0.450,
    box: Annotated[
        float | None, Option(help="Distance of the hard wall, GeV^-1  [20, as the size for other systems]")
    ] = None,
    l_max: Annotated[int, Option(help="Highest angular momentum, which pairs do not leave.")] = 3,
    levels: Annotated[
        int | None, Option(help="Levels of each color and l  [those up to a kinetic energy of 10 T]")
    ] = None,
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    below: options.Below = None,
    beyond: options.Beyond = None,
    octet: options.Octet = None,
    mass: options.Mass = None,
    kappa: options.Kappa = None,
    gamma: options.Gamma = None,
    gamma_vacuum: options.GammaVacuum = None,
    transport: options.Preset = None,
    T_c: options.CriticalTemperature = None,
    order: options.Order = "LO",
    positive: options.Positive = False,
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Print where a pair ends up at constant temperature in a closed box, beside the Gibbs state."""
    from .._atomic import writable_folder
    from ..solvers.equilibrium import steady_state

    options.netcdf_name(out)
    if out is not None:
        writable_folder(out.parent)
    table_flags = {"below": below, "beyond": beyond, "octet": octet}
    dipole = {
        "kappa": kappa,
        "gamma": gamma,
        "gamma_vacuum": gamma_vacuum,
        "transport": transport,
        "T_c": T_c,
    }
    model = _model(potential, alpha, mass, table_flags, dipole, order, positive=positive)
    result = steady_state(model, T, box=box, l_max=l_max, states=levels)
    _printed_and_saved(result, out, as_json=as_json)


def _printed_and_saved(result: Result | SteadyState, out: Path | None, *, as_json: bool) -> None:
    """Print a result as a table or in JSON, and save it where asked to, with the command in its provenance."""
    if as_json or out is not None:
        command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
        result = replace(result, provenance={**result.provenance, "command": command})
    typer.echo(json.dumps(result.to_dict(), indent=1) if as_json else str(result))
    if out is not None:
        options.wrote([result.save(out)], err=as_json)


def _write(levels: ThermalLevels, shown: list[Row], out: Path) -> None:
    """Write tables and figures of thermal levels into a folder."""
    import numpy as np

    from ..plots.spectrum import spectral_figure, spectrum_figure
    from ..plots.style import save_figure
    from ..spectroscopy.files import write_levels
    from ..spectroscopy.spectral import SpectralFunction, source_of

    options.wrote(write_levels(levels, out))
    title = _title(levels).replace("kappa_hat", r"$\hat\kappa$").replace("gamma_hat", r"$\hat\gamma$ =")
    drawn = np.unique(np.linspace(0, len(levels.T) - 1, FUNCTIONS).round().astype(int))
    omega = np.linspace(levels.vacuum.min() - OMEGA_BELOW, levels.vacuum.max() + OMEGA_ABOVE, OMEGA_POINTS)
    channels, vacuum = {}, {}
    for l in sorted({state.l for state in levels.states}):
        members = [i for i, state in enumerate(levels.states) if state.l == l]
        label = f"{'SPDF'[l]} wave, local source"
        source = source_of(levels.states[members[0]], "local")
        channels[label] = [SpectralFunction(levels.model, float(levels.T[j]), source) for j in drawn]
        vacuum[label] = {levels.states[i].name: float(levels.vacuum[i]) for i in members}
    figure = spectral_figure(channels, omega, vacuum, title=title)
    options.wrote(save_figure(figure, out / "spectral_functions"))
    # last: if no route has found a number it cannot be drawn, and the user is told
    options.wrote(save_figure(spectrum_figure(shown, title=title), out / "spectrum"))


def _title(levels: ThermalLevels) -> str:
    model = levels.model
    head = f"{_short(model.potential)}, M = {model.mass:g} GeV"
    if model.has_width:
        return head if levels.dipole is None else f"{head}; dipole: {_coefficients(levels.dipole)}"
    return f"{head}, {_coefficients(model.transport)}, {model.order}{', positive twin' * model.positive}"


def _short(potential: Any) -> str:
    """Return a potential as Python writes it, without the arguments that are at their defaults."""
    if not is_dataclass(potential):
        return str(potential)
    given = {f.name: getattr(potential, f.name) for f in fields(potential) if f.repr}
    said = [f"{f.name}={given[f.name]!r}" for f in fields(potential) if f.repr and given[f.name] != f.default]
    return f"{type(potential).__name__}({', '.join(said)})"


def _coefficients(transport: Transport) -> str:
    vacuum = f" and {transport.gamma_vacuum:g} GeV^3" if transport.gamma_vacuum else ""
    return f"kappa_hat {transport.kappa}, gamma_hat {transport.gamma}{vacuum}"


def explore(
    port: Annotated[int, Option(help="Port of the page on this machine.")] = 5016,
    show: Annotated[bool, Option("--show/--no-show", help="Open the page in the browser.")] = True,
    origin: Annotated[
        list[str] | None,
        Option(
            metavar="HOST:PORT",
            help="Address in the browser where it is another, as behind ssh -L 8016:localhost:5016; may be repeated.",
        ),
    ] = None,
) -> None:
    """Open a page whose sliders solve the Lindblad equation: survival, regeneration, density and R_AA, live.

    It listens on 127.0.0.1 only. Needs the extra: python -m pip install "qtraj[app]".
    """
    from ..pages.explore import address, serve

    server = serve(port, show=show, origins=origin or ())
    typer.echo(f"Serving on {address(port)}; Ctrl-C ends it.")
    try:
        server.run_until_shutdown()
    except KeyboardInterrupt:
        server.stop()


def _given(**settings: Any) -> dict[str, Any]:
    """Return the settings that are given: for the others the classes have their defaults."""
    return {name: value for name, value in settings.items() if value is not None}


def _model(
    potential: str,
    alpha: float | None,
    mass: float | None,
    how: Mapping[str, str | None],
    dipole: Mapping[str, Any] | None = None,
    order: str = "LO",
    *,
    positive: bool = False,
) -> LindbladModel:
    """Return the model; `how` holds --below, --beyond and --octet, `dipole` the flags of kappa and gamma."""
    from ..physics.model import EXPANDED, LindbladModel
    from ..physics.potentials import MASSES
    from ..physics.potentials.coulomb import thermal_potential

    if any(order == known and expanded for known, expanded in EXPANDED.items()):
        lindblad = f"with --order {order}, whose equation is a Lindblad equation already"
        options.refuse({"--positive": positive or None}, lindblad)
    made = _potential(potential, alpha, how)
    flags, transport = dipole or {}, None
    thermal = thermal_potential(made)
    given = _given(**flags)
    if thermal is not None and thermal.has_width and not given.keys() - {"T_c"}:
        flag = {"--T-c": flags.get("T_c")}
        options.refuse(flag, f"with --potential {potential}, which has a width of its own")
    else:
        transport = _transport(flags)
    if mass is None:
        mass = MASSES.get(potential.partition(",")[0])
    return LindbladModel(made, **_given(transport=transport, mass=mass, order=order, positive=positive))


def _potential(potential: str, alpha: float | None, how: Mapping[str, str | None]) -> Potential:
    """Return the potential of --potential NAME, NAME,ARGUMENT=VALUE,... or FILE."""
    from ..physics.potentials import POTENTIALS, arguments_of, takes_alpha
    from ..physics.potentials.table import TabulatedPotential

    name, *words = potential.split(",")
    if Path(potential).is_file() and potential not in POTENTIALS:
        if alpha is None:
            remedy = "It sets the radius of the Coulomb functions."
            raise InputError("--alpha", None, "be given with a file", remedy)
        table: dict[str, Any] = _given(**how)
        try:
            return TabulatedPotential.read(potential, alpha=alpha, **table)
        except InputError as error:
            raise InputError(f"--{error.argument}", error.value, error.allowed, error.remedy) from None
    if name not in POTENTIALS:
        allowed = f"be {', '.join(POTENTIALS)} or a file with a table of V(r)"
        raise InputError("--potential", potential, allowed)
    known = arguments_of(name)
    flags = {f"--{flag}": value for flag, value in how.items() if flag not in known}
    options.refuse(flags, f"with --potential {name}: it says how a table is read")
    if not takes_alpha(name):
        options.refuse({"--alpha": alpha}, f"with --potential {name}, which has its own")
    arguments: dict[str, Any] = _given(alpha=alpha, octet=how.get("octet"))
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or key not in known or key in arguments:
            takes = f"It takes {', '.join(known)}, each once." if known else f"{name} takes none."
            raise InputError("--potential", potential, "be NAME,ARGUMENT=VALUE,...", takes)
        try:
            arguments[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:  # a word without quotes; the class says which it takes
            arguments[key] = value
    return POTENTIALS[name](**arguments)


def _transport(flags: Mapping[str, Any]) -> Transport:
    """Return the coefficients of --kappa, --gamma, --T-c, --gamma-vacuum and --transport."""
    from ..physics.transport import Transport

    given = _given(**flags)
    name = given.pop("transport", None)
    if name is not None:
        why = f"with --transport {name}, which has both"
        options.refuse({"--kappa": flags.get("kappa"), "--gamma": flags.get("gamma")}, why)
        try:
            preset = Transport.preset(name)
        except InputError as error:
            raise InputError("--transport", name, error.allowed) from None
        given |= {"kappa": preset.kappa, "gamma": preset.gamma}
    with suppress(KeyError, ValueError, TypeError):  # Transport refuses what is neither a name nor a number
        given["kappa"] = float(given["kappa"])
    if not isinstance(given.get("kappa", "central"), str):
        fits = f"with --kappa {flags['kappa']}" if name is None else f"with --transport {name}"
        options.refuse({"--T-c": flags.get("T_c")}, f"{fits}: it scales the fits central, lower and upper")
    return Transport(**given)


def _method(name: str, rtol: float | None, n: int | None, seed: int | None) -> Method:
    from ..solvers.density.method import DensityMatrix
    from ..solvers.nojump.method import NoJump
    from ..solvers.trajectories.method import QuantumTrajectories

    kinds: dict[str, tuple[type[DensityMatrix | NoJump | QuantumTrajectories], tuple[str, ...]]] = {
        "density": (DensityMatrix, ("rtol",)),
        "nojump": (NoJump, ()),
        "trajectories": (QuantumTrajectories, ("n", "seed")),
    }
    kind, given = _chosen("--method", name, kinds, rtol=rtol, n=n, seed=seed)
    return kind(**given)


def _grid(kind: str, factor: float, **settings: float | None) -> Grid:
    """Return a grid of the given settings; `factor` is that of lengths over those of bottomonium, for the others."""
    from ..radial.sine import SineGrid
    from ..solvers.projection import STATES_MESH

    grids: dict[str, tuple[Grid, tuple[str, ...]]] = {
        "mesh": (STATES_MESH.scaled(factor), ("points", "scale")),
        "sine": (SineGrid().scaled(factor), ("num", "length", "derivative")),
    }
    default, given = _chosen("--grid", kind, grids, **settings)
    return replace(default, **given)


def _chosen(
    flag: str, name: str, kinds: Mapping[str, tuple[Kind, tuple[str, ...]]], **settings: Any
) -> tuple[Kind, dict[str, Any]]:
    """Return what a name stands for, and the settings that are given: each is one of its keys, or refused."""
    if name not in kinds:
        raise InputError(flag, name, f"be one of {', '.join(kinds)}")
    kind, keys = kinds[name]
    given = _given(**settings)
    foreign = {f"--{key}": value for key, value in given.items() if key not in keys}
    takes = f"It takes {', '.join(f'--{key}' for key in keys)}." if keys else ""
    options.refuse(foreign, f"with {flag} {name}", takes)
    return kind, given
