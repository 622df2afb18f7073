"""Nuclear modification factor R_AA, its dependence on N_part, and bands over model settings (arXiv:2012.01240)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._checks import (
    choice,
    finite_array,
    float_array,
    increasing,
    instance,
    instances,
    mapping,
    settle,
    text,
)
from ..errors import InputError
from .estimate import Estimate, Float
from .feeddown import MESON_NAMES, NOT_ESTIMATED, FeedDown
from .survival import MesonSurvival, scatter


def raa(feeddown: FeedDown, survival: MesonSurvival) -> dict[str, Estimate]:
    r"""Return R_AA of the nine mesons in one geometry.

    R_AA is linear in the survivals, R_i = sum_j C_ij S_j with C_ij >= 0 (`FeedDown.apply`), so

    - the value is the mean over replicates of R_i,
    - ``"paths"`` is the scatter of R_i over replicates: a meson and its parents share their paths, and adding
      their errors one by one would miss that correlation,
    - each numerical part is sum_j C_ij p_j: the parts of different states may share a sign.

    Parameters
    ----------
    feeddown : FeedDown
        Fractions and cross sections.
    survival : MesonSurvival
        Survival of the nine mesons. With the no-jump survivals the result is the part of R_AA from pairs that
        never jumped; with ``total - no_jump`` it is the regenerated part.

    Returns
    -------
    dict of str to Estimate
        Keyed by meson name, for example ``"Y(1S)"``.
    """
    instance("feeddown", feeddown, FeedDown)
    instance("survival", survival, MesonSurvival)
    by_replicate = feeddown.apply(survival.replicates)
    parts = {name: feeddown.apply(part) for name, part in survival.numerical.items()}
    missing = tuple(dict.fromkeys((*survival.not_estimated, *NOT_ESTIMATED)))
    both = Estimate(by_replicate.mean(axis=0), {"paths": scatter(by_replicate), **parts}, missing)
    return {name: both[i] for i, name in enumerate(MESON_NAMES)}


@dataclass(frozen=True, eq=False)
class RaaCurve:
    """R_AA at a few values of N_part, for one setting of the model.

    Parameters
    ----------
    n_part : array_like, shape (k,)
        Mean number of participants, positive and strictly increasing.
    raa : mapping of str to Estimate, shape (k,)
        R_AA of each meson.

    Raises
    ------
    InputError
        If `n_part` is not increasing or a shape differs.
    """

    n_part: Any
    raa: Mapping[str, Estimate]

    def __post_init__(self) -> None:
        settle(self, n_part=_increasing(self.n_part))
        for name, estimate in mapping("raa", self.raa).items():
            instance(f"raa[{name!r}]", estimate, Estimate)
            _same_shape(f"raa[{name!r}]", estimate.value, self.n_part)

    def __getitem__(self, meson: str) -> Estimate:
        """Return R_AA of one meson against N_part."""
        if meson not in self.raa:
            raise InputError("meson", meson, f"be one of {', '.join(self.raa)}")
        return self.raa[meson]


def raa_npart(feeddown: FeedDown, survivals: Sequence[MesonSurvival], n_part: ArrayLike) -> RaaCurve:
    """Return R_AA against N_part for one setting of the model.

    Parameters
    ----------
    feeddown : FeedDown
        Fractions and cross sections.
    survivals : sequence of MesonSurvival, length k
        One geometry each, in any order.
    n_part : array_like, shape (k,)
        Their mean numbers of participants, all different.

    Returns
    -------
    RaaCurve
        Sorted by N_part.

    Raises
    ------
    InputError
        If the lengths differ or a number of participants is not positive or appears twice.
    """
    instance("feeddown", feeddown, FeedDown)
    survivals = instances("survivals", survivals, MesonSurvival)
    n_part = float_array("n_part", n_part)
    if n_part.shape != (len(survivals),) or not len(survivals):
        raise InputError("n_part", n_part.shape, f"have one value per survival, shape ({len(survivals)},)")
    order = np.argsort(n_part)
    points = [raa(feeddown, survivals[i]) for i in order]
    return RaaCurve(n_part[order], {name: _stack([p[name] for p in points]) for name in MESON_NAMES})


@dataclass(frozen=True, eq=False)
class Band:
    """R_AA of one meson against N_part with the range that model settings span.

    Parameters
    ----------
    state : str
        Meson name, for example ``"Y(1S)"``.
    n_part : array_like, shape (k,)
        Mean number of participants, positive and strictly increasing.
    central : Estimate, shape (k,)
        R_AA of the central setting; its errors are those of the calculation (paths, numerics).
    low, high : array_like, shape (k,)
        Smallest and largest value over the settings, point by point: how far the model moves, not a
        confidence interval. The errors of the calculation are NOT folded in; they belong to `central` and
        show beside it.
    label : str, optional
        What was varied, for a legend.

    Raises
    ------
    InputError
        If the state is unknown, shapes differ or ``low <= central <= high`` does not hold.
    """

    state: str
    n_part: Any
    central: Estimate
    low: Any
    high: Any
    label: str = ""

    def __post_init__(self) -> None:
        settle(
            self,
            state=choice("state", self.state, MESON_NAMES, f"be one of {', '.join(MESON_NAMES)}"),
            n_part=_increasing(self.n_part),
            low=float_array("low", self.low),
            high=float_array("high", self.high),
            label=text("label", self.label),
        )
        instance("central", self.central, Estimate)
        for name, values in (("central", self.central.value), ("low", self.low), ("high", self.high)):
            _same_shape(name, values, self.n_part)
        if not np.all((self.low <= self.central.value) & (self.central.value <= self.high)):
            raise InputError("central", self.central.value, "lie between low and high")


def envelope(curves: Mapping[str, RaaCurve], state: str, central: str, label: str = "") -> Band:
    """Return the band that several settings of the model span around one of them.

    Parameters
    ----------
    curves : mapping of str to RaaCurve
        One curve per setting, on the same N_part.
    state : str
        Meson name.
    central : str
        Key of the central setting.
    label : str, optional
        What was varied, for a legend.

    Returns
    -------
    Band
        Point-by-point minimum and maximum over all curves; one setting alone gives a band without width.

    Raises
    ------
    InputError
        If the central setting is missing or the curves have different N_part.
    """
    for name, curve in mapping("curves", curves).items():
        instance(f"curves[{name!r}]", curve, RaaCurve)
    state = choice("state", state, MESON_NAMES, f"be one of {', '.join(MESON_NAMES)}")
    central = choice("central", central, curves, f"be one of {', '.join(curves)}")
    n_part = curves[central].n_part
    for name, curve in curves.items():
        if not np.array_equal(curve.n_part, n_part):
            raise InputError(
                f"curves[{name!r}]", curve.n_part, f"have the N_part of the central one, {n_part}"
            )
    values = np.stack([np.asarray(curve[state].value) for curve in curves.values()])
    return Band(state, n_part, curves[central][state], values.min(axis=0), values.max(axis=0), label)


def _increasing(n_part: ArrayLike) -> Float:
    allowed = "be positive and strictly increasing"
    return increasing("n_part", finite_array("n_part", n_part, 1), allowed, above=0)


def _same_shape(name: str, values: ArrayLike, n_part: Float) -> None:
    if np.shape(values) != n_part.shape:
        raise InputError(name, np.shape(values), f"have one value per N_part, shape {n_part.shape}")


def _stack(estimates: Sequence[Estimate]) -> Estimate:
    """Join scalar estimates to one of shape (k,); a part that one of them lacks counts as zero."""
    names = dict.fromkeys(name for e in estimates for name in e.parts)
    return Estimate(
        np.array([e.value for e in estimates]),
        {name: np.array([e.parts.get(name, 0.0) for e in estimates]) for name in names},
        tuple(dict.fromkeys(name for e in estimates for name in e.not_estimated)),
    )
