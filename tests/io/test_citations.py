"""Each choice adds the papers that it rests on, nothing else is cited, and no paper is listed in vain."""

from dataclasses import fields, replace
from itertools import product

import pytest
from legacy_runs import parameters
from stand_in import RUN_FILE

from qtraj.io.citations import (
    Choices,
    as_bibtex,
    literature,
    merged,
    of_choices,
    of_data,
    of_hydro,
    of_inference,
    of_run,
    of_steady_state,
)
from qtraj.io.config import parse_config
from qtraj.observables.data.dataset import STATUSES, load_data
from qtraj.physics.potentials import POTENTIALS
from qtraj.physics.transport import PRESETS

OBSERVABLES = ("R_AA", "double_ratio", "v2", "R_pA")
ALL_DATA = [data for name in OBSERVABLES for data in load_data(name, status=STATUSES)]
MUSIC = {
    "cite": "arXiv:1004.1408 arXiv:1009.3244 arXiv:1509.06738 (MUSIC), arXiv:1407.6387 (equation of state)"
}


def keys(citations) -> set[str]:
    return {each.reference.key for each in citations}


def of(text: str) -> set[str]:
    return keys(of_run(parse_config(text)))


PLAIN = Choices(kappa_fit=False, gamma_range=False, bottomonium=False, mesh=False)


@pytest.mark.parametrize(
    ("choice", "added"),
    [
        ({"order": "NLO"}, {"Brambilla2022"}),
        ({"kappa_fit": True}, {"Brambilla2020", "Brambilla2021"}),
        ({"gamma_range": True}, {"Brambilla2019"}),
        ({"bottomonium": True}, {"Brambilla2021"}),
        ({"mesh": True}, {"Baye2015", "Chin1997"}),
        ({"mesh": True, "thermal": True}, {"Baye2015"}),
        ({"method": "trajectories"}, {"Dalibard1992"}),
        ({"potential": "ksu"}, {"Islam2020", "Strickland2011"}),
        ({"noise": True}, {"Akamatsu2012", "Akamatsu2014", "Blaizot2017"}),
        (
            {"noise": True, "potential": "htl"},
            {"Akamatsu2012", "Akamatsu2014", "Blaizot2017"}
            | {"Laine2006", "Beraudo2008", "arXiv:2410.18709"},
        ),
        ({"potential": "three-loop"}, {"Brambilla2024"}),
        ({"anisotropic": True}, {"Dong2021", "Dong2022"}),
    ],
)
def test_a_choice_adds_its_papers(choice, added):
    assert keys(of_choices(replace(PLAIN, **choice))) == keys(of_choices(PLAIN)) | added
    assert keys(of_choices(PLAIN)) == {"Omar2022", "Brambilla2017", "Brambilla2018"}
    assert keys(of_choices(replace(PLAIN, dipole=False))) == {"Omar2022"}


def test_a_run_file_decides_what_its_run_cites():
    plain = of(RUN_FILE)  # numbers for kappa, values of the group for gamma
    assert {"qtraj", "Omar2022", "Baye2015", "Brambilla2019", "Loizides2018"} <= plain
    assert not plain & {"Brambilla2020", "Brambilla2022", "PDG2026", "Dalibard1992", "Islam2020"}
    assert of(RUN_FILE.replace("kappa = [1.0, 0.5]", 'kappa = ["central"]')) - plain == {"Brambilla2020"}
    assert plain - of(RUN_FILE.replace("[-1.75, 0.0]", "[-1.0]")) == {"Brambilla2019"}
    assert of(RUN_FILE.replace("[model]", '[model]\norder = "NLO"')) ^ plain == {"Brambilla2022", "Chin1997"}
    assert of(RUN_FILE + '[observables]\nfeeddown = "pdg2026"\n') - plain == {"PDG2026"}
    assert plain - of(RUN_FILE.replace("R_fm = 6.62", "R_fm = 6.5")) == {"Loizides2018"}


def test_without_a_run_file_the_defaults_of_run_files_are_cited():
    defaults = RUN_FILE.replace("kappa = [1.0, 0.5]", "").replace("gamma = [-1.75, 0.0]", "")
    assert Choices.of_run(parse_config(defaults)) == Choices()


