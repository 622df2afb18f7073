"""Results as netCDF: a round trip changes nothing, and damage never passes for data."""

from importlib.metadata import version

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qtraj._atomic import atomic_path
from qtraj.errors import FileFormatError, InputError
from qtraj.io.results import (
    checksum,
    estimate_from,
    estimate_variables,
    provenance,
    read_dataset,
    stack,
    write_dataset,
)
from qtraj.observables.estimate import Estimate


def sample() -> xr.Dataset:
    estimate = Estimate(
        np.linspace(0, 1, 6).reshape(2, 3), {"mesh": 1e-4, "paths": np.full((2, 3), 0.1)}, ("NLO",)
    )
    dataset = xr.Dataset(estimate_variables("raa", estimate, ("state", "b")), attrs={"title": "x", "seed": 3})
    return dataset.assign_coords(state=["Y(1S)", "Y(2S)"], b=[2.3, 6.0, 9.2])


def test_a_round_trip_returns_the_same_dataset(tmp_path):
    path = write_dataset(sample(), tmp_path / "deep" / "result.nc")
    again = read_dataset(path)
    xr.testing.assert_identical(again, sample())
    assert checksum(again) == checksum(sample())


@settings(max_examples=25)
@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4)), st.text(max_size=20))
def test_any_numbers_and_any_text_survive(tmp_path_factory, values, text):
    text = text.replace("\0", "")  # netCDF strings end at a null
    dataset = xr.Dataset({"x": (tuple("abc"[: values.ndim]), values)}, attrs={"text": f"t{text}"})
    again = read_dataset(write_dataset(dataset, tmp_path_factory.mktemp("round") / "x.nc"))
    np.testing.assert_array_equal(again["x"].values, values)
    assert again.attrs["text"] == f"t{text}"


def test_an_estimate_survives_with_its_parts():
    dataset = sample()
    estimate = estimate_from(dataset, "raa")
    assert set(estimate.parts) == {"mesh", "paths"}
    assert estimate.not_estimated == ("NLO",)
    np.testing.assert_array_equal(estimate.parts["mesh"], np.full((2, 3), 1e-4))
    with pytest.raises(InputError, match="no_such"):
        estimate_from(dataset, "no_such")


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_named(tmp_path, keep):
    path = write_dataset(sample(), tmp_path / "result.nc")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else keep])
    with pytest.raises(FileFormatError) as caught:
        read_dataset(path)
    assert str(path) in str(caught.value)


def test_one_flipped_bit_in_the_numbers_is_noticed(tmp_path):
    path = write_dataset(sample(), tmp_path / "result.nc")
    content = bytearray(path.read_bytes())
    position = content.find(np.linspace(0, 1, 6).tobytes())
    assert position > 0
    content[position + 9] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(FileFormatError, match="checksum"):
        read_dataset(path)


def test_a_foreign_netcdf_file_is_refused(tmp_path):
    sample().to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    with pytest.raises(FileFormatError, match="no checksum"):
        read_dataset(tmp_path / "foreign.nc")
    with pytest.raises(FileFormatError, match="no such file"):
        read_dataset(tmp_path / "none.nc")


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old", encoding="utf-8")

    def interrupted_write() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted_write()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(FileFormatError, match="cannot be written"):
        write_dataset(sample(), tmp_path / "file" / "result.nc")


def test_stacking_keeps_parts_and_refuses_unequal_ones():
    a, b = Estimate([1.0, 2.0], {"mesh": 0.1}, ("x",)), Estimate([3.0, 4.0], {"mesh": 0.2}, ("y",))
    both = stack({"1S": a, "2S": b})
    np.testing.assert_array_equal(both.value, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(both.parts["mesh"], [[0.1, 0.1], [0.2, 0.2]])
    assert both.not_estimated == ("x", "y")
    with pytest.raises(InputError, match="3S"):
        stack({"1S": a, "3S": Estimate([3.0, 4.0], {"l_max": 0.2})})


def test_provenance_holds_the_run_file_and_the_versions():
    attrs = provenance("[system]\n", 7, ["paper A", "paper B"])
    assert attrs["run_file"] == "[system]\n"
    assert attrs["seed"] == "7"
    for library in ("qtraj", "numpy", "scipy", "jax", "xarray", "h5netcdf"):
        assert attrs[f"{library}_version"] == version(library)
    assert attrs["citations"] == "paper A\npaper B"
