"""The store of a campaign: its plan, one file per finished chunk under the chunk's key, and an index of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import xarray as xr

from .._atomic import atomic_path, writable_folder
from ..errors import FileFormatError, InputError
from ..io.results import check_seal, read_dataset, write_dataset
from .plan import Plan, plan_from_json

REMEDY: Final = "`qtraj campaign resume` computes it again."

LEFTOVER_AGE_S: Final = 3600.0
"""Temporary files older than this belong to nobody alive."""


class DamagedChunkWarning(UserWarning):
    """A file of a chunk was damaged or not what its name says, and is computed again."""


@dataclass(frozen=True)
class Store:
    """A folder that holds a campaign; created by `prepare`.

    Parameters
    ----------
    folder : Path
        The folder.
    """

    folder: Path

    @property
    def plan_path(self) -> Path:
        """The plan."""
        return self.folder / "plan.json"

    @property
    def index_path(self) -> Path:
        """The index of finished chunks."""
        return self.folder / "index.jsonl"

    @property
    def lock_path(self) -> Path:
        """The lock of a run."""
        return self.folder / "lock"

    @property
    def chunk_folder(self) -> Path:
        """The chunks."""
        return self.folder / "chunks"

    def path(self, key: str) -> Path:
        """Return where a chunk is, or will be."""
        return self.chunk_folder / f"{key}.nc"

    def prepare(self) -> None:
        """Create the folders and make sure that files can be written there.

        Raises
        ------
        FileFormatError
            If not.
        """
        writable_folder(self.folder)
        writable_folder(self.chunk_folder)

    def load_plan(self) -> Plan:
        """Return the stored plan.

        Raises
        ------
        InputError
            If the folder holds none.
        FileFormatError
            If it is damaged.
        """
        if not self.plan_path.is_file():
            remedy = "`qtraj campaign run FILE.toml --store DIR` begins one."
            raise InputError("--store", str(self.folder), "be the store of a campaign", remedy)
        return plan_from_json(self.plan_path.read_text(encoding="utf-8"), str(self.plan_path))

    def save_plan(self, plan: Plan) -> None:
        """Write the plan, unless it is there already.

        Raises
        ------
        FileFormatError
            If it cannot be written.
        """
        text = plan.to_json()
        if self.plan_path.is_file() and self.plan_path.read_text(encoding="utf-8") == text:
            return
        with atomic_path(self.plan_path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def check(self, key: str) -> Mapping[str, Any]:
        """Make sure that a chunk is finished, undamaged and the one of its name; return its attributes.

        Raises
        ------
        FileFormatError
            If it is missing, damaged, or the chunk of another configuration under this name.
        """
        path = self.path(key)
        if not check_seal(path):
            raise FileFormatError(path, "has no seal, it may be truncated", REMEDY)
        try:
            with h5py.File(path, "r") as file:
                attrs = dict(file.attrs)
        except OSError as error:
            raise FileFormatError(path, f"not a readable netCDF file ({error})", REMEDY) from None
        if attrs.get("key") != key:
            problem = f"holds a chunk of another configuration ({attrs.get('chunk', 'unknown')})"
            raise FileFormatError(path, problem, REMEDY)
        return attrs

    def read(self, key: str) -> xr.Dataset:
        """Return a finished chunk.

        Raises
        ------
        FileFormatError
            As `check`.
        """
        self.check(key)
        return read_dataset(self.path(key))

    def write(self, key: str, chunk: xr.Dataset) -> None:
        """Write a finished chunk; it appears whole or not at all.

        Raises
        ------
        FileFormatError
            If it cannot be written.
        """
        write_dataset(chunk.assign_attrs(key=key), self.path(key))

    def files(self) -> Iterator[Path]:
        """Yield the files of finished chunks, of whatever plan."""
        return self.chunk_folder.glob("[!.]*.nc")

    def sweep(self) -> None:
        """Remove temporary files that killed processes left behind."""
        for path in [*self.folder.glob(".*-*"), *self.chunk_folder.glob(".*-*.nc")]:
            try:
                if time.time() - path.stat().st_mtime > LEFTOVER_AGE_S:
                    path.unlink()
            except FileNotFoundError:  # its owner was alive and has finished
                continue
