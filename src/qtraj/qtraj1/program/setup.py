"""Everything that one history of a run needs, made once: grid, time steps, stepper, states, what is measured.

Flaws of the original in the columns of ``summary.tsv``: the vacuum energy lacks the factor dx and has the Coulomb
potential and second differences for every potential and stepper; with doJumps 0 nothing is divided by the norm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...physics.potentials.coulomb import COLORS, CoulombPotential
from ...radial.sine import SineGrid
from ...states import STATES
from ..files.parameters import LegacyParameters
from ..files.summary import SummaryBlock
from .crank_nicolson import CrankNicolson
from .interaction import make_interaction
from .split_step import SplitStep, Stepper
from .states import Functions, functions
from .temperature import Steps

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Integer = NDArray[np.int64]
Transform = Literal["scipy", "fftw"]

L_OF_STATE = np.array([state.l for state in STATES])


@dataclass(frozen=True, eq=False)
class Setup:
    """One history of a run, ready to evolve.

    Parameters
    ----------
    p : LegacyParameters
    grid : SineGrid
    steps : Steps
    stepper : Stepper
    functions : Functions
    """

    p: LegacyParameters
    grid: SineGrid
    steps: Steps
    stepper: Stepper
    functions: Functions

    def overlaps(self, states: Complex, color: Integer, l: Integer) -> Float:
        """Return |dx sum u_n u|^2 for states (B, num), shape (B, 6); 0 in the octet and for another l."""
        amplitudes = self.grid.dx * np.einsum("bi,ni->bn", states, self.functions.basis)
        allowed = (color == 0)[:, None] & (l[:, None] == L_OF_STATE)
        return np.where(allowed, np.abs(amplitudes) ** 2, 0.0)

    def norms(self, states: Complex) -> Float:
        """Return dx sum |u|^2 of states (B, num), shape (B,)."""
        return np.asarray(self.grid.dx * np.sum(states.real**2 + states.imag**2, axis=-1))

    def ratios(self, overlaps: Float) -> Float:
        """Return overlaps (..., 6) divided by the initial ones, raw where the original leaves them so."""
        start = self.overlaps(
            self.functions.initial[None, :].astype(complex),
            np.array([self.p.initC]),
            np.array([self.p.initL]),
        )[0]
        raw = (start == 0) | (self.p.initType in (0, 100))
        return overlaps / np.where(raw, 1.0, start)

    def is_snapshot(self, step: int) -> bool:
        """Return whether a trajectory prints a row at the start of `step`."""
        return step % self.p.snapFreq == 0 or step == self.steps.total


def make_setup(p: LegacyParameters, steps: Steps, directory: Path, transform: Transform = "scipy") -> Setup:
    """Return what one history needs.

    Parameters
    ----------
    p : LegacyParameters
    steps : Steps
    directory : Path
        Folder from which relative file names count.
    transform : {"scipy", "fftw"}
        Library of the sine transform.
    """
    grid = SineGrid(p.num, p.L, transform, p.derivType, threads=p.nThreads)
    interaction = make_interaction(p, steps, grid.r)
    stepper: Stepper
    if p.stepper == 0:
        stepper = SplitStep(grid, interaction, p.m, p.dt)
    else:
        stepper = CrankNicolson(grid, interaction, p.m, p.dt, p.alpha, nlo=p.stepper == 2)
    return Setup(p, grid, steps, stepper, functions(p, grid, interaction, directory))


@dataclass
class Record:
    """Rows of ``summary.tsv`` as they come.

    Parameters
    ----------
    setup : Setup
    """

    setup: Setup
    _rows: list[tuple[float, float, int, int, Float, float, float]] = field(default_factory=list)

    def add(self, step: int, state: Complex, color: int, l: int, norm: float) -> None:
        """Add the row of a state (num,) at the start of `step`."""
        setup = self.setup
        scale = norm if setup.p.doJumps and norm > 0 else 1.0
        overlaps = setup.overlaps(state[None, :], np.array([color]), np.array([l]))[0]
        radius = setup.grid.dx * float(np.sum(setup.grid.r * np.abs(state) ** 2)) / _coulomb_radius(setup.p)
        energy = printed_energy(setup, state, color, l)
        self._rows.append(
            (setup.steps.time_fm(step), norm, color, l, overlaps / scale, radius / scale, energy / scale)
        )

    def block(self, trajectory: int | None = None) -> SummaryBlock:
        """Return the rows so far as one block."""
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * 7
        return SummaryBlock(trajectory, *(np.array(column) for column in columns))


def printed_energy(setup: Setup, state: Complex, color: int, l: int) -> float:
    """Return the vacuum energy as the original prints it: without dx, not divided by the norm."""
    m, dx, r = setup.p.m, setup.grid.dx, setup.grid.r
    static = CoulombPotential(setup.p.alpha).vacuum(r, COLORS[color]) + l * (l + 1) / (2 * m * r**2)
    walls = np.concatenate([[0], state, [0]])
    second = (walls[2:] + walls[:-2] - 2 * state) / dx**2
    return float(np.vdot(state, static * state - second / (2 * m)).real)


def refuse_unknown(p: LegacyParameters) -> None:
    """Raise InputError for what the original does in a way that no document describes to the last factor.

    At NLO its jumps branch by direction-averaged rates, with a reduced mass in the place of the heavy-quark mass in
    one term; what its KSU potential is for octets is not said.
    """
    if p.potential != 0 and p.initC == 1:
        raise InputError(
            "initC", 1, f"be 0 with potential {p.potential}", "A KSU potential is one of singlets."
        )
    if p.stepper == 2 and p.doJumps:
        raise InputError(
            "doJumps",
            1,
            "be 0 with stepper 2",
            "The jumps of the original at NLO are not documented; for NLO with jumps use qtraj.solve.",
        )


def _coulomb_radius(p: LegacyParameters) -> float:
    """<r> of the Coulomb 1S state in GeV^-1."""
    return 3 / (2 * p.m * p.alpha)
