"""Run a ``params.txt`` of QTraj 1.0: its input and output files, its grid, its steps and its numbers.

Each flaw of the original that is reproduced is named in the docstring of the module that has it: `steps`,
`trajectories`. Not reproduced are the random numbers, the jumps of stepper 2 (refused), and its habit of writing into
the output of an earlier run, where it adds to ``ratios.tsv`` and replaces the rest: here that has to be asked for. A
trajectory file may hold several blocks: each physical trajectory gets nTrajectories rows in ``ratios.tsv``, each under
its metadata, as if the files were run one after another into one folder; ``summary.tsv`` and the snapshots are then
those of the last block.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args

from ..._checks import choice, instance
from ..._checks import path as path_of
from ...errors import InputError
from ...radial.sine import import_pyfftw
from ..files.evolution import write_basis
from ..files.parameters import LegacyParameters
from .output import Existing, OutputFolder, Screen
from .steps import histories
from .trajectories import Transform, evolve_without_jumps, make_setup, sample

CLOCK: Final = 0  # randomseed that takes the clock, in seconds, as seed


def run_legacy(
    p: LegacyParameters,
    directory: str | Path = ".",
    *,
    transform: Transform = "scipy",
    screen: Screen | None = None,
    existing: Existing = "refuse",
) -> Path:
    """Run what a ``params.txt`` of QTraj 1.0 says and write the files of the original.

    Parameters
    ----------
    p : LegacyParameters
        randomseed 0 takes the clock, -1 is a fixed seed like any other (the original: a fixed list of numbers).
    directory : str or Path
        Where relative file names count from and where the output folder appears.
    transform : {"scipy", "fftw"}
        Library of the sine transform.
    screen : Screen, optional
        Where to print; the standard output by default.
    existing : {"refuse", "append", "overwrite"}
        What to do with ``ratios.tsv``, ``summary.tsv``, snapshots or basis functions of an earlier run, of the original
        or of this one, in the output folder: refuse, and change nothing; add rows of another seed to ``ratios.tsv``,
        and leave the other files as they are; or replace all of them.

    Returns
    -------
    Path
        The output folder: ``output``, or ``output-<seed>`` with dirnameWithSeed. On an interrupt it holds all
        finished trajectories, and KeyboardInterrupt goes on to the caller.

    Raises
    ------
    InputError
        For jumps with stepper 2, an unsuitable grid, ``fftw`` without pyFFTW or with a stepper that has no sine
        transform, an unknown `existing`, or rows of a seed that are there already.
    FileFormatError
        If an input file is missing or damaged, or the folder cannot be written or holds output that must stay.
    """
    instance("p", p, LegacyParameters)
    directory = path_of("directory", directory)
    transform = choice("transform", transform, get_args(Transform))
    if screen is not None:
        instance("screen", screen, Screen)
    # what the original does in a way that no document describes to the last factor: what its KSU potential is for
    # octets, and its jumps at NLO (by direction-averaged rates, with a reduced mass for the heavy quark's in one term)
    if p.potential != 0 and p.initC == 1:
        remedy = "A KSU potential is one of singlets."
        raise InputError("initC", 1, f"be 0 with potential {p.potential}", remedy)
    if p.stepper == 2 and p.doJumps:
        remedy = "The jumps of the original at NLO are not documented; for NLO with jumps use qtraj.solve."
        raise InputError("doJumps", 1, "be 0 with stepper 2", remedy)
    kinds = get_args(Existing)
    existing = choice("existing", existing, kinds, f"be one of {', '.join(kinds)}")
    if transform == "fftw":
        if p.stepper != 0:
            remedy = "Crank-Nicolson has no sine transform: leave out --fftw."
            raise InputError("transform", transform, f"be scipy with stepper {p.stepper}", remedy)
        import_pyfftw()
    if p.randomseed == CLOCK:
        p = replace(p, randomseed=int(time.time()))
    screen = Screen() if screen is None else screen
    # a damaged block raises before the first one is computed
    metadata = [steps.metadata for steps in histories(p, directory)]
    folder = OutputFolder(directory / p.output_folder, p, metadata, existing)
    screen.start(p)
    name = folder.path.name
    adding = f"Adding rows to '{name}/ratios.tsv'; its other files stay those of the earlier run"
    screen.say(adding if folder.appends else f"Creating output directory '{name}'")
    first, began = 0, False
    try:
        for steps in histories(p, directory):
            screen.say(f"Set maxSteps to {steps.total}")
            setup = make_setup(p, steps, directory, transform)
            if not began:
                # a bad grid or file of states has shown by now: nothing was written, nothing replaced
                folder.begin(transform)
                began = True
            if setup.computed is not None and setup.masses is not None:
                screen.say(f"Finding the first {len(setup.masses)} eigenstates")
                screen.masses(setup.masses)
                if not folder.appends:
                    screen.say("Saving basis functions")
                    write_basis(folder.path / "basisfunctions.tsv", setup.computed)
            screen.say("Basis functions loaded")
            screen.say("Initial wavefunction loaded")
            with screen.bar("without jumps", steps.total) as tick:
                evolution = evolve_without_jumps(setup, tick)
            folder.begin_history(evolution)
            screen.no_jump(evolution, jumps=p.doJumps)
            if not p.doJumps:
                folder.add_row(evolution.ratios, 0.0, steps.metadata)
                continue
            # the trajectories of this history, numbered from `first`
            evolved = jumps = 0
            with screen.bar("trajectories", p.nTrajectories) as tick:
                numbers = range(first, first + p.nTrajectories)
                for trajectory in sample(setup, evolution, p.randomseed, numbers):
                    folder.add(trajectory, steps.metadata)
                    evolved += trajectory.evolved
                    jumps += trajectory.jumps
                    tick(trajectory.number - first + 1)
            screen.say(f"{p.nTrajectories} trajectories: {evolved} evolved, {jumps} jumps")
            first += p.nTrajectories
    finally:
        folder.write()
    screen.end()
    return folder.path


def pairs(arguments: Sequence[str]) -> list[tuple[str, str]]:
    """Return command-line arguments ``-KEY value ...`` as pairs for `read_params`."""
    for key, value in zip(arguments[::2], [*arguments[1::2], ""], strict=False):
        if not key.startswith("-") or not value:
            raise InputError(key, value, "be a pair -KEY value", "For example: -T0 0.425 -kappa -1.")
    return list(zip(arguments[::2], arguments[1::2], strict=True))
