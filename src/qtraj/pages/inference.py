"""What an inference says: tables for terminal and page, its figures as files, and its report as one HTML page."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table

from .._types import Float
from ..campaign.plan import UNIT
from ..campaign.sources import sources
from ..inference.calibration import Calibration, Closure
from ..inference.posterior import LEVELS, Posterior
from ..inference.run import Inference, Inferred, data_of
from ..inference.sampling import profile
from ..io.citations import Citation, merged, of_inference, of_run
from ..io.inference import InferenceFile
from ..io.pages import page, write_page
from ..observables.table import AXES
from ..plots.inference import (
    contributions_figure,
    corner_figure,
    predictive_figures,
    profile_figure,
    pulls_figure,
    short_names,
)
from ..plots.style import save_figure, style
from ..states import shown
from .report import PageTable, definitions, symbols, table_html

PAGE: Final = "report.html"
_MEANING: Final = (
    "The posterior is that of the parameters of this model of the collision, given all that is not a parameter.",
    "The fluid is an average over events; its temperature, start and end vary only where they are parameters.",
    "Cold nuclear matter (parton densities, energy loss, comovers) is not in the calculation. A fit takes a larger "
    "kappa for what it does to R_AA; double ratios are safer.",
    "Below T_end nothing happens to a pair by decision, not by physics. Without T_end among the parameters its choice "
    "is in kappa, and not in the error of kappa.",
    "Feed-down and cross sections are those of pp; their errors enter where they are known.",
    "All pairs are made at once in one kind of start. Another start is another model.",
    "A ratio of evidences compares models under their priors. Below ten it is no statement; it makes no model right.",
)
_CONVERGED: Final = 1.01  # R-hat above which chains do not agree (A. Vehtari et al., arXiv:1903.08008)
_PROFILED: Final = 21  # points of a profile in each parameter, with a cubic between them
_ENOUGH: Final = 400  # effective samples below which quantiles are not known (the same)


def posterior_table(posteriors: Mapping[tuple[str, str], Posterior]) -> PageTable:
    """Return the parameters of posteriors, by model and sampler: means, regions, R-hat, effective sample sizes."""
    headings = (
        "model",
        "sampler",
        "parameter",
        "mean",
        "sd",
        "68 %",
        "95 %",
        "R-hat",
        "ESS bulk",
        "ESS tail",
    )
    rows, doubts = [], []
    for (model, sampler), posterior in posteriors.items():
        for i, (name, row) in enumerate(posterior.table().iterrows()):
            kind = posterior.parameters[str(name)].kind
            digits = max(0, 1 - int(np.floor(np.log10(max(row["sd"], 1e-12)))))
            spans = (
                f"{row[f'low{level}']:.{digits}f} to {row[f'high{level}']:.{digits}f}"
                for level in ("68", "95")
            )
            r_hat = "–" if np.isnan(row["r_hat"]) else f"{row['r_hat']:.3f}"
            numbers = (f"{row['mean']:.{digits}f}", f"{row['sd']:.{digits}f}", *spans, r_hat)
            sizes = (f"{row['ess_bulk']:.0f}", f"{row['ess_tail']:.0f}")
            label = f"{kind.symbol} [{kind.unit}]" if kind.unit else kind.symbol
            rows.append(("" if i else model, "" if i else sampler, label, *map(_minus, numbers), *sizes))
            if row["r_hat"] > _CONVERGED or min(row["ess_bulk"], row["ess_tail"]) < _ENOUGH:
                doubts.append(f"{kind.symbol} of {model}, {sampler}")
    notes = [
        f"Not converged: {', '.join(doubts)}. R-hat shall be below {_CONVERGED}, ESS above {_ENOUGH}: draw more."
    ]
    return PageTable("Posterior", headings, rows, notes * bool(doubts), texts=3)


def design_table(models: Mapping[str, Inferred]) -> PageTable | None:
    """Return what was known of the surrogate of each model after each round; None without designs of this kind."""
    rows = []
    for name, model in models.items():
        for i, each in enumerate(model.rounds):
            missed = [f"{miss:.2f}" if i else "–" for miss in (each.missed, each.missed_own)]
            which = f"round {i}" if i else "in the prior"
            rows.append(("" if i else name, which, str(each.points), *missed, f"{each.error:.2f}"))
    if not rows:
        return None
    headings = ("model", "points", "in all", "missed, in σ of data", "in its own σ", "error, in σ of data")
    notes = [
        "Missed: rms by which theory learned from the points before missed those of the round, which it had not seen. "
        "Error: what it does not know for want of points, in 95 % of the posterior. It is part of the likelihood.",
    ]
    return PageTable("Theory between the computed points", headings, rows, notes, texts=2)


def evidence_table(inference: Inference) -> PageTable | None:
    """Return the evidence of each model and its ratio to the first; None without nested sampling."""
    frame = inference.evidence()
    if not len(frame):
        return None
    first = str(frame.index[0])
    rows = []
    for name, row in frame.iterrows():
        apart = "1" if name == first else f"{row['ratio']:.3g}"
        difference = "0" if name == first else f"{row['log_ratio']:+.2f} ± {row['ratio_error']:.2f}"
        value = f"{row['log_evidence']:.2f} ± {row['error']:.2f}"
        rows.append((str(name), *map(_minus, (value, difference, apart))))
    headings = ("model", "ln Z", f"ln Z − ln Z({first})", f"Z/Z({first})")
    note = "Z: probability of the data under the model and its priors. Ratios below ten are no statement."
    return PageTable("Evidence of the models", headings, rows, [note], texts=1)


def contributions_table(model: Inferred) -> PageTable:
    """Return what each measurement contributes to the posterior of a model."""
    posterior = model.posterior
    frame = posterior.contributions()
    kinds = {member.name: member.kind for member in posterior.parameters}
    headings = ("measurement", "mean ln L", *(f"{kind.symbol} without it" for kind in kinds.values()), "ESS")
    rows = []
    for name, (_, row) in zip(short_names(list(frame.index)), frame.iterrows(), strict=True):
        numbers = [f"{row[f'mean {each}']:.3g} ± {row[f'sd {each}']:.2g}" for each in kinds]
        for key, axis in AXES.items():
            name = name.replace(f" against {key}", f" against {axis.symbol or axis.name}")  # noqa: PLW2901
        name = name.replace("double_ratio", "double ratio")  # noqa: PLW2901
        rows.append((name, *map(_minus, (f"{row['log_likelihood']:.1f}", *numbers)), f"{row['ess']:.0f}"))
    note = (
        "Without it: by importance weights, of which ESS effective samples are left; few of them say little."
    )
    return PageTable(f"What each measurement contributes, {model.name}", headings, rows, [note], texts=1)


def closure_table(closures: Mapping[str, Closure]) -> PageTable:
    """Return truths beside their posteriors, by model."""
    rows = []
    for model, closure in closures.items():
        for i, (name, row) in enumerate(closure.table().iterrows()):
            kind = closure.posterior.parameters[str(name)].kind
            numbers = (f"{row['truth']:.4g}", f"{row['mean']:.4g}", f"{row['sd']:.2g}", f"{row['pull']:+.2f}")
            inside = ("yes" if row[f"inside{level}"] else "no" for level in ("68", "95"))
            label = f"{kind.symbol} [{kind.unit}]" if kind.unit else kind.symbol
            rows.append(("" if i else model, label, *map(_minus, numbers), *inside))
        rows.append(
            ("", "all together", "", "", "", "", *("yes" if closure.joint <= p else "no" for p in LEVELS))
        )
    headings = ("model", "parameter", "truth", "mean", "sd", "pull", "in 68 %", "in 95 %")
    return PageTable("Closure: a known truth from its own synthetic data", headings, rows, texts=2)


def calibration_table(calibrations: Mapping[str, Calibration]) -> PageTable:
    """Return coverage and uniformity of ranks, by model."""
    rows = []
    for model, calibration in calibrations.items():
        covered = {level: calibration.coverage(level) for level in LEVELS}
        p_values = calibration.uniformity()
        for i, name in enumerate(calibration.names):
            known = name in calibration.parameters.names
            label = calibration.parameters[name].kind.symbol if known else "all together"
            cells = []
            for frame in covered.values():
                row = frame.loc[name]
                cells += [
                    f"{100 * row['inside']:.0f} %",
                    f"{100 * row['low']:.0f} to {100 * row['high']:.0f} %",
                ]
            rows.append(("" if i else model, label, *cells, f"{p_values[name]:.2g}"))
    count = len(next(iter(calibrations.values())).truths)
    headings = (
        "model",
        "parameter",
        "in 68 %",
        "99 % bounds",
        "in 95 %",
        "99 % bounds",
        "p of uniform ranks",
    )
    return PageTable(f"Calibration with {count} truths from the priors", headings, rows, texts=2)


def as_rich(table: PageTable) -> Table:
    """Return a table for the terminal."""
    made = Table(title=table.caption, title_justify="left", caption_justify="left")
    for i, heading in enumerate(table.headings):
        made.add_column(heading, justify="left" if i < table.texts else "right")
    for row in table.rows:
        made.add_row(*map(shown, row))
    made.caption = "\n".join(table.notes) or None
    return made


def _minus(number: str) -> str:
    return number.replace("-", "\N{MINUS SIGN}")


def inference_figures(inference: Inference) -> dict[str, dict[str, Figure]]:
    """Return all figures, by section of the page and by name for a file; those of a model begin with its name."""
    title = inference.file.config.output.title
    found: dict[str, dict[str, Figure]] = {
        s: {} for s in ("corners", "predictions", "contributions", "pulls")
    }
    first = {name: model.posterior for name, model in inference.models.items()}
    alike: dict[tuple[str, ...], dict[str, Posterior]] = {}
    for name, posterior in first.items():
        alike.setdefault(posterior.parameters.names, {})[name] = posterior
    for names, posteriors in alike.items():
        if len(posteriors) > 1:
            compared = "models" if len(alike) == 1 else f"models_{'_'.join(names)}"
            found["corners"][f"corner_{compared}"] = corner_figure(posteriors, title=title)
    for name, model in inference.models.items():
        above = ", ".join(filter(None, (title, name if len(first) > 1 else "")))
        found["corners"][f"{name}/corner"] = corner_figure(model.posterior, title=above)
        if len(model.posteriors) > 1:
            found["corners"][f"{name}/corner_samplers"] = corner_figure(model.posteriors, title=above)
        names = model.posterior.parameters.names[:2]
        if len(names) == 2:
            profiled = profile(model.likelihood, names, grids=_grids(model.posterior, names))
            found["corners"][f"{name}/profile"] = profile_figure(profiled, model.posterior, title=above)
        for of, surrogate in (("fitted", model.surrogate), *model.predictions.items()):
            sets = surrogate.design.datasets
            words = above if of == "fitted" else f"{above}: {of}, not fitted"
            told: dict[tuple[str, str, str], list[str]] = {}
            for data in sets:
                if data.status != "current":
                    told.setdefault((data.experiment, data.status, data.note), []).append(shown(data.state))
            note = "\n".join(
                f"{experiment} {', '.join(dict.fromkeys(states))}, {status}: {said}."
                for (experiment, status, said), states in told.items()
            )
            made = predictive_figures(
                sets, model.posterior.predictive(surrogate), title=words, note=note or None
            )
            found["predictions"] |= {f"{name}/{of}_{each}": figure for each, figure in made.items()}
        if len(model.surrogate.design.datasets) > 1:
            found["contributions"][f"{name}/contributions"] = contributions_figure(
                model.posterior, title=above
            )
        if model.posterior.nuisance_names:
            found["pulls"][f"{name}/pulls"] = pulls_figure(model.posterior, title=above)
    return found


def _grids(posterior: Posterior, names: Sequence[str]) -> dict[str, Float]:
    """Return values of two parameters for a profile: where the posterior is, and a third of its width beyond."""
    grids = {}
    for name in names:
        i = posterior.parameters.index(name)
        low, high = np.quantile(posterior.samples[:, i], [0.001, 0.999])
        room = (high - low) / 3
        ends = max(low - room, posterior.parameters.low[i]), min(high + room, posterior.parameters.high[i])
        grids[name] = np.linspace(*ends, _PROFILED)
    return grids


def write_inference(inference: Inference) -> list[Path]:
    """Write all figures (PNG, PDF) and the report into the folder of an inference, and return the paths."""
    made = inference_figures(inference)
    written = [
        path
        for section in made.values()
        for name, figure in section.items()
        for path in save_figure(figure, inference.directory / name)
    ]
    return [*written, write_page(inference.directory / PAGE, inference_page(inference, made))]


def inference_page(inference: Inference, made: Mapping[str, Mapping[str, Figure]]) -> str:
    """Return the report: one HTML page that holds everything it shows; all text is escaped."""
    config = inference.file.config
    pictures = {
        section: "\n".join(map(_picture, figures, figures.values())) for section, figures in made.items()
    }
    sampled = {
        (name, sampler): p
        for name, model in inference.models.items()
        for sampler, p in model.posteriors.items()
    }
    tables = [contributions_table(model) for model in inference.models.values()]
    provenance = {
        "made by": f"qtraj {version('qtraj')}",
        "samplers": ", ".join(dict.fromkeys(posterior.sampler for posterior in sampled.values())),
        "seeds": f"design {config.design.seed}, samplers {config.sampling.seed}",
        "points of the design": ", ".join(
            f"{n}: {len(m.surrogate.design)}" for n, m in inference.models.items()
        ),
    }
    evidence, of_design = evidence_table(inference), design_table(inference.models)
    designed = "" if of_design is None else table_html(of_design, "")
    return page(
        "inference.html",
        title=config.output.title or inference.directory.name,
        styles=["page.css", "report.css"],
        scripts=[],
        data={},
        subtitle=html.escape(f"Inference of {inference.file.path.name}, made by qtraj {version('qtraj')}."),
        meaning="<ul>" + "".join(f"<li>{symbols(line)}</li>" for line in _MEANING) + "</ul>",
        posterior=table_html(posterior_table(sampled), "") + designed,
        evidence=table_html(evidence, "Nested sampling gives the evidence; it was not among the samplers."),
        contributions="\n".join(table_html(table, "") for table in tables) + pictures["contributions"],
        corners=pictures["corners"],
        predictions=pictures["predictions"],
        pulls=pictures["pulls"] or "<p>There is none.</p>",
        provenance=definitions(provenance, html.escape),
        text=html.escape(inference.file.text),
        citations="\n".join(
            f"<li>{html.escape(str(line))}</li>" for line in cited_by_inference(inference.file)
        ),
    )


def cited_by_inference(file: InferenceFile) -> list[Citation]:
    """Return what to cite for an inference: its calculations, data, samplers, and the idea."""
    found: list[Citation] = []
    for model in file.config.models:
        run_file = file.run_file(model.run)
        data = [*data_of(file.config.data, run_file)]
        for prediction in file.config.predictions:
            data += data_of(prediction.data, file.run_file(model.run, prediction.run))
        found += of_run(run_file, [source.attrs for source in sources(run_file, UNIT)], data)
    return merged([*found, *of_inference(file.config.sampling.samplers)])


def _picture(name: str, figure: Figure) -> str:
    """Return a figure as part of a page."""
    content = io.BytesIO()
    with style():
        figure.savefig(content, format="png", dpi=100)
    words = html.escape(name.replace("/", ", ").replace("_", " "))
    data = base64.b64encode(content.getvalue()).decode()
    width, height = figure.get_size_inches()
    # on a telephone panels side by side scroll, others fit
    kind = ' class="wide" tabindex="0"' if width > 1.7 * height else ""
    return f'<figure{kind}><img alt="{words}" src="data:image/png;base64,{data}"></figure>'
