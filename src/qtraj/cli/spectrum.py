"""`qtraj spectrum`: thermal mass shifts and widths, read, computed, written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from . import options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..spectroscopy.files import Row
    from ..spectroscopy.levels import ThermalLevels

TABLE_WIDTH = 240  # columns, where no terminal says how many there are; the table takes what it needs

HIGHEST_T = 0.450  # GeV, unless --T-max says otherwise
OMEGA_POINTS = 600
OMEGA_ABOVE = 0.6  # GeV above the highest vacuum level
OMEGA_BELOW = 0.5  # GeV below the lowest
FUNCTIONS = 4  # spectral functions drawn at most per channel


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
    from ..errors import InputError
    from ..io.choices import chosen_model, chosen_transport
    from ..spectroscopy.files import read_levels, rows, table
    from ..spectroscopy.levels import thermal_levels

    if not points >= 1:
        raise InputError("--points", points, "be at least 1")
    if points == 1 and T_max is not None:
        raise InputError("--T-max", T_max, "be left out with --points 1, which is at --T-min")
    if source is not None and "spectral" not in _words(route):
        raise InputError("--source", source, f"be left out with --route {route}: it is that of spectral")
    transport = chosen_transport(potential, kappa, gamma, T_c)
    model = chosen_model(potential, alpha, mass, beyond, transport, order)
    others = [row for path in compare or [] for row in read_levels(path)]
    if out is not None:
        writable_folder(out)
    T = np.linspace(T_min, HIGHEST_T if T_max is None else T_max, points) if points > 1 else np.array([T_min])
    found = thermal_levels(model, T, _words(states), routes=_words(route), source=source or "state")
    shown = [*rows(found), *others]
    console = Console()
    plain = not console.is_terminal
    console = Console(width=TABLE_WIDTH) if plain else console
    console.print(table(shown, _title(found), plain=plain), highlight=False)
    if out is not None:
        _write(found, shown, out)


def _write(found: ThermalLevels, shown: list[Row], out: Path) -> None:
    from ..plots.spectrum import spectrum_figure
    from ..plots.style import save_figure
    from ..spectroscopy.files import write_levels

    for path in write_levels(found, out):
        typer.echo(f"wrote {path}")
    for path in save_figure(_functions_figure(found), out / "spectral_functions"):
        typer.echo(f"wrote {path}")
    # last: if no route has found a number it cannot be drawn, and the user is told
    for path in save_figure(spectrum_figure(shown, title=_figure_title(found)), out / "spectrum"):
        typer.echo(f"wrote {path}")


def _functions_figure(found: ThermalLevels) -> Figure:
    import numpy as np

    from ..plots.spectrum import spectral_figure
    from ..spectroscopy.spectral import SpectralFunction, source_of

    picked = np.unique(np.linspace(0, len(found.T) - 1, FUNCTIONS).round().astype(int))
    omega = np.linspace(found.vacuum.min() - OMEGA_BELOW, found.vacuum.max() + OMEGA_ABOVE, OMEGA_POINTS)
    channels, levels = {}, {}
    for l in sorted({state.l for state in found.states}):
        members = [i for i, state in enumerate(found.states) if state.l == l]
        text = f"{'SPDF'[l]} wave, local source"
        source = source_of(found.states[members[0]], "local")
        channels[text] = [SpectralFunction(found.model, float(found.T[j]), source) for j in picked]
        levels[text] = {found.states[i].name: float(found.vacuum[i]) for i in members}
    return spectral_figure(channels, omega, levels, title=_figure_title(found))


def _title(found: ThermalLevels) -> str:
    model = found.model
    head = f"{model.potential}, M = {model.mass:g} GeV"
    if model.has_width:
        return head
    return f"{head}, kappa_hat {model.transport.kappa}, gamma_hat {model.transport.gamma}, {model.order}"


def _figure_title(found: ThermalLevels) -> str:
    return _title(found).replace("kappa_hat", r"$\hat\kappa$").replace("gamma_hat", r"$\hat\gamma$ =")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
