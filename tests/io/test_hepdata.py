"""HEPData files against HEPData's own schemas and a YAML reader."""

import warnings

import numpy as np
import pytest
import yaml

from qtraj.io.observables import HepdataTable, write_hepdata
from qtraj.observables.curves import Curve
from qtraj.observables.estimate import Estimate

PT = Curve(
    "R_AA",
    "pT_GeV",
    [1.0, 3.0],
    [0.0, 2.0],
    [2.0, 4.0],
    {
        "Y(1S)": Estimate(np.array([0.4, 1e-5]), {"paths": [0.01, 1e-6], "mesh": [0.0, 0.0]}),
        "Y(2S)": Estimate([0.1, 0.2]),
    },
)
BANDS = {"Y(1S)": {"kappa: central, lower": (np.array([0.3, 5e-6]), np.array([0.5, 2e-5]))}}
TABLE = HepdataTable("raa pt", 'R_AA: "quoted"', PT, BANDS, {"system": "Pb–Pb 5.02 TeV"})
ALL = Curve("v2", "integrated", np.nan, np.nan, np.nan, {"Y(1S)": Estimate([-0.01], {"paths": [0.001]})})


@pytest.fixture
def validator():
    with warnings.catch_warnings():
        # HEPData's validator uses an old way into jsonschema and leaves files open
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        from hepdata_validator.full_submission_validator import FullSubmissionValidator

        yield FullSubmissionValidator()


def test_a_submission_passes_hepdatas_own_validation(tmp_path, validator):
    files = write_hepdata(tmp_path, [TABLE, HepdataTable("v2", "flow", ALL)], "test")
    assert [file.name for file in files] == ["submission.yaml", "raa_pt.yaml", "v2.yaml"]
    assert validator.validate(directory=str(tmp_path)), validator.get_messages()


def test_the_numbers_are_read_as_numbers(tmp_path):
    write_hepdata(tmp_path, [TABLE])
    data = yaml.safe_load((tmp_path / "raa_pt.yaml").read_text(encoding="utf-8"))
    (x,) = data["independent_variables"]
    assert x == {
        "header": {"name": "p_T", "units": "GeV"},
        "values": [{"value": 1.0, "low": 0.0, "high": 2.0}, {"value": 3.0, "low": 2.0, "high": 4.0}],
    }
    first, second = data["dependent_variables"]
    assert first["qualifiers"] == [{"name": "system", "value": "Pb–Pb 5.02 TeV"}]
    # a small number is no word, although YAML 1.1 wants a dot in it
    assert first["values"][1] == {
        "value": 1e-5,
        "errors": [
            {"symerror": 1e-6, "label": "paths"},
            {"symerror": 0.0, "label": "mesh"},
            {"asymerror": {"plus": 1e-5, "minus": -5e-6}, "label": "kappa: central, lower"},
        ],
    }
    assert second["values"] == [{"value": 0.1}, {"value": 0.2}]
    head, entry = yaml.safe_load_all((tmp_path / "submission.yaml").read_text(encoding="utf-8"))
    assert head == {"comment": "Theory predictions made with qtraj"}
    assert entry["description"] == 'R_AA: "quoted"'
    assert entry["data_file"] == "raa_pt.yaml"
