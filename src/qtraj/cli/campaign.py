"""Commands of `qtraj campaign`: plan, run, resume, status and merge of many solves."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import InputError
from . import options

if TYPE_CHECKING:
    from ..campaign.executors import Executor
    from ..campaign.store import Store
    from ..io.config import RunConfig

File = Annotated[
    Path, typer.Argument(metavar="FILE.toml", help="Run file; examples/campaign_small.toml explains it.")
]
MaybeFile = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE.toml]", help="Run file, to find its store if --store is not given."),
]
StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="DIR", help="The store  [folder `store` in the run file's output]"),
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor", help="in-process, local, scheduler, slurm, htcondor or pbs  [as the run file says]"
    ),
]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes, or jobs.")]
SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Use the Dask scheduler that runs there.")
]
IndexOption = Annotated[
    int | None,
    typer.Option("--index", min=0, help="Be this member of an array job, counted from 0; with --of."),
]
OfOption = Annotated[int | None, typer.Option("--of", min=1, help="Number of members of the array job.")]


def plan(
    file: File,
    store: StoreOption = None,
    executor: ExecutorOption = None,
    script: Annotated[
        bool, typer.Option("--script", help="Print the job script of the batch system; submit nothing.")
    ] = False,
    array: Annotated[
        int | None,
        typer.Option("--array", min=1, metavar="N", help="With --script: of an array job of N members."),
    ] = None,
) -> None:
    """Plan the chunks and keep the plan in the store, or print a job script."""
    from ..campaign.plan import make_plan
    from ..campaign.run import prepare
    from ..campaign.store import status as status_of
    from ..io.config import load_run_file

    run_file = load_run_file(file)
    folder = _store(run_file.config, store)
    if script:
        if store is not None and array is None:
            raise InputError("--store", str(store), "be left out: the script of a Dask worker names no store")
        typer.echo(_script(run_file.config, executor, folder, array), nl=False)
        return
    if array is not None:
        raise InputError("--array", array, "be given with --script only")
    if executor is not None:
        remedy = "`qtraj campaign run` and `resume` take it."
        raise InputError("--executor", executor, "be given with --script only: this process plans", remedy)
    make_plan(run_file)  # mistakes before folders
    planned = prepare(run_file, folder)
    sizes = f"{len(planned.sources)} impact parameters, {len(planned.settings)} settings, l = 0 and 1"
    typer.echo(f"planned  {sizes}: {planned.histories} solves in {len(planned.chunks)} chunks")
    typer.echo(f"         of up to {planned.chunk_size} histories")
    typer.echo(str(status_of(folder.folder)))


def run(
    file: File,
    store: StoreOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    index: IndexOption = None,
    of: OfOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute finished chunks again.")] = False,
) -> None:
    """Plan a run file, unless its plan is there, and solve what is missing."""
    from ..campaign.executors import executor_of
    from ..campaign.run import prepare
    from ..io.config import load_run_file

    run_file = load_run_file(file)
    folder = _store(run_file.config, store)
    member = _member(index, of)
    if fresh and member is not None:
        remedy = "`qtraj campaign run --fresh` without --index, or a new --store, computes all chunks again."
        raise InputError("--fresh", fresh, "be left out for a member of an array job", remedy)
    chosen = executor_of(run_file.config.campaign, executor, workers, scheduler, member=member is not None)
    if member is None:
        prepare(run_file, folder, fresh=fresh)
    elif folder.load_plan().run_file.text != run_file.text:
        remedy = f"`qtraj campaign plan {file} --store {folder.folder}` first, once for all members."
        raise InputError("FILE", str(file), "be the run file whose plan is in the store", remedy)
    _carry_out(folder, chosen, member)


def resume(
    file: MaybeFile = None,
    store: StoreOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    index: IndexOption = None,
    of: OfOption = None,
) -> None:
    """Solve what is missing of the plan in a store."""
    from ..campaign.executors import executor_of

    folder = _found(file, store)
    member = _member(index, of)
    settings = folder.load_plan().config.campaign
    chosen = executor_of(settings, executor, workers, scheduler, member=member is not None)
    _carry_out(folder, chosen, member)


def status(file: MaybeFile = None, store: StoreOption = None) -> None:
    """Tell how far a campaign is, how fast, and who works on it."""
    from ..campaign.store import status as status_of

    typer.echo(str(status_of(_found(file, store).folder)))


def merge(
    file: MaybeFile = None,
    store: StoreOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.nc", help="File of the survivals  [merged.nc in the store]"),
    ] = None,
) -> None:
    """Join the results of a finished campaign: the survival along every path, and R_AA."""
    from ..campaign.results import merge as join
    from ..campaign.run import RESULT, citations, prediction_of
    from ..io.factory import feeddown_of
    from ..io.results import write_dataset

    folder = _found(file, store)
    planned = folder.load_plan()
    sources = citations(planned.run_file, [source.attrs for source in planned.sources])
    typer.echo(f"wrote {join(folder.folder, out or folder.folder / 'merged.nc', sources)}")
    if planned.config.initial.lacks_raa:
        typer.echo(f"No R_AA: {planned.config.initial.lacks_raa}.")
        return
    feeddown = feeddown_of(planned.config.observables.feeddown, planned.run_file.path.parent)
    result = write_dataset(prediction_of(planned, folder, feeddown), folder.folder / RESULT)
    typer.echo(f"wrote {result}")


def _carry_out(folder: Store, executor: Executor, member: tuple[int, int] | None) -> None:
    from ..campaign.progress import reporting
    from ..campaign.run import carry_out
    from ..campaign.store import status as status_of

    try:
        with _terminated_like_interrupted(), reporting(Console(stderr=True)) as report:
            carry_out(folder, report=report, executor=executor, member=member)
    except KeyboardInterrupt:
        typer.echo(f"Interrupted. `qtraj campaign resume --store {folder.folder}` goes on.", err=True)
        raise typer.Exit(options.EXIT_INTERRUPTED) from None
    typer.echo(str(status_of(folder.folder)))


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM, with which batch systems end a job, close workers and locks as Ctrl-C does."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _store(config: RunConfig, store: Path | None) -> Store:
    from ..campaign.run import STORE
    from ..campaign.store import Store

    return Store(store or Path(config.output.directory) / STORE)


def _found(file: Path | None, store: Path | None) -> Store:
    from ..campaign.store import Store
    from ..io.config import load_run_file

    if store is not None:
        if file is not None:
            raise InputError("FILE", str(file), "be left out with --store, which holds its run file")
        return Store(store)
    if file is None:
        raise InputError("--store", None, "be given, or a run file")
    return _store(load_run_file(file).config, None)


def _member(index: int | None, of: int | None) -> tuple[int, int] | None:
    if index is None and of is None:
        return None
    if index is None or of is None or index >= of:
        raise InputError(
            "--index, --of", (index, of), "be given together, the index below the number of members"
        )
    return index, of


def _script(config: RunConfig, executor: str | None, folder: Store, array: int | None) -> str:
    from ..campaign.executors import batch_system

    name = executor or config.campaign.executor
    batch, job = batch_system(name), config.campaign.job
    text: str = batch.job_script(name, job)
    if array is not None:
        text = batch.array_script(name, job, folder.folder, array)
    return text
