"""What the averaged branching of the original NLO code does to survival, against the exact state-dependent rates.

QTraj-NLO draws the color of a jump and the direction of l independently: the direction with (l+1)/(2l+1) and l/(2l+1)
whatever the state, the color with rates summed over directions. The exact rate of a channel is ||C u||^2.
"""

from __future__ import annotations

import warnings

import numpy as np

import qtraj as qt
from qtraj.solvers.basis import basis_size, states_with
from qtraj.solvers.density.resolution import FILTER, SOFT, energy_doublings_of, jump_range_of
from qtraj.solvers.steps import Profile
from qtraj.solvers.trajectories.estimators import LastJump, Sample
from qtraj.solvers.trajectories.propagators import NloPropagators, color_and_l, squared_norm
from qtraj.solvers.trajectories.start_ensemble import StartEnsemble
from qtraj.solvers.trajectories.time_grid import graded_time_grid

from .common import START, Table

MODEL = qt.LindbladModel(qt.CoulombPotential(), qt.Transport("central", -1.75), order="NLO")
MEDIA = {"0.25": qt.Bjorken(0.425, 0.6, 0.25), "0.19": qt.Bjorken(0.425, 0.6, 0.19)}
MESH, STEP = qt.LaguerreMesh(80, 0.10), 0.6


class AveragedPropagators(NloPropagators):
    """Jumps as the original draws them."""

    def jump(self, states, sectors, step, chance):
        after, target, kept = np.empty_like(states), np.empty_like(sectors), np.empty(len(states))
        for sector in np.unique(sectors):
            rows = np.flatnonzero(sectors == sector)
            behind, exact, averaged = self.rates(states[rows], int(sector), self._inverse_T(step))
            branches = self._branches_of(int(sector))
            chosen = (np.cumsum(averaged, axis=0) <= chance[rows] * averaged.sum(axis=0)).sum(axis=0)
            chosen = np.minimum(chosen, len(branches) - 1)
            for k, branch in enumerate(branches):
                taken = chosen == k
                inside = (behind[k][taken] * self._cut) @ self.vacuum_states(branch.target)
                size = np.maximum(squared_norm(inside), 1e-300)
                after[rows[taken]] = inside / np.sqrt(size)[:, None]
                kept[rows[taken]] = size / exact[k][taken]
                target[rows[taken]] = branch.target
        return after, target, kept

    def rates(self, states, sector, x):
        """Return C u of every channel, its exact rate, and the rate with which the original draws it."""
        branches = self._branches_of(sector)
        behind = [states @ (b.R + x * b.S).T for b in branches]
        exact = np.array([squared_norm(u) for u in behind])
        colors, ls = color_and_l(np.array([b.target for b in branches]))
        _, l = color_and_l(sector)
        share = np.where(ls > l, l + 1, l) / (2 * l + 1)
        whole = np.array([exact[colors == c].sum(axis=0) for c in colors])
        return behind, exact, share[:, None] * whole


class AveragedLastJump(LastJump):
    """Last-jump scores with the rates with which the original draws channels."""

    def __init__(self, propagators, backward, rows):
        super().__init__(propagators, backward, rows)
        self.propagators = propagators

    def observe(self, edge, ensemble, rows):
        if edge not in self._position:
            return
        node = self._position[edge]
        x = 1 / self.propagators.history.temperature(self.propagators.time_grid.edges[edge : edge + 1])[0]
        for sector in np.unique(ensemble.sectors[rows]):
            chosen = rows[ensemble.sectors[rows] == sector]
            branches = self.propagators._branches_of(int(sector))
            _, exact, averaged = self.propagators.rates(ensemble.states[chosen], int(sector), x)
            contribution = ensemble.weight[chosen] / np.where(chosen == 0, 1.0, ensemble.norm[chosen])
            for l, amplitudes in self._backward.channels.get(int(sector), ()):
                (k,) = (i for i, b in enumerate(branches) if b.target == 2 * l)
                flux = np.abs(ensemble.states[chosen] @ amplitudes[node]) ** 2
                flux *= (contribution * averaged[k] / exact[k])[:, None]
                columns = [i for i, _ in states_with(l)]
                self.scores[0, chosen[:, None], columns] += self._backward.weights[node, 0] * flux


class AveragedStartEnsemble(StartEnsemble):
    """Rounds with the averaged scores."""

    def _scorers(self, rows):
        plain, _ = super()._scorers(rows)
        return plain, AveragedLastJump(self.propagators, self._backward, rows)


def branching(quick: bool) -> Table:
    """Survival with exact and with averaged branching."""
    rows, n = [], 2048 if quick else 65_536
    for T_end, medium in MEDIA.items():
        found = {}
        for name, propagators_type, ensemble_type in (
            ("exact", NloPropagators, StartEnsemble),
            ("averaged", AveragedPropagators, AveragedStartEnsemble),
        ):
            factor, reach = 2.0 ** energy_doublings_of(medium), jump_range_of(Profile(MODEL, medium))
            kept = reach, basis_size(MODEL, MESH, SOFT.cut * factor), FILTER * factor
            time_grid = graded_time_grid(MODEL, medium, [], STEP)
            start_ensemble = ensemble_type(
                propagators_type(MODEL, medium, time_grid, MESH, "computed", *kept),
                START,
                0,
                "last_jump",
                1,
                4096,
                1,
            )
            sample = Sample(start_ensemble.overlap.shape)
            for first in range(0, n, 4096):
                sample.add(
                    start_ensemble.round((0, 0), first, min(4096, n), start_ensemble.norm_range).scores
                )
            found[name] = sample
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", qt.AccuracyWarning)
            bare = qt.solve(MODEL, medium, START, qt.NoJump(error_budget=False))
        for i, state in ((0, "1S"), (1, "2S"), (3, "3S")):
            scale = bare.initial_overlap[state]
            exact, averaged = (found[k].mean[-1, i] / scale for k in ("exact", "averaged"))
            errors = [found[k].error[-1, i] / scale for k in ("exact", "averaged")]
            total = bare.survival[state].value
            change = (averaged - exact) / (total + exact)
            noise = np.hypot(*errors) / (total + exact)
            rows.append(
                (
                    T_end,
                    state,
                    f"{total + exact:.5f}",
                    f"{total + averaged:.5f}",
                    f"{100 * change:+.2f} %",
                    f"{100 * noise:.2f} %",
                )
            )
    return Table(
        f"NLO baseline: exact against averaged branching, {n} trajectories",
        ("T_f (GeV)", "state", "exact", "averaged", "change", "noise"),
        tuple(rows),
    )
