"""The literature: every paper can be found, and its BibTeX is BibTeX."""

import re

import pytest

from qtraj.io.citations import Reference, by_arxiv, literature, program, tex


@pytest.mark.parametrize("key", literature())
def test_every_paper_has_a_number_and_a_place(key):
    paper = literature()[key]
    assert paper.arxiv or paper.doi or paper.url.startswith("https://")
    assert not paper.arxiv or re.fullmatch(r"\d{4}\.\d{4,5}|hep-(ph|th|lat|ex)/\d{7}", paper.arxiv)
    assert not paper.doi or re.fullmatch(r"10\.\d{4,}/\S+", paper.doi)
    assert bool(paper.authors) != bool(paper.collaboration)
    assert all(", " in author for author in paper.authors)  # family name, initials
    assert paper.title
    # a preprint has its number only
    printed = [paper.journal, paper.volume, paper.pages]
    assert all(printed) if paper.kind == "article" else paper.arxiv and not any(printed)
    # arXiv numbers begin with year and month: no paper is printed before it was written, or five years later
    if paper.arxiv:
        year = 2000 + int(paper.arxiv.rpartition("/")[2][:2])
        assert year <= paper.year <= year + 5


@pytest.mark.parametrize("key", literature())
def test_bibtex_is_ascii_balanced_and_holds_the_numbers(key):
    paper = literature()[key]
    entry = paper.bibtex()
    assert entry.isascii()
    depth = 0
    for letter in entry:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0
    assert entry.startswith(f"@{paper.kind}{{{paper.key},\n")
    for value in filter(None, (paper.arxiv, paper.doi, paper.volume, paper.pages, str(paper.year))):
        assert f"{{{value}}}" in entry
    assert entry.count("$") % 2 == 0


def test_papers_are_told_apart():
    papers = literature().values()
    for name in ("arxiv", "doi"):
        numbers = [getattr(paper, name) for paper in papers if getattr(paper, name)]
        assert len(set(numbers)) == len(numbers)


def test_a_line_names_up_to_three_authors():
    few = Reference(
        "k", "Title", ("A, B.", "Van C, D. E.", "F, G."), journal="J", volume="1", pages="2", year=3
    )
    assert str(few) == "B. A, D. E. Van C and G. F, Title, J 1 (3) 2"
    assert str(Reference("k", "T", ("A, B.",) * 4)) == "B. A et al., T"
    assert str(Reference("k", "T", collaboration="CMS", doi="10.1/2")) == "CMS Collaboration, T, doi:10.1/2"


def test_letters_that_latex_has_to_be_told():
    assert tex("Υ(1S) at √s_NN, χ_b1, Mølmer, Bürkner, N_part") == (
        r"$\Upsilon$(1S) at $\sqrt{s_\mathrm{NN}}$, $\chi_{b1}$, M{\o}lmer, B{\"u}rkner, N\_part"
    )


def test_an_unknown_paper_keeps_its_number():
    unknown = by_arxiv("9912.00001")
    assert str(unknown) == "arXiv:9912.00001"
    assert "eprint = {9912.00001}" in unknown.bibtex()
    assert by_arxiv("2107.06147") is literature()["Omar2022"]


def test_the_program_is_cited_with_its_version():
    from importlib.metadata import version

    assert str(program()) == f"The qtraj developers, qtraj {version('qtraj')}"
    assert program().bibtex().startswith("@software{qtraj,")
