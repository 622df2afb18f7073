"""The histories of a run: shipped or given hydrodynamics, sampled production points, straight paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..hydro import Hydro, MusicGrid, load_shipped, open_hydro, read_columns, read_music_dense, shipped_runs
from ..hydro.glauber import Nucleus, OpticalGlauber
from ..hydro.paths import histories_along
from ..hydro.sampling import sample_paths
from ..io.config import HydroFile, RunConfig, RunFile
from .plan import Geometry


@dataclass(frozen=True)
class Background:
    """The fluid at one impact parameter.

    Parameters
    ----------
    b_fm : float
        Impact parameter, fm.
    n_part : float or None
        Participants, if the source states them.
    hydro : Hydro
        Temperatures.
    """

    b_fm: float
    n_part: float | None
    hydro: Hydro


def backgrounds(run_file: RunFile) -> list[Background]:
    """Read the hydrodynamics that a run file asks for.

    Raises
    ------
    InputError
        If the shipped runs are of another system or lack an impact parameter.
    FileFormatError
        If a file cannot be read; names it.
    """
    medium = run_file.config.medium
    if medium.hydro == "files":
        return [Background(f.b_fm, f.n_part, _read(run_file.resolve(f.path), f)) for f in medium.files]
    _check_shipped_system(run_file.config)
    b_fm = medium.b_fm or [shipped.b_fm for shipped in shipped_runs()]
    fluids = [load_shipped(b) for b in b_fm]
    return [Background(b, float(fluid.attrs["n_part"]), fluid) for b, fluid in zip(b_fm, fluids, strict=True)]


def sample_geometries(run_file: RunFile) -> list[Geometry]:
    """Return the temperature histories of a run: sampled production points, straight lines, each fluid.

    Parameters
    ----------
    run_file : RunFile
        From `qtraj.io.config.load_run_file`.

    Raises
    ------
    InputError, FileFormatError
        As for `backgrounds`.
    """
    config = run_file.config
    system = config.system
    nucleus = Nucleus(**system.woods_saxon.model_dump(), name=system.name)
    glauber = OpticalGlauber(nucleus, system.sigma_nn_mb)
    return [_geometry(config, glauber, background) for background in backgrounds(run_file)]


def _geometry(config: RunConfig, glauber: OpticalGlauber, background: Background) -> Geometry:
    settings = config.paths
    paths = sample_paths(
        glauber,
        background.b_fm,
        settings.n,
        replicates=settings.replicates,
        seed=settings.seed,
        pT_max=settings.pT_max,
    )
    n_part = background.n_part if background.n_part is not None else glauber.n_part(background.b_fm)
    histories = histories_along(background.hydro, paths, config.medium.T_end)
    return Geometry(background.b_fm, float(n_part), histories, paths.replicate, background.hydro.attrs)


def _check_shipped_system(config: RunConfig) -> None:
    system, runs = config.system, shipped_runs()
    if all((system.name, system.sqrt_s_GeV) != (run.system.replace("-", ""), run.sqrt_s_GeV) for run in runs):
        known = ", ".join(sorted({f"{run.system} at {run.sqrt_s_GeV:g} GeV" for run in runs}))
        asked = f"{system.name} at {system.sqrt_s_GeV:g} GeV"
        raise InputError(
            "system", asked, f"be {known} for hydro = 'shipped'", "Give [[medium.files]] of your own."
        )


def _read(path: Path, entry: HydroFile) -> Hydro:
    if entry.columns is not None:
        return read_columns(path, **entry.columns.model_dump())
    if entry.grid is not None:
        return read_music_dense(path, MusicGrid(**entry.grid.model_dump()))
    return open_hydro(path, entry.format)
