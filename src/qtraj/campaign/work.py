"""Solve one chunk: generate its histories, solve them unit by unit, write the file. Any process can do it."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import collected
from ..io.factory import method_of, model_of, start_of
from ..observables.estimate import Estimate
from ..provenance import versions
from ..solvers.solve import solve as solve_lindblad
from ..states import STATE_NAMES
from .plan import Chunk, Plan
from .sources import drawn
from .store import Store

QUANTITIES = {"survival": "overlap", "no_jump": "overlap_no_jump"}
"""What a chunk holds of each history and state, with the parts of its error: survivals of the states that the start
holds, and for the others the overlap at the end, a probability of transition."""


Solver = Callable[..., Any]
"""`qtraj.solve`, or what a test puts in its place: called with (model, histories, initial, method=, progress=). Of the
answer a campaign takes survival, no_jump, overlap and overlap_no_jump, Estimates over histories by state."""

Advance = Callable[[int], None]  # hears how many histories of a chunk are solved by now


@dataclass(frozen=True)
class Worker:
    """Solves chunks of a stored plan by their numbers; goes to other processes by pickle."""

    folder: Path  # the store, which every worker must reach under this name
    solve: Solver = solve_lindblad  # `qtraj.solve` or a stand-in with its signature

    def __call__(self, number: int, advance: Advance | None = None) -> int:
        """Solve chunk `number`, write it, and return the number."""
        store = Store(self.folder)
        plan = _plan(self.folder, store.plan_path.stat().st_mtime_ns)
        chunk = solve_chunk(plan, plan.chunks[number], self.solve, advance or (lambda done: None))
        store.write(plan.keys[number], chunk)
        return number


@lru_cache(maxsize=2)  # the time of the file is an argument, so that a plan made anew is read anew
def _plan(folder: Path, mtime_ns: int) -> Plan:
    return Store(folder).load_plan()


def solve_chunk(plan: Plan, chunk: Chunk, solve: Solver, advance: Advance) -> xr.Dataset:
    """Return the survivals of a chunk."""
    started = time.perf_counter()
    run_file = chunk.setting.applied(plan.run_file)
    model = model_of(run_file, chunk.setting.kappa, chunk.setting.gamma)
    initial = start_of(run_file, chunk.l)
    source = plan.source(chunk)
    sampled = plan.config.method.kind == "trajectories"
    units = []

    def counted(before: int, count: int, done: int, total: int) -> None:
        advance(before + done * count // total)  # whole histories, on top of those of the calls before

    for start, stop in plan.units(chunk):
        batch = drawn(source, start, stop)
        # trajectories are sampled history by history: the random numbers of a call are counted from its first
        # history, and must not depend on how a source is cut into chunks
        step = 1 if sampled else stop - start
        for first in range(start, stop, step):
            last = first + step
            histories = batch.histories[first - start : last - start]
            paths = {name: values[first - start : last - start] for name, values in batch.paths.items()}
            # without a budget the tolerance only chooses the discretization; the errors reached enter every average
            with collected(drop=chunk.budget != "all"):
                # no two histories share their random numbers; the seed follows from what the key of a chunk holds:
                # the content of the source, not its number in the plan
                entropy = (plan.config.method.seed or 0, int(source.digest[:16], 16), chunk.l, first)
                seed = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
                method = method_of(run_file, chunk.budget, seed)
                progress = partial(counted, first - chunk.start, last - first)
                result = solve(model, histories, initial, method=method, progress=progress)
            units.append(_dataset(result, paths, ("rare_events",) if sampled else ()))
    chunked = xr.concat(units, "history", data_vars="all", coords="different", compat="equals", join="exact")
    return chunked.assign_attrs(
        chunk=plan.describe(chunk),
        budget=chunk.budget,
        not_estimated="; ".join(dict.fromkeys(r for u in units for r in u.attrs["not_estimated"])),
        seconds=time.perf_counter() - started,
        finished=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        host=platform.node(),
        run_file=plan.run_file.text,
        python=platform.python_version(),
        **versions(),
    )


def _dataset(result: Any, paths: Mapping[str, NDArray[Any]], expected: Sequence[str]) -> xr.Dataset:
    """Return the answer for some histories; `expected` are parts of the error that it must have."""
    variables: dict[str, Any] = {name: ("history", values) for name, values in paths.items()}
    missing: list[str] = []
    for name, otherwise in QUANTITIES.items():
        known: Mapping[str, Estimate] = getattr(result, name)
        estimates = [known[s] if s in known else getattr(result, otherwise)[s] for s in STATE_NAMES]
        variables[name] = (("history", "state"), np.stack([e.value for e in estimates], axis=-1))
        # a part that is zero for all histories of a call may be missing there, and is not in other calls
        for part in dict.fromkeys([*estimates[0].parts, *expected]):
            errors = np.stack([e.parts.get(part, np.zeros_like(e.value)) for e in estimates], axis=-1)
            variables[f"{name}_error_{part}"] = (("history", "state"), errors)
        missing += [reason for e in estimates for reason in e.not_estimated]
    dataset = xr.Dataset(variables, {"state": list(STATE_NAMES)}, {"not_estimated": missing})
    return dataset.set_coords(list(paths))
