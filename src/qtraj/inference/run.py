"""Infer what a file says: designs, surrogates, posteriors, predictions, tables; whatever interrupts it, it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._checks import choice, function, instance, texts
from .._checks import path as path_of
from ..campaign.executors import Executor, InProcess, staying
from ..campaign.progress import Reporter
from ..errors import InputError
from ..io.config import RunFile
from ..io.inference import DataChoice, InferenceFile, PriorChoice
from ..io.observables import HepdataTable, write_hepdata
from ..io.survivals import write_csv
from ..observables.curves import Curve
from ..observables.data.dataset import DataSet, load_data
from ..observables.estimate import Estimate
from ..solvers.solve import solve as solve_lindblad
from .adaptive import Round, adapt_design
from .design import checked_executor, compute_design, design_points, plan_design
from .likelihood import Likelihood, select
from .parameters import LogUniform, Normal, Parameter, Parameters, Prior, Uniform
from .posterior import Posterior
from .sampling import Progress, sample_nested, sample_nuts
from .surrogate import Surrogate

if TYPE_CHECKING:
    import pandas as pd

# a prediction is no fit: half of the first points, as its error is part of it and no data wait for less
_LESS: Final = 2
# points of the prior on which a prediction is planned before anything is solved: its own wait for the posterior
_TRIED: Final = 2


@dataclass(frozen=True, eq=False)
class Inferred:
    """What was inferred with one model.

    Attributes
    ----------
    name : str
        Of the model.
    run_file : RunFile
        What does not vary.
    surrogate : Surrogate
        Theory at the points of the fitted data; its `design` is what was computed.
    likelihood : Likelihood
        Of the fitted data.
    posteriors : mapping of str to Posterior
        By sampler, ``"nuts"`` and ``"nested"``.
    predictions : mapping of str to Surrogate
        Theory of systems that were not fitted, by name, at the points of the data of their designs.
    rounds : tuple of Round
        What was known of the surrogate after each round of the design.
    """

    name: str
    run_file: RunFile
    surrogate: Surrogate
    likelihood: Likelihood
    posteriors: Mapping[str, Posterior]
    predictions: Mapping[str, Surrogate]
    rounds: tuple[Round, ...] = ()

    @property
    def posterior(self) -> Posterior:
        """Samples of the first sampler."""
        return next(iter(self.posteriors.values()))


@dataclass(frozen=True, eq=False)
class Inference:
    """What was inferred with all models of a file.

    Attributes
    ----------
    file : InferenceFile
        The file.
    directory : Path
        Folder of the results.
    models : mapping of str to Inferred
        By name, in the order of the file.
    """

    file: InferenceFile
    directory: Path
    models: Mapping[str, Inferred]

    def evidence(self) -> pd.DataFrame:
        """Return the evidence of each model and its ratio to the first: ln Z, ln(Z/Z_first), their errors, the ratio.

        Returns
        -------
        pandas.DataFrame
            A row for each model that nested sampling integrated; columns ``log_evidence``, ``error``, ``log_ratio``,
            ``ratio_error`` and ``ratio``.
        """
        import pandas as pd  # noqa: PLC0415

        known = {
            name: model.posteriors["nested"].evidence
            for name, model in self.models.items()
            if "nested" in model.posteriors
        }
        rows: dict[str, dict[str, float]] = {}
        first: tuple[float, float] | None = None
        for name, evidence in known.items():
            if evidence is None:
                continue
            value, error = float(evidence.value), float(evidence.error)
            first = first or (value, error)
            difference = value - first[0]
            spread = 0.0 if not rows else float(np.hypot(error, first[1]))
            rows[name] = {
                "log_evidence": value,
                "error": error,
                "log_ratio": difference,
                "ratio_error": spread,
                "ratio": float(np.exp(difference)),
            }
        return pd.DataFrame.from_dict(rows, orient="index")


def parameters_of(*choices: Mapping[str, PriorChoice]) -> Parameters:
    """Return parameters with the priors of a file; those of later tables replace those of earlier ones."""
    chosen: dict[str, PriorChoice] = {}
    for each in choices:
        chosen |= each
    members = []
    for name, prior_of in chosen.items():
        try:
            prior: Prior
            if prior_of.uniform is not None:
                prior = Uniform(*prior_of.uniform)
            elif prior_of.log_uniform is not None:
                prior = LogUniform(*prior_of.log_uniform)
            else:
                mean, sigma = prior_of.normal or (0.0, 1.0)
                ends = {"low": prior_of.low, "high": prior_of.high}
                prior = Normal(mean, sigma, **{end: at for end, at in ends.items() if at is not None})
            members.append(Parameter(name, prior))
        except InputError as error:
            raise InputError(f"parameters.{name}", error.value, error.allowed, error.remedy) from None
    return Parameters(tuple(members))


def data_of(choices: Sequence[DataChoice], run_file: RunFile, key: str = "data") -> tuple[DataSet, ...]:
    """Return the measurements of the system of a run file that a file selects."""
    system = run_file.config.system
    found: list[DataSet] = []
    for i, entry in enumerate(choices):
        selected = load_data(
            entry.observable,
            system=system.name,
            sqrt_s_GeV=system.sqrt_s_GeV,
            state=entry.states or None,
            experiment=entry.experiment,
            x_name=entry.x_name,
            status=entry.status,
        )
        for name in ("kinematics", "centrality"):
            wanted = getattr(entry, name)
            if wanted is None:
                continue
            known = {
                str(data): data.kinematics if name == "kinematics" else data.centrality[0]
                for data in selected
            }
            selected = tuple(data for data in selected if known[str(data)] == wanted)
            if not selected:
                allowed = f"be one of {', '.join(map(repr, dict.fromkeys(known.values())))}"
                raise InputError(f"{key}[{i}].{name}", wanted, allowed)
        found += selected
    return tuple(found)


def infer(
    file: InferenceFile,
    directory: str | Path | None = None,
    *,
    samplers: Sequence[str] | None = None,
    executor: Executor | None = None,
    report: Reporter | None = None,
    progress: Progress | None = None,
    solve: Any = solve_lindblad,
) -> Inference:
    """Infer the parameters of each model of a file, predict what it does not fit, and write tables.

    Parameters
    ----------
    file : InferenceFile
        As `qtraj.io.inference.load_inference_file` reads it.
    directory : path, optional
        Folder of the results; that of the file by default. Whatever is finished there is not computed again.
    samplers : sequence of {"nuts", "nested"}, optional
        In place of those of the file.
    executor, report : optional
        Of the campaigns of the designs: who solves, and the progress callback.
    progress : callable, optional
        Of the samplers: called with a stage, what is done and the total.
    solve : callable, optional
        `qtraj.solve` or a stand-in with its signature.

    Returns
    -------
    Inference

    Raises
    ------
    InputError
        If an argument or a key of the file is wrong, or a measurement is there twice.
    """
    instance("file", file, InferenceFile)
    config = file.config
    folder = path_of("directory", config.output.directory if directory is None else directory)
    chosen = tuple(config.sampling.samplers) if samplers is None else texts("samplers", samplers)
    for name in chosen:
        choice("samplers", name, ("nuts", "nested"), "be 'nuts', 'nested' or both")
    if not chosen:
        raise InputError("samplers", chosen, "name one at least")
    checked_executor(executor)
    if report is not None:
        instance("report", report, Reporter)
    if progress is not None:
        function("progress", progress)
    function("solve", solve, "be a solver such as qtraj.solve")
    # everything that can be wrong is found before the first history is solved
    work = []
    for model in config.models:
        run_file = file.run_file(model.run)
        parameters = parameters_of(config.parameters, model.parameters)
        data = select(data_of(config.data, run_file))
        others = []
        for i, prediction in enumerate(config.predictions):
            other = file.run_file(model.run, prediction.run)
            beside = data_of(prediction.data, other, f"predictions[{i}].data")
            points = prediction.points or -(-config.design.points // _LESS)
            others.append((prediction.name, other, beside, points))
        work.append((model, run_file, parameters, data, others))
    chosen_by = config.design
    plans = []
    for model, run_file, parameters, _, others in work:
        at = design_points(parameters, model.points or chosen_by.points, chosen_by.seed)
        plans.append((at, plan_design(run_file, parameters, at)))
        for _, other, _, _ in others:
            plan_design(other, parameters, design_points(parameters, _TRIED, chosen_by.seed))
    models = {}
    adapting = {name: getattr(chosen_by, name) for name in ("rounds", "error", "seed")}
    adapting |= {"count": chosen_by.round_points, **config.likelihood.model_dump()}
    # the designs of all models and rounds share their workers, and what those compiled
    with staying(executor or InProcess()) as workers:
        how: dict[str, Any] = {"executor": workers, "report": report, "solve": solve}
        for (model, run_file, parameters, data, others), (at, plan) in zip(work, plans, strict=True):
            own = folder / model.name
            first = compute_design(run_file, parameters, data, own / "design", points=at, plan=plan, **how)
            again = partial(compute_design, run_file, parameters, first.datasets, own / "design", **how)
            adapted = adapt_design(first, again, directory=own / "design", progress=progress, **adapting)
            posteriors = {name: _sampled(name, adapted.likelihood, file, own, progress) for name in chosen}
            predictions = {}
            for name, other, beside, points in others:
                place = own / "predictions" / name
                made = compute_design(other, parameters, beside, place, points=adapted.points(points), **how)
                predictions[name] = Surrogate.fit(made)
            models[model.name] = Inferred(
                model.name,
                run_file,
                adapted.surrogate,
                adapted.likelihood,
                posteriors,
                predictions,
                adapted.rounds,
            )
            write_tables(models[model.name], own)
    inference = Inference(file, folder, models)
    evidence = inference.evidence()
    if len(evidence):
        _write_frame(folder / "evidence.csv", evidence, "model")
    return inference


def _sampled(
    sampler: str, likelihood: Likelihood, file: InferenceFile, folder: Path, progress: Progress | None
) -> Posterior:
    """Return the posterior of a sampler, read if it is finished; its name holds a digest of all that determines it."""
    sampling = file.config.sampling
    options: dict[str, Any] = {"seed": sampling.seed}
    if sampler == "nuts":
        options |= {"draws": sampling.draws, "chains": sampling.chains, "warmup": sampling.warmup}
    else:
        options |= {"live": sampling.live}
    identity = json.dumps([likelihood.fingerprint(), options], sort_keys=True)
    name = f"{sampler}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    finished = folder / f"{name}.nc"
    if finished.exists():
        return Posterior.load(finished)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / f"{name}.checkpoint.nc"
    draw: Any = sample_nuts if sampler == "nuts" else sample_nested
    posterior: Posterior = draw(likelihood, checkpoint=checkpoint, progress=progress, **options)
    posterior.save(finished)
    checkpoint.unlink(missing_ok=True)
    return posterior


def write_tables(model: Inferred, folder: Path) -> None:
    """Write the tables of a model: posterior, pulls, contributions, theory at the points of data, and HEPData's."""
    for sampler, posterior in model.posteriors.items():
        _write_frame(folder / f"posterior_{sampler}.csv", posterior.table(), "parameter")
    _write_frame(folder / "pulls.csv", model.posterior.pulls(), "source")
    _write_frame(folder / "contributions.csv", model.posterior.contributions(), "measurement")
    import pandas as pd  # noqa: PLC0415

    rounds = pd.DataFrame([asdict(each) for each in model.rounds], columns=[f.name for f in fields(Round)])
    _write_frame(folder / "design.csv", rounds, "round")
    tables = []
    for name, surrogate in (("fitted", model.surrogate), *model.predictions.items()):
        drawn = model.posterior.predictive(surrogate)
        bands = {level: drawn.band(level) for level in (0.68, 0.95)}
        rows, start = [], 0
        for number, data in enumerate(surrogate.design.datasets):
            points = slice(start, start := start + len(data))
            of_point = zip(
                *(
                    data.x,
                    data.value,
                    data.total_plus,
                    data.total_minus,
                    drawn.mean[points],
                    drawn.sd[points],
                ),
                *(end[points] for band in bands.values() for end in band),
                strict=True,
            )
            what = [data.experiment, f"{data.system} {data.sqrt_s_GeV:g} GeV", data.state, data.observable]
            rows += [[*what, data.x_name, *(f"{number:.6g}" for number in each)] for each in of_point]
            values = {data.state: Estimate(drawn.mean[points], {"posterior": drawn.sd[points]})}
            curve = Curve(data.observable, data.x_name, data.x, data.x_low, data.x_high, values, "")
            described = f"Posterior of the {model.name} model at the points of {data}"
            qualifiers = {"system": what[1], "kinematics": data.kinematics}
            tables.append(HepdataTable(f"{name} {number + 1}", described, curve, {}, qualifiers))
        header = ["experiment", "system", "state", "observable", "axis", "x", "data", "plus", "minus"]
        header += ["theory", "sd", "low68", "high68", "low95", "high95"]
        status = dict.fromkeys(
            f"{data.status}: {data}; {data.note}"
            for data in surrogate.design.datasets
            if data.status != "current"
        )
        write_csv(folder / f"theory_{name}.csv", header, rows, status)
    write_hepdata(folder / "hepdata", tables, f"Theory made with qtraj: posterior of the {model.name} model")


def _write_frame(path: Path, frame: pd.DataFrame, index: str) -> None:
    rows = (
        [str(label), *(f"{value:.6g}" for value in row)]
        for label, row in zip(frame.index, frame.values, strict=True)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, [index, *map(str, frame.columns)], rows)
