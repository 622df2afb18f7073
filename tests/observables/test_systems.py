import numpy as np
import pytest

from qtraj.errors import FileFormatError, InputError
from qtraj.hydro.glauber import Nucleus
from qtraj.observables.data.dataset import load_data
from qtraj.observables.data.systems import load_system, parse_system, system_names

NAMES = ("AuAu200", "OO5360", "PbPb2760", "PbPb5020", "pPb5020", "pPb8160")


def test_the_systems_of_the_field_are_there():
    assert system_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_system_is_complete(name):
    system = load_system(name)
    assert {"Pb": 208, "Au": 197, "O": 16}[system.target] == Nucleus(**system.nucleus).A
    assert 40 < system.sigma_nn_mb < 80
    assert system.geometry.n_part[0] > system.geometry.n_part[-1]
    assert all("arXiv" in source for source in system.sources)
    for acceptance in system.acceptances:
        assert all(low < high for low, high in acceptance.ranges.values())
        assert "arXiv" in acceptance.source


@pytest.mark.parametrize("name", NAMES)
def test_what_a_system_compares_with_was_measured_there(name):
    system = load_system(name)
    for observable, axes in system.observables.items():
        for x_name in axes:
            found = system.measurements(observable, x_name)
            assert found
            assert all((d.system, d.sqrt_s_GeV) == (system.data, system.sqrt_s_GeV) for d in found)
            assert all(np.all(np.isnan(d.upper_limit_cl)) for d in found)


@pytest.mark.parametrize("name", NAMES)
def test_the_acceptances_are_those_of_the_data(name):
    """Every stated range is the range of some measurement of that experiment."""
    system = load_system(name)
    every = [
        d
        for observable in system.observables
        for d in load_data(observable, system=system.data, sqrt_s_GeV=system.sqrt_s_GeV)
    ]
    for acceptance in system.acceptances:
        data = [d for d in every if d.experiment == acceptance.experiment]
        edges = {abs(edge) for d in data for edge in (*d.acceptance.y, *d.x_low, *d.x_high)} | {0.0}
        assert set(map(abs, acceptance.ranges.get("y_cm", acceptance.ranges.get("abs_y")))) <= edges
        assert acceptance.ranges["pT_GeV"][1] in {d.acceptance.pT[1] for d in data}


def test_where_nothing_was_measured_there_is_nothing():
    assert load_system("OO5360").measurements("R_AA", "N_part") == ()
    assert load_system("AuAu200").measurements("v2", "pT_GeV") == ()


def test_unknown_and_broken_systems_are_refused():
    with pytest.raises(InputError, match="be one of AuAu200"):
        load_system("PbPb")
    for text in (
        "label = ",
        "label = 'x'",
        "observables = []\nacceptances = []\nsources = []\ngeometry = ''",
    ):
        with pytest.raises(FileFormatError, match="not a system"):
            parse_system("mine", text)
