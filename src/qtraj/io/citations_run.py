"""What to cite for the inputs of a run: its collision system, hydrodynamics, feed-down, and the data beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..observables.data.dataset import DataSet
from ..observables.data.systems import load_system, system_names
from .citations import Choices, Citation, merged, of_choices, of_program
from .config import RunConfig, System
from .references import Reference, by_arxiv, literature

_ARXIV: Final = re.compile(r"\b(\d{4}\.\d{4,5})\b")
_DOI: Final = re.compile(r"\b(10\.\d{4,}/[^\s,;]+[^\s,;.)])")

_FEED_DOWN: Final = {
    "group": {"Brambilla2021": "feed-down fractions and cross sections"},
    "pdg2026": {"PDG2026": "feed-down fractions", "Brambilla2021": "cross sections"},
}


def of_run(
    config: RunConfig, hydro: Iterable[Mapping[str, Any]] = (), data: Iterable[DataSet] = ()
) -> list[Citation]:
    """Return what to cite for a run: program, equations, method, and every input.

    Parameters
    ----------
    config : RunConfig
        The run file.
    hydro : iterable of mapping
        Attributes of the fluids; ``cite`` says what their authors ask for.
    data : iterable of DataSet
        The measurements beside it.
    """
    feed_down = _FEED_DOWN[config.observables.feeddown]
    return merged(
        [
            of_program(),
            *of_choices(Choices.of_run(config)),
            *_of_nucleus(config.system),
            *of_hydro(hydro),
            *(Citation(subject, literature()[key]) for key, subject in feed_down.items()),
            *of_data(data),
        ]
    )


def of_hydro(fluids: Iterable[Mapping[str, Any]]) -> list[Citation]:
    """Return what the authors of fluids want to be cited: the papers that they name, and their own words.

    Parameters
    ----------
    fluids : iterable of mapping
        Attributes of the fluids; one without ``cite`` is named, so that it is not forgotten.
    """
    found: list[Citation] = []
    for attrs in fluids:
        text = str(attrs.get("cite", ""))
        if not text:
            name = Path(str(attrs.get("source", "the files of the run"))).name
            text = f"no paper is named in {name}: cite its authors"
        found += [Citation("hydrodynamics", by_arxiv(number)) for number in _ARXIV.findall(text)]
        found += [Citation("hydrodynamics", _by_doi(doi)) for doi in _DOI.findall(text)]
        found.append(Citation("hydrodynamics, as its authors ask", Reference("", text)))
    return merged(found)


def of_data(data: Iterable[DataSet]) -> list[Citation]:
    """Return the papers of measurements, with the HEPData records from which the numbers are.

    Parameters
    ----------
    data : iterable of DataSet
        From `qtraj.observables.load_data`.
    """
    found = []
    for each in data:
        number = _ARXIV.search(each.arxiv)
        # a preliminary result has no paper
        reference = by_arxiv(number[1]) if number else Reference("", f"{each.paper}, {each.arxiv}")
        records = (each.hepdata.partition("/t")[0],) if each.hepdata else ()
        found.append(Citation(f"data of {each.experiment}", reference, records))
    return merged(found)


def _of_nucleus(system: System) -> list[Citation]:
    """Return the source of nucleus and cross section, unless they are the user's own."""
    known = [load_system(name) for name in system_names()]
    ours = {"sigma_nn_mb": system.sigma_nn_mb, **system.woods_saxon.model_dump()}
    for each in known:
        if ours == {"sigma_nn_mb": each.sigma_nn_mb, "w": 0.0, **each.nucleus}:
            return [Citation("nuclei and nucleon-nucleon cross section", literature()["Loizides2018"])]
    return []


def _by_doi(doi: str) -> Reference:
    for reference in literature().values():
        if reference.doi.lower() == doi.lower():
            return reference
    return Reference(doi, "", doi=doi, kind="misc")
