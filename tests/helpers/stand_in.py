"""A small run and a stand-in for the solver whose answer is known in closed form."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qtraj.io.config import RunFile, parse_config
from qtraj.observables.estimate import Estimate
from qtraj.states import STATE_NAMES

RUN_FILE = """
[system]
name = "PbPb"
sqrt_s_GeV = 5020
sigma_nn_mb = 67.6
woods_saxon = { A = 208, R_fm = 6.62, a_fm = 0.546 }
[model]
kappa = [1.0, 0.5]
gamma = [-1.75, 0.0]
[medium]
T_end = 0.25
b_fm = [9.2, 2.3]
[paths]
n = 4
replicates = 2
[output]
directory = "unused"
title = "small"
"""


@dataclass
class Result:
    survival: dict[str, Estimate]
    no_jump: dict[str, Estimate]


@dataclass
class ExponentialDecay:
    """Survival exp(-kappa l' theta), theta = sum of (T - T_end) above T_end: a stand-in for `qtraj.solve`."""

    calls: list[tuple[float, int]] = field(default_factory=list)
    interrupt_at: int | None = None

    def __call__(self, model, medium, initial, *, method, progress):
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt
        self.calls.append((model.transport.kappa, initial.l))
        theta = np.array([np.where(h.T_end < h.T, h.T - h.T_end, 0.0).sum() for h in medium])
        survival = {
            state: Estimate(np.exp(-model.transport.kappa * (i + 1) * theta), {"mesh": 1e-4}, ("tails",))
            for i, state in enumerate(STATE_NAMES)
        }
        progress(len(medium), len(medium))
        return Result(
            survival, {state: Estimate(0.5 * e.value, {"mesh": 1e-4}) for state, e in survival.items()}
        )


def make_run_file(text: str = RUN_FILE) -> RunFile:
    return RunFile(parse_config(text), text, Path("run.toml"))


def trajectory_block(b, i=0, metadata=8, points=None) -> str:
    """A Bjorken flow that is cooler at larger b, with metadata that differ from path to path."""
    tau = np.geomspace(0.6, 9.0, 20)
    T = np.maximum((0.45 - 0.012 * b - 1e-4 * (i % 17)) * np.cbrt(0.6 / tau), 0.2)
    T[-1] = 0.2
    known = [b, 0.1, -0.2, 0.0, 0.5 + (i * 0.37) % 15, (i * 0.61) % 6.28, -4 + (i * 0.23) % 8, 1.0][:metadata]
    lines = points or [f"{t:.10g} {x:.10g}" for t, x in zip(tau, T, strict=True)]
    return "\n".join([str(metadata), *(f"{value:.8g}" for value in known), str(len(lines)), *lines]) + "\n"
