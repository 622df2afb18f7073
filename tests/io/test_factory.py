"""A run file says everything: each key reaches the objects, two spellings are one problem, faults name their key."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from stand_in import RUN_FILE

import qtraj as qt
from qtraj.campaign.plan import make_plan, settings
from qtraj.errors import AccuracyWarning, FileFormatError, InputError
from qtraj.io.citations import of_run
from qtraj.io.config import RunConfig, RunFile, parse_config
from qtraj.io.config_errors import METHOD_KEYS, _keys
from qtraj.io.factory import (
    check_choices,
    check_media,
    feeddown_of,
    identity,
    method_of,
    model_of,
    own_data,
    potential_of,
    start_of,
)
from qtraj.io.results import save_states
from qtraj.observables.feeddown import FeedDown
from qtraj.pages.run import Run, setup
from qtraj.physics.potentials import POTENTIALS, arguments_of, is_complex, takes_alpha
from qtraj.physics.transport import PRESETS
from qtraj.provenance import CODE

HEAD = RUN_FILE[: RUN_FILE.index("[model]")]
TAIL = '[paths]\nn = 4\nreplicates = 2\n[output]\ndirectory = "unused"\n'
MODULE = """
import numpy as np
import qtraj as qt

cornell = qt.CallablePotential(lambda r: -0.4 / r + 0.2 * np.minimum(r, 6.0), alpha=0.4, octet="coulomb")
wide = qt.CallablePotential(lambda r, T: -0.4 / r - 1j * T * r**2 / (1 + r**2), alpha=0.4)
decaying = qt.CallablePotential(
    lambda r, T: -0.4 / r - 1j * T * r**2 / (1 + r**2), alpha=0.4,
    octet=lambda r, T: 0.05 / r - 1j * T * r**2 / (1 + r**2),
)
warm = qt.CallablePotential(lambda r, T: -0.4 / r * np.exp(-T * r), alpha=0.4, octet="coulomb")
late = qt.CallablePotential(
    lambda r, T: -0.4 / r + np.where((T > 0.39) & (T < 0.45), 0.01 * r, 0 * r), alpha=0.4, octet="casimir"
)
nothing = 3

def made():
    return qt.CoulombPotential(0.5)

def broken():
    return 1 / 0

def drude(omega, T):
    return qt.physics.spectrum.ohmic(omega, T) / (1 + omega**2)

def other(omega, T):
    return qt.physics.spectrum.ohmic(omega, T) / (1 + omega**4)

def violet(omega, T):
    return 1 / (1 + omega**2) + 0 * T
"""
SPECTRUM = 'order = "all"\nspectrum = { python = "own_potential:%s" }'


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The files that run files name."""
    folder = tmp_path_factory.mktemp("run")
    r = 0.1 * np.arange(1, 400)
    for name, V in (("V.txt", -0.4 / r + 0.2 * np.minimum(r, 6)), ("W.txt", -0.5 / r)):
        rows = "\n".join(f"{a:.6g} {b:.8g}" for a, b in zip(r, V, strict=True))
        (folder / name).write_text(f"r[GeV^-1] V[GeV]\n{rows}\n")
    (folder / "kappa.txt").write_text("0.1 4\n0.3 3\n0.6 2\n")
    (folder / "cold.txt").write_text("0.1 4\n0.2 3\n")
    start = np.column_stack([r, r * np.exp(-r), r**2 * np.exp(-r)])
    np.savetxt(folder / "start.txt", start)
    np.savetxt(folder / "other.txt", start * [1, 1, 2])
    (folder / "own_potential.py").write_text(MODULE)
    shipped = FeedDown.named()
    lines = ",\n".join(str(list(map(float, row))) for row in shipped.matrix)
    sigma = list(map(float, shipped.sigma_exp))
    (folder / "own.toml").write_text(f'source = "ours"\nmatrix = [\n{lines}]\nsigma_exp = {sigma}\n')
    (folder / "mine.csv").write_text("N_part,R_AA,total\n381,0.35,0.03\n")
    (folder / "bad.toml").write_text("matrix = [1]\n")
    save_states(qt.vacuum_levels(qt.LindbladModel()).stored(), folder / "states.nc")
    return folder


