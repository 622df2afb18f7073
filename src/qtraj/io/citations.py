"""What to cite: the literature behind qtraj, and which of it the choices and inputs of a calculation rest on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

from ..observables.data.dataset import DataSet
from ..observables.data.systems import load_system, system_names
from ..physics.model import EXPANDED, RECOIL, Order
from ..physics.potentials import is_complex
from ..qtraj1.files.parameters import LegacyParameters
from .config import NO_DIPOLE, CoefficientTable, Model, RunConfig, RunFile
from .factory import model_of

GROUP: Final = Model()  # the defaults of a run file: mass, coupling, kappa and gamma of arXiv:2012.01240

_ARXIV: Final = re.compile(r"\b(\d{4}\.\d{4,5})\b")
_DOI: Final = re.compile(r"\b(10\.\d{4,}/[^\s,;]+[^\s,;.)])")

_FEED_DOWN: Final = {
    "group": {"Brambilla2021": "feed-down fractions and cross sections"},
    "pdg2026": {"PDG2026": "feed-down fractions", "Brambilla2021": "cross sections"},
}

CRANK_NICOLSON_NLO: Final = 2  # stepper of QTraj at next-to-leading order
ALL_AUTHORS: Final = 3  # up to as many are named in a line of text

_TEX: Final = {
    "√s_NN": r"$\sqrt{s_\mathrm{NN}}$",
    "χ_b1": r"$\chi_{b1}$",
    "Υ": r"$\Upsilon$",
    "Á": r"{\'A}",
    "ø": r"{\o}",
    "ü": r"{\"u}",
    "_": r"\_",
}
"""What of the titles and names LaTeX has to be told; the longer ones first."""

_SPECIAL: Final = re.compile("|".join(_TEX))


@dataclass(frozen=True)
class Reference:
    """A paper, a data set or a program that is cited."""

    key: str  # key of its BibTeX entry
    title: str  # title; Greek letters and the energy √s_NN as such
    authors: tuple[str, ...] = ()  # ``"Family name, initials"``
    collaboration: str = ""  # who signs instead
    journal: str = ""  # where it was published; `pages` is an article number or the first page
    volume: str = ""
    pages: str = ""
    year: int = 0  # of publication; 0 if it is not known
    arxiv: str = ""  # empty where there is none, as for a program
    doi: str = ""
    url: str = ""
    kind: str = "article"  # kind of the BibTeX entry

    def __str__(self) -> str:
        place = f"{self.journal} {self.volume} ({self.year}) {self.pages}" if self.journal else ""
        number = f"arXiv:{self.arxiv}" if self.arxiv else ""
        doi = f"doi:{self.doi}" if self.doi else ""
        names = [" ".join(reversed(author.split(", "))) for author in self.authors]
        who = " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
        if self.collaboration:
            who = self.collaboration + ("" if self.collaboration.endswith("Group") else " Collaboration")
        elif len(names) > ALL_AUTHORS:
            who = f"{names[0]} et al."
        return ", ".join(filter(None, (who, self.title, place, number, doi, self.url)))

    def bibtex(self) -> str:
        """Return the entry in BibTeX, in ASCII, for any engine."""
        # a name without initials is no person, and BibTeX must not take it apart
        authors = self.authors or filter(None, [self.collaboration])
        whole = (author if ", " in author else f"{{{author}}}" for author in authors)
        fields = {
            "author": " and ".join(whole),
            "collaboration": self.collaboration,
            "title": f"{{{self.title}}}" if self.title else "",
            **{name: getattr(self, name) for name in ("journal", "volume", "pages")},
            "year": str(self.year or ""),
            "eprint": self.arxiv,
            "archivePrefix": "arXiv" if self.arxiv else "",
        }
        lines = [f"  {name} = {{{tex(value)}}}" for name, value in fields.items() if value]
        # a DOI and an address are taken as they are
        lines += [f"  {name} = {{{v}}}" for name, v in (("doi", self.doi), ("url", self.url)) if v]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}"


def tex(text: str) -> str:
    """Return text with its Greek letters, accents and underscores as LaTeX writes them."""
    return _SPECIAL.sub(lambda found: _TEX[found[0]], text)


@cache
def literature() -> dict[str, Reference]:
    """Return all papers of ``qtraj/data/references.toml`` by their keys."""
    text = resources.files("qtraj.data").joinpath("references.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text).items()
    return {
        key: Reference(key, **entry | {"authors": tuple(entry.get("authors", ()))}) for key, entry in entries
    }


def by_arxiv(number: str) -> Reference:
    """Return the paper with an arXiv number: the one in `literature`, else one that holds the number only."""
    known = {paper.arxiv: paper for paper in literature().values()}
    return known.get(number) or Reference(f"arXiv:{number}", "", arxiv=number, kind="misc")


def program() -> Reference:
    """Return qtraj itself, in the version that runs."""
    return Reference("qtraj", f"qtraj {version('qtraj')}", ("The qtraj developers",), kind="software")


@dataclass(frozen=True)
class Citation:
    """A reference and what it is cited for."""

    subject: str  # what is taken from it
    reference: Reference  # the paper; without a key it is a remark, which BibTeX gets as a comment
    records: tuple[str, ...] = ()  # DOIs of the HEPData records of its numbers

    def __str__(self) -> str:
        numbers = "".join(f", doi:{record}" for record in self.records)
        return f"{self.subject}: {self.reference}{numbers}"

    def bibtex(self) -> str:
        """Return the entries of the paper and of its records, under a comment with the subject."""
        if not self.reference.key:
            return f"% {tex(str(self))}"
        who, title = self.reference.collaboration, f"HEPData record of {self.reference.key}"
        entries = [self.reference]
        entries += [Reference(d.rpartition("/")[2], title, (), who, doi=d, kind="misc") for d in self.records]
        return f"% {tex(self.subject)}\n" + "\n".join(entry.bibtex() for entry in entries)


@dataclass(frozen=True)
class Choices:
    """What of a calculation decides which papers it rests on."""

    potential: str = "coulomb"  # its name in a run file, such as ``"ksu"``; ``"own"`` for one of the user's
    dipole: bool = True  # whether the medium acts by the dipole terms of potential NRQCD
    order: Order = "LO"  # order in E/T
    positive: bool = False  # whether it is the completely positive twin of the equation at all orders
    method: Literal["density", "nojump", "trajectories"] = "density"  # how it is solved
    mesh: bool = True  # on a Laguerre mesh, not on a uniform grid
    kappa_fit: bool = True  # whether kappa is a fit to the lattice band,
    gamma_range: bool = True  # gamma one of the group's values,
    bottomonium: bool = True  # mass and coupling the group's
    anisotropic: bool = False  # whether the medium is, and the potential knows it
    thermal: bool = False  # whether the potential changes with the medium,
    noise: bool = False  # and its jumps are those that its width implies
    preset: str | None = None  # name of the coefficients, if they have one

    @classmethod
    def of_run(cls, run: RunConfig | RunFile) -> Choices:
        """Return the choices of a run file; as RunConfig it does not know whether an own potential is thermal."""
        config = run.config if isinstance(run, RunFile) else run
        model, method = config.model, config.method
        name = model.potential.name or "own"
        own = run if name == "own" and isinstance(run, RunFile) else None
        has_width = is_complex(name) or (own is not None and model_of(own).has_width)
        return cls(
            potential=name,
            dipole=model.kappa != (NO_DIPOLE,),
            order=model.order,
            positive=model.positive,
            method=method.kind,
            mesh=method.grid is None or method.grid.kind == "mesh",
            kappa_fit=model.has_fits,
            gamma_range=model.kappa != (NO_DIPOLE,) and bool(set(model.gamma) & set(GROUP.gamma)),
            preset=model.transport,
            bottomonium=name == "coulomb" and (model.alpha, model.mass) == (GROUP.alpha, GROUP.mass),
            thermal=has_width or (own is not None and model_of(own).thermal is not None),
            noise=has_width and method.kind != "nojump",
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
            bottomonium=coulomb and (p.alpha, p.mass) == (GROUP.alpha, GROUP.mass),
            anisotropic=p.potential == 2,
            thermal=not coulomb,
        )


_RULES: Final[tuple[tuple[str, str, Callable[[Choices], bool]], ...]] = (
    ("Omar2022", "reference program and conventions", lambda c: True),
    ("Brambilla2017 Brambilla2018", "Lindblad equation of potential NRQCD", lambda c: c.dipole),
    ("Brambilla2022", "next-to-leading order in E/T", lambda c: RECOIL[c.order] and EXPANDED[c.order]),
    ("Brambilla2017 Brambilla2018", "master equation at all orders in E/T", lambda c: not EXPANDED[c.order]),
    ("Nathan2020", "its completely positive twin", lambda c: c.positive),
    ("Brambilla2021", "mass and coupling of bottomonium", lambda c: c.bottomonium),
    ("Brambilla2021", "fits of kappa(T)", lambda c: c.kappa_fit),
    ("Brambilla2020", "lattice values of kappa(T)", lambda c: c.kappa_fit),
    ("Brambilla2019", "values of gamma", lambda c: c.gamma_range),
    (
        "Akamatsu2012 Akamatsu2014 Blaizot2017",
        "jumps of a complex potential: a stochastic potential with color",
        lambda c: c.noise,
    ),
    (
        "arXiv:2410.18709",
        "jumps of hard thermal loops beyond the dipole",
        lambda c: c.noise and c.potential == "htl",
    ),
    ("Islam2020 Strickland2011", "KSU potential", lambda c: c.potential == "ksu"),
    ("Islam2020", "Cornell potential", lambda c: c.potential == "cornell"),
    ("Laine2006 Beraudo2008", "potential of hard thermal loops", lambda c: c.potential == "htl"),
    ("Brambilla2024", "three-loop potential", lambda c: c.potential == "three-loop"),
    ("Tang2024", "potential fitted to Wilson lines", lambda c: c.potential == "wilson-line"),
    ("Brambilla2024", "kappa with the three-loop potential", lambda c: c.preset == "three-loop"),
    ("Altenkort2023", "lattice values of kappa", lambda c: c.preset == "lattice"),
    ("Brambilla2022", "kappa in use with its equation", lambda c: (c.preset or "").startswith("nlo-")),
    ("Dong2021 Dong2022", "screening in an anisotropic medium", lambda c: c.anisotropic),
    ("Dalibard1992", "quantum jumps", lambda c: c.method == "trajectories"),
    ("Baye2015", "Lagrange mesh", lambda c: c.mesh),
    ("Chin1997", "fourth-order splitting", lambda c: c.mesh and not RECOIL[c.order] and not c.thermal),
)


def of_choices(choices: Choices) -> list[Citation]:
    """Return what to cite for equation, coefficients and method of a calculation."""
    rules = ((keys.split(), subject) for keys, subject, applies in _RULES if applies(choices))
    return [Citation(subject, _paper(key)) for keys, subject in rules for key in keys]


def of_steady_state(model: str) -> list[Citation]:
    """Return what to cite for where a model ends up in a closed box, given as Python writes the model."""
    order: Any = next((name for name in ("NLO", "all") if f"order='{name}'" in model), "LO")
    equation = Choices(
        order=order, positive="positive=True" in model, kappa_fit=False, gamma_range=False, mesh=False
    )
    compared = Citation(
        "steady states in a closed box, which these are compared with", literature()["Brambilla2025"]
    )
    return merged([of_program(), *of_choices(replace(equation, bottomonium=False)), compared])


def _paper(key: str) -> Reference:
    """Return a paper by its key, or by its arXiv number where no more is known of it."""
    return by_arxiv(key.removeprefix("arXiv:")) if key.startswith("arXiv:") else literature()[key]


_INFERENCE: Final = {
    "nuts": {"Hoffman2014": "No-U-Turn sampler", "Cabezas2024": "its program"},
    "nested": {"Skilling2006": "nested sampling", "Speagle2020": "its program"},
}
"""What the samplers of an inference rest on."""


def of_inference(samplers: Iterable[str], *, profiles: bool = True) -> list[Citation]:
    """Return what to cite for an inference beside the calculation: idea, samplers, diagnostics and profiles."""
    papers = {"Heinrich2026": "inference of kappa and gamma with gradients"}
    for sampler in samplers:
        papers |= _INFERENCE[sampler]
    papers |= {"James1975": "profile likelihoods"} if profiles else {}
    papers |= {
        "Vehtari2021": "R-hat and effective sample sizes",
        "Kumar2019": "storage and diagnostics of samples",
        "Talts2018": "calibration of posteriors by ranks",
        "ForemanMackey2016": "corner plots",
    }
    return [Citation(subject, literature()[key]) for key, subject in papers.items()]


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


def of_run(
    run: RunConfig | RunFile, hydro: Iterable[Mapping[str, Any]] = (), data: Iterable[DataSet] = ()
) -> list[Citation]:
    """Return what to cite for a run: program, equations, method, and every input."""
    config = run.config if isinstance(run, RunFile) else run
    model, system = config.model, config.system
    papers: list[tuple[str, str]] = []
    nucleus = {"sigma_nn_mb": system.sigma_nn_mb, **system.woods_saxon.model_dump()}
    # nucleus and cross section may be the user's own
    for each in map(load_system, system_names()):
        if nucleus == {"sigma_nn_mb": each.sigma_nn_mb, "w": 0.0, **each.nucleus}:
            papers = [("nuclei and nucleon-nucleon cross section", "Loizides2018")]
    feed_down = _FEED_DOWN.get(config.observables.feeddown, {})
    # a remark for each input of the user's, so that its authors are not forgotten
    coefficients = [each for each in (*model.kappa, *model.gamma) if isinstance(each, CoefficientTable)]
    inputs = [
        ("potential", model.potential.file or model.potential.python),
        *(("transport coefficients", str(each)) for each in coefficients if model.transport is None),
        ("transport coefficients", model.transport if model.transport == "lattice-widths" else None),
        ("initial state", config.initial.file),
        ("states projected on", config.method.projection),
        ("feed-down", config.observables.feeddown),
    ]
    remarks = [
        Citation(subject, Reference("", f"no paper is named in {name}: cite its authors"))
        for subject, name in inputs
        if name not in (None, "computed", "coulomb", *_FEED_DOWN)
    ]
    return merged(
        [
            of_program(),
            *of_choices(Choices.of_run(run)),
            *(Citation(subject, literature()[key]) for subject, key in papers),
            *of_hydro(hydro),
            *(Citation(subject, literature()[key]) for key, subject in feed_down.items()),
            *remarks,
            *of_data(data),
        ]
    )


def of_hydro(fluids: Iterable[Mapping[str, Any]]) -> list[Citation]:
    """Return what the authors of fluids want to be cited: the papers that they name, and their own words."""
    found: list[Citation] = []
    by_doi = {paper.doi.lower(): paper for paper in literature().values()}
    for attrs in fluids:
        name = Path(str(attrs.get("source", "the files of the run"))).name
        text = str(attrs.get("cite", "")) or f"no paper is named in {name}: cite its authors"
        papers = [by_arxiv(number) for number in _ARXIV.findall(text)]
        papers += [
            by_doi.get(doi.lower()) or Reference(doi, "", doi=doi, kind="misc") for doi in _DOI.findall(text)
        ]
        found += [Citation("hydrodynamics", paper) for paper in papers]
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
