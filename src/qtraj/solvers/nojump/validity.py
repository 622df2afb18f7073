"""Whether the expansion in E/T and the dipole expansion in r T hold in the state that was evolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..._types import Float
from ...errors import note
from ...physics.medium import History
from ...physics.model import BOTTOM_RADIUS, LindbladModel

MAX_ENERGY_OVER_T = np.pi
"""Largest E/T without a warning. Jump operators at NLO are the first two terms of exp(-h/4T) r exp(h/4T): at E = pi T
the third, (E/4T)^2/2, is 0.3. The 1S has E/T = 1.8 at 250 MeV and 2.4 at 190 MeV."""

MAX_R_TIMES_T = np.pi / 2
"""Largest r T without a warning. A field of momentum T pulls a pair apart with sin(r T/2), the dipole with r T/2: at
this limit they differ by 10 %. The 1S has r T = 0.29 at 250 MeV, the 2S 1.1, the 3S 2.4."""


def expansion_parameters(histories: Sequence[History], energy: Float, radius: Float) -> dict[str, Float]:
    """Return E/T and r T at the end of the medium of each history, 0 for a cold one, each of shape (n,).

    Parameters
    ----------
    histories : sequence of History
        The media.
    energy, radius : ndarray, shape (n,)
        Root mean squares of the vacuum energy in GeV and of r in GeV^-1 in the pair that has not jumped, at the end.
    """
    ends = [h.active[-1][1] if h.active else None for h in histories]
    T = np.array(
        [
            0.0 if t is None else float(h.temperature(np.array([t]))[0])
            for h, t in zip(histories, ends, strict=True)
        ]
    )
    hot = T > 0
    return {
        "energy_over_T": np.where(hot, energy / np.where(hot, T, 1.0), 0.0),
        "r_times_T": radius * T,
    }


def warn_if_not_small(model: LindbladModel, parameters: Mapping[str, Float]) -> None:
    """Warn with an `AccuracyWarning` where an expansion parameter is not small at the end of the medium.

    At all orders in E/T only r T has to be.
    """
    expanded = dict(parameters)
    if model.spectrum is not None:
        del expanded["energy_over_T"]
    note(_not_small, expanded)


CHARM_BELOW = 3.0
"""Quark mass in GeV below which a collision at the LHC makes many pairs, tens of charm ones in central Pb-Pb."""


def warn_of_charm(model: LindbladModel, histories: Sequence[History]) -> None:
    """Warn of what the equation lacks for a pair that is lighter or larger than bottomonium."""
    if model.mass < CHARM_BELOW:
        note(_uncorrelated, model.mass)
    if model.scales.length > 1 and model.channels:
        radius = np.sqrt(3) * model.scales.length * BOTTOM_RADIUS
        ends = [(h, np.linspace(*interval, 9)) for h in histories for interval in h.active]
        hottest = np.array([np.max(h.temperature(t)) for h, t in ends])
        if np.any(radius * hottest > MAX_R_TIMES_T):
            note(_too_large, (radius, float(hottest.max())))


def _uncorrelated(masses: list[float]) -> list[str]:
    return [
        f"one pair of quarks of {masses[0]:g} GeV is followed: recombination of quarks from different pairs, "
        "which feeds charmonium at RHIC and the LHC, is not in the equation. The result is the "
        "survival of that pair alone."
    ]


def _too_large(noted: list[tuple[float, float]]) -> list[str]:
    radius, T = max(noted, key=lambda each: each[0] * each[1])
    return [
        f"the dipole expansion in r T does not hold for this pair: its 1S has rms(r) = {radius:.3g} GeV^-1, so "
        f"that r T reaches {radius * T:.2g} at T = {T:.3g} GeV, more than {MAX_R_TIMES_T:.2g}. Rates are too large "
        "there."
    ]


def _not_small(found: list[Mapping[str, Float]]) -> list[str]:
    messages = []
    for name, limit, meaning in (
        ("energy_over_T", MAX_ENERGY_OVER_T, "the expansion in E/T"),
        ("r_times_T", MAX_R_TIMES_T, "the dipole expansion in r T"),
    ):
        values = np.concatenate([np.zeros(0), *(each[name] for each in found if name in each)])
        if np.any(values > limit):
            messages.append(
                f"{meaning} does not hold in {int(np.sum(values > limit))} of {len(values)} histories: {name} reaches "
                f"{values.max():.2g} in the pair that survives at T_end, more than {limit:.2g}. Raise T_end."
            )
    return messages
