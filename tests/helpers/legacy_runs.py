"""Runs of the original code (tests/data/golden_public.json, tests/data/legacy) in the package's legacy mode."""

import json
from dataclasses import replace
from pathlib import Path

from qtraj.qtraj1 import LegacyParameters
from qtraj.qtraj1.program.steps import histories
from qtraj.qtraj1.program.trajectories import evolve_without_jumps, make_setup

DATA = Path(__file__).parents[1] / "data"
INPUTS = DATA / "golden_inputs"
_GOLDEN = json.loads((DATA / "golden_public.json").read_text())
CASES = _GOLDEN["legacy_cases"]
MONTE_CARLO = _GOLDEN["monte_carlo"]

HOUSEHOLD = {
    "maxJumps": 999999,
    "nTrajectories": 1,
    "randomseed": 1,
    "rMax": 1.0,
    "snapFreq": 100,
    "snapPts": 15,
    "dirnameWithSeed": 0,
    "saveWavefunctions": 0,
    "outputSummaryFile": 0,
}
"""Keys that change no number of a run without jumps."""


def parameters(given=None, **changes) -> LegacyParameters:
    """The baseline of the reference runs with changes."""
    return LegacyParameters(**{**HOUSEHOLD, **_GOLDEN["common_parameters"], **(given or {}), **changes})


def setup_of(p, directory=INPUTS, last=None, transform="scipy"):
    """The one history of a run, cut after `last` steps."""
    (steps,) = histories(p, directory)
    if last is not None:
        cut = {name: getattr(steps, name)[:last] for name in ("T", "xi", "hard_scale")}
        steps = replace(steps, **cut, first_medium=min(steps.first_medium, last))
    return make_setup(p, steps, directory, transform)


def no_jump(p, directory=INPUTS, last=None, transform="scipy"):
    setup = setup_of(p, directory, last, transform)
    return setup, evolve_without_jumps(setup)
