"""Collision systems as data: ``data/systems/*.toml``; a new system is a new file, no code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

import numpy as np

from ..._checks import choice
from ..._checks import text as text_of
from ...errors import FileFormatError
from ..geometry import CollisionGeometry
from .dataset import DataSet, load_data


class ExperimentAcceptance(NamedTuple):
    """Where one experiment measures in one system."""

    experiment: str
    ranges: Mapping[str, tuple[float, float]]  # by axis: pT_GeV, abs_y or, in proton-nucleus collisions, y_cm
    source: str  # papers


@dataclass(frozen=True)
class CollisionSystem:
    """What collides, with which geometry, and what was measured there.

    Parameters
    ----------
    name, label, collider : str
        For arguments, for figures, and where.
    data : str
        Name of the system in the data tables.
    projectile, target : str
        Names of the nuclei; ``"p"`` is a proton.
    sqrt_s_GeV, sigma_nn_mb : float
        Energy per nucleon pair in GeV; inelastic nucleon-nucleon cross section in mb.
    nucleus : mapping of str to number
        Woods-Saxon of the target: A, R_fm, a_fm and, of light nuclei, w; the arguments of `qtraj.hydro.Nucleus`.
    geometry_name : str
        Shipped table of the geometry.
    hydro : {"shipped", "files"}
        Whether the package brings hydrodynamics of this system.
    acceptances : tuple of ExperimentAcceptance
        Ranges of the experiments.
    observables : mapping of str to tuple of str
        What is compared with data: observable and axes.
    sources : tuple of str
        References of the numbers.
    """

    name: str
    label: str
    collider: str
    data: str
    projectile: str
    target: str
    sqrt_s_GeV: float
    sigma_nn_mb: float
    nucleus: Mapping[str, float]
    geometry_name: str
    hydro: Literal["shipped", "files"]
    acceptances: tuple[ExperimentAcceptance, ...]
    observables: Mapping[str, tuple[str, ...]]
    sources: tuple[str, ...]

    @property
    def unequal(self) -> bool:
        """Whether different nuclei collide, so that forward and backward differ."""
        return self.projectile != self.target

    @property
    def ratio(self) -> str:
        """Name of the nuclear modification factor in the data tables: ``"R_AA"`` or ``"R_pA"``."""
        return "R_pA" if self.projectile == "p" else "R_AA"

    @property
    def rapidity(self) -> str:
        """Axis of rapidity: ``"abs_y"``, or ``"y_cm"`` where forward and backward differ."""
        return "y_cm" if self.unequal else "abs_y"

    @property
    def geometry(self) -> CollisionGeometry:
        """Centrality, participants and collisions against the impact parameter."""
        return CollisionGeometry.named(self.geometry_name)

    def measurements(self, observable: str, x_name: str, **selection: Any) -> tuple[DataSet, ...]:
        """Return what was measured in this system, upper limits left out; empty where nothing was.

        `observable`, `x_name` and any further `selection` are arguments of `load_data`.
        """
        selection |= {"system": self.data, "sqrt_s_GeV": self.sqrt_s_GeV, "x_name": x_name}
        found = load_data(observable, required=False, **selection)  # nothing to compare with is an answer
        points = [data.points(np.isnan(data.upper_limit_cl)) for data in found]
        return tuple(data for data in points if len(data))


def system_names() -> tuple[str, ...]:
    """Return the names of the systems that the package knows.

    Returns
    -------
    tuple of str
        Sorted.
    """
    folder = resources.files("qtraj.data").joinpath("systems")
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def load_system(name: str) -> CollisionSystem:
    """Return a system by name, for example ``load_system("PbPb5020")``.

    Parameters
    ----------
    name : str
        One of `system_names`.

    Returns
    -------
    CollisionSystem
        Geometry, cross section and acceptances.

    Raises
    ------
    InputError
        If there is none of this name; lists those there are.
    """
    return _shipped(choice("system", name, system_names(), f"be one of {', '.join(system_names())}"))


def system_of(collider: str, sqrt_s_GeV: float) -> CollisionSystem | None:
    """Return the system with nuclei such as ``"PbPb"`` and this energy per nucleon pair, or None."""
    systems = (load_system(name) for name in system_names())
    return next((s for s in systems if (s.data, s.sqrt_s_GeV) == (collider, sqrt_s_GeV)), None)


@cache
def _shipped(name: str) -> CollisionSystem:
    file = resources.files("qtraj.data").joinpath(f"systems/{name}.toml")
    return parse_system(name, file.read_text(encoding="utf-8"))


def parse_system(name: str, text: str) -> CollisionSystem:
    """Return the system that a TOML text describes.

    Parameters
    ----------
    name : str
        What to call it.
    text : str
        As in ``data/systems``.

    Returns
    -------
    CollisionSystem
        Geometry, cross section and acceptances.

    Raises
    ------
    FileFormatError
        If the text is not TOML or a key is missing or unknown.
    """
    name, content = text_of("name", name), text_of("text", text)
    try:
        table = tomllib.loads(content)
        acceptances = []
        for entry in table.pop("acceptances"):
            ranges = {key: (float(v[0]), float(v[1])) for key, v in entry.items() if isinstance(v, list)}
            acceptances.append(ExperimentAcceptance(entry["experiment"], ranges, entry["source"]))
        observables = {entry["name"]: tuple(entry["x_names"]) for entry in table.pop("observables")}
        return CollisionSystem(
            name=name,
            geometry_name=table.pop("geometry"),
            sources=tuple(table.pop("sources")),
            acceptances=tuple(acceptances),
            observables=observables,
            **table,
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise FileFormatError(f"system {name}", f"not a system: {error}", "See data/systems.") from None
