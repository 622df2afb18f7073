"""The literature behind qtraj: one entry for each paper, as a line of text and as BibTeX."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import version
from typing import Final

ALL_AUTHORS: Final = 3
"""Up to as many are named in a line of text."""

_TEX: Final = {
    "√s_NN": r"$\sqrt{s_\mathrm{NN}}$",
    "χ_b1": r"$\chi_{b1}$",
    "Υ": r"$\Upsilon$",
    "Á": r"{\'A}",
    "ø": r"{\o}",
    "_": r"\_",
}
"""What of the titles and names LaTeX has to be told; the longer ones first."""

_SPECIAL: Final = re.compile("|".join(_TEX))


@dataclass(frozen=True)
class Reference:
    """A paper, a data set or a program that is cited."""

    key: str  # Key of its BibTeX entry
    title: str  # Title; Greek letters and the energy √s_NN as such
    authors: tuple[str, ...] = ()  # ``"Family name, initials"``
    collaboration: str = ""  # Who signs instead
    journal: str = ""  # Where it was published; `pages` is an article number or the first page
    volume: str = ""
    pages: str = ""
    year: int = 0  # Of publication; 0 if it is not known
    arxiv: str = ""  # Where to find it; a program has no arXiv number
    doi: str = ""
    url: str = ""
    kind: str = "article"  # Kind of the BibTeX entry

    def __str__(self) -> str:
        place = f"{self.journal} {self.volume} ({self.year}) {self.pages}" if self.journal else ""
        number = f"arXiv:{self.arxiv}" if self.arxiv else ""
        doi = f"doi:{self.doi}" if self.doi else ""
        return ", ".join(filter(None, (self._who(), self.title, place, number, doi, self.url)))

    def bibtex(self) -> str:
        """Return the entry in BibTeX, in ASCII, for any engine."""
        fields = {
            "author": " and ".join(map(_whole, self.authors or filter(None, [self.collaboration]))),
            "collaboration": self.collaboration,
            "title": f"{{{self.title}}}",
            "journal": self.journal,
            "volume": self.volume,
            "pages": self.pages,
            "year": str(self.year or ""),
            "eprint": self.arxiv,
            "archivePrefix": "arXiv" if self.arxiv else "",
        }
        lines = [f"  {name} = {{{tex(value)}}}" for name, value in fields.items() if value]
        # a DOI and an address are taken as they are
        lines += [f"  {name} = {{{v}}}" for name, v in (("doi", self.doi), ("url", self.url)) if v]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}"

    def _who(self) -> str:
        if self.collaboration:
            group = self.collaboration
            return group if group.endswith("Group") else f"{group} Collaboration"
        names = [" ".join(reversed(author.split(", "))) for author in self.authors]
        if len(names) > ALL_AUTHORS:
            return f"{names[0]} et al."
        return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _whole(author: str) -> str:
    # a name without initials is no person, and BibTeX must not take it apart
    return author if ", " in author else f"{{{author}}}"


def tex(text: str) -> str:
    """Return text with its Greek letters, accents and underscores as LaTeX writes them."""
    return _SPECIAL.sub(lambda found: _TEX[found[0]], text)


@cache
def literature() -> dict[str, Reference]:
    """Return all papers of ``qtraj/data/references.toml`` by their keys."""
    text = resources.files("qtraj.data").joinpath("references.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)
    return {
        key: Reference(key=key, **{**entry, "authors": tuple(entry.get("authors", ()))})
        for key, entry in entries.items()
    }


def by_arxiv(number: str) -> Reference:
    """Return the paper with an arXiv number: the one in `literature`, else one that holds the number only."""
    for reference in literature().values():
        if reference.arxiv == number:
            return reference
    return Reference(f"arXiv:{number}", "", arxiv=number, kind="misc")


def program() -> Reference:
    """Return qtraj itself, in the version that runs."""
    release = version("qtraj")
    return Reference("qtraj", f"qtraj {release}", ("The qtraj developers",), kind="software")
