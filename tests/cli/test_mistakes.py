"""Mistakes that a user makes, on the command line and in Python: each ends in one sentence that says what to do."""

import numpy as np
import pytest
from stand_in import RUN_FILE
from typer.testing import CliRunner

import qtraj as qt
from qtraj import hydro, observables
from qtraj.campaign.reading import load_runs
from qtraj.campaign.results import open_results
from qtraj.cli import app
from qtraj.io.config import load_run_file
from qtraj.observables.data.systems import load_system
from qtraj.pages.run import load_run

FILES = {
    "run.toml": RUN_FILE,
    "empty.toml": "",
    "words.csv": "a,b\n1,2\n",
    "text.nc": "hello",
    "back.txt": "0.6 0.4\n0.5 0.3\n",
    "MeV.txt": "0.6 400\n1 300\n5 200\n",
    "three.txt": "0.6 400 1\n",
    "dir/notes": "",
    "empty.csv": "",
    "survivals.csv": "replicate,1S,2S,1P,3S,2P\n0,0.5,0.2,0.2,0.1,0.1\n1,0.5,0.2,0.2,0.1,0.1\n",
    "mine.csv": "N_part,R_AA,stat\n300,0.4,0.02\n",
    "negative.csv": "N_part,R_AA,stat\n300,0.4,-0.02\n",
    "nan.csv": "N_part,R_AA,stat\nnan,0.4,0.02\n",
    "percent.csv": "N_part,R_AA,stat\n300,40%,0.02\n",
    "bare.txt": "0.1 -4\n0.2 -2\n0.4 -1\n",
    "hot.txt": "r[GeV^-1] T[GeV] V[GeV]\n"
    + "".join(f"{r} {T} {-1 / r}\n" for T in (0.2, 0.4) for r in range(1, 9)),
    "complex.txt": "r[GeV^-1] T[GeV] ReV[GeV] ImV[GeV]\n"
    + "".join(f"{r} {T} {-1 / r} {-T * r}\n" for T in (0, 0.2, 0.4, 0.6) for r in range(1, 40)),
}

