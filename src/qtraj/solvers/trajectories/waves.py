"""Jumps of a complex potential along one history: which wave of the noise is absorbed, and what it makes of a state.

A jump has a momentum q_k, a partial wave L and an l', with the rates of `physics.channels.WaveChannel`. The q_k and
their weights w_k >= 0 are the projection of `physics.positivity`. A jump is drawn in four stages, exactly. All rates
are integrals over r of |u(r)|^2 times something, so a place r is drawn first, from |u|^2 times the whole rate there;
then the channel and q_k from their rates at this r; then L from (2L + 1) j_L(q_k r/2)^2; then l' from its 3j symbol.
The place is then forgotten. That leaves the right chance of the jump without a sum over all k and L for every state.
Each stage takes what the one before has left of a single uniform number, of whose 53 bits some 25 remain for l'.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..._types import Complex, Float, Integer
from ...physics.channels import angular, radial, wave
from ...physics.medium import medium_state
from ...physics.model import LindbladModel
from ...physics.noise import correlation
from ...physics.positivity import dictionary, project
from ...physics.potentials.coulomb import COLORS
from .time_grid import TimeGrid

CHANGE, PROJECTIONS = 0.015, 200
"""The noise is projected again when T has changed by this share, at most so often in an interval of the medium; between
two projections the weights are linear in time, which leaves 3e-4 of them where kappa is as T^3."""

MEMORY = 1 << 24
"""Numbers kept in each of two tables of partial waves, 128 MB."""

SHORT = 16.0
"""q r/2 up to which partial waves are drawn together; beyond it in groups of twice the range, since few need many L."""


class WaveJumps:
    """Jumps at N points r; of an amplitude `kept` (N,) is not lost beyond the jump range."""

    def __init__(self, model: LindbladModel, time_grid: TimeGrid, r: Float, kept: Float) -> None:
        self.channels, self._r, self._kept = model.wave_channels, r, kept
        self._edges = time_grid.edges
        self._times, self._weights = _projections(model, time_grid, float(r[-1]))
        # only what is in use somewhere; the first is r^2, for q -> 0
        used = np.any(self._weights > 0, axis=0)
        used[0] = True
        self._weights = self._weights[:, used]
        self._q = np.concatenate([[0.0], dictionary(float(r[-1]))[1]])[used]
        waves, half = (_waves(x, self._q) for x in (r, r / 2))
        # whole rates at unit weight (N, K), and those of all channels of a color side by side
        self._whole = [
            np.stack([c.color_weight * c.whole(waves, half) for c in self.channels if c.source == color])
            for color in COLORS
        ]
        self._sums = [whole.sum(axis=0) for whole in self._whole]
        self._factors: dict[tuple[int, int], Float] = {}
        self._tables: dict[int, Float] = {}

    def weights_at(self, t: float) -> Float:
        """Return the weights of all waves at a time in GeV^-1, (K,)."""
        i = int(np.clip(np.searchsorted(self._times, t) - 1, 0, len(self._times) - 2))
        a, b = self._times[i : i + 2]
        x = min(max((t - a) / (b - a), 0.0), 1.0)
        return np.asarray((1 - x) * self._weights[i] + x * self._weights[i + 1])

    def jump(
        self, states: Complex, sectors: Integer, step: int, chance: Float
    ) -> tuple[Complex, Integer, Float]:
        """Return normalized states after a jump, their sectors, and the part of the weight kept, from one draw each."""
        weights = self.weights_at((self._edges[step] + self._edges[step + 1]) / 2)
        after, target, kept = np.empty_like(states), np.empty_like(sectors), np.empty(len(states))
        for color in np.unique(sectors % 2):
            rows = np.flatnonzero(sectors % 2 == color)
            density = np.abs(states[rows]) ** 2 * (self._sums[color] @ weights)
            place, left = _drawn(density, chance[rows])
            rates = np.moveaxis(self._whole[color][:, place] * weights, 1, 0)
            which, left = _drawn(rates.reshape(len(rows), -1), left)
            kind, k = np.divmod(which, len(weights))
            channels = [c for c in self.channels if c.source == COLORS[color]]
            odd = np.array([c.odd for c in channels])[kind]
            # a dipole, q -> 0, has L = 1 only
            x = np.where(k == 0, 1.0, self._q[k] * self._r[place] / 2)
            L, left = _drawn_waves(x, odd, left)
            L[k == 0] = 1
            end = np.array([COLORS.index(c.target) for c in channels])[kind]
            for i, row in enumerate(rows):
                l = int(sectors[row]) // 2
                step_in_l = int(np.searchsorted(_cumulative(l, int(L[i])), left[i], side="right"))
                target[row] = 2 * (abs(l - int(L[i])) + 2 * step_in_l) + end[i]
                after[row] = states[row] * self._factor(int(L[i]), int(k[i]))
        # a state wholly beyond the jump range keeps no weight, and roulette ends it
        whole = _squared(after)
        after *= self._kept
        size = np.maximum(_squared(after), np.finfo(float).tiny)
        kept = size / np.maximum(whole, np.finfo(float).tiny)
        return after / np.sqrt(size)[:, None], target, kept

    def rates_into(self, states: Complex, l: int, behind: Complex, target: int, t: float) -> Float:
        """Return the rates (B, C) in GeV from octet states (B, N) with l into singlet states (C, N) with l `target`."""
        (channel,) = (c for c in self.channels if c.target == COLORS[0])
        weights, found = self.weights_at(t), np.zeros((len(states), len(behind)))
        # amplitudes of all waves are integrals over these products, real and imaginary parts in rows of their own
        products = ((states * self._kept)[:, None] * behind.conj()).reshape(-1, len(self._r))
        rows = np.concatenate([products.real, products.imag])
        for L in range(abs(l - target), l + target + 1, 2):
            if L % 2 == 1:
                squares = (rows @ self._odd(L)) ** 2 @ ((2 * L + 1) * weights)
                angle = angular(l, L)[(target - abs(l - L)) // 2]
                found += channel.color_weight * angle * squares.reshape(2, *found.shape).sum(axis=0)
        return found

    def _odd(self, L: int) -> Float:
        """Return what the partial waves L of all q_k do to u, (N, K), with the dipole of q -> 0 among them."""
        waves = self._tables.get(L)
        if waves is None:
            waves = radial(np.array(L), np.multiply.outer(self._r, self._q) / 2)
            # (2L + 1) j_L^2 w -> c r^2/2 for L = 1, with c = w q^2/6
            waves[:, 0] = self._r / np.sqrt(6) if L == 1 else 0.0
            if len(self._tables) * waves.size > MEMORY:
                self._tables.clear()
            self._tables[L] = waves
        return waves

    def _factor(self, L: int, k: int) -> Float:
        """Return what the partial wave L of q_k does to u, (N,); r for q -> 0."""
        factor = self._factors.get((L, k))
        if factor is None:
            factor = self._r if k == 0 else radial(np.array(L), self._q[k] * self._r / 2)
            if len(self._factors) * len(self._r) > MEMORY:
                self._factors.clear()
            self._factors[L, k] = factor
        return factor


def _projections(model: LindbladModel, time_grid: TimeGrid, r_max: float) -> tuple[Float, Float]:
    """Return times (n,) and the weights of the noise there, (n, 1 + K), over all intervals of the medium."""
    history, r = time_grid.profile.history, dictionary(r_max)[0]
    times, weights = [np.zeros(2)], [np.zeros((2, 1 + len(dictionary(r_max)[1])))]
    assert model.thermal is not None
    for a, b in history.active:
        edges = time_grid.edges[(time_grid.edges > a) & (time_grid.edges < b)]
        fine = np.concatenate([[a], edges, [b]])
        T, xi, scale = medium_state(history, fine)
        change = sum(np.abs(np.diff(x)) for x in (np.log(T), np.log(scale) - np.log(T), xi))
        path = np.concatenate([[0.0], np.cumsum(change)])
        count = 2 + min(PROJECTIONS, int(path[-1] / CHANGE))
        # equal changes apart; where nothing changes, any time does
        t = np.interp(np.linspace(0, path[-1], count), path, fine) if path[-1] > 0 else np.array([a, b])
        G = correlation(model.thermal, r, *medium_state(history, t))
        times.append(t)
        weights.append(np.array([project(values, r_max) for values in G]))
    return np.concatenate(times), np.concatenate(weights)


def _waves(r: Float, q: Float) -> Float:
    """Return r^2 and the functions 1 - sin(q r)/(q r) of the other waves at distances r, (N, K)."""
    return np.concatenate([r[:, None] ** 2, wave(np.multiply.outer(r, q[1:]))], axis=1)


def _drawn(weights: Float, number: Float) -> tuple[Integer, Float]:
    """Return which entry of each row of weights (B, n) a uniform number picks, and what is left of the number."""
    cumulative = np.cumsum(weights, axis=1)
    threshold = number * cumulative[:, -1]
    entry = np.minimum(np.sum(cumulative <= threshold[:, None], axis=1), weights.shape[1] - 1)
    rows = np.arange(len(weights))
    size = weights[rows, entry]
    passed = threshold - (cumulative[rows, entry] - size)
    left = np.divide(passed, size, out=np.zeros_like(size), where=size > 0)
    return entry, np.clip(left, 0.0, 1 - 2.0**-53)


def _drawn_waves(x: Float, odd: NDArray[np.bool_], number: Float) -> tuple[Integer, Float]:
    """Return L, odd or even, drawn with (2L + 1) |radial(L, x)|^2, (B,), and what is left of the numbers."""
    L, left = np.empty(len(x), dtype=np.int64), np.empty(len(x))
    group = np.ceil(np.log2(np.maximum(x, SHORT) / SHORT))
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        squares = partial_waves(x[rows])
        squares[np.arange(squares.shape[1]) % 2 != odd[rows, None]] = 0.0
        L[rows], left[rows] = _drawn(squares, number[rows])
    return L, left


def partial_waves(x: Float) -> Float:
    """Return (2L + 1) radial(L, x)^2 for x (B,) > 0 and all L that matter, (B, L + 1).

    By Miller's downward recurrence, which starts above x and is made absolute by sum (2L + 1) j_L^2 = 1.
    """
    # j_L falls by more than e^-40 from L = x to these; j from which the recurrence starts is arbitrary
    first = np.ceil(x + 14 + 6 * np.cbrt(x)).astype(np.int64)
    waves = np.zeros((int(first.max()) + 2, len(x)))
    for L in range(len(waves) - 2, -1, -1):
        waves[L] = np.where(
            first == L, 1e-150, (2 * L + 3) / x * waves[L + 1] - waves[min(L + 2, len(waves) - 1)]
        )
    squares = (2 * np.arange(len(waves)) + 1)[:, None] * waves**2
    squares /= squares.sum(axis=0)
    squares[0] = wave(x) ** 2
    return np.ascontiguousarray(squares.T)


@lru_cache(maxsize=1 << 14)
def _cumulative(l: int, L: int) -> Float:
    """Return the cumulated probabilities of all l' but the last."""
    return np.cumsum(angular(l, L))[:-1]


def _squared(states: Complex) -> Float:
    pairs = states.view(float)
    return np.asarray(np.einsum("bi,bi->b", pairs, pairs))
