"""A whole run: from the run file to a prediction with its provenance, on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError
from ..io.atomic import writable_folder
from ..io.citations import references
from ..io.config import RunConfig, RunFile
from ..io.results import provenance, write_dataset
from ..observables.experiment import DataSet, load_raa
from ..observables.feeddown import FeedDown
from ..solvers.solve import solve as solve_lindblad
from .execute import Solver, execute
from .geometry import sample_geometries
from .plan import plan
from .prediction import predict
from .progress import Reporter
from .store import PartStore

RESULT = "result.nc"
"""Name of the result file in the folder of a run."""


def run(
    run_file: RunFile,
    directory: Path,
    *,
    fresh: bool = False,
    solve: Solver = solve_lindblad,
    report: Reporter | None = None,
) -> xr.Dataset:
    """Carry out a run file, write ``result.nc`` into `directory` and return its content.

    Finished tasks are kept in ``parts/`` there, and read instead of computed when the same run comes again.

    Parameters
    ----------
    run_file : RunFile
        From `qtraj.io.config.load_run_file`.
    directory : Path
        Where the results go.
    fresh : bool, optional
        Compute finished parts again.
    solve : callable, optional
        `qtraj.solve` or a stand-in with its signature.
    report : Reporter, optional
        Hears about the progress.

    Returns
    -------
    xarray.Dataset
        As from `predict`, with the run file, versions, seed, sources and references as attributes.

    Raises
    ------
    InputError, FileFormatError
        If the hydrodynamics cannot be read or does not suit the run file, or nothing can be written into
        `directory`: before anything is solved.
    """
    config = run_file.config
    feeddown = FeedDown.named(config.observables.feeddown)
    geometries = sample_geometries(run_file)
    tasks = plan(config, geometries)
    store = PartStore(writable_folder(directory / "parts"))
    if fresh:
        for task in tasks:
            store.discard(task)
    parts = execute(tasks, store, solve=solve, report=report)
    prediction = predict(tasks, parts, geometries, feeddown)
    prediction.attrs = {
        "title": config.output.title or "R_AA against N_part",
        **provenance(run_file.text, config.paths.seed, citations(config, [g.source for g in geometries])),
        "feeddown": feeddown.source,
        "hydro": json.dumps([dict(geometry.source) for geometry in geometries]),
    }
    write_dataset(prediction, directory / RESULT)
    return prediction


def measured(config: RunConfig) -> tuple[DataSet, ...]:
    """Return the measurements to compare with: R_AA against N_part of the run's system, energy and mesons.

    Returns
    -------
    tuple of DataSet
        Empty where nothing was measured.
    """
    found: list[DataSet] = []
    for state in config.observables.states:
        try:
            found += load_raa(config.system.name, config.system.sqrt_s_GeV, state)
        except InputError:  # raised where there is no such measurement: nothing to compare with is an answer
            continue
    # upper limits are no points
    return tuple(data for data in found if not np.any(np.isfinite(data.upper_limit_cl)))


def citations(config: RunConfig, hydro: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Return what to cite for a run: equations, methods, its hydrodynamics and the data beside it.

    Parameters
    ----------
    config : RunConfig
        The run file.
    hydro : iterable of mapping
        Attributes of the fluids, where ``cite`` says what their authors ask for.
    """
    fluids = [f"hydrodynamics: {attrs['cite']}" for attrs in hydro if "cite" in attrs]
    data = [f"data: {data.experiment}, {data.source}" for data in measured(config)]
    return list(dict.fromkeys([*references(), *fluids, *data]))