EDITS = {  # of the run file
    "kappa": ("kappa = [1.0, 0.5]", "kappa = 1.0"),
    "MeV": ("T_end = 0.25", "T_end = 250"),
    "TeV": ("sqrt_s_GeV = 5020", "sqrt_s_GeV = 5.02"),
    "b": ("b_fm = [9.2, 2.3]", "b_fm = [5.0]"),
    "section": ("[paths]", "[path]"),
    "quotes": ('name = "PbPb"', "name = PbPb"),
    "nowhere": ('directory = "unused"', 'directory = ""'),
    "meson": ("[output]", '[observables]\nstates = ["Upsilon(1S)"]\n[output]'),
    "executor": ("[output]", '[campaign]\nexecutor = "slrum"\n[output]'),
    "sigma": ("[output]", "[initial]\nsigma = 0.2\n[output]"),
    "width": ("[output]", "[initial]\nwidth = -0.2\n[output]"),
    "swapped": ("[output]", '[initial]\nkind = "coulomb"\nwidth = 0.2\n[output]'),
    "own_data": ("[output]", '[observables]\ndata = "mine.csv"\n[output]'),
    "no_data": ("[output]", '[observables]\ndata = ["none.csv"]\n[output]'),
    "half": ("n = 4", "n = 4.5"),
    "complex": (
        "kappa = [1.0, 0.5]\ngamma = [-1.75, 0.0]",
        'potential = { file = "complex.txt", beyond = "constant" }\nalpha = 0.6',
    ),
    "memory": ("[output]", '[campaign.job]\nmemory = "4"\n[output]'),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dir").mkdir()
    edited = {f"{name}.toml": RUN_FILE.replace(*edit) for name, edit in EDITS.items()}
    for name, text in (FILES | edited).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("run nofile.toml", "nofile.toml: cannot be read (No such file or directory). Check the path."),
        ("run empty.toml", "`system` must be given"),
        ("run words.csv", "words.csv: not TOML: "),
        ("run kappa.toml", "`model.kappa` must be a list in brackets, but is 1.0."),
        ("run MeV.toml", "`medium.T_end` must be a temperature in GeV"),
        ("run TeV.toml", "'PbPb at 5.02 GeV'"),
        ("run b.toml", "`medium.b_fm` must be among [0.0, 2.3, 4.2, 6.0, 7.8, 9.2, 10.4, 11.6, 12.5, 13.5]"),
        ("run section.toml", "Did you mean `paths`?"),
        ("run quotes.toml", "quotes.toml: not TOML: Invalid value (at line 3"),
        ("run nowhere.toml", "`output.directory` must be a text that is not empty, but is ''."),
        ("run meson.toml", "`observables.states[0]` must be one of 'Y(1S)'"),
        ("run executor.toml", "`campaign.executor` must be 'in-process'"),
        ("run memory.toml", "`campaign.job.memory` must be a size with its unit"),
        ("run run.toml --output run.toml", "cannot be written (Not a directory)"),
        ("solve --T0 425", "divide MeV by 1000"),
        ("solve --potential cornel", "a file with a table of V(r), but is 'cornel'"),
        ("solve --table back.txt", "must increase strictly"),
        ("solve --table MeV.txt", "divide MeV by 1000"),
        ("solve --table three.txt", "three.txt: 3 columns, but 2 are declared."),
        ("solve --T-end 0.5", "must be below T0 = 0.425 GeV"),
        ("states --points -1", "`points` must be an integer from 4 to 170"),
        ("spectrum --states 1S,2T", "a spectroscopic name such as '1S' or '2P', but is '2T'"),
        ("observe run.toml", "`qtraj run run.toml` solves it, and its folder is such a source."),
        ("observe words.csv", "words.csv: column 'a' is unknown. Columns: replicate"),
        ("observe text.nc", "text.nc: is empty or no netCDF-4 file. Check the path."),
        ("observe dir", "dir: holds no campaign. `qtraj run FILE.toml`"),
        ("report run.toml", "`RUN` must be the folder of a run"),
        ("campaign status", "`--store` must be given, or a run file"),
        ("campaign resume --store dir", "`qtraj campaign run FILE.toml --store DIR` begins one."),
        ("campaign run run.toml --index 3", "be given together"),
        ("cite words.csv", "is nothing that qtraj can name the sources of"),
        ("view dir", "dir: holds no summary.tsv"),
        ("solve --state Upsilon(1S)", "Did you mean '1S'?"),
        ("solve --state 2p", "Did you mean '2P'?"),
        ("solve --out f.csv", "`--out` must end in .nc"),
        ("solve --table empty.csv", "empty.csv: the last line has no end: truncated."),
        (
            "solve --potential bare.txt --alpha 0.5",
            "its first line does not name the columns, but is 0.1 -4.",
        ),
        ("solve --potential hot.txt --alpha 0.5", "add the rows of T = 0"),
        (
            "solve --potential complex.txt --alpha 0.6 --beyond constant --method density",
            "`octet` must be given",
        ),
        ("solve --tau 0", "Times are in fm/c; multiply GeV^-1 by 0.1973."),
        ("solve --method nojump --n 5", "`--n` must be left out with --method nojump"),
        ("observe survivals.csv --data empty.csv", "empty.csv: holds no row below a line of column names."),
        ("observe survivals.csv --data mine.csv,state=1S", "state '1S' is no meson. Names: Y(1S)"),
        ("observe survivals.csv --data mine.csv,states=Y(1S)", "`--data` must be FILE, or FILE,NAME=VALUE"),
        ("observe survivals.csv --data negative.csv,state=Y(1S)", "the error stat = -0.02 is negative"),
        ("observe survivals.csv --data nan.csv,state=Y(1S)", "a point has no place"),
        ("observe survivals.csv --data percent.csv,state=Y(1S)", "'40%' in value is no number"),
        ("observe survivals.csv --data mine.csv,state=Y(1S),where=0-4", "`where` must be left out"),
        ("observe survivals.csv --states 1S", "`--states` must be one of Y(1S), Y(2S)"),
        ("observe survivals.csv --system PbPb", "must be one of AuAu200"),
        ("observe survivals.csv mine.csv", "column 'R_AA' is unknown"),
        ("spectrum --T-min 200", "Temperatures are in GeV."),
        ("explore --origin localhost", "`--origin` must be HOST:PORT"),
        ("run sigma.toml", "`initial.sigma` must be a known key; [initial] has kind, l, width"),
        ("run width.toml", "`initial.width` must be greater than 0, but is -0.2."),
        ("run swapped.toml", "`initial.width` must be left out with kind = 'coulomb'"),
        ("run own_data.toml", "`observables.data` must be a list in brackets"),
        ("run no_data.toml", "none.csv: cannot be read"),
        ("run half.toml", "`paths.n` must be a valid integer, but is 4.5."),
        ("run complex.toml", "`model.kappa` must be ['none'] for a potential that is complex in the medium"),
        ("explore --port 80", "`--port` must be a port from 1024 to 65535"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(folder, words, sentence):
    result = CliRunner().invoke(app, words.split())
    assert result.exit_code == 2, result.output
    assert sentence in result.stderr
    assert result.stderr.startswith("qtraj: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("run", "Missing argument"),
        ("run run.toml --ouput x", "No such option: --ouput (Possible options: --output)"),
        ("solve --T0 hot", "should be a valid number"),
        ("solvee", "No such command 'solvee'."),
    ],
)
def test_a_slip_of_the_command_itself_shows_its_usage(folder, words, sentence):
    result = CliRunner().invoke(app, words.split(), env={"COLUMNS": "150"})
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert sentence in result.stderr


MODEL, MEDIUM, START = qt.LindbladModel(), qt.Bjorken(0.4, 0.6, 0.25), qt.GaussianState()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: qt.solve(MEDIUM, MODEL, START), "`model` must"),
        (lambda: qt.solve(MODEL, 0.4, START), "`medium` must"),
        (lambda: qt.solve(MODEL, MEDIUM, "1S"), "`initial` must"),
        (lambda: qt.solve(MODEL, MEDIUM, START, "density"), "`method` must"),
        (lambda: qt.solve(MODEL, [], START), "`medium` must"),
        (lambda: qt.density_in_time(MODEL, MEDIUM, START, 1.0), "`times_fm` must"),
        (
            lambda: qt.density_in_time(MODEL, [MEDIUM, MEDIUM], START, [1.0]),
            "the temperature history of one pair",
        ),
        (lambda: qt.sensitivity(MODEL, MEDIUM, START, rtol=1e-9), "`rtol` must be from 1e-5"),
        (lambda: qt.State.named("Upsilon(1S)"), "Did you mean '1S'?"),
        (lambda: observables.read_data("mine.csv", state="Y(9S)"), "state 'Y(9S)' is no meson"),
        (lambda: observables.read_data("mine.csv"), "Give state=..., or a column of that name."),
        (lambda: qt.load("mine.csv"), "mine.csv: is empty or no netCDF-4 file."),
        (lambda: qt.LindbladModel("coulomb"), "`potential` must"),
        (lambda: qt.LindbladModel(mass=4730), "`mass` must be the heavy-quark mass in GeV"),
        (lambda: qt.Transport(kappa="centre"), "`kappa` must be one of"),
        (lambda: qt.CoulombPotential(-0.5), "`alpha` must"),
        (lambda: qt.Bjorken(425, 0.6, 250), "divide MeV by 1000"),
        (lambda: qt.TabulatedTemperature([0.6, 1.0], [400, 300], 0.25), "divide MeV by 1000"),
        (lambda: qt.TabulatedTemperature([0.6, 1.0], [0.4], 0.25), "`T` must"),
        (lambda: qt.GaussianState(l="P"), "`l` must be an integer from 0 to 3"),
        (lambda: qt.State.named("Upsilon"), "a spectroscopic name such as '1S'"),
        (lambda: qt.DensityMatrix(rtol=1), "`rtol` must be from 1e-5 to 0.05"),
        (lambda: qt.QuantumTrajectories(n=0), "`n` must"),
        (lambda: qt.NoJump(grid="sine"), "`grid` must"),
        (lambda: qt.TabulatedPotential.read("nofile.txt", alpha=0.5), "nofile.txt: "),
        (lambda: hydro.load_shipped(5.0), "must be"),
        (lambda: hydro.Hydro([0.6], [0.0], [0.0], np.ones((1, 1, 1))), "must"),
        (lambda: observables.FeedDown.named("pdg"), "must be one of group, pdg2026"),
        (lambda: observables.Bins("pt"), "`x_name` must be one of"),
        (lambda: load_system("LHC"), "must be one of AuAu200"),
        (lambda: load_run_file("nofile.toml"), "nofile.toml: cannot be read"),
        (lambda: load_runs(["nofile"]), "nofile: no such file or folder."),
        (lambda: load_run("text.nc"), "text.nc: is empty or no netCDF-4 file."),
        (lambda: open_results("dir"), "the store of a campaign"),
    ],
)
def test_a_mistake_in_python_is_one_sentence(folder, call, sentence):
    with pytest.raises(qt.QtrajError) as error:
        call()
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
