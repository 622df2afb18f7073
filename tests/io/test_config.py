"""Run files: what is written is what is meant, and every fault names its key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtraj.errors import FileFormatError, InputError
from qtraj.io.config import RunConfig, load_run_file, parse_config
from qtraj.io.config_errors import _keys

EXAMPLE = Path(__file__).parents[2] / "examples" / "pbpb_5020.toml"

MINIMAL = """
[system]
name = "PbPb"
sqrt_s_GeV = 5020
sigma_nn_mb = 67.6
woods_saxon = { A = 208, R_fm = 6.62, a_fm = 0.546 }
[medium]
T_end = 0.25
[output]
directory = "runs/test"
"""

FILES = MINIMAL.replace("T_end", 'hydro = "files"\nT_end') + '[[medium.files]]\npath = "x.dat"\nb_fm = 2\n'


def with_lines(section: str, *lines: str) -> str:
    header = f"[{section}]\n"
    if header in MINIMAL:
        return MINIMAL.replace(header, header + "\n".join(lines) + "\n")
    return MINIMAL + header + "\n".join(lines) + "\n"


DENSE = FILES + (
    'format = "music_dense"\ngrid = { tau0_fm = 0.6, dtau_fm = 0.3, nx = 5, dx_fm = 0.5, x_min_fm = -1, '
    "ny = 4, dy_fm = 0.5, y_min_fm = -1REST }\n"
)


def test_the_grid_of_a_music_file_without_header_is_one_that_a_run_can_have():
    assert parse_config(DENSE.replace("REST", "")).medium.files[0].grid.neta == 1
    whole = ", boost_invariant = false, neta = 5, deta = 0.5, eta_min = -1"
    assert parse_config(DENSE.replace("REST", whole)).medium.files[0].grid.deta == 0.5
    for keys, fragment in (
        (", neta = 5", "neta that must be 1 or 2 in a boost-invariant run"),
        (", boost_invariant = false, neta = 5", "deta that must be given in a 3+1D run"),
        (", deta = 0.5", "deta that must be left out"),
    ):
        with pytest.raises(InputError) as caught:
            parse_config(DENSE.replace("REST", keys))
        assert caught.value.argument == "medium.files[0].grid"
        assert fragment in str(caught.value)


def test_defaults_are_the_central_bottomonium_values():
    config = parse_config(MINIMAL)
    assert config.model.kappa == ("central", "lower", "upper")
    assert config.model.gamma == (-1.75, -3.5, 0.0)
    assert (config.model.alpha, config.model.mass, config.initial.width) == (0.6239853, 4.73, 0.2)


def test_a_preset_fills_in_the_system_and_yields_to_what_is_given():
    by_preset = MINIMAL.replace(MINIMAL[: MINIMAL.index("[medium]")], '[system]\npreset = "PbPb5020"\n')
    system = parse_config(by_preset).system
    assert system.model_dump(exclude={"preset"}) == parse_config(MINIMAL).system.model_dump(
        exclude={"preset"}
    )
    own = FILES[FILES.index("[medium]") :]
    other = parse_config('[system]\npreset = "PbPb5020"\nsigma_nn_mb = 70\n' + own).system
    assert (other.sigma_nn_mb, other.woods_saxon.A) == (70, 208)
    oxygen = parse_config(by_preset.replace("PbPb5020", "OO5360")).system
    assert (oxygen.name, oxygen.woods_saxon.w) == ("OO", -0.051)
    with pytest.raises(InputError, match="have a preset among AuAu200, OO5360, PbPb2760, PbPb5020"):
        parse_config(by_preset.replace("PbPb5020", "pPb5020"))  # no medium of equal nuclei


def test_the_examples_are_valid_and_explain_every_key():
    run_file = load_run_file(EXAMPLE)
    assert run_file.config.system.sqrt_s_GeV == 5020
    explained = run_file.text + load_run_file(EXAMPLE.with_name("campaign_small.toml")).text
    for key in _keys(RunConfig):
        assert key.rpartition(".")[2] in explained, f"{key} is not in the example"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        (with_lines("model", 'kapa = ["central"]'), "model.kapa", "Did you mean `kappa`?"),
        (with_lines("modl", "mass = 4.7"), "modl", "Did you mean `model`?"),
        (with_lines("initial", "T_end = 0.25"), "initial.T_end", "Did you mean `medium.T_end`?"),
        (MINIMAL.replace("T_end", "T_ned"), "medium.T_ned", "Did you mean `T_end`?"),
        (MINIMAL.replace("T_end = 0.25", ""), "medium.T_end", "be given, but is missing"),
        (MINIMAL.replace("0.25", "250"), "medium.T_end", "in GeV"),
        (MINIMAL.replace("0.25", '"0.25"'), "medium.T_end", "valid number"),
        (MINIMAL.replace('"PbPb"', '"UU"'), "system.name", "'PbPb'"),
        (with_lines("model", 'kappa = ["centrl"]'), "model.kappa[0]", "'central'"),
        (with_lines("model", "kappa = [-0.1]"), "model.kappa[0]", "non-negative"),
        (with_lines("model", "kappa = [true]"), "model.kappa[0]", "non-negative"),
        (with_lines("model", 'kappa = "central"'), "model.kappa", "list in brackets"),
        (with_lines("model", "gamma = [nan]"), "model.gamma[0]", "finite"),
        (with_lines("model", "gamma = [0, 0.0]"), "model.gamma", "not repeat"),
        (with_lines("model", "gamma = []"), "model.gamma", "at least 1"),
        (with_lines("paths", "n = 48"), "paths.n", "power of two"),
        (with_lines("paths", "n = 32.0"), "paths.n", "integer"),
        (with_lines("paths", "replicates = 1"), "paths.replicates", "greater than or equal to 2"),
        (with_lines("paths", "directions = 3"), "paths.directions", "1, 2, 4 or 8"),
        (with_lines("paths", "n = 2", "directions = 4"), "paths", "at most n = 2 directions"),
        (with_lines("paths", "scrambling = 'none'"), "paths.scrambling", "'common' or 'own'"),
        (with_lines("method", "rtol = 0"), "method.rtol", "greater than or equal"),
        (with_lines("observables", 'states = ["1S"]'), "observables.states[0]", "Y(1S)"),
        (MINIMAL.replace('"runs/test"', '""'), "output.directory", "be a text that is not empty"),
        (with_lines("medium", 'hydro = "files"'), "medium", "[[medium.files]]"),
        (
            MINIMAL + '[[medium.files]]\npath = "x.dat"\nformat = "music"\nb_fm = 2',
            "medium",
            "hydro = 'files'",
        ),
        (with_lines("medium.files", "x = 1"), "medium.files", "list in brackets"),
    ],
)
def test_a_fault_names_its_key_and_what_is_allowed(text, key, hint):
    with pytest.raises(InputError) as caught:
        parse_config(text)
    assert caught.value.argument == key
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


CHUNKED = with_lines("campaign", "chunk = 8", "chunk_seconds = 10.0")
PATHS = FILES.replace("b_fm = 2\n", 'format = "qtraj_trajectories"\n')


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        (with_lines("model", "kappa = [1.0]", "T_c = 0.155"), "model.T_c", "every kappa is a number"),
        (with_lines("method", "atol = 1e-3", 'budget = "replicate"'), "method.atol", "'all' refines"),
        (CHUNKED, "campaign.chunk_seconds", "be left out with chunk = 8"),
        (MINIMAL.replace("67.6", "6.76"), "system.sigma_nn_mb", "be 67.6 with hydro = 'shipped'"),
        (MINIMAL.replace("67.6", "70"), "system.sigma_nn_mb", "N_part of these runs was made with it"),
        (FILES.replace("67.6", "6.76"), "system.sigma_nn_mb", "within 10 % of 67.6, that of PbPb5020"),
        (PATHS + "[paths]\nseed = 3\n", "paths.seed", "ready-made"),
        (PATHS + "[paths]\nn = 8\n", "paths.n", "ready-made"),
        (
            MINIMAL.replace("[system]", '[system]\npreset = "PbPb5020"'),
            "system",
            "leave something for the preset",
        ),
    ],
)
def test_a_key_without_effect_beside_the_others_is_named_but_not_in_a_finished_result(text, key, hint):
    with pytest.raises(InputError) as caught:
        parse_config(text)
    assert caught.value.argument == key
    assert hint in str(caught.value)
    if key != "system":
        parse_config(text, stored=True)


def test_keys_with_an_effect_are_taken():
    parse_config(with_lines("model", 'kappa = ["central", 1.0]', "T_c = 0.155"))
    parse_config(with_lines("method", "atol = 1e-3"))
    parse_config(FILES.replace("67.6", "70"))
    parse_config(PATHS + '[paths]\nn = 8\n[method]\nbudget = "replicate"\n')  # the sample for the errors
    parse_config(MINIMAL.replace('"PbPb"', '"XeXe"').replace("67.6", "6.76"))  # nothing is known of it


def test_further_faults_are_listed_once():
    with pytest.raises(InputError, match=r"Further problems: paths\.seed\.$"):
        parse_config(with_lines("paths", "n = 3", "seed = -1"))


def test_text_that_is_not_toml_says_where():
    with pytest.raises(FileFormatError, match="line 2"):
        parse_config("[system]\nname = PbPb")


def test_an_unreadable_run_file_is_named(tmp_path):
    binary = tmp_path / "run.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, problem in ((tmp_path / "none.toml", "cannot be read"), (binary, "UTF-8")):
        with pytest.raises(FileFormatError, match=problem) as caught:
            load_run_file(path)
        assert caught.value.path == str(path)


def test_files_are_found_beside_the_run_file(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    assert load_run_file(path).resolve("hydro.dat") == tmp_path / "hydro.dat"


@given(
    st.sampled_from(sorted(_keys(RunConfig))),
    st.sampled_from(
        ["true", "-1", "0", "1e400", "nan", '"x"', "[]", "[[1]]", "{}", "[{a = 1}]", "1979-05-27"]
    ),
)
def test_any_value_at_any_key_is_accepted_or_named(key, value):
    """A wrong value never escapes as another exception."""
    section, _, name = key.partition(".")
    line = f"{name.replace('files.', '')} = {value}" if name else f"{section} = {value}"
    text = f"[{section}]\n{line}\n" if name else line + "\n"
    with pytest.raises(InputError):
        parse_config(text)  # never complete: [system], [medium] or [output] lack keys