@pytest.mark.parametrize(
    ("key", "value", "added", "left"),
    [
        (
            "potential",
            1,
            {"Islam2020", "Strickland2011"},
            {"Brambilla2017", "Brambilla2018", "Brambilla2019"},
        ),
        ("doJumps", True, {"Dalibard1992"}, set()),
        ("stepper", 2, {"Brambilla2022"}, set()),
        ("kappa", 2.5, set(), {"Brambilla2020"}),
    ],
)
def test_input_of_qtraj_decides_what_it_cites(key, value, added, left):
    plain = keys(of_choices(Choices.of_legacy(parameters(doJumps=False))))
    changed = keys(of_choices(Choices.of_legacy(parameters(**{"doJumps": False, key: value}))))
    assert changed - plain == added
    assert plain - changed >= left


def test_fluids_are_cited_by_number_and_in_their_own_words():
    assert keys(of_hydro([MUSIC, MUSIC])) == {"Schenke2010", "Schenke2011", "Paquet2016", "HotQCD2014", ""}
    lines = [str(each) for each in of_hydro([MUSIC])]
    assert lines[-1] == f"hydrodynamics, as its authors ask: {MUSIC['cite']}"
    unnamed = of_hydro([{"source": "folder/mine.nc"}])
    assert [str(each) for each in unnamed] == [
        "hydrodynamics, as its authors ask: no paper is named in mine.nc: cite its authors"
    ]
    other = of_hydro([{"cite": "see 10.1103/PhysRevC.82.014903, and arXiv:9912.00001."}])
    assert keys(other) == {"Schenke2010", "arXiv:9912.00001", ""}


def test_every_measurement_names_its_paper_and_its_record():
    for data in ALL_DATA:
        (found,) = of_data([data])
        if not data.arxiv.startswith("arXiv:"):  # second copies and preliminary points, never shown unasked
            assert data.status != "current"
            assert data.paper in str(found)
            continue
        assert found.reference == literature()[found.reference.key]
        assert found.reference.arxiv == data.arxiv.removeprefix("arXiv:")
        # the journal reference of the table is the one of the literature
        volume, year, page = (found.reference.volume, str(found.reference.year), found.reference.pages)
        assert data.paper.split()[1:] == [volume, f"({year})", page]
        assert all(data.hepdata.startswith(record) for record in found.records)
        assert bool(found.records) == bool(data.hepdata)
        assert found.reference.collaboration == data.experiment


def test_no_paper_is_listed_in_vain():
    values = {
        "potential": tuple(POTENTIALS),
        "preset": (None, *PRESETS),
        "order": ("LO", "NLO"),
        "method": ("density", "nojump", "trajectories"),
    }
    names = [field.name for field in fields(Choices)]
    combinations = product(*(values.get(name, (False, True)) for name in names))
    used = {key for c in combinations for key in keys(of_choices(Choices(*c)))}
    used |= of(RUN_FILE) | of(RUN_FILE + '[observables]\nfeeddown = "pdg2026"\n')
    used |= keys(of_hydro([MUSIC])) | keys(of_data(ALL_DATA)) | keys(of_inference(["nuts", "nested"]))
    used |= keys(of_steady_state(""))
    # papers of which only the number is known are no entries
    assert {key for key in used if not key.startswith("arXiv:")} - {"qtraj", ""} == set(literature())


def test_an_inference_cites_its_samplers_and_no_others():
    nuts, nested = (keys(of_inference([sampler])) for sampler in ("nuts", "nested"))
    assert nuts - nested == {"Hoffman2014", "Cabezas2024"}
    assert nested - nuts == {"Skilling2006", "Speagle2020"}
    assert keys(of_inference(["nuts", "nested"])) == nuts | nested
    assert nuts - keys(of_inference(["nuts"], profiles=False)) == {"James1975"}


def test_a_paper_that_is_cited_for_several_things_stands_once():
    run = of_run(parse_config(RUN_FILE), [MUSIC], ALL_DATA)
    assert len({each.reference for each in run}) == len(run)
    assert merged(run) == run
    (group,) = [each for each in run if each.reference.key == "Brambilla2021"]
    assert group.subject == "mass and coupling of bottomonium; feed-down fractions and cross sections"


def test_bibtex_of_a_run_has_each_key_once():
    text = as_bibtex(of_run(parse_config(RUN_FILE), [MUSIC], ALL_DATA))
    found = [line for line in text.splitlines() if line.startswith("@")]
    assert len(set(found)) == len(found)
    assert text.isascii()
    assert "@misc{hepdata.130959.v1,\n" in text
    outside = [line for line in text.splitlines() if line and not line.startswith(("@", "  ", "}", "%"))]
    assert outside == []