def made(folder: Path, medium: str = "T_end = 0.25", **sections: str) -> RunFile:
    """Return a run file of sections given as lines."""
    parts = "".join(f"[{name}]\n{lines}\n" for name, lines in sections.items())
    text = f"{HEAD}[medium]\nb_fm = [11.6]\n{medium}\n{parts}{TAIL}"
    return RunFile(parse_config(text), text, folder / "run.toml")


def described(run_file: RunFile) -> str:
    """Return all objects of a run file in words: what the solver is given."""
    config = run_file.config
    objects = [settings(config), feeddown_of(config.observables.feeddown, run_file.path.parent).source]
    for setting, l in product(settings(config), config.initial.l):
        objects.append(identity(run_file, setting.kappa, setting.gamma, l, "all"))
    objects.append(method_of(run_file))
    return str([objects, config.observables.states, [str(data) for data in own_data(run_file)]])


FILE = 'potential = { file = "V.txt", beyond = "constant", octet = "coulomb"%s }\nalpha = 0.4'
TABLE = "[{ points = [[0.1, %s], [0.6, 2]]%s }]"
NAMED = ', name = "a"'
NAMED_WITH = 'potential = { name = "%s", %s }'
MESH, SINE = "grid = { kind = 'mesh', %s }", "kind = '%s'\ngrid = { kind = 'sine', num = 255%s }"
NOJUMP, SAMPLED = 'kind = "nojump"\n', 'kind = "trajectories"\n'

