"""The hydrodynamic runs of a run file: found, named by what they contain, and read when they are needed."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from ..errors import FileFormatError, InputError
from ..hydro import (
    Hydro,
    MusicGrid,
    Nucleus,
    OpticalGlauber,
    PlaneDensity,
    load_shipped,
    open_hydro,
    read_columns,
    read_music_dense,
    shipped_runs,
)
from ..hydro.sampling import collision_plane
from ..io.config import HydroFile, RunConfig, RunFile, System

Float = NDArray[np.float64]


@dataclass(frozen=True)
class InputFile:
    """A file of temperatures, known by its content.

    Parameters
    ----------
    name : str
        Absolute path; of a run inside the package, the name of its file.
    sha256 : str
        Digest of its bytes.
    """

    name: str
    sha256: str


def shipped(config: RunConfig) -> list[tuple[float, float, InputFile]]:
    """Return impact parameter, participants and file of the shipped runs that a run file asks for.

    Raises
    ------
    InputError
        If the shipped runs are of another system or lack an impact parameter.
    """
    _check_shipped_system(config)
    runs = {run.b_fm: run for run in shipped_runs()}
    found = []
    for b in config.medium.b_fm or runs:
        if b not in runs:
            allowed = f"be among {sorted(runs)}, the runs that come with qtraj"
            raise InputError("medium.b_fm", b, allowed, "Give [[medium.files]] of your own.")
        found.append((b, runs[b].n_part, InputFile(runs[b].file, _digest(_resource(runs[b].file)))))
    return found


def event_files(run_file: RunFile, entry: HydroFile) -> tuple[InputFile, ...]:
    """Return the file of an entry ``[[medium.files]]``, or all files that its pattern names, sorted.

    Raises
    ------
    FileFormatError
        If there is no such file.
    """
    path = run_file.resolve(entry.path).absolute()
    matching = [Path(name) for name in sorted(glob.glob(str(path)))]
    names = [path] if path.exists() else [match for match in matching if match.is_file()]
    if not names:
        raise FileFormatError(path, "no such file", "Check `path` of [[medium.files]].")
    return tuple(InputFile(str(name), _digest(name)) for name in names)


@lru_cache(maxsize=1)  # a fluid may fill much of the memory; chunks come fluid by fluid
def read_fluid(file: InputFile, entry: HydroFile | None, b_fm: float) -> Hydro:
    """Read the fluid of a file; `entry` describes it, None stands for a run inside the package.

    Raises
    ------
    FileFormatError
        If it cannot be read, or is no longer the file of the plan.
    """
    if entry is None:
        return load_shipped(b_fm)
    check_unchanged(file)
    path = Path(file.name)
    if entry.columns is not None:
        return read_columns(path, **entry.columns.model_dump())
    if entry.grid is not None:
        return read_music_dense(path, MusicGrid(**entry.grid.model_dump()))
    return open_hydro(path, entry.format)


@lru_cache(maxsize=4)
def check_unchanged(file: InputFile) -> None:
    """Raise FileFormatError if a file is not what it was when the plan was made."""
    path = Path(file.name)
    if not path.is_file():
        raise FileFormatError(path, "is gone since the plan was made", "Put it back.")
    if _digest(path) != file.sha256:
        raise FileFormatError(path, "has changed since the plan was made", "`qtraj campaign run` plans anew.")


@lru_cache(maxsize=8)
def production_density(system: System, b_fm: float) -> PlaneDensity:
    """Return the binary-collision density of a system at an impact parameter, ready for sampling."""
    return collision_plane(glauber(system), b_fm)


def glauber(system: System) -> OpticalGlauber:
    """Return the optical Glauber model of a system."""
    return OpticalGlauber(Nucleus(**system.woods_saxon.model_dump(), name=system.name), system.sigma_nn_mb)


@lru_cache(maxsize=8)
def participants(system: System) -> Callable[[Float], Float]:
    """Return mean N_part as a function of the impact parameter in fm, for paths that each have their own.

    A cubic spline in ln N_part: off by less than 1e-3 participants (Pb-Pb, near b = 0; measured at random b).
    """
    model = glauber(system)
    b = np.linspace(0.0, 2 * model.nucleus.extent_fm, 101)
    spline = CubicSpline(b, np.log([model.n_part(float(each)) for each in b]))
    # beyond, nothing collides: the smallest number is as good as any
    return lambda b_fm: np.asarray(np.exp(spline(np.minimum(b_fm, b[-1]))))


def attributes(file: InputFile, entry: HydroFile | None, b_fm: float) -> Mapping[str, Any]:
    """Return where the temperatures of a file come from, terms and citations."""
    return read_fluid(file, entry, b_fm).attrs


def _check_shipped_system(config: RunConfig) -> None:
    system, runs = config.system, shipped_runs()
    if all((system.name, system.sqrt_s_GeV) != (run.system.replace("-", ""), run.sqrt_s_GeV) for run in runs):
        known = ", ".join(sorted({f"{run.system} at {run.sqrt_s_GeV:g} GeV" for run in runs}))
        asked = f"{system.name} at {system.sqrt_s_GeV:g} GeV"
        raise InputError(
            "system", asked, f"be {known} for hydro = 'shipped'", "Give [[medium.files]] of your own."
        )


def _resource(name: str) -> Traversable:
    return files("qtraj.data") / "hydro" / name


def _digest(file: Path | Traversable) -> str:
    try:
        with as_file(file) as path, path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise FileFormatError(file, f"cannot be read ({error.strerror})", "Check the path.") from None
