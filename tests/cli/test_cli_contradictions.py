"""No flag and no key is ignored in silence: it changes what is computed, or it is refused by name."""

import numpy as np
import pytest
from stand_in import RUN_FILE, make_run_file, trajectory_block
from typer.testing import CliRunner

import qtraj.solvers.solve
import qtraj.spectroscopy.levels
from qtraj.campaign.plan import make_plan
from qtraj.cli import app
from qtraj.errors import InputError
from qtraj.hydro import load_shipped, write_netcdf

SOLVE_FLAGS = {
    "--T0": "0.4", "--tau": "0.7", "--T-end": "0.24", "--duration": "1.5", "--kappa": "lower", "--gamma": "-1",
    "--T-c": "0.155", "--alpha": "0.6", "--mass": "4.6", "--order": "NLO", "--l": "1", "--width": "0.3",
    "--color": "octet", "--state": "1P", "--rtol": "2e-3", "--n": "512", "--seed": "3", "--method": "trajectories",
}  # fmt: skip
SOLVE_MODES = (
    "", "--duration 2", "--table TABLE", "--potential ksu", "--method nojump", "--method trajectories", "--state 1S",
    "--kappa 1.5", "--order NLO", "--kappa upper", "--order all", "--order all --positive",
)  # fmt: skip


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Return what `qtraj solve` would solve with some flags, or what it complains about."""
    np.savetxt(tmp_path / "table.txt", [[0.6, 0.45], [1.0, 0.38], [8.0, 0.2]])
    seen: list[str] = []

    def solve(model, medium, initial, method, *, progress):
        seen.append(repr((model, medium, initial, method)))
        return "solved"

    monkeypatch.setattr(qtraj.solvers.solve, "solve", solve)

    def ask(words: list[str]) -> str:
        table = str(tmp_path / "table.txt")
        result = CliRunner().invoke(app, ["solve", *(table if word == "TABLE" else word for word in words)])
        assert result.exit_code in (0, 2), result.output
        return seen.pop() if result.exit_code == 0 else result.stderr

    return ask


@pytest.mark.parametrize("mode", SOLVE_MODES)
def test_every_flag_of_solve_has_an_effect_or_is_refused_by_name(asked, mode):
    own = mode.split()
    plain = asked(own)
    assert not plain.startswith("qtraj: ")
    for flag, value in SOLVE_FLAGS.items():
        if flag in own:
            continue
        found = asked([*own, flag, value])
        assert found != plain, f"{flag} is ignored with {mode}"
        if "must be left out" in found:
            assert flag in found or flag.lstrip("-") in found or "transport" in found


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ("--table TABLE --T0 0.4", "--T0"),
        ("--table TABLE --tau 0.6", "--tau"),  # the default, but given
        ("--duration 1 --T-end 0.25", "--T-end"),
        ("--n 4096", "--n"),
        ("--method nojump --rtol 1e-3", "--rtol"),
        ("--method nojump --seed 0", "--seed"),
        ("--state 1S --width 0.2", "--width"),
        ("--state 1S --l 0", "--l"),
        ("--kappa 1.5 --T-c 0.15", "--T-c"),
        ("--potential ksu --T-c 0.15", "--T-c"),
        ("--positive", "--positive"),
        ("--order NLO --positive", "--positive"),
    ],
)
def test_a_flag_that_repeats_a_default_is_refused_where_it_has_no_effect(asked, words, flag):
    assert f"`{flag}` must be left out with" in asked(words.split())


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ("--points 1 --T-max 0.45", "--T-max"),
        ("--route poles,perturbation --source state", "--source"),
        ("--kappa 1 --T-c 0.15", "--T-c"),
        ("--beyond linear", "--beyond"),
    ],
)
def test_flags_of_spectrum_without_effect_are_refused(monkeypatch, words, flag):
    def computed(*_, **__):
        raise AssertionError("the flag was accepted")

    monkeypatch.setattr(qtraj.spectroscopy.levels, "thermal_levels", computed)
    result = CliRunner().invoke(app, ["spectrum", *words.split()])
    assert result.exit_code == 2
    assert f"`{flag}` must be left out with" in result.stderr


RUN_KEYS = {
    "system": ["sigma_nn_mb = 70.0", "woods_saxon = { A = 208, R_fm = 6.5, a_fm = 0.546 }"],
    "model": ["alpha = 0.6", "mass = 4.6", 'order = "NLO"', "T_c = 0.155", "kappa = [2.0]", "gamma = [-1.0]"],
    "medium": ["T_end = 0.26"],
    "initial": ["width = 0.3"],
    "paths": ["n = 8", "replicates = 4", "directions = 2", 'scrambling = "own"', "seed = 7", "pT_max = 15.0"],
    "method": ["rtol = 2e-3", "atol = 1e-4", 'budget = "replicate"'],
}


@pytest.fixture(scope="module")
def media(tmp_path_factory) -> dict[str, str]:
    """Sections [medium] of each kind."""
    folder = tmp_path_factory.mktemp("media")
    write_netcdf(load_shipped(9.2), folder / "fluid.nc")
    (folder / "paths.txt").write_text("".join(trajectory_block(b, i) for i, b in enumerate([9.2, 2.3] * 20)))
    entry = f'hydro = "files"\n[[medium.files]]\npath = "{folder}/'
    paths = f'{entry}paths.txt"\nformat = "qtraj_trajectories"'
    return {
        "shipped": "b_fm = [9.2, 2.3]",
        "fluid": f'{entry}fluid.nc"\nb_fm = 9.2',
        "events": f'{entry}*.nc"\nb_fm = 9.2\nn_part = 118.7',
        "trajectories": paths,
        "trajectories, sampled errors": paths,
        "sampled errors": "b_fm = [2.3]",
    }


def section(text: str, name: str, line: str) -> str:
    """Put a key into a section in the place of the one that is there."""
    key = line.partition(" ")[0]
    head, mark, tail = text.partition(f"[{name}]\n")
    if not mark:
        return f"{text}\n[{name}]\n{line}\n"
    own, bracket, rest = tail.partition("\n[")
    kept = [old for old in own.split("\n") if old.partition(" ")[0] != key]
    return head + mark + "\n".join([line, *kept]) + bracket + rest


def outcome(text: str) -> object:
    """What a run file leads to: the keys of its chunks, and the participants of its collisions."""
    plan = make_plan(make_run_file(text))
    return plan.keys, [tuple(source.participants(np.array(source.b_range))) for source in plan.sources]


@pytest.mark.parametrize(
    "kind", ["shipped", "fluid", "events", "trajectories", "trajectories, sampled errors", "sampled errors"]
)
def test_every_key_that_decides_numbers_has_an_effect_or_is_refused_by_name(media, kind):
    text = RUN_FILE.replace("b_fm = [9.2, 2.3]\n", "") + "[method]\nrtol = 1e-3\n"
    if kind.startswith("trajectories"):
        text = text.replace("[paths]\nn = 4\nreplicates = 2\n", "")
    if "sampled" in kind:
        text = section(text, "method", 'budget = "replicate"')
    # the entries [[medium.files]] come last
    own, _, entries = media[kind].partition("\n")
    text = section(text, "medium", own) + f"\n{entries}\n"
    plain = outcome(text)
    for name, lines in RUN_KEYS.items():
        for line in lines:
            if "sampled" in kind and "budget" in line:
                continue
            try:
                found: object = outcome(section(text, name, line))
            except InputError as error:
                found = error.argument
            assert found != plain, f"{name}.{line} is ignored with {kind}"
            if isinstance(found, str):
                assert found == f"{name}.{line.partition(' ')[0]}"