# key -> section, its lines without the key, its lines with it
EVERY_KEY = {
    "model.potential": ("model", "", 'potential = "ksu"\n[method]\n' + NOJUMP),
    "model.potential.name": ("model", "", 'potential = { name = "ksu" }\n[method]\n' + NOJUMP),
    "model.potential.file": ("model", FILE % "", FILE.replace("V.txt", "W.txt") % ""),
    "model.potential.octet": ("model", FILE % "", FILE.replace(', octet = "coulomb"', "") % ""),
    "model.potential.below": ("model", FILE % "", FILE % ', below = "constant"'),
    "model.potential.beyond": ("model", FILE % "", FILE.replace("constant", "linear") % ""),
    "model.potential.python": ("model", "", 'potential = { python = "own_potential:cornell" }'),
    "model.alpha": ("model", "", "alpha = 0.5"),
    "model.mass": ("model", "", "mass = 4.5"),
    "model.order": ("model", "", 'order = "NLO"'),
    "model.spectrum": ("model", 'order = "all"', SPECTRUM % "drude"),
    "model.spectrum.python": ("model", SPECTRUM % "drude", SPECTRUM % "other"),
    "model.positive": ("model", 'order = "all"', 'order = "all"\npositive = true'),
    "model.kappa": ("model", "", "kappa = [3.0]"),
    "model.kappa.file": ("model", "kappa = [3.0]", 'kappa = [{ file = "kappa.txt" }]'),
    "model.kappa.points": ("model", f"kappa = {TABLE % (3, '')}", f"kappa = {TABLE % (4, '')}"),
    "model.kappa.name": ("model", f"kappa = {TABLE % (3, '')}", f"kappa = {TABLE % (3, NAMED)}"),
    "model.gamma": ("model", "", "gamma = [-1.0]"),
    "model.gamma.file": ("model", "gamma = [-1.0]", 'gamma = [{ file = "kappa.txt" }]'),
    "model.gamma.points": ("model", f"gamma = {TABLE % (3, '')}", f"gamma = {TABLE % (4, '')}"),
    "model.gamma.name": ("model", f"gamma = {TABLE % (3, '')}", f"gamma = {TABLE % (3, NAMED)}"),
    "model.T_c": ("model", "", "T_c = 0.155"),
    "model.gamma_vacuum": ("model", "", "gamma_vacuum = 0.017"),
    "model.transport": ("model", "", 'transport = "three-loop"'),
    "initial.kind": ("initial", "", 'kind = "coulomb"'),
    "initial.l": ("initial", "", "l = [0, 1, 2]"),
    "initial.width": ("initial", "", "width = 0.3"),
    "initial.n": ("initial", 'kind = "bound"', 'kind = "bound"\nn = [2, 2]'),
    "initial.color": ("initial", "", 'color = "octet"'),
    "initial.file": ("initial", 'kind = "file"\nfile = "start.txt"', 'kind = "file"\nfile = "other.txt"'),
    "method.kind": ("method", "", NOJUMP),
    "method.rtol": ("method", "", "rtol = 1e-2"),
    "method.atol": ("method", "", "atol = 1e-3"),
    "method.grid": ("method", "", MESH % "points = 80"),
    "method.grid.kind": ("method", NOJUMP + MESH % "points = 96", SINE % ("nojump", "")),
    "method.grid.points": ("method", "", MESH % "points = 70"),
    "method.grid.scale": ("method", "", MESH % "scale = 0.1"),
    "method.grid.num": ("method", SINE % ("nojump", ""), SINE.replace("255", "511") % ("nojump", "")),
    "method.grid.length": ("method", SINE % ("nojump", ""), SINE % ("nojump", ", length = 30")),
    "method.grid.derivative": ("method", SINE % ("nojump", ""), SINE % ("nojump", ", derivative = 1")),
    "method.l_max": ("method", "", "l_max = 4"),
    "method.step": ("method", "", "step = 0.2"),
    "method.refinements": ("method", "", "refinements = 1"),
    "method.dt": ("method", SINE % ("nojump", ""), SINE % ("nojump", "") + "\ndt = 0.01"),
    "method.projection": ("method", NOJUMP, NOJUMP + 'projection = "states.nc"'),
    "method.n": ("method", SAMPLED, SAMPLED + "n = 8"),
    "method.seed": ("method", SAMPLED, SAMPLED + "seed = 8"),
    "method.target_error": ("method", SAMPLED, SAMPLED + "target_error = 0.1"),
    "method.estimator": ("method", SAMPLED, SAMPLED + 'estimator = "end_point"'),
    "method.max_jumps": ("method", SAMPLED, SAMPLED + "max_jumps = 3"),
    "method.r_max": ("method", SAMPLED, SAMPLED + "r_max = 0.9"),
    "method.jump_range": ("method", SAMPLED, SAMPLED + "jump_range = 8.0"),
    "method.batch": ("method", SAMPLED, SAMPLED + "batch = 8"),
    "method.workers": ("method", SAMPLED, SAMPLED + "workers = 2"),
    "observables.feeddown": ("observables", "", 'feeddown = "own.toml"'),
    "observables.states": ("observables", "", 'states = ["Y(1S)"]'),
    "observables.data": ("observables", "", 'data = ["mine.csv,state=Y(1S)"]'),
}
ONLY_SPEED = ("method.batch", "method.workers")
NOT_IN_CHUNKS = (
    "model.kappa.name",
    "model.gamma.name",
    "observables.feeddown",
    "observables.states",
    "observables.data",
    *ONLY_SPEED,
)
PHYSICS = ("model.", "initial.", "method.", "observables.")

# another value than the default for each argument of the potentials with a name
ARGUMENTS = {
    "sigma": "0.2", "string_breaking_fm": "1.0", "md_factor": "0.9", "n_f": "4", "lambda_ms": "0.3",
    "alpha_s": "0.3", "md_over_T": "2.2", "real": '"yukawa"', "running": "6.0", "octet": '"coulomb"',
    "gamma_vacuum": "0.01", "alpha_s_tau": "0.31", "nu": "1.3", "nu_r": "1.2", "nu_us": "1.1", "half_width": "true",
}  # fmt: skip


