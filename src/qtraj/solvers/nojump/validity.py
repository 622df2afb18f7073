"""Whether the expansion in E/T and the dipole expansion in r T hold in the state that was evolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..._types import Float
from ...errors import note
from ...physics.medium import History

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


def warn_if_not_small(parameters: Mapping[str, Float]) -> None:
    """Warn with an `AccuracyWarning` where an expansion parameter is not small at the end of the medium."""
    note(_not_small, parameters)


def _not_small(found: list[Mapping[str, Float]]) -> list[str]:
    messages = []
    for name, limit, meaning in (
        ("energy_over_T", MAX_ENERGY_OVER_T, "the expansion in E/T"),
        ("r_times_T", MAX_R_TIMES_T, "the dipole expansion in r T"),
    ):
        values = np.concatenate([parameters[name] for parameters in found])
        if np.any(values > limit):
            messages.append(
                f"{meaning} does not hold in {int(np.sum(values > limit))} of {len(values)} histories: {name} reaches "
                f"{values.max():.2g} in the pair that survives at T_end, more than {limit:.2g}. Raise T_end."
            )
    return messages
