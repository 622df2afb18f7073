"""R_AA(N_part) as a smooth function of kappa_hat and gamma_hat, through runs made once by tools/make_surrogate.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.polynomial.chebyshev import chebvander
from numpy.typing import ArrayLike, NDArray

from ..._checks import float_array, number, settle
from ...errors import InputError

Float = NDArray[np.float64]

DEGREE: Final = 3
"""Total degree of the polynomial in (kappa_hat, gamma_hat): ten coefficients from a grid of 4 x 4 runs, of which the
rest says how well it fits."""


@dataclass(frozen=True, eq=False)
class RaaSurrogate:
    """Polynomial of total degree `DEGREE` for ln R_AA, fitted to a grid of runs.

    Parameters
    ----------
    kappa_hat : array_like, shape (nk,)
        Nodes, increasing.
    gamma_hat : array_like, shape (ng,)
        Nodes, increasing.
    n_part : array_like, shape (np,)
        Mean numbers of participants.
    mesons : tuple of str
        Names.
    raa : array_like, shape (nk, ng, mesons, np)
        R_AA of the runs, positive.
    paths : array_like, shape (nk, ng, mesons, np)
        Statistical error of the runs, from their few paths, which all runs share.
    provenance : mapping
        How the runs were made.

    Raises
    ------
    InputError
        If shapes do not agree, R_AA is not positive, or the nodes are too few for the polynomial.
    """

    kappa_hat: ArrayLike
    gamma_hat: ArrayLike
    n_part: ArrayLike
    mesons: tuple[str, ...]
    raa: ArrayLike
    paths: ArrayLike
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in ("kappa_hat", "gamma_hat", "n_part", "raa", "paths"):
            settle(self, **{name: float_array(name, getattr(self, name))})
        shape = (len(self._kappa), len(self._gamma), len(self.mesons), np.size(self.n_part))
        for name in ("raa", "paths"):
            if np.shape(getattr(self, name)) != shape:
                raise InputError(
                    name, np.shape(getattr(self, name)), f"have the shape of nodes, mesons, n_part, {shape}"
                )
        if not np.all(np.asarray(self.raa) > 0):
            raise InputError("raa", np.min(self.raa), "be positive")
        if min(shape[:2]) <= DEGREE:
            raise InputError("kappa_hat, gamma_hat", shape[:2], f"have at least {DEGREE + 1} nodes each")

    @property
    def _kappa(self) -> Float:
        return np.asarray(self.kappa_hat)

    @property
    def _gamma(self) -> Float:
        return np.asarray(self.gamma_hat)

    def __call__(self, kappa_hat: float, gamma_hat: float) -> Float:
        """Return R_AA of all mesons at all N_part, shape (mesons, np).

        Raises
        ------
        InputError
            Outside the grid: a polynomial does not extrapolate.
        """
        for name, value, nodes in (
            ("kappa_hat", kappa_hat, self._kappa),
            ("gamma_hat", gamma_hat, self._gamma),
        ):
            allowed = f"be from {nodes[0]:g} to {nodes[-1]:g}"
            number(name, value, allowed, low=nodes[0] - 1e-9, high=nodes[-1] + 1e-9)
        terms = self._terms(np.array([kappa_hat]), np.array([gamma_hat]))
        return np.asarray(np.exp(terms @ self._coefficients).reshape(len(self.mesons), -1))

    @cached_property
    def error(self) -> Float:
        """Interpolation error of R_AA, shape (mesons, np): root mean square of `leave_one_out`."""
        return np.asarray(np.sqrt((self.leave_one_out**2).mean(axis=(0, 1))))

    @cached_property
    def leave_one_out(self) -> Float:
        """At each node, R_AA of a fit to all the others minus the run's, shape (nk, ng, mesons, np).

        Nodes at the edge are extrapolated then, so this is larger than the error of the fit to all.
        """
        terms, logs = self._nodes
        left = np.empty_like(logs)
        for i in range(len(logs)):
            others = np.arange(len(logs)) != i
            left[i] = terms[i] @ np.linalg.lstsq(terms[others], logs[others], rcond=None)[0]
        return np.asarray((np.exp(left) - np.exp(logs)).reshape(np.shape(self.raa)))

    @cached_property
    def _coefficients(self) -> Float:
        terms, logs = self._nodes
        return np.asarray(np.linalg.lstsq(terms, logs, rcond=None)[0])

    @property
    def _nodes(self) -> tuple[Float, Float]:
        """The terms of the polynomial, (nodes, terms), and ln R_AA, (nodes, mesons np), of all runs."""
        kappa, gamma = (x.ravel() for x in np.meshgrid(self._kappa, self._gamma, indexing="ij"))
        return self._terms(kappa, gamma), np.log(np.asarray(self.raa)).reshape(len(kappa), -1)

    def _terms(self, kappa: Float, gamma: Float) -> Float:
        """Return T_i(kappa) T_j(gamma) for i + j <= DEGREE, shape (n, terms)."""
        x, y = (
            chebvander(2 * (values - nodes[0]) / (nodes[-1] - nodes[0]) - 1, DEGREE)
            for values, nodes in ((kappa, self._kappa), (gamma, self._gamma))
        )
        i, j = np.indices((DEGREE + 1, DEGREE + 1)).reshape(2, -1)
        chosen = i + j <= DEGREE
        return np.asarray(x[:, i[chosen]] * y[:, j[chosen]])


@lru_cache(maxsize=1)
def load_surrogate() -> RaaSurrogate:
    """Return the surrogate that comes with the package: Pb-Pb at 5.02 TeV, leading order, T_end = 250 MeV."""
    text = (files("qtraj.data") / "surrogate" / "raa_pbpb5020.json").read_text(encoding="utf-8")
    content = json.loads(text)
    return RaaSurrogate(
        kappa_hat=content["kappa_hat"],
        gamma_hat=content["gamma_hat"],
        n_part=content["n_part"],
        mesons=tuple(content["mesons"]),
        raa=content["raa"],
        paths=content["raa_error_paths"],
        provenance=content["provenance"],
    )
