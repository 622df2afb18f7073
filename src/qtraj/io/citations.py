"""What to cite: the papers on which choices and inputs of a calculation rest, and no others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from ..observables.data.dataset import DataSet
from ..observables.data.systems import load_system, system_names
from ..physics.medium import History, as_histories
from ..physics.model import LindbladModel
from ..qtraj1.files.parameters import LegacyParameters
from ..radial.laguerre import LaguerreMesh
from ..solvers.density.method import DensityMatrix
from ..solvers.solve import Method
from ..solvers.trajectories.method import QuantumTrajectories
from .config import NO_DIPOLE, POTENTIALS, CoefficientTable, Model, RunConfig, RunFile, System
from .factory import model_of
from .references import Reference, by_arxiv, literature, program, tex

GROUP: Final = Model()
"""Mass, coupling, kappa and gamma of arXiv:2012.01240, which are the defaults of a run file."""

_ARXIV: Final = re.compile(r"\b(\d{4}\.\d{4,5})\b")
_DOI: Final = re.compile(r"\b(10\.\d{4,}/[^\s,;]+[^\s,;.)])")

_FEED_DOWN: Final = {
    "group": {"Brambilla2021": "feed-down fractions and cross sections"},
    "pdg2026": {"PDG2026": "feed-down fractions", "Brambilla2021": "cross sections"},
}

CRANK_NICOLSON_NLO: Final = 2
"""Stepper of QTraj at next-to-leading order."""


@dataclass(frozen=True)
class Citation:
    """A reference and what it is cited for."""

    subject: str  # What is taken from it
    reference: Reference  # The paper; without a key it is a remark, which BibTeX gets as a comment
    records: tuple[str, ...] = ()  # DOIs of the HEPData records of its numbers

    def __str__(self) -> str:
        numbers = "".join(f", doi:{record}" for record in self.records)
        return f"{self.subject}: {self.reference}{numbers}"

    def bibtex(self) -> str:
        """Return the entries of the paper and of its records, under a comment with the subject."""
        if not self.reference.key:
            return f"% {tex(str(self))}"
        who = self.reference.collaboration
        records = (
            Reference(
                doi.rpartition("/")[2],
                f"HEPData record of {self.reference.key}",
                (),
                who,
                doi=doi,
                kind="misc",
            )
            for doi in self.records
        )
        entries = (entry.bibtex() for entry in (self.reference, *records))
        return f"% {tex(self.subject)}\n" + "\n".join(entries)


@dataclass(frozen=True)
class Choices:
    """What of a calculation decides which papers it rests on."""

    potential: str = "coulomb"  # Its name in a run file, such as ``"ksu"``; ``"own"`` for one of the user's
    dipole: bool = True  # Whether the medium acts by the dipole terms of potential NRQCD
    order: Literal["LO", "NLO"] = "LO"  # Order in E/T
    method: Literal["density", "nojump", "trajectories"] = "density"  # How it is solved
    mesh: bool = True  # On a Laguerre mesh, not on a uniform grid
    kappa_fit: bool = True
    gamma_range: bool = True
    bottomonium: bool = True
    anisotropic: bool = False  # Whether the medium is, and the potential knows it
    thermal: bool = False  # Whether the potential changes with the medium

    @classmethod
    def of_run(cls, config: RunConfig) -> Choices:
        """Return the choices of a run file, as far as its words say them; `of_run_file` knows its files, too."""
        model, method = config.model, config.method
        name = model.potential.name or "own"
        return cls(
            potential=name,
            dipole=model.kappa != (NO_DIPOLE,),
            order=model.order,
            method=method.kind,
            mesh=method.grid is None or method.grid.kind == "mesh",
            kappa_fit=model.has_fits,
            gamma_range=model.kappa != (NO_DIPOLE,) and bool(set(model.gamma) & set(GROUP.gamma)),
            bottomonium=name == "coulomb" and _of_group(model.alpha, model.mass),
            thermal=name == "ksu",
        )

    @classmethod
    def of_run_file(cls, run_file: RunFile) -> Choices:
        """Return the choices of a run file whose own potential, if it has one, is at hand."""
        choices = cls.of_run(run_file.config)
        if choices.potential != "own":
            return choices
        return replace(choices, thermal=model_of(run_file).thermal is not None)

    @classmethod
    def of_solve(
        cls,
        model: LindbladModel,
        medium: History | Sequence[History],
        method: Method | None = None,
    ) -> Choices:
        """Return the choices of a call of `qtraj.solve`; `method` is `DensityMatrix` by default."""
        method = DensityMatrix() if method is None else method
        histories, _ = as_histories(medium)
        potential, transport = model.potential, model.transport
        known: dict[type, str] = {kind: name for name, kind in POTENTIALS.items()}
        name = known.get(type(potential), "own")
        sampled = isinstance(method, QuantumTrajectories)
        whole = isinstance(method, DensityMatrix)
        return cls(
            potential=name,
            dipole=not model.has_width,
            order=model.order,
            method="trajectories" if sampled else "density" if whole else "nojump",
            mesh=isinstance(method.grid, LaguerreMesh) if hasattr(method, "grid") else True,
            kappa_fit=isinstance(transport.kappa, str),
            gamma_range=not model.has_width and transport.gamma in GROUP.gamma,
            bottomonium=name == "coulomb" and _of_group(potential.alpha, model.mass),
            anisotropic=name == "ksu" and any(getattr(h, "alpha", None) is not None for h in histories),
            thermal=model.thermal is not None,
        )

    @classmethod
    def of_legacy(cls, p: LegacyParameters) -> Choices:
        """Return the choices of a ``params.txt`` of QTraj 1.0."""
        coulomb = p.potential == 0
        return cls(
            potential="coulomb" if coulomb else "ksu",
            dipole=coulomb,
            order="NLO" if p.stepper == CRANK_NICOLSON_NLO else "LO",
            method="trajectories" if p.doJumps else "nojump",
            mesh=False,
            kappa_fit=coulomb and isinstance(p.kappa_hat, str),
            gamma_range=coulomb and p.gam in GROUP.gamma,
            bottomonium=coulomb and _of_group(p.alpha, p.mass),
            anisotropic=p.potential == 2,
            thermal=not coulomb,
        )


_RULES: Final[tuple[tuple[str, str, Callable[[Choices], bool]], ...]] = (
    ("Omar2022", "reference program and conventions", lambda c: True),
    ("Brambilla2017", "Lindblad equation of potential NRQCD", lambda c: c.dipole),
    ("Brambilla2018", "Lindblad equation of potential NRQCD", lambda c: c.dipole),
    ("Brambilla2022", "next-to-leading order in E/T", lambda c: c.order == "NLO"),
    ("Brambilla2021", "mass and coupling of bottomonium", lambda c: c.bottomonium),
    ("Brambilla2021", "fits of kappa(T)", lambda c: c.kappa_fit),
    ("Brambilla2020", "lattice values of kappa(T)", lambda c: c.kappa_fit),
    ("Brambilla2019", "values of gamma", lambda c: c.gamma_range),
    ("Islam2020", "KSU potential", lambda c: c.potential == "ksu"),
    ("Strickland2011", "KSU potential", lambda c: c.potential == "ksu"),
    ("Dong2021", "screening in an anisotropic medium", lambda c: c.anisotropic),
    ("Dong2022", "screening in an anisotropic medium", lambda c: c.anisotropic),
    ("Dalibard1992", "quantum jumps", lambda c: c.method == "trajectories"),
    ("Baye2015", "Lagrange mesh", lambda c: c.mesh),
    ("Chin1997", "fourth-order splitting", lambda c: c.mesh and c.order == "LO" and not c.thermal),
)


def of_choices(choices: Choices) -> list[Citation]:
    """Return what to cite for equation, coefficients and method of a calculation."""
    return [Citation(subject, literature()[key]) for key, subject, applies in _RULES if applies(choices)]


def of_program() -> Citation:
    """Return the citation of qtraj itself."""
    return Citation("program", program())


def merged(citations: Iterable[Citation]) -> list[Citation]:
    """Return each reference once, with all that it is cited for, in the order of the first time."""
    found: dict[Reference, Citation] = {}
    for each in citations:
        before = found.get(each.reference, each)
        subjects = dict.fromkeys([*before.subject.split("; "), *each.subject.split("; ")])
        records = tuple(dict.fromkeys([*before.records, *each.records]))
        found[each.reference] = Citation("; ".join(subjects), each.reference, records)
    return list(found.values())


def as_bibtex(citations: Iterable[Citation]) -> str:
    """Return a BibTeX file."""
    return "\n\n".join(each.bibtex() for each in citations)


def _of_group(alpha: float, mass: float) -> bool:
    return (alpha, mass) == (GROUP.alpha, GROUP.mass)


def of_run(
    run: RunConfig | RunFile, hydro: Iterable[Mapping[str, Any]] = (), data: Iterable[DataSet] = ()
) -> list[Citation]:
    """Return what to cite for a run: program, equations, method, and every input."""
    config = run.config if isinstance(run, RunFile) else run
    choices = Choices.of_run_file(run) if isinstance(run, RunFile) else Choices.of_run(run)
    feed_down = _FEED_DOWN.get(config.observables.feeddown, {})
    return merged(
        [
            of_program(),
            *of_choices(choices),
            *_of_nucleus(config.system),
            *of_hydro(hydro),
            *(Citation(subject, literature()[key]) for key, subject in feed_down.items()),
            *_of_own_inputs(config),
            *of_data(data),
        ]
    )


def _of_own_inputs(config: RunConfig) -> list[Citation]:
    """Return a remark for each input of the user's, so that its authors are not forgotten."""
    potential, observables = config.model.potential, config.observables
    tables = [
        each for each in (*config.model.kappa, *config.model.gamma) if isinstance(each, CoefficientTable)
    ]
    own = {"potential": [potential.file or potential.python], "transport coefficients": map(str, tables)}
    own |= {"initial state": [config.initial.file], "states projected on": [_file(config.method.projection)]}
    own |= {"feed-down": [None if observables.feeddown in _FEED_DOWN else observables.feeddown]}
    return [
        Citation(subject, Reference("", f"no paper is named in {name}: cite its authors"))
        for subject, names in own.items()
        for name in names
        if name is not None
    ]


def _file(projection: str | None) -> str | None:
    return None if projection in (None, "computed", "coulomb") else projection


def of_hydro(fluids: Iterable[Mapping[str, Any]]) -> list[Citation]:
    """Return what the authors of fluids want to be cited: the papers that they name, and their own words."""
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
    """Return the papers of measurements, with the HEPData records from which the numbers are."""
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
