"""An inference file, from TOML to tables: what it refuses, and that an interruption changes nothing."""

from pathlib import Path

import pytest
from stand_in import ExponentialDecay

from qtraj.errors import FileFormatError, InputError
from qtraj.inference import LogUniform, Normal, Uniform, infer
from qtraj.inference.run import data_of, parameters_of
from qtraj.io.inference import load_inference_file

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = """
[run]
system = { preset = "PbPb5020" }
model = { kappa = [0.2], gamma = [0.0] }
medium = { T_end = 0.25, b_fm = [0.0, 6.0, 10.4] }
paths = { n = 4, replicates = 2 }
[parameters]
kappa = { log_uniform = [0.02, 0.5] }
T_end = { normal = [0.25, 0.02], low = 0.2, high = 0.3 }
[[data]]
observable = "R_AA"
experiment = "CMS"
states = ["Y(1S)", "Y(2S)"]
x_name = "N_part"
[design]
points = 8
[sampling]
samplers = ["nested"]
live = 100
[[models]]
name = "one"
[[models]]
name = "half"
run = { model = { kappa = [0.1] } }
parameters = { kappa = { log_uniform = [0.01, 0.25] } }
[[predictions]]
name = "OO"
run = { system = { preset = "OO5360" }, medium = { b_fm = [0.0, 3.5] } }
[[predictions.data]]
observable = "double_ratio"
x_name = "integrated"
status = "preliminary"
[output]
directory = "unused"
"""


def read(tmp_path, text=SMALL):
    path = tmp_path / "infer.toml"
    path.write_text(text, encoding="utf-8")
    return load_inference_file(path)


@pytest.mark.parametrize(
    ("name", "models"), [("infer_pbpb_5020", ["LO"]), ("infer_pbpb_5020_orders", ["LO", "NLO"])]
)
def test_the_examples_never_count_a_measurement_twice_and_name_their_models(name, models):
    from qtraj.inference import select

    file = load_inference_file(EXAMPLES / f"{name}.toml")
    data = select(data_of(file.config.data, file.run_file()))
    assert {(d.experiment, d.observable) for d in data} == {
        ("CMS", "R_AA"), ("ATLAS", "R_AA"), ("ALICE", "R_AA"), ("CMS", "v2"), ("ALICE", "v2"),
    }  # fmt: skip
    orders = [file.run_file(model.run).config.model.order for model in file.config.models]
    assert orders == models
    systems = ("OO", "AuAu") if name == "infer_pbpb_5020" else ()
    for prediction, system in zip(file.config.predictions, systems, strict=True):
        run_file = file.run_file(prediction.run)
        assert run_file.config.system.name == system
        assert run_file.config.paths == file.run_file().config.paths.model_copy(update={"n": 8})
        assert data_of(prediction.data, run_file)


def test_the_examples_differ_in_models_and_predictions_alone():
    one, both = (
        load_inference_file(EXAMPLES / f"infer_pbpb_5020{name}.toml").config for name in ("", "_orders")
    )
    same = {name: getattr(both, name) for name in ("models", "predictions", "output")}
    assert one.model_copy(update=same) == both


def test_priors_of_a_model_replace_those_of_the_file(tmp_path):
    file = read(tmp_path)
    priors = [p.prior for p in parameters_of(file.config.parameters, file.config.models[1].parameters)]
    assert priors == [LogUniform(0.01, 0.25), Normal(0.25, 0.02, 0.2, 0.3)]
    assert parameters_of({"gamma": file.config.parameters["T_end"].model_copy(
        update={"normal": None, "uniform": (-1.0, 1.0)})})["gamma"].prior == Uniform(-1.0, 1.0)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("log_uniform = [0.02, 0.5]", "log_unifrom = [0.02, 0.5]", "Did you mean `parameters.log_uniform`"),
        ("[0.02, 0.5]", "[0.02, 0.5], uniform = [0, 1]", "one of them"),
        ("T_end = 0.25,", "T_ned = 0.25,", "run.medium.T_ned"),
        ("kappa = [0.1]", "kappa = [-0.1]", r"run.model.kappa\[0\]"),
        ('preset = "OO5360"', 'preset = "UU"', "run.system"),
        ('name = "half"', 'name = "one"', "name of its own"),
        ('samplers = ["nested"]', 'samplers = ["mcmc"]', r"sampling.samplers\[0\]"),
        ("points = 8", "points = 2", "design.points"),
        ("points = 8", "points = 8\nround_points = 0", "design.round_points"),
        ("points = 8", "points = 8\nerror = 0.0", "design.error"),
    ],
)
def test_a_wrong_key_is_named_when_the_file_is_read(tmp_path, old, new, words):
    assert old in SMALL
    with pytest.raises(InputError, match=words):
        read(tmp_path, SMALL.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kappa = { log_uniform = [0.02, 0.5] }", "kapa = { log_uniform = [0.02, 0.5] }", "parameters.kapa"),
        ("log_uniform = [0.02, 0.5]", "log_uniform = [0.5, 0.02]", "parameters.kappa"),
        ('x_name = "N_part"', "", "count the same mesons twice"),
        ('x_name = "N_part"', 'x_name = "N_part"\nkinematics = "pT<3 GeV"', r"data\[0\].kinematics"),
    ],
)
def test_what_contradicts_itself_is_found_before_anything_is_solved(tmp_path, old, new, words):
    file = read(tmp_path, SMALL.replace(old, new, 1))
    with pytest.raises(InputError, match=words):
        infer(file, tmp_path / "out", solve=ExponentialDecay(interrupt_at=0))


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(FileFormatError, match="cannot be read"):
        load_inference_file(tmp_path / "none.toml")
    with pytest.raises(FileFormatError, match="not TOML"):
        read(tmp_path, "[run")
