"""`qtraj run`, from run files to R_AA, and `qtraj campaign`: plan, run, resume, status and merge of many solves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from ..errors import InputError
from . import options

if TYPE_CHECKING:
    from ..campaign.executors import Executor
    from ..campaign.progress import Reporter
    from ..campaign.store import Store
    from ..io.config import RunConfig, RunFile
    from ..observables.curves import Band
    from ..observables.data.dataset import DataSet

File = Annotated[
    Path, Argument(metavar="FILE.toml", help="Run file; `qtraj init` writes some that explain it.")
]
MaybeFile = Annotated[
    Path | None, Argument(metavar="[FILE.toml]", help="Run file, to find its store if --store is not given.")
]
StoreOption = Annotated[
    Path | None, Option(metavar="DIR", help="The store  [folder `store` in the run file's output]")
]
ExecutorOption = Annotated[
    str | None, Option(help="in-process, local, scheduler, slurm, htcondor or pbs  [as the run file says]")
]
WorkersOption = Annotated[int | None, Option(min=1, help="Worker processes, or jobs.")]
SchedulerOption = Annotated[
    str | None, Option(metavar="ADDRESS", help="Use the Dask scheduler that runs there.")
]
IndexOption = Annotated[
    int | None, Option(min=0, help="Be this member of an array job, counted from 0; with --of.")
]
OfOption = Annotated[int | None, Option(min=1, help="Number of members of the array job.")]


def plan(
    file: File,
    store: StoreOption = None,
    executor: ExecutorOption = None,
    script: Annotated[
        bool, Option("--script", help="Print the job script of the batch system; submit nothing.")
    ] = False,
    array: Annotated[
        int | None, Option(min=1, metavar="N", help="With --script: of an array job of N members.")
    ] = None,
) -> None:
    """Plan the chunks and keep the plan in the store, or print a job script."""
    from ..campaign.executors import batch_system
    from ..campaign.run import prepare
    from ..campaign.store import status as status_of
    from ..io.config import load_run_file

    run_file = load_run_file(file)
    folder = _store(run_file.config, store)
    if script:
        if store is not None and array is None:
            raise InputError("--store", str(store), "be left out: the script of a Dask worker names no store")
        job, name = run_file.config.campaign.job, executor or run_file.config.campaign.executor
        batch = batch_system(name)
        one_job = batch.job_script(name, job)  # also for an array: it checks the options of the job
        many = one_job if array is None else batch.array_script(name, job, folder.folder, array)
        typer.echo(many, nl=False)
        return
    if array is not None:
        raise InputError("--array", array, "be given with --script only")
    if executor is not None:
        remedy = "`qtraj campaign run` and `resume` take it."
        raise InputError("--executor", executor, "be given with --script only: this process plans", remedy)
    planned = prepare(run_file, folder)
    starts = " and ".join(map(str, planned.config.initial.l))
    sizes = f"{len(planned.sources)} impact parameters, {len(planned.settings)} settings, l = {starts}"
    typer.echo(f"planned  {sizes}: {planned.histories} solves in {len(planned.chunks)} chunks")
    typer.echo(f"         of up to {planned.chunk_size} histories\n{status_of(folder.folder)}")


def run(
    file: File,
    store: StoreOption = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    index: IndexOption = None,
    of: OfOption = None,
    fresh: Annotated[bool, Option("--fresh", help="Compute finished chunks again.")] = False,
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

    folder = _store_of(file, store)
    member = _member(index, of)
    settings = folder.load_plan().config.campaign
    chosen = executor_of(settings, executor, workers, scheduler, member=member is not None)
    _carry_out(folder, chosen, member)


def status(file: MaybeFile = None, store: StoreOption = None) -> None:
    """Tell how far a campaign is, how fast, and who works on it."""
    from ..campaign.store import status as status_of

    typer.echo(str(status_of(_store_of(file, store).folder)))


def merge(
    file: MaybeFile = None,
    store: StoreOption = None,
    out: Annotated[
        Path | None, Option(metavar="FILE.nc", help="File of the survivals  [merged.nc in the store]")
    ] = None,
) -> None:
    """Join the results of a finished campaign: the survival along every path, and R_AA."""
    from ..campaign.results import merge as join
    from ..campaign.run import RESULT, citations, prediction_of
    from ..io.results import write_dataset

    options.netcdf_name(out)
    folder = _store_of(file, store)
    planned = folder.load_plan(to_read=True)
    sources = citations(planned.run_file, [source.attrs for source in planned.sources])
    options.wrote([join(folder.folder, out or folder.folder / "merged.nc", sources)])
    if planned.config.initial.lacks_raa:
        typer.echo(f"No R_AA: {planned.config.initial.lacks_raa}.")
        return
    options.wrote([write_dataset(prediction_of(planned, folder), folder.folder / RESULT)])


def _carry_out(folder: Store, executor: Executor, member: tuple[int, int] | None) -> None:
    from ..campaign.run import carry_out
    from ..campaign.store import status as status_of

    with reporting(f"`qtraj campaign resume --store {folder.folder}` goes on.") as report:
        carry_out(folder, report=report, executor=executor, member=member)
    typer.echo(str(status_of(folder.folder)))


@contextmanager
def reporting(goes_on: str) -> Iterator[Reporter]:
    """Give a reporter of progress; an interruption ends the command in one line that says how to go on."""
    from ..campaign.progress import reporting as shown

    with options.interruptible(f"Interrupted. {goes_on}"), shown(options.console(stderr=True)) as report:
        yield report


def _store(config: RunConfig, store: Path | None) -> Store:
    from ..campaign.run import STORE
    from ..campaign.store import Store

    return Store(store or Path(config.output.directory) / STORE)


def _store_of(file: Path | None, store: Path | None) -> Store:
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
        allowed = "be given together, the index below the number of members"
        raise InputError("--index, --of", (index, of), allowed)
    return index, of


def init(
    directory: Annotated[Path, Argument(metavar="[DIR]", help="Folder for the run files.")] = Path(),
) -> None:
    """Write run files that explain every key: Pb-Pb at 5.02 TeV, at each order and beyond the dipole; and campaigns."""
    from .._atomic import atomic_path

    inside = resources.files("qtraj.data") / "examples"  # the package as installed, or its source tree
    folder = inside if inside.is_dir() else Path(__file__).parents[3] / "examples"
    texts = {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir()}
    for name in texts:
        if (directory / name).exists():
            raise InputError("DIR", str(directory), f"hold none of the files to write: {name} is there")
    for name, text in sorted(texts.items()):
        with atomic_path(directory / name) as temporary:
            temporary.write_text(
                text.replace("examples/", f"{directory / name}"[: -len(name)]), encoding="utf-8"
            )
        options.wrote([directory / name])
    first = directory / "campaign_small.toml"
    typer.echo(
        f"`qtraj campaign run {first}` takes less than a minute, `qtraj run {directory / 'pbpb_5020.toml'}` more."
    )


def run_files(
    files: Annotated[
        list[Path],
        Argument(
            metavar="FILE.toml ...",
            help="Run files; `qtraj init` writes some that explain them. Of several, a figure compares the answers.",
        ),
    ],
    output: Annotated[
        Path | None, Option(help="Folder for the results instead of that of the (only) run file.")
    ] = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    fresh: Annotated[bool, Option("--fresh", help="Compute finished chunks again.")] = False,
) -> None:
    """Go from a run file to R_AA: a figure, a netCDF result and a table. Resumes where it was interrupted."""
    from ..campaign.executors import executor_of, staying
    from ..io.config import load_run_file

    loaded = [load_run_file(file) for file in files]
    if output is not None and len(files) > 1:
        raise InputError("--output", str(output), "be left out with several run files")
    directories = [output or Path(run_file.config.output.directory) for run_file in loaded]
    if len(set(directories)) < len(directories):
        raise InputError("[output] directory", str(directories[-1]), "differ between the run files")
    executors = [executor_of(each.config.campaign, executor, workers, scheduler) for each in loaded]
    answers = {}
    opened: dict[
        str, Executor
    ] = {}  # run files with the same executor share its workers, and what those compiled
    with ExitStack() as stack:
        for run_file, directory, chosen in zip(loaded, directories, executors, strict=True):
            title = run_file.config.output.title or str(directory)
            if title in answers:
                title = f"{title} ({directory})"
            same = f"{chosen.name} {run_file.config.campaign.job}"
            if same not in opened:
                opened[same] = stack.enter_context(staying(chosen))
            answers[title] = _solve_and_show(run_file, directory, opened[same], fresh=fresh)
    if len(answers) > 1:  # R_AA of the run files one above the other, beside the data of the first
        from ..plots import raa_comparison_figure, save_figure

        _, data = next(iter(answers.values()))
        figure = raa_comparison_figure({title: bands for title, (bands, _) in answers.items()}, data)
        options.wrote(save_figure(figure, directories[-1] / "raa_comparison"))


def _solve_and_show(
    run_file: RunFile, directory: Path, executor: Executor, *, fresh: bool
) -> tuple[list[Band], Sequence[DataSet]]:
    """Solve one run file, write and print R_AA, and return its bands and the data beside them."""
    from ..campaign.results import band, summary, table
    from ..campaign.run import RESULT, measured
    from ..campaign.run import run as run_campaign
    from ..io.factory import own_data
    from ..observables.overview import VARIED
    from ..plots import raa_figure, save_figure

    config = run_file.config
    goes_on = f"Finished chunks are in {directory}; the same command goes on from there."
    with reporting(goes_on) as report:
        prediction = run_campaign(run_file, directory, fresh=fresh, report=report, executor=executor)
    data = measured(config, own_data(run_file))
    # a coefficient with one value makes no band
    varied = [name for name in VARIED if len(set(prediction[name].values)) > 1] or VARIED[:1]
    bands = [band(prediction, meson, name) for meson in config.observables.states for name in varied]
    pictures = save_figure(raa_figure(bands, data, title=config.output.title), directory / "raa")
    options.print_table(table(summary(prediction, config.observables.states, data), config.output.title))
    if "emulated_paths" in prediction.attrs:
        solved, emulated = (prediction.attrs[f"{kind}_paths"] for kind in ("solved", "emulated"))
        made = "; ".join(dict.fromkeys(map(str, prediction["average"].values)))
        typer.echo(f"averages  {made}: {solved} solved, {emulated} emulated")
    for note in filter(None, prediction.attrs["notes"].split("\n")):
        typer.echo(note)
    options.wrote([*pictures, directory / RESULT])
    return bands, data
