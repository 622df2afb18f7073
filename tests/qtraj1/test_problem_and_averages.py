"""A params.txt becomes a problem for any method, and averaged ratio files become survivals."""

import gzip
from dataclasses import replace

import numpy as np
import pytest
from legacy_files import PARAMS, SAMPLES
from typer.testing import CliRunner

import qtraj as qt
from qtraj.campaign.reading import load_survivals
from qtraj.cli import app
from qtraj.errors import FileFormatError, InputError
from qtraj.qtraj1 import problem, read_averaged_ratios, read_params, read_ratios
from qtraj.qtraj1.files.ratios import is_averaged
from qtraj.states import STATES
from qtraj.units import to_fm

FEW = {"num": 255, "L": 20.0}


def test_one_call_makes_model_medium_and_start():
    p = read_params(PARAMS)
    model, medium, start = problem(p)
    assert model == qt.LindbladModel()  # the defaults of the package are those of the paper
    assert medium == qt.Bjorken(0.425, to_fm(p.tmed), p.Tf)
    assert start == qt.GaussianState(l=p.initL)
    found = qt.solve(*problem(p), qt.NoJump(error_budget=False))
    assert 0 < found.survival["1S"].value < 1


def test_latin_1_comments_do_no_harm(tmp_path):
    path = tmp_path / "params.txt"
    path.write_bytes(b"// f\xfcr Z\xfcrich\r\n" + PARAMS.read_bytes())
    assert read_params(path) == read_params(PARAMS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"initType": 0, "initN": 2, "initL": 0}, qt.CoulombState(2, 0)),
        ({"initType": 100, "initN": 2, "initL": 1, "initC": 1}, qt.BoundState(2, 1, color="octet")),
        ({"initType": 1, "initN": 2, "initL": 1, "initWidth": 0.3}, qt.GaussianState(l=1, width=0.3)),
    ],
)
def test_starts(changes, expected):
    assert problem(replace(read_params(PARAMS), **changes)).initial == expected


def test_models_and_media():
    p = read_params(PARAMS)
    assert problem(replace(p, kappa=2.5, gam=0.0, m=0.75)).model == qt.LindbladModel(
        transport=qt.Transport(2.5, 0.0), mass=1.5
    )
    assert problem(replace(p, stepper=2)).model.order == "NLO"
    ksu = problem(replace(p, potential=1, doJumps=False, mdfac=0.8)).model
    assert ksu.potential == qt.KSUPotential(p.alpha, md_factor=0.8)
    held = problem(replace(p, temperatureEvolution=3, dt=0.01, maxSteps=2000)).medium
    assert held == qt.ConstantTemperature(p.T0, to_fm(p.tmed), duration_fm=to_fm(20.0) - to_fm(p.tmed))
    with pytest.raises(InputError, match="every pair is made at time 0"):
        problem(replace(p, t0=1.0))


def test_temperature_and_basis_files_are_found_from_the_folder_of_the_run():
    folder = SAMPLES / "trajectory"
    p = read_params(folder / "input" / "params.txt")
    medium = problem(p, folder).medium
    assert len(medium) == 1
    assert medium.T_end == p.Tf
    with pytest.raises(FileFormatError, match="no such file"):
        problem(p, SAMPLES)


def averaged(tmp_path, rows, metadata, name="datafile-avg.gz"):
    """The averages of the group: a line of metadata, then 14 columns."""
    lines = [line for words, row in zip(metadata, rows, strict=True) for line in (words, row)]
    path = tmp_path / name
    text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def averages_of(ratios):
    rows = []
    for l in (0, 1):
        values = ratios.ratios[ratios.l == l]
        pairs = np.column_stack([values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))])
        rows.append("\t".join([*(f"{v:.10g}" for v in pairs.ravel()), str(len(values)), str(l)]))
    return rows


def test_averages_give_the_survivals_of_their_rows(tmp_path):
    """`qtraj observe datafile-avg.gz` said `14 columns instead of 8`."""
    rng = np.random.default_rng(1)
    metadata = [
        f"{b:.4g}\t0.1\t-0.2\t0\t{pT:.4g}\t1.5"
        for b, pT in zip((2.0, 5.0, 9.0), (1.0, 4.0, 9.0), strict=True)
    ]
    rows, expected = [], np.zeros((3, 6))
    for i in range(3):
        for l in (0, 1):
            values = rng.uniform(0, 1, 6)
            expected[i, [j for j, s in enumerate(STATES) if s.l == l]] = [
                values[j] for j, s in enumerate(STATES) if s.l == l
            ]
            rows.append("\t".join([*(f"{v:.12g}\t0.01" for v in values), "100", str(l)]))
    path = averaged(tmp_path, rows, [line for line in metadata for _ in (0, 1)])
    assert is_averaged(path)
    read = read_averaged_ratios(path)
    assert (len(read), set(read.count), set(read.l)) == (6, {100}, {0, 1})
    (table,) = load_survivals(path).tables.values()
    known = [j for j, s in enumerate(STATES) if s.l in (0, 1)]
    np.testing.assert_allclose(table.survival.value[:, known], expected[:, known])
    np.testing.assert_allclose(table.b_fm, [2, 5, 9])
    out = CliRunner().invoke(
        app, ["observe", str(path), "--system", "PbPb5020", "--out", str(tmp_path / "out")]
    )
    assert out.exit_code == 0, out.output
    assert (tmp_path / "out" / "survival.csv").is_file()


def test_averages_of_one_path_keep_their_own_errors(tmp_path):
    source = read_ratios(SAMPLES / "trajectory_datafile.gz")
    path = averaged(tmp_path, averages_of(source), ["5.25 1.30 -0.75 0.10 6.40 2.15"] * 2, "avg.txt")
    (table,) = load_survivals(path).tables.values()
    values = source.ratios[source.l == 0, 0]
    assert table.survival.value[0, 0] == pytest.approx(values.mean(), rel=1e-9)
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert table.survival.parts["trajectories"][0, 0] == pytest.approx(error, rel=1e-9)
    # two halves of the trajectories on the same path are pooled
    twice = averaged(tmp_path, averages_of(source) * 2, ["5.25 1.30 -0.75 0.10 6.40 2.15"] * 4, "twice.txt")
    (pooled,) = load_survivals(twice).tables.values()
    np.testing.assert_allclose(pooled.survival.value, table.survival.value)
    np.testing.assert_allclose(
        pooled.survival.parts["trajectories"], table.survival.parts["trajectories"] / np.sqrt(2)
    )


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda t: t + "1 2 3 4 5 6\n", "metadata without a row"),
        (lambda t: t.replace("\t100\t", "\t100.5\t"), "no whole numbers"),
        (lambda t: t.replace("\t100\t0", "\t100"), "13 columns instead of 14"),
        (lambda t: t.replace("0.5\t", "-0.5\t", 1), "mean"),
    ],
)
def test_damaged_averages_are_refused(tmp_path, spoil, word):
    row = "\t".join(["0.5\t0.01"] * 6 + ["100", "0"])
    path = averaged(tmp_path, [row], ["1 2 3 4 5 6"], "avg.txt")
    path.write_text(spoil(path.read_text()))
    with pytest.raises(FileFormatError, match=word):
        read_averaged_ratios(path)