@pytest.mark.parametrize(("name", "argument"), [(n, a) for n in POTENTIALS for a in arguments_of(n)])
def test_every_argument_of_every_potential_reaches_it(folder, name, argument):
    method = NOJUMP if is_complex(name) else ""
    plain = potential_of(made(folder, model=f'potential = "{name}"', method=method))
    lines = f'potential = {{ name = "{name}", {argument} = {ARGUMENTS[argument]} }}'
    given = made(folder, model=lines, method=method)
    # as in Python, where the class checks it
    assert potential_of(given) == POTENTIALS[name](**{argument: getattr(potential_of(given), argument)})
    assert potential_of(given) != plain
    with pytest.raises(InputError) as caught:
        check_choices(
            made(folder, model=f'potential = {{ name = "{name}", {argument} = [1] }}', method=method)
        )
    assert caught.value.argument == f"model.potential.{argument}"


@pytest.mark.parametrize("name", POTENTIALS)
def test_a_run_of_every_potential_names_what_it_rests_on(folder, name):
    run_file = made(folder, model=f'potential = "{name}"', method=NOJUMP if is_complex(name) else "")
    check_choices(run_file)
    own = {
        "coulomb": set(), "cornell": {"Islam2020"}, "ksu": {"Islam2020", "Strickland2011"},
        "htl": {"Laine2006", "Beraudo2008"}, "three-loop": {"Brambilla2024"}, "wilson-line": {"Tang2024"},
    }  # fmt: skip
    cited = {c.reference.key for c in of_run(run_file)}
    everything = set().union(*own.values())
    assert cited & everything == own[name]
    potential = model_of(run_file).potential
    assert potential == POTENTIALS[name]()
    assert takes_alpha(name) == (name not in ("three-loop", "wilson-line"))
    # the report knows its name and its coupling
    words = setup(Run("run", run_file.config, run_file.text, None, {}, (), None))["Potential"]
    assert f"C_F \u03b1_s = {potential.alpha:g}" in words


@pytest.mark.parametrize("name", PRESETS)
def test_a_run_takes_coefficients_by_name(folder, name):
    run_file = made(folder, model=f'transport = "{name}"')
    found = [model_of(run_file, kappa).transport for kappa in run_file.config.model.kappa]
    T = np.array([0.2, 0.25, 0.29])
    for transport, edge in zip(found, ("central", "lower", "upper"), strict=True):
        np.testing.assert_array_equal(transport.at(T), qt.Transport.preset(name, edge).at(T))
    assert tuple(run_file.config.model.gamma) == PRESETS[name].gamma
    # every setting has a name of its own
    assert len({str(kappa) for kappa in run_file.config.model.kappa}) == 3
    papers = {c.reference.key for c in of_run(run_file)}
    assert ("Brambilla2024" in papers) == (name == "three-loop")
    assert ("Altenkort2023" in papers) == (name == "lattice")
    remarks = [str(c) for c in of_run(run_file) if "no paper is named" in str(c)]
    assert len(remarks) == (name == "lattice-widths")


def test_the_code_that_makes_the_objects_counts_for_the_key_of_a_chunk():
    assert "io/factory.py" in CODE


def test_the_table_holds_every_key_of_the_physics():
    # what is estimated of the errors is told to each chunk
    known = {key for key in _keys(RunConfig) if key.startswith(PHYSICS)} - {"method.budget"}
    assert set(EVERY_KEY) == known
    assert {f"method.{key}" for keys in METHOD_KEYS.values() for key in keys} <= known | {"method.budget"}


