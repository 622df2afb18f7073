"""From a temperature history to the sequence of vacuum and medium steps of a splitting.

A splitting is a list of numbers: vacuum for times vacuum[0], then medium step 1 with the integrals (kappa[0],
gamma[0]) in GeV^2, vacuum for vacuum[1], medium step 2, ... Both methods here are symmetric, so adjacent vacuum half
steps are merged. Colder gaps are vacuum. Sequences of several histories are padded with steps of length 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..physics.medium import History
from ..physics.model import LindbladModel

Float = NDArray[np.float64]

_GRADING_POINTS = 65
_GAUSS_X, _GAUSS_W = np.polynomial.legendre.leggauss(3)


@dataclass(frozen=True)
class Steps:
    """Steps of one history or, padded, of many.

    Parameters
    ----------
    vacuum : ndarray, shape (..., steps + 1)
        Vacuum times in GeV^-1 around the medium steps.
    kappa, gamma : ndarray, shape (..., steps, colors)
        Time integrals of kappa and gamma in GeV^2 for each color; colors is 1 where all share them.
    """

    vacuum: Float
    kappa: Float
    gamma: Float

    @property
    def steps(self) -> int:
        """Number of medium steps."""
        return int(self.kappa.shape[-2])


def step_edges(model: LindbladModel, history: History, start: float, end: float, step: float) -> list[Float]:
    """Return the edges of the steps in each active interval clipped to [start, end], in GeV^-1.

    Each interval gets an even number of steps, so that every second edge makes a run with exactly half of them.

    Parameters
    ----------
    model : LindbladModel
        For its transport coefficients.
    history : History
        The medium.
    start, end : float
        Range of time in GeV^-1.
    step : float
        Length of a step in GeV^-1 where |gamma| + kappa = 0.12 GeV^3, the mean of the baseline medium.

    Notes
    -----
    The density of steps is (0.3 + 0.7 (|gamma| + kappa)/0.12 GeV^3)/step: strong coefficients act as fast phases and
    decay and need short steps; without them there remains the motion of the pair.
    """
    edges = []
    for a, b in history.active:
        a, b = max(a, start), min(b, end)  # noqa: PLW2901
        if b > a:
            t = np.linspace(a, b, _GRADING_POINTS)
            kappa, gamma = model.transport.at(history.temperature(t))
            density = (0.3 + 0.7 * (np.abs(gamma) + kappa) / 0.12) / step
            count = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(t))])
            pairs = max(2, int(np.ceil(count[-1] / 2 - 1e-9)))
            inner = np.interp(np.linspace(0, count[-1], 2 * pairs + 1), count, t)
            edges.append(np.concatenate([[a], inner[1:-1], [b]]))
    return edges


def coarsened(intervals: Sequence[Float]) -> list[Float]:
    """Return every second edge of each interval."""
    return [edges[::2] for edges in intervals]


def strang(
    model: LindbladModel, history: History, intervals: Sequence[Float], start: float, end: float
) -> Steps:
    """Return the second-order sequence V(dt/2) M(dt) V(dt/2), with kappa and gamma integrated over each step.

    Parameters
    ----------
    model : LindbladModel
        For its transport coefficients.
    history : History
        The medium.
    intervals : sequence of ndarray
        Step edges of each active interval, from `step_edges`.
    start, end : float
        Time before the first and after the last step in GeV^-1.
    """
    vacuum, kappa, gamma = [0.0], [], []
    now = start
    for edges in intervals:
        dt = np.diff(edges)
        vacuum[-1] += edges[0] - now
        for k, g, step in zip(*medium_integrals(model, history, edges), dt, strict=True):
            vacuum[-1] += step / 2
            kappa.append(k)
            gamma.append(g)
            vacuum.append(step / 2)
        now = edges[-1]
    vacuum[-1] += end - now
    return Steps(np.array(vacuum), _column(kappa), _column(gamma))


def chin_4a(
    model: LindbladModel, history: History, intervals: Sequence[Float], start: float, end: float
) -> Steps:
    """Return the fourth-order forward sequence M(dt/6) V(dt/2) M~(2 dt/3) V(dt/2) M(dt/6) for H_eff alone.

    The double commutator [r^2, [p^2, r^2]] = 8 r^2 (times -1 in this sign) is again proportional to r^2, so the
    gradient correction only rescales the medium coefficient W_c = g_c (gamma - i kappa)/2:
    W~ = W - (dt^2/48) (8/M) W^2. Source: S. A. Chin, Phys. Lett. A 226 (1997) 344, algorithm 4A;
    Chin and Chen, J. Chem. Phys. 117 (2002) 1409 for time-dependent potentials.
    """
    colors = len(model.widths)
    vacuum: list[float] = [0.0]
    kappa: list[Float] = []
    gamma: list[Float] = []
    now = start
    for edges in intervals:
        dt = np.diff(edges)
        vacuum[-1] += edges[0] - now
        k_edge, g_edge = model.transport.at(history.temperature(edges))
        k_mid, g_mid = model.transport.at(history.temperature((edges[1:] + edges[:-1]) / 2))
        outer = np.concatenate([[0.0], dt]) / 6 + np.concatenate([dt, [0.0]]) / 6
        for i, step in enumerate(dt):
            c = step**2 / (6 * model.mass) * model.widths
            kappa += [np.full(colors, outer[i] * k_edge[i]), step * 2 / 3 * k_mid[i] * (1 - c * g_mid[i])]
            gamma += [
                np.full(colors, outer[i] * g_edge[i]),
                step * 2 / 3 * (g_mid[i] - c * (g_mid[i] ** 2 - k_mid[i] ** 2) / 2),
            ]
            vacuum += [step / 2, step / 2]
        kappa.append(np.full(colors, outer[-1] * k_edge[-1]))
        gamma.append(np.full(colors, outer[-1] * g_edge[-1]))
        vacuum.append(0.0)
        now = edges[-1]
    vacuum[-1] += end - now
    return Steps(np.array(vacuum), _rows(kappa, colors), _rows(gamma, colors))


def pad(sequences: Sequence[Steps]) -> Steps:
    """Return one sequence with a leading axis, shorter members padded with steps that do nothing."""
    steps = max(s.steps for s in sequences)

    def padded(array: Float, length: int) -> Float:
        return np.concatenate([array, np.zeros((length - len(array), *array.shape[1:]))])

    return Steps(
        np.stack([padded(s.vacuum, steps + 1) for s in sequences]),
        np.stack([padded(s.kappa, steps) for s in sequences]),
        np.stack([padded(s.gamma, steps) for s in sequences]),
    )


def medium_integrals(model: LindbladModel, history: History, edges: Float) -> tuple[Float, Float]:
    """Integrals of kappa and gamma over each step, three-point Gauss-Legendre, in GeV^2."""
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    t = middle[:, None] + half[:, None] * _GAUSS_X
    kappa, gamma = model.transport.at(history.temperature(t))
    return half * (kappa @ _GAUSS_W), half * (gamma @ _GAUSS_W)


def _column(values: list[float]) -> Float:
    return np.asarray(values, dtype=float).reshape(-1, 1)


def _rows(values: list[Float], colors: int) -> Float:
    return np.asarray(values, dtype=float).reshape(-1, colors)
