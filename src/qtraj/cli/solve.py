"""Commands that solve one equation here: `solve`, `states`, `spectrum`, and the page of `explore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import InputError
from . import options

if TYPE_CHECKING:
    from ..spectroscopy.files import Row
    from ..spectroscopy.levels import ThermalLevels

SPECTRUM_WIDTH = 240  # columns, where no terminal says how many there are; the table takes what it needs
HIGHEST_T = 0.450  # GeV, unless --T-max says otherwise
OMEGA_POINTS = 600
OMEGA_ABOVE = 0.6  # GeV above the highest vacuum level
OMEGA_BELOW = 0.5  # GeV below the lowest
FUNCTIONS = 4  # spectral functions drawn at most per channel


def solve(
    temperature: Annotated[
        float | None, typer.Option("--T0", help="Temperature at --tau, GeV (Bjorken flow)  [0.425]")
    ] = None,
    tau: Annotated[
        float | None, typer.Option("--tau", help="Proper time at which the medium begins, fm/c  [0.6]")
    ] = None,
    T_end: Annotated[
        float | None, typer.Option("--T-end", help="Temperature at which the medium ends, GeV  [0.25]")
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option("--duration", help="Hold T0 constant for this long, fm/c, instead of Bjorken flow."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table", exists=True, dir_okay=False, help="Text file of two columns, tau (fm/c) and T (GeV)."
        ),
    ] = None,
    allow_hot_end: Annotated[
        bool, typer.Option("--allow-hot-end", help="Of a table that ends above T-end: end the medium there.")
    ] = False,
    kappa: options.Kappa = None,
    gamma: options.Gamma = None,
    T_c: options.CriticalTemperature = None,
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    mass: options.Mass = None,
    order: options.Order = "LO",
    l: Annotated[int | None, typer.Option("--l", help="Angular momentum of the Gaussian start  [0]")] = None,
    width: Annotated[
        float | None, typer.Option(help="Width of the Gaussian start in Bohr radii  [0.2]")
    ] = None,
    color: Annotated[str, typer.Option(help="Color of the start: singlet or octet.")] = "singlet",
    state: Annotated[
        str | None, typer.Option(help="Start in this Coulomb state, such as 1S, instead.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="density (no sampling noise), nojump or trajectories.  [density; with ksu nojump]"),
    ] = None,
    rtol: Annotated[
        float | None, typer.Option(help="Of density: relative accuracy of 1S, 2S, 3S  [1e-3]")
    ] = None,
    n: Annotated[int | None, typer.Option("--n", help="Of trajectories: their number  [4096]")] = None,
    seed: Annotated[int | None, typer.Option(help="Of trajectories: seed  [0]")] = None,
    view: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Also write figure, animation and page of the evolution without jumps."
        ),
    ] = None,
) -> None:
    """Solve one temperature history and print the survival of each state with its error."""
    from ..campaign.progress import solving
    from ..io.choices import chosen_initial, chosen_medium, chosen_method, chosen_model, chosen_transport
    from ..solvers.solve import solve as solve_lindblad

    transport = chosen_transport(potential, kappa, gamma, T_c)
    model = chosen_model(potential, alpha, mass, transport=transport, order=order)
    medium = chosen_medium(temperature, tau, T_end, duration, table, allow_hot_end=allow_hot_end)
    initial = chosen_initial(l, width, color, state)
    method = method or ("nojump" if model.has_width else "density")
    chosen = chosen_method(method, rtol, n, seed)
    with solving(Console(stderr=True)) as progress:
        result = solve_lindblad(model, medium, initial, chosen, progress=progress)
    typer.echo(str(result))
    if view is not None:
        from ..plots.evolution import evolve_for_view
        from ..plots.view_files import write_views

        options.wrote(write_views(evolve_for_view(model, medium, initial), view))


def states(
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    beyond: options.Beyond = None,
    mass: options.Mass = None,
    grid: Annotated[str, typer.Option(help="mesh (Laguerre) or sine (uniform).")] = "mesh",
    points: Annotated[int | None, typer.Option(help="Points of the mesh  [128]")] = None,
    scale: Annotated[float | None, typer.Option(help="Scale of the mesh, GeV^-1  [0.12]")] = None,
    num: Annotated[int | None, typer.Option(help="Points of the sine grid  [2047]")] = None,
    length: Annotated[float | None, typer.Option(help="Length of the sine grid, GeV^-1  [40]")] = None,
    derivative: Annotated[
        int | None, typer.Option(help="Sine grid: 0 spectral, 1 second differences  [0]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.nc", help="Save the bound states as netCDF.")
    ] = None,
) -> None:
    """Print masses, radii and Coulomb overlaps of the six vacuum states of a potential."""
    from ..io.choices import chosen_grid, chosen_model
    from ..io.stored_states import save_states
    from ..pages.tables import levels_tables
    from ..solvers.projection import vacuum_levels

    model = chosen_model(potential, alpha=alpha, mass=mass, beyond=beyond)
    chosen = chosen_grid(grid, points=points, scale=scale, num=num, length=length, derivative=derivative)
    levels = vacuum_levels(model, chosen)
    stored = levels.stored() if out is not None else None
    plain = not Console().is_terminal
    options.print_table(levels_tables(levels, plain=plain), highlight=False)
    if out is not None and stored is not None:
        source = {"potential": str(model.potential), "mass_GeV": f"{model.mass:g}", "grid": str(chosen)}
        options.wrote([save_states(stored, out, source)])


def spectrum(
    potential: options.Potential = "coulomb",
    alpha: options.Alpha = None,
    beyond: options.Beyond = None,
    mass: options.Mass = None,
    kappa: options.Kappa = None,
    gamma: options.Gamma = None,
    T_c: options.CriticalTemperature = None,
    order: options.Order = "LO",
    T_min: Annotated[float, typer.Option("--T-min", help="Lowest temperature, GeV.")] = 0.150,
    T_max: Annotated[float | None, typer.Option("--T-max", help="Highest temperature, GeV  [0.450]")] = None,
    points: Annotated[int, typer.Option(help="Number of temperatures.")] = 7,
    states: Annotated[str, typer.Option(help="States, separated by commas.")] = "1S,2S,1P",
    route: Annotated[
        str, typer.Option(help="Of perturbation, poles, spectral, separated by commas.")
    ] = "perturbation,poles,spectral",
    source: Annotated[
        str | None,
        typer.Option(help="Of spectral: state (each state's vacuum wave function) or local.  [state]"),
    ] = None,
    compare: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.csv", help="Table from elsewhere to show beside; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write CSV, JSON and figures there.")
    ] = None,
) -> None:
    """Print thermal mass shifts and widths against temperature, by several routes side by side."""
    import numpy as np

    from .._atomic import writable_folder
    from ..io.choices import chosen_model, chosen_transport
    from ..spectroscopy.files import read_levels, rows, table
    from ..spectroscopy.levels import thermal_levels

    split = options.comma_separated
    if not points >= 1:
        raise InputError("--points", points, "be at least 1")
    if points == 1 and T_max is not None:
        raise InputError("--T-max", T_max, "be left out with --points 1, which is at --T-min")
    if source is not None and "spectral" not in split(route):
        raise InputError("--source", source, f"be left out with --route {route}: it is that of spectral")
    transport = chosen_transport(potential, kappa, gamma, T_c)
    model = chosen_model(potential, alpha, mass, beyond, transport, order)
    others = [row for path in compare or [] for row in read_levels(path)]
    if out is not None:
        writable_folder(out)
    T = np.linspace(T_min, HIGHEST_T if T_max is None else T_max, points) if points > 1 else np.array([T_min])
    levels = thermal_levels(model, T, split(states), routes=split(route), source=source or "state")
    shown = [*rows(levels), *others]
    plain = not Console().is_terminal
    options.print_table(table(shown, _title(levels), plain=plain), width=SPECTRUM_WIDTH, highlight=False)
    if out is not None:
        _write(levels, shown, out)


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
    head = f"{model.potential}, M = {model.mass:g} GeV"
    if model.has_width:
        return head
    return f"{head}, kappa_hat {model.transport.kappa}, gamma_hat {model.transport.gamma}, {model.order}"


def explore(
    port: Annotated[int, typer.Option(help="Port of the page on this machine.")] = 5016,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Open the page in the browser.")] = True,
) -> None:
    """Open a page whose sliders solve the Lindblad equation: survival, regeneration, density and R_AA, live.

    It listens on 127.0.0.1 only. Needs the extra: python -m pip install "qtraj[app]".
    """
    from ..pages.explore import address, serve

    server = serve(port, show=show)
    typer.echo(f"Serving on {address(port)}; Ctrl-C ends it.")
    try:
        server.run_until_shutdown()
    except KeyboardInterrupt:
        server.stop()
