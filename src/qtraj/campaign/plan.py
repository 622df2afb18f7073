"""The plan of a run: independent tasks, each with a key that stands for all that determines its result."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..io.config import Model, RunConfig
from ..physics.medium import Histories
from ..physics.transport import FitName


@dataclass(frozen=True)
class Setting:
    """One choice of the transport coefficients.

    Parameters
    ----------
    kappa : str or float
        Name of a lattice fit, or kappa/T^3.
    gamma : float
        gamma/T^3.
    """

    kappa: FitName | float
    gamma: float

    @property
    def label(self) -> str:
        """Name of the setting in results and messages."""
        return f"kappa={self.kappa}, gamma={self.gamma:g}"


def settings(model: Model) -> tuple[Setting, ...]:
    """Return the settings of a run file: central, then the other kappas, then the other gammas.

    Each coefficient is varied with the other at its central value, as in arXiv:2012.01240.
    """
    kappa, *kappas = model.kappa
    gamma, *gammas = model.gamma
    return (
        Setting(kappa, gamma),
        *(Setting(other, gamma) for other in kappas),
        *(Setting(kappa, other) for other in gammas),
    )


@dataclass(frozen=True, eq=False)
class Geometry:
    """The histories of pairs at one impact parameter.

    Parameters
    ----------
    b_fm : float
        Impact parameter, fm.
    n_part : float
        Mean number of participants.
    histories : Histories
        Temperature along the path of each of n pairs.
    replicate : ndarray of int, shape (n,)
        The independent scrambling that each path belongs to.
    source : mapping
        Where the temperatures come from, for the result's provenance.
    """

    b_fm: float
    n_part: float
    histories: Histories
    replicate: NDArray[np.intp]
    source: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Task:
    """One batch to solve: every path at one impact parameter, for one setting, started in one l.

    Parameters
    ----------
    config : RunConfig
        The run file.
    setting : Setting
        Transport coefficients.
    geometry : Geometry
        Impact parameter and its histories.
    l : int
        Orbital angular momentum of the start.
    """

    config: RunConfig
    setting: Setting
    geometry: Geometry
    l: int

    def __len__(self) -> int:
        return len(self.geometry.histories)

    def __str__(self) -> str:
        return f"b = {self.geometry.b_fm:g} fm, {self.setting.label}, l = {self.l}"

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that determines the result: the arguments of the solver and the version of qtraj.

        The histories enter as the numbers that they are, so a changed hydro file, seed or path sampling
        changes the key without being listed here.
        """
        model, histories = self.config.model, self.geometry.histories
        arguments = {
            "qtraj": version("qtraj"),
            "model": {"alpha": model.alpha, "mass": model.mass, "order": model.order, "T_c": model.T_c},
            "transport": [self.setting.kappa, self.setting.gamma],
            "initial": {"l": self.l, "width": self.config.initial.width},
            "method": self.config.method.model_dump(),
            "T_end": histories.T_end,
        }
        digest = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode())
        for array in (histories.tau_fm, histories.T):
            numbers = np.ascontiguousarray(array, dtype="<f8")
            digest.update(f"{numbers.shape}".encode())
            digest.update(numbers.tobytes())
        return digest.hexdigest()


def plan(config: RunConfig, geometries: Sequence[Geometry]) -> tuple[Task, ...]:
    """Return the tasks of a run, the central setting first.

    Parameters
    ----------
    config : RunConfig
        The run file.
    geometries : sequence of Geometry
        One per impact parameter.
    """
    return tuple(
        Task(config, setting, geometry, l)
        for setting in settings(config.model)
        for geometry in geometries
        for l in (0, 1)
    )
