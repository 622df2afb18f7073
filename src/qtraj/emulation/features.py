"""Features of a temperature history: integrals of the coefficients of the generator over bins of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from .._checks import float_array
from .._types import Float
from ..errors import InputError
from ..physics.medium import Histories, History, TabulatedTemperature
from ..physics.model import LindbladModel
from ..units import HBARC

# The interpolation of `Histories` is followed at so many points between two frames: with 1, 2, 4 and 8 of them the rms
# error of the emulated 2S was 11, 3.0, 1.4 and 1.2 times 1e-4 (frames 0.3 to 0.4 fm/c apart).
_SUBDIVISIONS: Final = 8
_GAUSS: Final = np.polynomial.legendre.leggauss(2)
_SPACING: Final = np.log(2) / 347
"""Of ln T between the temperatures at which a thermal potential is evaluated; straight lines between them are off by
1e-6 of it. They begin at T_end, so that no colder potential is asked for."""
# histories whose features are made at a time: their temperatures fit in the cache of a core
_BLOCK: Final = 512
_LONE: Final = 49  # times at which a history without a table is looked at in each of its pieces


def features(model: LindbladModel, histories: Sequence[History], edges_fm: ArrayLike) -> Float:
    r"""Return the integrals of the coefficients over bins of time, \int kappa dt, \int gamma dt, ...

    Parameters
    ----------
    model : LindbladModel
        Its kappa, gamma and, beyond leading order, kappa/T and kappa/T^2; of a potential that changes with the medium
        what `LindbladModel.seen` says.
    histories : sequence of History, length n
        A history counts where it exceeds its T_end.
    edges_fm : array_like, shape (bins + 1,)
        Increasing times in fm/c; the first and the last bin also hold what is earlier and later.

    Returns
    -------
    ndarray, shape (n, quantities x bins)
        In powers of GeV, bin by bin for each quantity; zero for a history in which the medium never acts.

    Raises
    ------
    InputError
        If a history is anisotropic and the potential changes with the medium.
    """
    return features_of([model], histories, edges_fm)[0]


def features_of(
    models: Sequence[LindbladModel], histories: Sequence[History], edges_fm: ArrayLike
) -> list[Float]:
    """Return the `features` of the same histories for several models of one order: they share the temperatures."""
    edges = float_array("edges_fm", edges_fm)
    members = [histories] if isinstance(histories, Histories) else histories
    anisotropic = any(getattr(each, "alpha", None) is not None for each in members)
    if anisotropic and any(model.thermal is not None for model in models):
        allowed = "be isotropic where survival is emulated in a potential that changes with the medium"
        raise InputError("histories", "an anisotropic medium", allowed)
    found = [np.zeros((len(histories), model.quantities * (len(edges) - 1))) for model in models]
    for rows, tau_fm, T, T_end in _tables(histories):
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            for total, part in zip(found, _integrals(models, tau_fm, T[block], T_end, edges), strict=True):
                # a history of several pieces without a common table has several rows here
                np.add.at(total, rows[block], part)
    return found


def _integrals(
    models: Sequence[LindbladModel], tau_fm: Float, T: Float, T_end: float, edges: Float
) -> list[Float]:
    # behind the last heat nothing counts; the cubic before it knows two points beyond its own
    kept = slice(int(np.flatnonzero(np.any(T_end < T, axis=0))[-1:].sum()) + 4)
    tau_fm, T = tau_fm[kept], T[:, kept]
    u, share = np.log(tau_fm), np.arange(_SUBDIVISIONS) / _SUBDIVISIONS
    fine = np.append((u[:-1, None] + np.diff(u)[:, None] * share).ravel(), u[-1])
    inner = np.log(edges[1:-1])
    nodes = np.unique(np.concatenate([fine, inner[(u[0] < inner) & (inner < u[-1])]]))
    # ln(T/T_end) in ln tau is the curve that the solver follows; between nodes it is a straight line
    above = np.asarray(PchipInterpolator(u, np.log(T / T_end), axis=1)(nodes))
    a, b, step = above[:, :-1], above[:, 1:], np.diff(nodes)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = a / (a - b)
    begin = np.where(a > 0, 0.0, np.where(b > 0, crossing, 1.0))
    width = np.maximum(np.where(b > 0, 1.0, np.where(a > 0, crossing, 0.0)) - begin, 0.0)
    place = np.clip(np.searchsorted(np.log(edges), (nodes[1:] + nodes[:-1]) / 2) - 1, 0, len(edges) - 2)
    in_bin = np.eye(len(edges) - 1)[place]
    sums = [np.zeros((len(T), model.quantities * (len(edges) - 1))) for model in models]
    for x, w in zip(*_GAUSS, strict=True):
        at = begin + width * (1 + x) / 2
        # where it is cold any temperature will do: its weight is zero
        temperature = T_end * np.exp(np.where(width > 0, a + at * (b - a), 0.0))
        weight = width * step * (w / 2) * np.exp(nodes[:-1] + at * step) / HBARC
        known: dict[Any, Float] = {}  # of a band one coefficient is varied at a time, the others are the same
        for model, total in zip(models, sums, strict=True):
            transport = model.transport
            kappa, gamma = (
                c if isinstance(c, str | float) else id(c) for c in (transport.kappa, transport.gamma)
            )
            of_kappa, of_gamma = ("kappa", kappa, transport.T_c), ("gamma", gamma)
            if of_kappa not in known:
                weighted = transport.kappa_hat(temperature) * temperature**3 * weight
                parts = [weighted / temperature**p if p else weighted for p in range(model.powers)]
                known[of_kappa] = np.concatenate([part @ in_bin for part in parts], axis=1)
            if of_gamma not in known:
                known[of_gamma] = (transport.gamma_hat(temperature) * temperature**3 * weight) @ in_bin
            bins = in_bin.shape[1]
            total[:, :bins] += known[of_kappa][:, :bins]
            total[:, bins : 2 * bins] += known[of_gamma]
            beyond = (1 + model.powers) * bins
            total[:, 2 * bins : beyond] += known[of_kappa][:, bins:]
            if model.thermal is not None:
                if (potential := ("potential", id(model.thermal))) not in known:
                    known[potential] = _seen(model, temperature, weight, T_end) @ in_bin
                for q, of_quantity in enumerate(known[potential]):
                    total[:, beyond + q * bins : beyond + (q + 1) * bins] += of_quantity
    return sums


def _seen(model: LindbladModel, T: Float, weight: Float, T_end: float) -> Float:
    """Return what a potential is at temperatures (m, n), times their weight (m, n), shape (quantities, m, n)."""
    place = np.log(T / T_end) / _SPACING
    first = int(place.min() + 1e-9)
    nodes = T_end * np.exp(_SPACING * np.arange(first, int(place.max()) + 2))
    seen = model.seen(nodes)
    lower = np.clip((place - first).astype(np.intp), 0, len(nodes) - 2)
    share = place - first - lower
    return np.stack([weight * (f[lower] * (1 - share) + f[lower + 1] * share) for f in seen.T])


def _tables(histories: Sequence[History]) -> Iterator[tuple[NDArray[np.intp], Float, Float, float]]:
    """Yield histories as tables on common times: their numbers (m,), tau_fm (nt,), T (m, nt) and T_end."""
    if isinstance(histories, Histories):
        if histories.tau_fm.ndim == 1:
            yield np.arange(len(histories)), histories.tau_fm, histories.T, histories.T_end
            return
        for i, (tau_fm, T) in enumerate(zip(histories.tau_fm, histories.T, strict=True)):
            yield np.array([i]), tau_fm, T[None], histories.T_end  # each on its own times
        return
    alike: dict[tuple[bytes, float], list[int]] = {}
    for i, history in enumerate(histories):
        if isinstance(history, TabulatedTemperature):
            alike.setdefault((np.asarray(history.tau_fm, dtype=float).tobytes(), history.T_end), []).append(i)
            continue
        for begin, end in history.active:
            t = np.geomspace(begin, end, _LONE)
            T = history.temperature(t)
            # the table is hot from end to end
            yield np.array([i]), t * HBARC, T[None], 0.5 * float(T.min())
    for (_, T_end), numbers in alike.items():
        members: list[Any] = [histories[i] for i in numbers]
        T = np.array([member.T for member in members], dtype=float)
        yield np.array(numbers), np.asarray(members[0].tau_fm, dtype=float), T, T_end


def active_times(histories: Sequence[History]) -> tuple[float, float]:
    """Return the first and the last time in fm/c at which one of the histories is hot, to a frame of its table."""
    first, last = np.inf, 0.0
    for _, tau_fm, T, T_end in _tables(histories):
        hot = np.flatnonzero(np.any(T_end < T, axis=0))
        if len(hot):
            first = min(first, float(tau_fm[hot[0]]))
            last = max(last, float(tau_fm[min(hot[-1] + 1, len(tau_fm) - 1)]))
    return first, last
