"""The report: a run as one self-contained HTML page, which works from disk, without network."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ..._atomic import atomic_path
from ..._checks import path as path_of
from ...io.citations import of_data
from ...io.factory import feeddown_of
from ...io.pages import page
from ...observables.data.systems import load_system
from ...observables.overview import Panel, overview
from ..tables import left_out
from .figures import PageTable, agreement_rows, budget_table, figures, split_table, splits
from .pair import pair_over_time, representative
from .source import Run, setup

NO_FLUID: Final = "The density over time is not shown: the hydrodynamics of this run are not at hand."
ACCURACY: Final = {
    "LO": "Solved for this page on a finer mesh than survivals need: good to a percent late; while the fast waves of "
    "the start leave (0.5 fm/c of medium) to a tenth in the singlet and a third in the octet.",
    "NLO": "Pairs with more energy than the equation holds for (4 GeV, more in media that start early) are not in the "
    "start and count as lost from the beginning; they have left before the medium acts. The rest is good to a percent "
    "of the maximum, and to a tenth in the octet at 1.5 fm/c, 2.6 fm apart, where jumps end.",
}
COLD: Final = (
    "The density over time is not shown: the medium is never above T_end on this path, or the potential changes with "
    "the medium."
)


@dataclass(frozen=True, eq=False)
class Contents:
    """What a page shows.

    Parameters
    ----------
    title : str
        Heading.
    subtitle : str
        Below it.
    setup, provenance : mapping of str to str
        Topics and sentences.
    figures, splits : sequence of mapping
        Charts as ``points.js`` takes them.
    tables : mapping of str to PageTable or None
        ``budget``, ``split`` and ``agreement``.
    moments : mapping or None
        One pair over time, from `qtraj.pages.report.pair.pair_over_time`.
    moment_text : str
        Which pair, or why there is none.
    accuracy : str
        How good its density is.
    left_out : sequence of str
        Measurements that could not be compared.
    run_file : str
        Text of the run file.
    citations : sequence of str
        What to cite.
    """

    title: str
    subtitle: str
    setup: Mapping[str, str]
    provenance: Mapping[str, str]
    figures: Sequence[Mapping[str, Any]]
    splits: Sequence[Mapping[str, Any]]
    tables: Mapping[str, PageTable | None]
    moments: Mapping[str, Any] | None
    moment_text: str
    accuracy: str
    left_out: Sequence[str]
    run_file: str
    citations: Sequence[str]


def report_contents(run: Run) -> Contents:
    """Compute what the report of a run shows: all observables, and one pair over time.

    Parameters
    ----------
    run : Run
        From `qtraj.pages.report.source.load_run`.
    """
    config, system = run.config, run.survivals.system
    panels: list[Panel] = overview(
        run.survivals.tables,
        system=load_system(system) if system is not None else None,
        feeddown=feeddown_of(run.survivals.feeddown or "group", Path()),
        mesons=config.observables.states,
    )
    pair, which = _pair(run)
    data = map(str, of_data(dataset for panel in panels for dataset in panel.datasets))
    energy = f"{config.system.name} at {config.system.sqrt_s_GeV:g} GeV per nucleon pair"
    return Contents(
        title=config.output.title or run.name,
        subtitle=f"{energy}. Report of {run.name}, made by qtraj {version('qtraj')}.",
        setup=setup(run),
        provenance=run.provenance,
        figures=figures(panels),
        splits=splits(panels),
        tables={
            "budget": budget_table(panels),
            "split": split_table(panels),
            "agreement": agreement_rows(panels),
        },
        moments=pair,
        moment_text=which,
        accuracy=ACCURACY[config.model.order],
        left_out=left_out(panels),
        run_file=run.text,
        citations=list(dict.fromkeys([*run.citations, *data])),
    )


def _pair(run: Run) -> tuple[dict[str, Any] | None, str]:
    """Return one pair over time, and which it is; or why there is none."""
    chosen = representative(run)
    if chosen is None or run.plan is None:
        return None, NO_FLUID
    history, which = chosen
    pair = pair_over_time(replace(run.plan.run_file, config=run.config), history)
    return (None, COLD) if pair is None else (pair, which)


def report_page(contents: Contents) -> str:
    """Return the page: style, scripts and data are inside it, all text is escaped.

    Parameters
    ----------
    contents : Contents
        From `report_contents`.
    """
    data = {"figures": contents.figures, "splits": contents.splits, "moments": contents.moments}
    return page(
        "report.html",
        title=contents.title,
        styles=["page.css", "report.css"],
        scripts=["charts.js", "points.js", "timeline.js", "report.js"],
        data=data,
        subtitle=html.escape(contents.subtitle),
        setup=_definitions(contents.setup, _symbols),
        budget=_table(contents.tables["budget"], "This run holds no R_AA."),
        split=_table(contents.tables["split"], "This run does not know which pairs never jumped."),
        agreement=_table(contents.tables["agreement"], "No measurement could be compared with this run."),
        left_out="".join(f"<p>{html.escape(line)}</p>\n" for line in contents.left_out),
        moment_text=_symbols(contents.moment_text),
        accuracy=html.escape(contents.accuracy),
        hidden="" if contents.moments is not None else " hidden",
        provenance=_definitions(contents.provenance, html.escape),
        run_file=html.escape(contents.run_file),
        citations="\n".join(f"<li>{html.escape(line)}</li>" for line in contents.citations),
    )


def write_report(contents: Contents, path: str | os.PathLike[str]) -> Path:
    """Write the page, complete or not at all, and return its path.

    Raises
    ------
    FileFormatError
        If it cannot be written.
    """
    path = path_of("path", path)
    with atomic_path(path) as temporary:
        temporary.write_text(report_page(contents), encoding="utf-8")
    return path


def _symbols(text: str) -> str:
    """Return escaped text with the indices of known symbols, as in N_part, set as such."""
    return re.sub(r"(?<=[A-Za-zασ])_(AA|NN|part|T|F|c|s)\b", r"<sub>\1</sub>", html.escape(text))


def _definitions(entries: Mapping[str, str], escaped: Callable[[str], str]) -> str:
    pairs = (f"<dt>{html.escape(k)}</dt><dd>{escaped(v)}</dd>" for k, v in entries.items())
    return "\n".join(pairs)


def _table(table: PageTable | None, otherwise: str) -> str:
    if table is None:
        return f"<p>{html.escape(otherwise)}</p>"
    head = "".join(_cell("th", heading, i < table.texts) for i, heading in enumerate(table.headings))
    rows = []
    for row in table.rows:
        cells = "".join(_cell("td", cell, i < table.texts) for i, cell in enumerate(row))
        rows.append(f"<tr>{cells}</tr>")
    notes = "".join(f"<p>{_symbols(note)}</p>\n" for note in table.notes)
    caption = f"<caption>{_symbols(table.caption)}</caption>"
    body = f"<thead><tr>{head}</tr></thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>"
    # the box scrolls by itself where the window is narrow, and takes the focus for it
    box = f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(table.caption)}">'
    return f"{box}<table>{caption}\n{body}</table></div>\n{notes}"


def _cell(tag: str, text: str, is_text: bool) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    style = "" if is_text else ' class="number"'
    return f"<{tag}{scope}{style}>{_symbols(text)}</{tag}>"
