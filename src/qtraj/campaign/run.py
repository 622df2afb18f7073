"""Run a campaign: plan it, solve the missing chunks, and average them to a prediction with its provenance."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..errors import InputError, collected
from ..io.citations import of_run
from ..io.config import RunConfig, RunFile
from ..io.factory import feeddown_of, own_data
from ..io.results import provenance, write_dataset
from ..observables.data.compare import rapidity_notes
from ..observables.data.dataset import DataSet, load_raa
from ..solvers.solve import solve as solve_lindblad
from .executors import Executor, InProcess, share, staying
from .plan import UNIT, Plan, make_plan
from .progress import Reporter
from .results import emulate, open_results, predict
from .store import Store, locked
from .work import Solver, Worker, solve_chunk

RESULT = "result.nc"  # name of the result file in the folder of a run
STORE = "store"  # name of the store in the folder of a run
LARGEST_CHUNK = 64 * UNIT  # histories; its file has about 5 MB


def run(
    run_file: RunFile,
    directory: Path,
    *,
    fresh: bool = False,
    solve: Solver = solve_lindblad,
    report: Reporter | None = None,
    executor: Executor | None = None,
) -> xr.Dataset:
    """Carry out a run file, write ``result.nc`` into `directory` and return its content.

    It is a campaign whose store is the folder ``store`` there: chunks that are finished are not solved again.
    """
    start = run_file.config.initial
    if reason := start.lacks_raa:
        remedy = "`qtraj campaign run` and `qtraj campaign merge` give the probabilities along each path."
        raise InputError("initial", start.kind, f"be a start with R_AA: {reason}", remedy)
    store = Store(directory / STORE)
    plan = prepare(run_file, store, fresh=fresh, solve=solve)
    carry_out(store, solve=solve, report=report, executor=executor)
    prediction = prediction_of(plan, store)
    write_dataset(prediction, directory / RESULT)
    return prediction


def prediction_of(plan: Plan, store: Store) -> xr.Dataset:
    """Return the prediction of a finished campaign with its provenance."""
    config = plan.config
    feeddown = feeddown_of(config.observables.feeddown, plan.run_file.path.parent)
    results = open_results(store.folder)
    prediction = predict(plan, results, feeddown)
    attrs = [dict(source.attrs) for source in plan.sources]
    rapidity = results["rapidity"].values  # NaN where a trajectory file does not say it
    data = measured(config, own_data(plan.run_file))
    notes = dict.fromkeys(fluid["medium"] for fluid in attrs if "medium" in fluid)
    known = rapidity if np.all(np.isfinite(rapidity)) else None
    notes |= dict.fromkeys(rapidity_notes(known, "N_part", data))
    return prediction.assign_attrs(
        title=config.output.title or "R_AA against N_part",
        **provenance(plan.run_file.text, config.paths.seed, citations(plan.run_file, attrs)),
        run_file_path=str(plan.run_file.path.absolute()),
        solved_by=plan.solver,
        feeddown=feeddown.source,
        hydro=json.dumps(attrs),
        clock=config.paths.clock,
        notes="\n".join(notes),
    )


def prepare(
    run_file: RunFile,
    store: Store,
    *,
    fresh: bool = False,
    solve: Solver = solve_lindblad,
    plan: Plan | None = None,
) -> Plan:
    """Plan a run file, unless its `plan` is there already, and keep the plan in the store.

    The size of the chunks is that of the run file, or else of a plan that the store has already, or else it is chosen
    so that a chunk takes ``chunk_seconds``, from the time that the first histories take.
    """
    plan = make_plan(run_file) if plan is None else plan
    store.prepare()
    with locked(store.lock_path, "planning"):
        plan = Plan(plan.run_file, plan.sources, _chunk_size(plan, store, solve))
        store.save_plan(plan)
        if fresh:
            for key in (*plan.keys, *plan.cheap_keys):
                store.path(key).unlink(missing_ok=True)
    return plan


def _chunk_size(plan: Plan, store: Store, solve: Solver) -> int:
    chosen = plan.config.campaign.chunk
    if chosen is not None:
        return chosen
    # a plan that is replaced now, be it of other code, keeps its size: its chunks may be wanted again
    with suppress(OSError, ValueError, KeyError, TypeError):
        if (stored := int(json.loads(store.plan_path.read_text(encoding="utf-8"))["chunk_size"])) > 0:
            return stored
    largest = max(last - first for source in plan.sources for first, last, _ in plan.segments(source))
    if largest <= UNIT:
        return UNIT
    # a chunk of one unit of the largest segment; the first time includes compilation
    chunk = max(plan.chunks, key=lambda chunk: (chunk.budget != "sample", len(chunk)))
    with collected(drop=True):  # they are solved again, and warned of, when it is their turn
        solve_chunk(plan, chunk, solve, lambda done: None)
        started = time.perf_counter()
        solve_chunk(plan, chunk, solve, lambda done: None)
    seconds = (time.perf_counter() - started) * UNIT / len(chunk)
    units = round(plan.config.campaign.chunk_seconds / max(seconds, 1e-6))
    return UNIT * min(max(units, 1), -(-largest // UNIT), LARGEST_CHUNK // UNIT)


def carry_out(
    store: Store,
    *,
    solve: Solver = solve_lindblad,
    report: Reporter | None = None,
    executor: Executor | None = None,
    member: tuple[int, int] | None = None,
) -> None:
    """Solve the chunks of a stored plan that are missing; whatever interrupts it, the same call goes on."""
    executor, report = executor or InProcess(), report or Reporter()
    plan = store.load_plan()
    store.prepare()
    with collected(), ExitStack() as stack:
        executor = stack.enter_context(staying(executor))
        numbers: Sequence[int] = range(len(plan.chunks))
        if member is None:
            stack.enter_context(locked(store.lock_path, f"a campaign ({executor.name})"))
            store.sweep()
        else:
            index, of = member
            what = f"member {index} of {of} of an array job"
            stack.enter_context(locked(store.lock_path, what, shared=True))
            stack.enter_context(locked(store.folder / f"lock-{index}-of-{of}", what))
            numbers = share(numbers, index, of)
        finished = store.finished({plan.keys[n] for n in numbers})
        sizes = {n: len(plan.chunks[n]) for n in numbers}
        missing = [n for n in numbers if plan.keys[n] not in finished]
        # neighbors differ in l, so that workers that begin together do not compile the same kernels
        of_setting = len(plan.chunks) // len(plan.settings)
        missing.sort(key=lambda n: (n // of_setting, (c := plan.chunks[n]).source, c.start))
        total = sum(sizes.values())
        report.begin(total=total, reused=total - sum(sizes[n] for n in missing))

        def advance(number: int, done: int) -> None:
            report.advance(plan.describe(plan.chunks[number]), done)

        for number in executor.map(Worker(store.folder, solve), missing, advance):
            report.finish(plan.describe(plan.chunks[number]), sizes[number])
        if member is None:  # members of an array job do not know when the others end: whoever reads emulates
            emulate(store, executor)


def measured(config: RunConfig, own: Iterable[DataSet] = ()) -> tuple[DataSet, ...]:
    """Return the measurements to compare with: R_AA against N_part of the run's system, energy and mesons.

    `own` are those that the run file names, of which those about the same are added.
    """
    system, states = config.system, config.observables.states
    datasets = [
        data for data in own if (data.observable, data.x_name) == ("R_AA", "N_part") and data.state in states
    ]
    for state in states:
        datasets += load_raa(system.name, system.sqrt_s_GeV, state, required=False)
    points = (data.points(np.isnan(data.upper_limit_cl)) for data in datasets)  # limits are no points
    return tuple(data for data in points if len(data))


def citations(run: RunConfig | RunFile, hydro: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Return what to cite for a run, a line for each paper: see `qtraj.io.citations.of_run`."""
    config = run.config if isinstance(run, RunFile) else run
    return [str(reference) for reference in of_run(run, hydro, measured(config))]