@pytest.mark.parametrize("key", EVERY_KEY)
def test_every_key_reaches_the_objects_and_the_key_of_a_chunk(folder, key):
    section, without, given = EVERY_KEY[key]
    plain, chosen = (made(folder, **{section: lines}) for lines in (without, given))
    assert described(plain) != described(chosen)

    def problems(run_file):
        found = []
        for s, l in product(settings(run_file.config), run_file.config.initial.l):
            found.append(identity(run_file, s.kappa, s.gamma, l, "all"))
        return found

    assert (problems(plain) != problems(chosen)) == (key not in NOT_IN_CHUNKS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"model": 'potential = "coulomb"\nalpha = 0.6239853\nmass = 4.73\norder = "LO"'}),
        ({}, {"model": 'potential = { name = "coulomb" }'}),
        ({}, {"initial": 'kind = "gaussian"\nwidth = 0.2\nl = [0, 1]\ncolor = 1.0'}),
        ({}, {"method": 'kind = "density"\nrtol = 1e-3\nrefinements = 2'}),
        ({"model": "gamma = [0]"}, {"model": "gamma = [0.0]"}),
        ({"model": 'potential = "ksu"', "method": NOJUMP},
         {"model": 'potential = "ksu"\nalpha = 0.409\nmass = 4.7\nkappa = ["none"]', "method": NOJUMP}),
        ({"model": 'kappa = [{ file = "kappa.txt" }]'},
         {"model": "kappa = [{ points = [[0.1, 4], [0.3, 3.0], [0.6, 2]] }]"}),
        ({"medium": "T_end = 0.25"}, {"medium": "T_end = [0.25]"}),
        ({"method": SAMPLED}, {"method": SAMPLED + "n = 4096\nworkers = 2"}),
    ],
)  # fmt: skip
def test_two_spellings_of_one_problem_have_one_key(folder, one, other):
    assert make_plan(made(folder, **one)).keys == make_plan(made(folder, **other)).keys


def test_a_band_of_T_end_varies_it_with_the_others_central(folder):
    run_file = made(folder, "T_end = [0.25, 0.19]", model="kappa = [3.0, 2.0]\ngamma = [-1.0]")
    plan = make_plan(run_file)
    assert [(s.kappa, s.T_end) for s in plan.settings] == [(3.0, 0.25), (2.0, 0.25), (3.0, 0.19)]
    assert [s.label for s in plan.settings][1:] == ["kappa=2.0, gamma=-1", "kappa=3.0, gamma=-1, T_end=0.19"]
    assert len(set(plan.keys)) == len(plan.keys)
    hot, cold = (plan.sources[0].ending(T).batch(0, 8) for T in (0.25, 0.19))
    assert {h.T_end for h in hot.histories} == {0.25}
    assert {h.T_end for h in cold.histories} == {0.19}
    np.testing.assert_array_equal(hot.paths["x_fm"], cold.paths["x_fm"])


def test_a_complex_potential_may_jump_if_it_has_an_octet(folder):
    ksu = 'potential = "ksu"'
    check_choices(made(folder, model=ksu, method=SAMPLED))
    check_choices(made(folder, model=ksu, method=NOJUMP, initial='color = "octet"'))
    assert method_of(made(folder, model=ksu, method=SAMPLED)) == qt.QuantumTrajectories()
    (folder / "damped.py").write_text(
        "import qtraj\nmade = qtraj.CallablePotential(lambda r, T: -0.5 / r - 0.1j * T * r**2, alpha=0.5)\n"
    )
    damped = 'potential = { python = "damped:made" }\nkappa = ["none"]'
    check_choices(made(folder, model=damped, method=NOJUMP))
    with pytest.raises(InputError, match=r"octet"):
        check_choices(made(folder, model=damped, method=SAMPLED))


