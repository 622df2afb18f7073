"""All finished chunks of a campaign as one dataset that is read where it is looked at, and as one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .._checks import boolean
from .._checks import path as path_of
from ..errors import FileFormatError, InputError
from ..io.results import provenance, write_dataset
from ..states import STATE_NAMES
from .plan import Plan
from .sources import PATH_NAMES
from .store import REMEDY, Store, present
from .work import QUANTITIES

DIMS = ("setting", "l", "history", "state")
_MEANING = {
    "survival": "final over initial overlap",
    "no_jump": "final overlap of pairs that never jumped over initial overlap",
}


def open_results(folder: str | Path, *, partial: bool = False) -> xr.Dataset:
    """Open a campaign as one dataset; chunks are read, and checked, when their numbers are asked for.

    Parameters
    ----------
    folder : str or Path
        The store.
    partial : bool, optional
        Accept missing chunks; their numbers are NaN.

    Returns
    -------
    xarray.Dataset
        ``survival`` and ``no_jump`` of dimensions (setting, l, history, state); for states of another l than that of
        the start they are no survivals, but the probability of the state at the end. Each has one variable per part of
        its error (NaN where it was not asked for); over histories the coordinates of `PATH_NAMES`, ``n_part`` of their
        impact parameters, and number of their ``source``. The arrays are Dask arrays.

    Raises
    ------
    InputError
        If the folder is no store, or chunks are missing and `partial` is False.
    FileFormatError
        Here or later, if a chunk is damaged or of another configuration; names the file.
    """
    store = Store(path_of("folder", folder))
    partial = boolean("partial", partial)
    plan = store.load_plan()
    there = present(store)
    missing = sum(key not in there for key in plan.keys)
    if missing == len(plan.keys) or (missing and not partial):
        remedy = f"`qtraj campaign resume --store {folder}` solves them."
        raise InputError(
            "--store", str(folder), f"hold all {len(plan.keys)} chunks, {missing} are missing", remedy
        )
    keys = np.array([key if key in there else "" for key in plan.keys])
    return _dataset(plan, _Blocks(store.folder, keys.reshape(len(plan.settings), -1), plan))


class _Blocks:
    """The chunks as blocks of arrays (setting, l, history, state)."""

    def __init__(self, folder: Path, keys: NDArray[np.str_], plan: Plan) -> None:
        self.folder = folder
        first = plan.chunks[: keys.shape[1]]  # those of the central setting: the others repeat their ranges
        ls = plan.config.initial.l
        self.sources = np.array([chunk.source for chunk in first if chunk.l == ls[0]])
        self.sizes = tuple(len(chunk) for chunk in first if chunk.l == ls[0])
        by_l = [[i for i, chunk in enumerate(first) if chunk.l == l] for l in ls]
        self.keys = np.stack([keys[:, numbers] for numbers in by_l], axis=1)  # (setting, l, block)

    def variable(self, name: str) -> da.Array:
        """Return an array (setting, l, history, state)."""
        S, L, _ = self.keys.shape
        chunks = ((1,) * S, (1,) * L, self.sizes, (len(STATE_NAMES),))
        return _array(partial(_block, self.folder, self.keys, self.sizes, name), chunks)

    def path(self, name: str) -> da.Array:
        """Return an array (history,): every setting and l has the same paths, so any chunk tells."""
        flat = self.keys.reshape(-1, self.keys.shape[-1])
        keys = np.array([next(filter(None, column), "") for column in flat.T])
        return _array(partial(_path, self.folder, keys, self.sizes, name), (self.sizes,))

    def participants(self, plan: Plan) -> da.Array:
        """Return N_part of the impact parameter of each path, an array (history,)."""
        sources = [plan.sources[number] for number in self.sources]

        def block(b_fm: NDArray[np.float64], block_info: Mapping[Any, Any]) -> NDArray[np.float64]:
            (number,) = block_info[None]["chunk-location"]
            n_part: NDArray[np.float64] = sources[number].participants(b_fm)
            return n_part

        n_part: da.Array = da.map_blocks(block, self.path("b_fm"), dtype=float, meta=np.empty(0))
        return n_part


def _array(block: Callable[..., NDArray[np.float64]], chunks: tuple[tuple[int, ...], ...]) -> da.Array:
    array: da.Array = da.map_blocks(block, chunks=chunks, dtype=float, meta=np.empty((0,) * len(chunks)))
    return array


def _dataset(plan: Plan, blocks: _Blocks) -> xr.Dataset:
    sampled = _first_of(plan, blocks.folder)
    variables = {}
    for name in QUANTITIES:
        parts = [str(v).partition("_error_")[2] for v in sampled if str(v).startswith(f"{name}_error_")]
        attrs = {
            "error_parts": " ".join(parts),
            "not_estimated": sampled.attrs["not_estimated"],
            "long_name": f"{_MEANING[name]}; of a state of another l than the start's its probability at the end",
        }
        variables[name] = xr.Variable(DIMS, blocks.variable(name), attrs)
        for part in parts:
            error = f"{name}_error_{part}"
            variables[error] = xr.Variable(
                DIMS, blocks.variable(error), {"long_name": f"{part} error of {name}"}
            )
    coordinates: dict[str, Any] = {name: ("history", blocks.path(name)) for name in PATH_NAMES}
    coordinates |= {
        "source": ("history", np.repeat(blocks.sources, blocks.sizes)),
        "n_part": (
            "history",
            blocks.participants(plan),
            {"long_name": "mean number of participants"},
        ),
        **plan.coordinates(),
        "l": list(plan.config.initial.l),
        "state": list(STATE_NAMES),
    }
    return xr.Dataset(variables, coordinates, {"run_file": plan.run_file.text})


def _first_of(plan: Plan, folder: Path) -> xr.Dataset:
    """Return a finished chunk with an error budget, or any if there is none yet."""
    store, there = Store(folder), present(Store(folder))
    finished = [(key, chunk) for key, chunk in zip(plan.keys, plan.chunks, strict=True) if key in there]
    return store.read(min(finished, key=lambda pair: pair[1].budget == "none")[0])


def merge(folder: str | Path, target: str | Path, citations: Sequence[str] = ()) -> Path:
    """Write the results of a finished campaign as one netCDF file, chunk by chunk, with checksum and provenance."""
    results = open_results(folder)
    plan = Store(Path(folder)).load_plan()
    results.attrs = {
        "title": plan.config.output.title or "Survival along each path",
        **provenance(plan.run_file.text, plan.config.paths.seed, citations),
        "hydro": json.dumps([dict(source.attrs) for source in plan.sources]),
    }
    return write_dataset(results, target)


@lru_cache(maxsize=2**16)
def _checked(path: Path, mtime_ns: int) -> Path:
    """Check the file of a chunk, once; the time of the file is an argument, so that a new one is checked anew."""
    Store(path.parent.parent).check(path.stem)
    return path


def _read(folder: Path, key: str, name: str) -> NDArray[np.float64] | None:
    """Return a variable of a chunk, or None if it has no such variable."""
    path = Store(folder).path(key)
    try:
        mtime_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise FileFormatError(path, f"cannot be read ({error.strerror})", REMEDY) from None
    with h5py.File(_checked(path, mtime_ns), "r") as file:
        return np.asarray(file[name], dtype=float) if name in file else None


def _block(
    folder: Path, keys: NDArray[np.str_], sizes: Sequence[int], name: str, block_info: Mapping[Any, Any]
) -> NDArray[np.float64]:
    """Return one block of a variable, shape (1, 1, n, 6); NaN where the chunk is missing or has no such variable."""
    s, l, number, _ = block_info[None]["chunk-location"]
    key = str(keys[s, l, number])
    values = _read(folder, key, name) if key else None
    missing = np.full((sizes[number], len(STATE_NAMES)), np.nan)
    return (missing if values is None else values)[None, None]


def _path(
    folder: Path, keys: NDArray[np.str_], sizes: Sequence[int], name: str, block_info: Mapping[Any, Any]
) -> NDArray[np.float64]:
    """Return one block of a coordinate of the paths, shape (n,)."""
    (number,) = block_info[None]["chunk-location"]
    values = _read(folder, str(keys[number]), name) if keys[number] else None
    return np.full(sizes[number], np.nan) if values is None else values
