"""The result in the user's hands: dataset, table, file and what a terminal or a notebook prints."""

import json
import warnings

import numpy as np
import pytest
import xarray as xr

import qtraj as qt
from qtraj import FileFormatError
from qtraj.io.results import save_states, write_dataset

MODEL = qt.LindbladModel()
SHORT = qt.ConstantTemperature(T=0.4, tau_fm=0.6, duration_fm=0.5)
COLD = qt.Histories([0.6, 1.0, 2.0], [[0.2, 0.2, 0.2], [0.4, 0.3, 0.2]], 0.25)
CASES = {
    "one history": ("LO", SHORT, qt.GaussianState(), qt.NoJump(), None),
    "times and budget": (
        "LO",
        SHORT,
        qt.GaussianState(1),
        qt.DensityMatrix(rtol=0.05, diagnostics=True),
        [0.3, 0.8],
    ),
    "batch": ("LO", COLD, qt.GaussianState(), qt.DensityMatrix(rtol=0.05, error_budget=False), None),
    "batch of trajectories with records": (
        "LO",
        COLD,
        qt.GaussianState(color=0.3),
        qt.QuantumTrajectories(n=64, records=True),
        [0.8],
    ),
    "next order, octet": (
        "NLO",
        [SHORT, SHORT],
        qt.GaussianState(color="octet"),
        qt.DensityMatrix(rtol=0.05, error_budget=False),
        [0.8, 1.0],
    ),
    "record of one": ("LO", SHORT, qt.GaussianState(), qt.QuantumTrajectories(n=64, records=True), None),
}


@pytest.fixture(scope="module", params=sorted(CASES))
def result(request):
    order, medium, initial, method, times = CASES[request.param]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", qt.AccuracyWarning
        )  # few trajectories; a Gaussian is too fast for E/T
        return qt.solve(qt.LindbladModel(order=order), medium, initial, method, times_fm=times)


def assert_same(a, b):
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_array_equal(a[name].value, b[name].value)
        assert set(a[name].parts) == set(b[name].parts)
        for part in a[name].parts:
            np.testing.assert_array_equal(a[name].parts[part], b[name].parts[part])
        assert a[name].not_estimated == b[name].not_estimated


def test_what_is_saved_is_loaded(result, tmp_path):
    again = qt.load(result.save(tmp_path / "deep" / "result.nc"))
    for name in ("survival", "no_jump", "overlap", "overlap_no_jump", "transition", "regeneration"):
        assert_same(getattr(result, name), getattr(again, name))
    for name in ("survival_at", "no_jump_at", "overlap_at", "overlap_no_jump_at", "transition_at"):
        assert_same(getattr(result, name), getattr(again, name))
    assert_same({"norm": result.norm}, {"norm": again.norm})
    assert again.initial_overlap == result.initial_overlap
    np.testing.assert_array_equal(again.times_fm, result.times_fm)
    assert dict(again.settings) == dict(result.settings)
    assert dict(again.provenance) == dict(result.provenance)
    assert again.diagnostics.keys() == result.diagnostics.keys()
    for name, values in result.diagnostics.items():
        np.testing.assert_array_equal(again.diagnostics[name], values)
        assert np.asarray(again.diagnostics[name]).dtype == np.asarray(values).dtype
    records = [x.jumps if isinstance(x.jumps, tuple) else (x.jumps,) for x in (result, again)]
    for record, other in zip(*records, strict=True):
        assert type(record) is type(other)
        for name in getattr(record, "__dataclass_fields__", ()):
            np.testing.assert_array_equal(getattr(record, name), getattr(other, name))
    assert str(again) == str(result)
    with pytest.raises(qt.InputError, match="transition"):
        again.survival["1D"]


def test_the_dataset_names_its_axes(result):
    data = result.to_xarray()
    batch = ("history",) if np.ndim(result.norm.value) else ()
    assert data["survival"].dims == (*batch, "state")
    assert data["survival_at"].dims == (*batch, "time_fm", "state")
    for name in result.survival:
        np.testing.assert_array_equal(data["survival"].sel(state=name), result.survival[name].value)
    assert not any(name.endswith(("_0", "_1")) for name in map(str, data.dims))  # every axis has a word
    provenance = json.loads(data.attrs["provenance"])
    assert {"qtraj_version", "jax_version", "created", "python", "wall_time_s"} <= set(provenance)
    assert "GaussianState" in json.loads(data.attrs["settings"])["initial"]


def test_the_table_has_a_row_for_each_history_time_and_state(result):
    table = result.to_dataframe()
    count, times = np.size(result.norm.value), len(result.times_fm) + 1
    assert len(table) == count * times * 6
    axes = ["history"] * (np.ndim(result.norm.value) > 0) + ["time_fm"] * (times > 1) + ["state"]
    assert list(table.index.names) == axes
    index = {"history": count - 1, "time_fm": np.inf, "state": "2P"}
    row = table.loc[tuple(index[axis] for axis in axes)] if len(axes) > 1 else table.loc["2P"]
    estimate = result.overlap["2P"]
    assert row["overlap"] == np.ravel(estimate.value)[-1]
    assert row["overlap_error"] == np.ravel(estimate.error)[-1]


def test_a_result_prints_in_a_few_lines(result):
    text = repr(result)
    assert text == str(result)
    assert len(text.splitlines()) <= 14
    assert "np.float64" not in text + result._repr_html_()
    assert ("a batch" in text) == (np.ndim(result.norm.value) > 0)
    html = result._repr_html_()
    assert html.count("<table") == html.count("</table>") >= 1
    assert "DensityMatrix(" in html or "NoJump(" in html or "QuantumTrajectories(" in html
    json.dumps(result.to_dict(), allow_nan=False)


def test_a_batch_says_that_it_is_one_and_shows_all_histories_not_the_first():
    media = [qt.ConstantTemperature(T, 0.6, 0.5) for T in (0.3, 0.4, 0.5)]
    result = qt.solve(MODEL, media, qt.GaussianState(), qt.NoJump(step=0.5, error_budget=False))
    text, values = str(result), result.survival["1S"].value
    assert "3 histories" in text
    assert 'result.survival["1S"][i] is that of history i' in text
    assert f"{values.mean():.5g}" in text
    assert f"{values.min():.5g}" in text
    assert f"{values.max():.5g}" in text
    many = qt.solve(MODEL, media * 40, qt.GaussianState(), qt.NoJump(step=0.5, error_budget=False))
    assert len(repr(many)) < 1500


@pytest.mark.parametrize("written", ["states", "something"])
def test_a_file_that_holds_something_else_is_refused_in_a_sentence(written, tmp_path):
    path = tmp_path / "other.nc"
    if written == "states":
        save_states(qt.vacuum_levels(MODEL).stored(), path)
    else:
        write_dataset(xr.Dataset({"x": 1.0}), path)
    with pytest.raises(FileFormatError, match=r"no result of `qtraj\.solve`"):
        qt.load(path)


def test_a_missing_or_damaged_file_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(FileFormatError, match="no such file"):
        qt.load(tmp_path / "none.nc")
    path = qt.solve(MODEL, SHORT, qt.GaussianState(), qt.NoJump(error_budget=False)).save(tmp_path / "x.nc")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="checksum"):
        qt.load(path)