def test_the_objects_are_those_of_the_library(folder):
    run_file = made(
        folder, model='potential = { python = "own_potential:made" }\nkappa = ["upper"]\nT_c = 0.155'
    )
    assert model_of(run_file) == qt.LindbladModel(
        qt.CoulombPotential(0.5), qt.Transport("upper", -1.75, 0.155)
    )
    assert potential_of(made(folder, model='potential = "ksu"', method=NOJUMP)) == qt.KSUPotential()
    assert model_of(made(folder, model='potential = "ksu"', method=NOJUMP)).mass == 4.70
    start = start_of(made(folder, initial='kind = "file"\nfile = "start.txt"\ncolor = 0.25'), 1)
    assert (start.l, start.color) == (1, 0.25)
    assert start_of(made(folder, initial='kind = "bound"\nn = [3, 2]'), 0) == qt.BoundState(3, 0)
    assert start_of(made(folder, initial='kind = "coulomb"'), 1) == qt.CoulombState(2, 1)
    assert method_of(made(folder)) == qt.DensityMatrix(rtol=1e-3, atol=2e-5)
    assert method_of(made(folder), "sample") == qt.DensityMatrix(refinements=0)
    assert method_of(made(folder, method=NOJUMP), "none") == qt.NoJump(error_budget=False)
    sine = qt.QuantumTrajectories(n=16, seed=3, grid=qt.SineGrid(num=255))
    assert method_of(made(folder, method=SINE % ("trajectories", "") + "\nn = 16\nseed = 3")) == sine
    table = model_of(made(folder, model='kappa = [{ file = "kappa.txt" }]')).transport
    np.testing.assert_allclose(table.kappa_hat([0.1, 0.3, 0.6]), [4, 3, 2], rtol=1e-14)
    own = feeddown_of("own.toml", folder)
    np.testing.assert_array_equal(own.matrix, FeedDown.named().matrix)
    assert (own.name, own.source) == ("own.toml", "ours")


