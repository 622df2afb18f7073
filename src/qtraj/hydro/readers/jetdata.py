"""Reader for JetData.h5, the history of VISHNew, the osu-hydro fork with histories, and iEBE-VISHNU."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from ..._types import Float
from ...errors import FileFormatError
from ..field import Hydro
from .common import Cells, Cut, Format, Within, build_hydro, existing_file, hdf5_root, uniform_axis


def read_jetdata_h5(
    path: str | Path,
    *,
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read ``JetData.h5``: group ``/Event`` with one subgroup ``Frame_####`` for each time, boost invariant.

    Parameters
    ----------
    path : path-like
        HDF5 file. Datasets ``Temp`` (GeV), ``Vx``, ``Vy`` are indexed [ix][iy]; x = (XL + ix) DX,
        tau = Tau0 + number of the frame x dTau (the number in its name: frames may be missing).
    T_min, within : optional
        See `open_hydro`.

    Returns
    -------
    Hydro
        T = 0 becomes NaN.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, truncated, has no such group, attributes or datasets, or wrong shapes.
    """
    cut, file = Cut.checked(T_min, within), existing_file(path)
    try:
        with h5py.File(file, "r", locking=False) as h5:
            return _read_event(file, h5, cut)
    except OSError as error:
        problem = f"HDF5 cannot open or read it ({error})"
        raise FileFormatError(file, problem, "Truncated, or no HDF5.") from None


def _read_event(file: Path, h5: h5py.File, cut: Cut) -> Hydro:
    if "Event" not in h5:
        raise FileFormatError(file, "there is no group /Event", "Is it a JetData.h5?")
    event = h5["Event"]
    # bounds of the grid in cells, x = (XL + ix) DX: whole numbers, read as reals
    XL, XH, YL, YH = (round(_attribute(file, event, name)) for name in ("XL", "XH", "YL", "YH"))
    DX, DY, tau0, dtau = (_attribute(file, event, name) for name in ("DX", "DY", "Tau0", "dTau"))
    names = [name for name in event if name.startswith("Frame_") and name[6:].isdigit()]
    frames = sorted((int(name[6:]), name) for name in names)
    if len(frames) < 2:
        raise FileFormatError(file, f"/Event holds {len(frames)} frames, at least 2 are needed")
    shape = (XH - XL + 1, YH - YL + 1)
    space = {
        "x": uniform_axis(0.0, DX, shape[0], offset=XL),
        "y": uniform_axis(0.0, DY, shape[1], offset=YL),
    }
    cells, keys = Cells(space, cut), {"T": "Temp", "vx": "Vx", "vy": "Vy"}
    for i, (_, frame) in enumerate(frames):
        fields = {name: _dataset(file, event[frame], key, shape) for name, key in keys.items()}
        cells.add(i, None, **fields)
    axes, dense = cells.field(file, tau0 + dtau * np.array([number for number, _ in frames]))
    return build_hydro(file, axes, dense, "JetData.h5")


def _attribute(file: Path, group: Any, name: str) -> float:
    if name not in group.attrs:
        raise FileFormatError(file, f"/Event has no attribute {name}")
    values = np.ravel(group.attrs[name])  # Fortran writes arrays of one element
    if values.size != 1 or not np.isfinite(float(values[0])):
        raise FileFormatError(file, f"attribute {name} of /Event is no finite number")
    return float(values[0])


def _dataset(file: Path, frame: Any, key: str, shape: tuple[int, int]) -> Float:
    if key not in frame:
        raise FileFormatError(file, f"{frame.name} has no dataset {key}")
    values = np.asarray(frame[key], dtype=float)
    if values.shape != shape:
        problem = f"{frame.name}/{key} has shape {values.shape}, the attributes say {shape}"
        raise FileFormatError(file, problem)
    if not np.all(np.isfinite(values)):
        raise FileFormatError(file, f"{frame.name}/{key} holds NaN or infinity")
    return values


FORMAT: Final = Format("jetdata", read_jetdata_h5, lambda path: "Event" in hdf5_root(path)[0])
