"""What to cite: the papers of the equations, the method and the inputs of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Citation:
    """A reference and what qtraj takes from it.

    Parameters
    ----------
    subject : str
        What it is cited for.
    reference : str
        Authors, title, journal.
    arxiv : str
        arXiv number, empty if there is none.
    """

    subject: str
    reference: str
    arxiv: str = ""

    def __str__(self) -> str:
        number = f", arXiv:{self.arxiv}" if self.arxiv else ""
        return f"{self.subject}: {self.reference}{number}"


SOFTWARE: Final = (
    Citation(
        "program",
        "The qtraj developers, qtraj, https://arxiv.org/abs/2107.06147 describes its reference method",
    ),
    Citation(
        "quantum trajectories, reference method",
        "H. B. Omar et al., QTraj 1.0: A Lindblad equation solver for heavy-quarkonium dynamics, "
        "Comput. Phys. Commun. 273 (2022) 108266",
        "2107.06147",
    ),
)

EQUATION: Final = (
    Citation(
        "Lindblad equation at leading order",
        "N. Brambilla, M. A. Escobedo, J. Soto and A. Vairo, Quarkonium suppression in heavy-ion collisions: "
        "an open quantum system approach, Phys. Rev. D 96 (2017) 034021",
        "1612.07248",
    ),
    Citation(
        "Lindblad equation at leading order",
        "N. Brambilla, M. A. Escobedo, J. Soto and A. Vairo, Heavy quarkonium suppression in a fireball, "
        "Phys. Rev. D 97 (2018) 074009",
        "1711.04515",
    ),
    Citation(
        "bottomonium, kappa_hat and gamma_hat bands, feed-down",
        "N. Brambilla et al., Bottomonium suppression in an open quantum system using the quantum "
        "trajectories method, JHEP 05 (2021) 136",
        "2012.01240",
    ),
    Citation(
        "lattice kappa_hat(T)",
        "N. Brambilla, V. Leino, P. Petreczky and A. Vairo, Lattice QCD constraints on the heavy quark "
        "diffusion coefficient, Phys. Rev. D 102 (2020) 074503",
        "2007.10078",
    ),
)

METHOD: Final = (
    Citation("Lagrange mesh", "D. Baye, The Lagrange-mesh method, Phys. Rep. 565 (2015) 1"),
    Citation(
        "forward fourth-order splitting",
        "S. A. Chin, Symplectic integrators from composite operator factorizations, "
        "Phys. Lett. A 226 (1997) 344",
    ),
)


def references() -> list[str]:
    """Return the references of every run, one line each; its hydrodynamics and data add their own."""
    return [str(citation) for citation in SOFTWARE + EQUATION + METHOD]
