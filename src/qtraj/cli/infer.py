"""`qtraj infer`: parameters from data, their predictions, the evidence of models, and tests of all this."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from ..errors import InputError
from . import options
from .campaign import ExecutorOption, SchedulerOption, WorkersOption, reporting

if TYPE_CHECKING:
    from ..campaign.progress import Reporter
    from ..inference.run import Inference
    from ..io.inference import InferenceFile


def infer(
    file: Annotated[
        Path,
        Argument(
            metavar="FILE.toml",
            help="Inference file; `qtraj init` writes one that explains it, infer_pbpb_5020.toml.",
        ),
    ],
    output: Annotated[Path | None, Option(help="Folder for the results instead of that of the file.")] = None,
    sampler: Annotated[
        str | None,
        Option(
            metavar="nuts|nested|nuts,nested",
            help="Instead of those of the file; the first gives the figures, nested also the evidence.",
        ),
    ] = None,
    seed: Annotated[
        int | None, Option(min=0, help="Of samplers and synthetic data, instead of that of the file.")
    ] = None,
    closure: Annotated[
        bool,
        Option("--closure", help="Also infer a known truth from its own synthetic data, with each model."),
    ] = False,
    truth: Annotated[
        str | None,
        Option(
            metavar="NAME=VALUE,...", help="Of --closure, such as kappa=4,gamma=0  [the middle of the priors]"
        ),
    ] = None,
    calibrate: Annotated[
        int | None,
        Option(
            min=1,
            metavar="N",
            help="Also infer N truths from the priors, each from synthetic data: coverage and ranks, with each model.",
        ),
    ] = None,
    executor: ExecutorOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
) -> None:
    """Infer transport coefficients from data: posterior, predictions, evidence. Resumes where it was interrupted.

    Writes figures, tables (CSV, HEPData) and one HTML page, report.html, into the folder of the file.
    """
    from .._atomic import writable_folder
    from ..campaign.executors import executor_of
    from ..inference.run import infer as run_inference
    from ..io.inference import load_inference_file
    from ..pages.inference import as_rich, design_table, evidence_table, posterior_table, write_inference

    loaded = load_inference_file(file)
    sampling = loaded.config.sampling
    samplers = sampling.samplers if sampler is None else options.comma_separated(sampler)
    if not samplers or len(set(samplers)) < len(samplers) or not set(samplers) <= {"nuts", "nested"}:
        raise InputError("--sampler", sampler, "be nuts, nested, or both with a comma between them")
    if truth is not None and not closure:
        raise InputError("--truth", truth, "be given with --closure only")
    sampling = sampling.model_copy(
        update={"samplers": samplers, "seed": sampling.seed if seed is None else seed}
    )
    config = loaded.config.model_copy(update={"sampling": sampling})
    loaded = replace(loaded, config=config)
    truths = _truths(loaded, truth) if closure else {}
    folder = writable_folder(output or Path(config.output.directory))
    chosen = executor_of(loaded.run_file().config.campaign, executor, workers, scheduler)
    goes_on = f"What is finished is in {folder}; the same command goes on from there."
    with reporting(goes_on) as report:
        inference = run_inference(loaded, folder, executor=chosen, report=report, progress=report.stage)
    sampled = {(n, s): p for n, model in inference.models.items() for s, p in model.posteriors.items()}
    tables = posterior_table(sampled), design_table(inference.models), evidence_table(inference)
    options.print_table(*(as_rich(table) for table in tables if table is not None))
    written = write_inference(inference)
    with reporting(goes_on) as report:
        if closure:
            written += _closure(inference, truths, report)
        if calibrate is not None:
            written += _calibrate(inference, calibrate, report)
    options.wrote(written)


def _truths(file: InferenceFile, words: str | None) -> dict[str, dict[str, float]]:
    """Return the truth of each model, by the names of its parameters: what is given, else the middle of the prior."""
    from ..inference.run import parameters_of

    allowed = "be names of parameters with their values, such as kappa=4,gamma=0"
    given: dict[str, float] = {}
    for entry in options.comma_separated(words or ""):
        name, _, value = entry.partition("=")
        try:
            given[name.strip()] = float(value)
        except ValueError:
            raise InputError("--truth", entry, allowed) from None
    truths: dict[str, dict[str, float]] = {}
    for model in file.config.models:
        parameters = parameters_of(file.config.parameters, model.parameters)
        middle = dict(
            zip(parameters.names, parameters.from_unit([0.5] * len(parameters)).tolist(), strict=True)
        )
        truth = middle | {name: value for name, value in given.items() if name in middle}
        parameters.checked(truth, "--truth")
        truths[model.name] = truth
    known = {name for truth in truths.values() for name in truth}
    if unknown := set(given) - known:
        raise InputError(
            "--truth", ", ".join(sorted(unknown)), f"name parameters of the file: {', '.join(sorted(known))}"
        )
    return truths


def _closure(inference: Inference, truths: Mapping[str, Mapping[str, float]], report: Reporter) -> list[Path]:
    """Infer the truth of each model from synthetic data; print the table and write the figures."""
    from ..inference.calibration import closure
    from ..pages.inference import as_rich, closure_table
    from ..plots import corner_figure, save_figure

    sampling = inference.file.config.sampling
    found, written = {}, list[Path]()
    for name, model in inference.models.items():
        settings = {"draws": sampling.draws, "chains": sampling.chains, "warmup": sampling.warmup}
        chosen = sampling.samplers[0]
        found[name] = closure(
            model.likelihood,
            dict(truths[name]),
            seed=sampling.seed,
            sampler=chosen,
            progress=_named(report, f"{name}, closure"),
            **(settings if chosen == "nuts" else {"live": sampling.live}),
        )
        figure = corner_figure(found[name].posterior, truth=truths[name], title=f"Closure, {name}")
        written += save_figure(figure, inference.directory / name / "closure")
    options.print_table(as_rich(closure_table(found)))
    return written


def _calibrate(inference: Inference, count: int, report: Reporter) -> list[Path]:
    """Infer many truths with each model; print coverage and uniformity of ranks and write the figures."""
    from ..inference.calibration import calibrate
    from ..pages.inference import as_rich, calibration_table
    from ..plots import calibration_figure, save_figure

    sampling = inference.file.config.sampling
    found, written = {}, list[Path]()
    chosen = sampling.samplers[0]  # that of tables and figures
    for name, model in inference.models.items():
        found[name] = calibrate(
            model.likelihood,
            truths=count,
            sampler=chosen,
            **({"warmup": sampling.warmup} if chosen == "nuts" else {"live": sampling.live}),
            seed=sampling.seed,
            # another count goes on from the same file
            checkpoint=inference.directory / name / f"calibration-{chosen}-{sampling.seed}.checkpoint.nc",
            progress=_named(report, name),
        )
        figure = calibration_figure(found[name], title=f"Calibration, {name}")
        written += save_figure(figure, inference.directory / name / "calibration")
    options.print_table(as_rich(calibration_table(found)))
    return written


def _named(report: Reporter, name: str) -> Callable[[str, int, int], None]:
    """Return the progress callback of a stage, under the name of its model."""
    return lambda stage, done, total: report.stage(f"{name}: {stage}", done, total)
