"""One file per finished task, found again by the task's key."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from ..errors import FileFormatError
from ..io.results import read_dataset, write_dataset
from .plan import Task


class DamagedPartWarning(UserWarning):
    """A part file was damaged and is computed again."""


@dataclass(frozen=True)
class PartStore:
    """Part files in a folder.

    Parameters
    ----------
    folder : Path
        Created with the first part.
    """

    folder: Path

    def path(self, task: Task) -> Path:
        """Return where the task's part is, or will be."""
        return self.folder / f"{task.key}.nc"

    def load(self, task: Task) -> xr.Dataset | None:
        """Return the finished part of a task, or None if it has to be computed.

        Warns
        -----
        DamagedPartWarning
            If there is a part but its content does not verify; names the file.
        """
        path = self.path(task)
        if not path.exists():
            return None
        try:
            part = read_dataset(path)
        except FileFormatError as error:
            warnings.warn(
                f"{error.path} ({task}): {error.problem}; computing it again.", DamagedPartWarning, 2
            )
            return None
        if part.attrs["key"] != task.key:
            warnings.warn(
                f"{path} holds another task's result; computing {task} again.", DamagedPartWarning, 2
            )
            return None
        return part

    def save(self, task: Task, part: xr.Dataset) -> None:
        """Write the part of a task; it appears whole or not at all.

        Raises
        ------
        FileFormatError
            If the file cannot be written.
        """
        write_dataset(part.assign_attrs(key=task.key, task=str(task)), self.path(task))

    def discard(self, task: Task) -> None:
        """Forget the part of a task, if there is one."""
        self.path(task).unlink(missing_ok=True)