@pytest.mark.parametrize(
    ("key", "hint", "sections"),
    [
        ("model.potential", "{ file = 'V.txt' }", {"model": 'potential = "V.txt"'}),
        ("model.potential", "not have beyond: 'ksu' takes sigma", {"model": NAMED_WITH % ("ksu", 'beyond = "linear"')}),
        ("model.potential", "not have octet: 'coulomb'", {"model": NAMED_WITH % ("coulomb", 'octet = "coulomb"')}),
        ("model.potential", "not have alpha: 'htl' takes alpha_s", {"model": NAMED_WITH % ("htl", "alpha = 0.4")}),
        ("model.potential", "a file takes octet", {"model": 'potential = { file = "V.txt", sigma = 0.4 }'}),
        ("model.potential", "a Python object takes no", {"model": 'potential = { python = "a:b", n_f = 2 }'}),
        ("model.alpha", "'three-loop' has its own", {"model": 'potential = "three-loop"\nalpha = 0.4'}),
        ("model.transport", "'htl', which has", {"model": 'potential = "htl"\ntransport = "group"', "method": NOJUMP}),
        ("model.transport", "'nlo-OO'", {"model": 'transport = "nlo-oo"'}),
        ("model", "not both", {"model": 'transport = "three-loop"\nkappa = [1.0]'}),
        ("model.gamma_vacuum", "no dipole terms", {"model": 'kappa = ["none"]\ngamma_vacuum = 0.017'}),
        ("model.gamma_vacuum", "gamma(0) itself", {"model": 'potential = "three-loop"\ngamma_vacuum = 0.017'}),
        ("model.potential.python", "pattern", {"model": 'potential = { python = "module" }'}),
        ("model.alpha", "be given with a potential from a file", {"model": 'potential = { file = "V.txt" }'}),
        ("model.alpha", "has its own", {"model": 'potential = { python = "a:b" }\nalpha = 0.4'}),
        ("model.kappa", "'ksu', which has a width", {"model": 'potential = "ksu"\nkappa = [1.0]', "method": NOJUMP}),
        ("model.kappa", "'none' alone", {"model": 'kappa = ["none", 1.0]'}),
        ("model.gamma", "no dipole terms", {"model": 'kappa = ["none"]\ngamma = [-1.0]'}),
        ("model.order", "changes with the medium", {"model": 'potential = "ksu"\norder = "NLO"', "method": NOJUMP}),
        ("model.spectrum", "belongs to 'all'", {"model": 'spectrum = { python = "own_potential:drude" }'}),
        ("model.positive", "belongs to 'all'", {"model": 'order = "NLO"\npositive = true'}),
        ("method.kind", "no Lindblad equation", {"model": 'order = "all"', "method": SAMPLED}),
        ("model.T_c", "a table", {"model": 'kappa = [{ file = "k" }]\nT_c = 0.15'}),
        ("model.kappa[0]", "a key fiel", {"model": 'kappa = [{ fiel = "k" }]'}),
        ("model.kappa[0]", "one of them", {"model": 'kappa = [{ name = "k" }]'}),
        ("model.gamma[0]", "increasing T", {"model": "gamma = [{ points = [[0.3, 1], [0.2, 1]] }]"}),
        ("model", "a name each", {"model": f"kappa = [{(TABLE % (3, ''))[1:-1]}, {(TABLE % (4, ''))[1:-1]}]"}),
        ("medium.T_end[1]", "in GeV", {"medium": "T_end = [0.25, 190]"}),
        ("medium.T_end", "not repeat", {"medium": "T_end = [0.25, 0.25]"}),
        ("initial.width", "belongs to gaussian", {"initial": 'kind = "bound"\nwidth = 0.1'}),
        ("initial.n", "belongs to coulomb and bound", {"initial": "n = [1, 2]"}),
        ("initial", "one n for each l", {"initial": 'kind = "bound"\nn = [1]'}),
        ("initial", "'file'", {"initial": 'kind = "file"'}),
        ("initial.color", "probability", {"initial": "color = 1.5"}),
        ("initial.color", "chooses the potential", {"initial": 'kind = "bound"\ncolor = 0.5'}),
        ("method.rtol", "belongs to density", {"method": NOJUMP + "rtol = 1e-3"}),
        ("method.n", "belongs to trajectories", {"method": "n = 8"}),
        ("method.budget", "density and nojump", {"method": SAMPLED + 'budget = "all"'}),
        ("method.grid.kind", "'mesh' with kind = 'density'", {"method": SINE % ("density", "")}),
        ("method.grid", "not have num", {"method": MESH % "num = 8"}),
        ("method.dt", "kind = 'sine'", {"method": NOJUMP + "dt = 0.01"}),
        ("method.jump_range", "keeps all jumps", {"method": SINE % ("trajectories", "") + "\njump_range = 5"}),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_by_name(folder, key, hint, sections):
    # the KSU potential goes with one method only, which the cases of its other keys must name
    with pytest.raises(InputError) as caught:
        made(folder, **sections)
    assert caught.value.argument == key
    assert hint in str(caught.value)


PYTHON = 'potential = { python = "own_potential:%s" }'


@pytest.mark.parametrize(
    ("key", "hint", "sections"),
    [
        ("model.potential.python", "ZeroDivisionError", {"model": PYTHON % "broken"}),
        ("model.potential.python", "no attribute 'absent'", {"model": PYTHON % "absent"}),
        ("model.potential.python", "int", {"model": PYTHON % "nothing"}),
        ("model.potential.python", "No module named", {"model": 'potential = { python = "no_such_module:V" }'}),
        ("model.kappa", "['none']", {"model": PYTHON % "wide", "method": NOJUMP}),
        ("model.potential.octet", "octet", {"model": PYTHON % "wide" + '\nkappa = ["none"]'}),
        ("model.potential", "real octet", {"model": PYTHON % "decaying" + '\nkappa = ["none"]'}),
        ("model.spectrum", "detailed balance", {"model": SPECTRUM % "violet"}),
        ("model.spectrum.python", "no attribute", {"model": SPECTRUM % "absent"}),
        ("model.potential.octet", "'coulomb'", {"model": FILE.replace(', octet = "coulomb"', "") % ""}),
        ("model.mass", "0.5 to 10", {"model": "mass = 47"}),
        ("model.kappa", "non-negative", {"model": "kappa = [1.0, { points = [[0.1, 1], [0.3, -1]] }]"}),
        ("initial.n", "bind 6S", {"model": 'potential = { python = "own_potential:cornell" }',
                                "initial": 'kind = "bound"\nn = [6, 6]'}),
        ("initial.width", "Bohr radii", {"initial": "width = 40"}),
        ("method.l_max", "", {"method": "l_max = 1"}),
        ("method.grid.points", "", {"method": MESH % "points = -1"}),
        ("method.max_jumps", "", {"method": SAMPLED + "max_jumps = 0"}),
        ("observables.data", "FILE,NAME=VALUE", {"observables": 'data = ["mine.csv,Y(1S)"]'}),
        ("observables.feeddown", "a file beside the run file", {"observables": 'feeddown = "none.toml"'}),
    ],
)  # fmt: skip
def test_a_bad_entry_is_found_before_anything_is_computed(folder, key, hint, sections):
    with pytest.raises(InputError) as caught:
        check_choices(made(folder, **sections))
    assert caught.value.argument == key
    assert hint in str(caught.value)


def test_coefficients_must_exist_at_the_temperatures_of_the_run(folder):
    with pytest.raises(InputError, match=r"a table from 0\.1 to 0\.2 GeV") as caught:
        make_plan(made(folder, model='kappa = [3.0, { file = "cold.txt" }]'))
    assert caught.value.argument == "model.kappa"
    with pytest.raises(InputError, match=r"pole of the 'lower' kappa fit") as caught:
        check_media(
            made(folder, model='kappa = ["lower"]\nT_c = 0.3'), "lower", 0.0, [qt.Bjorken(T0=0.4, T_end=0.08)]
        )
    assert caught.value.argument == "model.kappa"
    warm = made(folder, model=PYTHON % "warm", method=NOJUMP)
    check_media(warm, 1.0, 0.0, [qt.Bjorken(T0=0.4)])


def test_the_octet_must_exist_at_the_temperatures_of_the_run(folder):
    late = made(folder, model=PYTHON % "late", method=NOJUMP)
    check_media(late, 1.0, 0.0, [qt.Bjorken(T0=0.38)])
    with pytest.raises(InputError, match=r"does not saturate at T = 0\.4 GeV") as caught:
        check_media(late, 1.0, 0.0, [qt.Bjorken(T0=0.4)])
    assert caught.value.argument == "model.potential.octet"


@pytest.mark.parametrize(
    ("sections", "file"),
    [
        ({"model": 'potential = { file = "none.txt" }\nalpha = 0.4'}, "none.txt"),
        ({"model": 'kappa = [{ file = "none.txt" }]'}, "none.txt"),
        ({"model": 'kappa = [{ file = "start.txt" }]'}, "start.txt"),
        ({"initial": 'kind = "file"\nfile = "kappa.txt"'}, "kappa.txt"),
        ({"method": NOJUMP + 'projection = "none.nc"'}, "none.nc"),
        ({"observables": 'feeddown = "bad.toml"'}, "bad.toml"),
    ],
)
def test_a_bad_file_is_named(folder, sections, file):
    with pytest.raises(FileFormatError) as caught:
        check_choices(made(folder, **sections))
    assert caught.value.path == str(folder / file)


def test_citations_follow_the_choices(folder):
    def cited(**sections):
        return {c.reference.key or str(c) for c in of_run(made(folder, **sections))}

    plain = cited()
    assert cited(model='potential = "ksu"', method=NOJUMP) >= {"Islam2020", "Strickland2011"}
    assert not cited(model='potential = "ksu"', method=NOJUMP) & {
        "Brambilla2017",
        "Brambilla2019",
        "Chin1997",
    }
    assert cited(method=SAMPLED) - plain == {"Dalibard1992"}
    assert plain - cited(method=SINE % ("nojump", "")) == {"Baye2015", "Chin1997"}
    own = cited(model=PYTHON % "warm", method=NOJUMP, observables='feeddown = "own.toml"')
    assert "Chin1997" not in own
    assert {text for text in own if "no paper is named" in text} == {
        "potential: no paper is named in own_potential:warm: cite its authors",
        "feed-down: no paper is named in own.toml: cite its authors",
    }


def test_a_run_of_charm_says_that_its_mesons_are_those_of_bottomonium(folder):
    with pytest.warns(
        AccuracyWarning, match=r"model.mass = 1.5 GeV is not that of a bottom quark.*Use survivals"
    ):
        check_choices(made(folder, model="mass = 1.5\nalpha = 0.5"))
