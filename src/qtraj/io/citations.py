"""What to cite: the papers on which the choices of a calculation rest, and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ..physics.medium import History, as_histories
from ..physics.model import LindbladModel
from ..physics.potentials.coulomb import CoulombPotential
from ..physics.potentials.ksu import KSUPotential
from ..qtraj1.files.parameters import LegacyParameters
from ..radial.laguerre import LaguerreMesh
from ..solvers.density.method import DensityMatrix
from ..solvers.solve import Method
from ..solvers.trajectories.method import QuantumTrajectories
from .config import Model, RunConfig
from .references import Reference, literature, program, tex

GROUP: Final = Model()
"""Mass, coupling, kappa and gamma of arXiv:2012.01240, which are the defaults of a run file."""

CRANK_NICOLSON_NLO: Final = 2
"""Stepper of QTraj at next-to-leading order."""


@dataclass(frozen=True)
class Citation:
    """A reference and what it is cited for.

    Parameters
    ----------
    subject : str
        What is taken from it.
    reference : Reference
        The paper; without a key it is a remark, which BibTeX gets as a comment.
    records : tuple of str, optional
        DOIs of the HEPData records of its numbers.
    """

    subject: str
    reference: Reference
    records: tuple[str, ...] = ()

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
    """What of a calculation decides which papers it rests on.

    Parameters
    ----------
    potential : {"coulomb", "ksu", "own"}
        Coulomb, the complex potential of Kent State University, or one of the user's.
    dipole : bool
        Whether the medium acts by the dipole terms of potential NRQCD.
    order : {"LO", "NLO"}
        Order in E/T.
    method : {"density", "nojump", "trajectories"}
        How it is solved.
    mesh : bool
        On a Laguerre mesh, not on a uniform grid.
    kappa_fit, gamma_range, bottomonium : bool
        Whether kappa is a fit to the lattice band, gamma one of the group's values, mass and coupling the group's.
    anisotropic : bool
        Whether the medium is, and the potential knows it.
    thermal : bool
        Whether the potential changes with the medium.
    """

    potential: Literal["coulomb", "ksu", "own"] = "coulomb"
    dipole: bool = True
    order: Literal["LO", "NLO"] = "LO"
    method: Literal["density", "nojump", "trajectories"] = "density"
    mesh: bool = True
    kappa_fit: bool = True
    gamma_range: bool = True
    bottomonium: bool = True
    anisotropic: bool = False
    thermal: bool = False

    @classmethod
    def of_run(cls, config: RunConfig) -> Choices:
        """Return the choices of a run file."""
        model = config.model
        return cls(
            order=model.order,
            kappa_fit=any(isinstance(kappa, str) for kappa in model.kappa),
            gamma_range=bool(set(model.gamma) & set(GROUP.gamma)),
            bottomonium=_of_group(model.alpha, model.mass),
        )

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
        known: dict[type, Literal["coulomb", "ksu"]] = {CoulombPotential: "coulomb", KSUPotential: "ksu"}
        name: Literal["coulomb", "ksu", "own"] = known.get(type(potential), "own")
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
    """Return what to cite for equation, coefficients and method of a calculation.

    Parameters
    ----------
    choices : Choices
        From `Choices.of_run`, `Choices.of_solve` or `Choices.of_legacy`.
    """
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
