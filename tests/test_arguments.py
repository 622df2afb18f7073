"""Arguments of every public class and function: a wrong type is an InputError by name, a NumPy scalar is a number."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from documented import MODULES
from inference_models import curve_design, linear, measured
from matplotlib.figure import Figure
from survival_tables import toy_table
from view_data import evolution

import qtraj as qt
import qtraj.emulation as qe
import qtraj.hydro as qh
import qtraj.inference as qi
import qtraj.observables as qo
import qtraj.plots as qp
import qtraj.qtraj1 as ql
import qtraj.spectroscopy as qs
from qtraj.campaign.results import open_results
from qtraj.errors import InputError
from qtraj.io.inference import load_inference_file
from qtraj.pages.explore import model as explore
from qtraj.physics.spectrum import ohmic

ROWS, COLUMN = np.ones((2, 2)), np.ones(3)

WRONG: dict[str, list[Any]] = {
    "number": ["x", None, np.nan, True, [1.0, 2.0], COLUMN],
    "integer": ["x", None, np.nan, True, 2.5, [1, 2], COLUMN],
    "boolean": ["x", None, np.nan, 1, COLUMN],
    "choice": ["no such", None, np.nan, True, COLUMN],
    "text": [3, None, np.nan, True, COLUMN],
    "texts": [3, None, True, COLUMN, [1, 2]],
    "array": ["x", None, np.nan, ["a", "b"], [[1.0], [1.0, 2.0]], {}],
    "path": [3, None, np.nan, True, COLUMN],
    "function": ["x", 3, True, COLUMN],
    "mapping": ["x", 3, None, True, COLUMN],
    "object": ["x", 3, None, True, COLUMN, object],
    "range": ["x", 3, None, True, (2.0, 1.0), (1.0,), ("a", "b")],
}
"""Wrong values for each kind of argument; a kind that ends in ``?`` allows None."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A call that works: how each argument is to be understood, and its value.

    Parameters
    ----------
    call : callable
        A public class or function.
    arguments : mapping
        Kind and good value of every argument.
    cheap : bool
        Whether to try the good values, too.
    allowed : mapping
        Values of `WRONG` that one argument takes all the same.
    """

    call: Any
    arguments: dict[str, tuple[str, Any]]
    cheap: bool = True
    allowed: dict[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)


def case(call, *, cheap=True, allowed=None, **arguments):
    return Case(call, arguments, cheap, allowed or {})


R = np.linspace(0.1, 20, 50)
U = R * np.exp(-R)
TAU, T = np.array([0.6, 1.0, 2.0]), np.array([0.4, 0.3, 0.2])
MODEL, MEDIUM, START = qt.LindbladModel(), qt.Bjorken(0.4, 0.6, 0.25), qt.GaussianState()
MESH = qt.LaguerreMesh(48, 0.14)
COOLING = qt.Histories(TAU, np.linspace(0.3, 0.5, 40)[:, None] * np.array([1.0, 0.75, 0.4]), 0.25)
LESSON = [qe.Sample(MODEL, COOLING, {"1S": np.linspace(0.8, 0.2, 40)})]
GRID = np.linspace(-2.0, 2.0, 5)
FIELD = np.full((3, 5, 5), 0.4) * np.array([1.0, 0.8, 0.5])[:, None, None]
HYDRO = qh.Hydro(TAU, GRID, GRID, FIELD)
PATHS = qh.Paths([0.1, 0.2], [0.0, 0.1], [1.0, 2.0], [0.0, 0.5], [0, 1])
TABLE = qh.TemperatureTable(TAU, T)
GLAUBER = qh.OpticalGlauber(qh.PB208, 67.6)
FEEDDOWN = qo.FeedDown.named()
X9 = np.full(9, 0.5)
CURVE = qo.Curve("R_AA", "N_part", [1.0, 2.0], [1.0, 2.0], [1.0, 2.0], {"Y(1S)": qt.Estimate([0.5, 0.4])})
BAND = qo.Band("Y(1S)", [1.0, 2.0], qt.Estimate([0.5, 0.4]), [0.4, 0.3], [0.6, 0.5])
RAA = qo.RaaCurve([1.0, 2.0], {"Y(1S)": qt.Estimate([0.5, 0.4])})
MESONS = qo.MesonSurvival(np.full((2, 9), 0.5), {})
FITTED = [measured([0.6, 0.5, 0.4])]
LIKELIHOOD = qi.Likelihood(FITTED, linear(3))
POSTERIOR = qi.Posterior(None, LIKELIHOOD.parameters, None, "x")
PROFILE = qi.Profile(("kappa", "gamma"), (np.arange(2.0), np.arange(2.0)), np.ones((2, 2)), {}, {}, 1.0, {})
CALIBRATION = qi.Calibration(LIKELIHOOD.parameters, np.zeros((1, 2)), np.zeros((1, 3), dtype=int), 9)
PARAMETER = qi.Parameter("kappa", qi.Uniform(1.0, 8.0))
DESIGNED = load_inference_file(Path(__file__).parents[1] / "examples" / "infer_pbpb_5020.toml")
LEGACY = Path(__file__).parent / "data" / "legacy"


@cache
def cases() -> tuple[Case, ...]:
    table, bins = toy_table(), qo.Bins("N_part")
    geometry = qo.CollisionGeometry.named("PbPb5023")
    data = qo.load_raa()
    system = qo.load_system("PbPb5020")
    panel = qo.Panel("p", CURVE, (qo.curve_band([CURVE], "Y(1S)"),), ("Y(1S)",))
    known = qo.with_geometry(table, geometry)
    axes = Figure().subplots()
    ratios = ql.RatioTable(np.full((3, 6), 0.5), np.full(3, 0.1), np.zeros(3))
    blocks = (ql.SummaryBlock(None, [0.0], [1.0], [0], [0], np.ones((1, 6)), [1.0], [0.1]),)
    model, initial, medium = ("object", MODEL), ("object", START), ("object", MEDIUM)
    shape = {"T0": ("number", 0.4), "tau_fm": ("number", 0.6), "T_end": ("number", 0.25)}
    return (
        # --- physics
        case(qt.State, n=("integer", 2), l=("integer", 1)),
        case(qt.ArrayState, r=("array", R), values=("array", U), l=("integer", 0), color=("choice", "octet")),
        case(qt.GaussianState, l=("integer", 1), width=("number", 1.0), color=("choice", "singlet")),
        case(qt.CoulombState, n=("integer", 2), l=("integer", 1), color=("number", 0.5)),
        case(qt.BoundState, n=("integer", 2), l=("integer", 1), color=("choice", "octet")),
        case(qt.Bjorken, **shape),
        case(qt.ConstantTemperature, T=("number", 1.0), tau_fm=("number", 1.0), duration_fm=("number", 2.0)),
        case(
            qt.TabulatedTemperature,
            tau_fm=("array", TAU),
            T=("array", T),
            T_end=("number", 0.25),
            allow_cold=("boolean", True),
            alpha=("array?", np.ones((3, 3))),
            hard_scale=("array?", T),
            allow_hot_end=("boolean", False),
            allowed={"alpha": (None,), "hard_scale": (None,)},
        ),
        case(
            qt.Histories,
            tau_fm=("array", TAU),
            T=("array", [T, T]),
            T_end=("number", 0.25),
            metadata=("mapping?", {"x_fm": [1.0, 2.0]}),
            attrs=("mapping?", {}),
            alpha=("array?", np.ones((2, 3, 3))),
            hard_scale=("array?", [T, T]),
            allow_hot_end=("boolean", False),
        ),
        case(qt.CoulombPotential, alpha=("number", 0.5)),
        case(
            qt.KSUPotential,
            alpha=("number", 0.4),
            sigma=("number", 1.0),
            string_breaking_fm=("number", 1.0),
            md_factor=("number", 1.0),
            n_f=("integer", 2),
            lambda_ms=("number", 0.3),
            octet=("choice", "coulomb"),
        ),
        case(
            qt.CornellPotential,
            alpha=("number", 0.4),
            sigma=("number", 1.0),
            string_breaking_fm=("number", 1.0),
            octet=("choice", "coulomb"),
        ),
        case(
            qt.HTLPotential,
            alpha_s=("number", 0.3),
            md_over_T=("number?", 2.0),
            real=("choice", "yukawa"),
            alpha=("number?", 0.5),
            running=("number?", 6.0),
            n_f=("integer", 3),
            lambda_ms=("number", 0.3),
            octet=("choice", "casimir"),
        ),
        case(
            qt.ThreeLoopPotential,
            gamma_vacuum=("number", 0.01),
            alpha_s_tau=("number", 0.31),
            nu=("number", 1.3),
            nu_r=("number", 1.2),
            nu_us=("number", 1.0),
            octet=("choice", "coulomb"),
        ),
        case(qt.WilsonLinePotential, half_width=("boolean", True), octet=("choice", "coulomb")),
        case(
            qt.CallablePotential,
            singlet=("function", lambda r: -0.4 / r),
            alpha=("number", 0.4),
            octet=("choice?", "coulomb"),
        ),
        case(
            qt.TabulatedPotential,
            r=("array", R),
            V=("array", -0.4 / R),
            alpha=("number", 0.4),
            T=("array?", None),
            vacuum=("array?", None),
            octet=("choice?", "coulomb"),
            below=("choice", "coulomb"),
            beyond=("choice?", "linear"),
        ),
        case(
            qt.noise,
            potential=("object", qt.KSUPotential()),
            T=("number", 0.3),
            q=("array?", [0.5, 1.0]),
            r_max=("number", 40.0),
            allowed={"q": (None,)},
        ),
        case(
            qt.Transport,
            kappa=("number", 2.0),
            gamma=("number", -1.0),
            T_c=("number", 0.15),
            gamma_vacuum=("number", 0.017),
        ),
        case(qt.Transport.preset, name=("choice", "group"), edge=("choice", "upper")),
        case(
            qt.LindbladModel,
            potential=("object", qt.CoulombPotential()),
            transport=("object?", qt.Transport()),
            mass=("number", 5.0),
            order=("choice", "all"),
            spectrum=("function?", ohmic),
            positive=("boolean", True),
        ),
        case(qt.Spectrum, shape=("function", ohmic), check=("boolean", False)),
        case(
            qt.JumpChannel,
            source=("choice", "singlet"),
            target=("choice", "octet"),
            delta_l=("integer", 1),
            color_weight=("number", 1.0),
            recoil=("number", 0.1),
            shift=("number", 0.1),
        ),
        case(qt.StoredStates, r=("array", R), values=("array", np.array([2 * U] * 6)), cheap=False),
        # --- grids and methods
        case(qt.LaguerreMesh, points=("integer", 48), scale=("number", 0.1)),
        case(
            qt.SineGrid,
            num=("integer", 63),
            length=("number", 40.0),
            transform=("choice", "scipy"),
            derivative=("integer", 1),
            threads=("integer", 2),
        ),
        case(
            qt.DensityMatrix,
            rtol=("number", 1e-3),
            atol=("number", 1e-5),
            mesh=("object?", MESH),
            l_max=("integer?", 3),
            step=("number?", 1.0),
            error_budget=("boolean", True),
            refinements=("integer", 2),
            diagnostics=("boolean", False),
        ),
        case(
            qt.NoJump,
            grid=("object?", qt.SineGrid(63)),
            step=("number", 1.0),
            dt=("number?", 0.25),
            projection=("choice", "coulomb"),
            error_budget=("boolean", False),
        ),
        case(
            qt.QuantumTrajectories,
            n=("integer", 64),
            seed=("integer", 3),
            grid=("object?", MESH),
            target_error=("number?", 0.5),
            time_limit_s=("number?", 2.0),
            step=("number", 1.0),
            dt=("number?", None),
            estimator=("choice", "end_point"),
            projection=("choice", "coulomb"),
            max_jumps=("integer?", 2),
            r_max=("number", 1.0),
            jump_range=("number?", 12.0),
            records=("boolean", True),
            batch=("integer?", 16),
            workers=("integer", 1),
        ),
        case(
            qt.solve,
            model=model,
            medium=medium,
            initial=initial,
            method=("object?", qt.NoJump()),
            times_fm=("array?", [1.0, 2.0]),
            progress=("function?", lambda done, total: None),
            cheap=False,
            allowed={"progress": (True,)},
        ),
        case(qt.load, path=("path", "x.nc"), cheap=False),
        case(
            qt.density_in_time,
            model=model,
            medium=medium,
            initial=initial,
            times_fm=("array", [1.0, 2.0]),
            r=("array?", R),
            method=("object?", qt.DensityMatrix()),
            progress=("function?", lambda done, total: None),
            wigner=("boolean", True),
            cheap=False,
            allowed={"progress": (True,)},
        ),
        case(
            qt.sensitivity,
            model=model,
            medium=medium,
            initial=initial,
            rtol=("number", 0.05),
            progress=("function?", lambda done, total: None),
            cheap=False,
            allowed={"progress": (True,)},
        ),
        case(
            qt.steady_state,
            model=model,
            T=("number", 0.45),
            box=("number?", 6.0),
            l_max=("integer", 1),
            states=("integer?", 4),
        ),
        case(qt.vacuum_levels, model=model, grid=("object?", MESH), cheap=False),
        # --- spectroscopy
        case(
            qt.SpectralFunction,
            model=model,
            T=("number", 0.25),
            source=("object", START),
            mesh=("object?", MESH),
        ),
        case(
            qt.thermal_levels,
            model=model,
            T=("array", [0.2, 0.3]),
            states=("texts", ("1S",)),
            routes=("texts?", ("poles",)),
            mesh=("object?", MESH),
            rotation=("number?", 0.1),
            source=("choice", "local"),
            dipole=("object?", None),
            progress=("function?", None),
            cheap=False,
            allowed={"progress": (True,)},
        ),
        case(
            qs.effective_hamiltonian,
            model=model,
            mesh=("object", MESH),
            l=("integer", 1),
            T=("number", 0.25),
            rotation=("number", 0.0),
        ),
        case(qs.read_levels, path=("path", "x.csv"), cheap=False),
        case(
            qs.write_levels,
            levels=("object", None),
            folder=("path", "x"),
            stem=("text", "x"),
            cheap=False,
        ),
        # --- emulation
        case(
            qe.Emulator.fit,
            samples=("object", LESSON),
            bins=("integer", 6),
            components=("integer", 4),
            cheap=False,
        ),
        case(qe.Emulator.load, path=("path", "x.nc"), cheap=False),
        case(
            qe.cross_fit,
            samples=("object", LESSON),
            groups=("array", np.arange(40) % 4),
            folds=("integer", 2),
            components=("integer", 4),
            cheap=False,
        ),
        case(qe.outputs_of, result=("object", None), cheap=False),
        case(
            qe.corrected_table,
            solved=("object", table),
            emulated=("array", table.survival.value),
            others=("object", table),
            emulated_no_jump=("array?", table.no_jump.value),
            samples=("object?", None),
            points=("array?", np.arange(len(table))),
            fall_back=("boolean", False),
            allowed={"emulated_no_jump": (None,)},
        ),
        # --- hydro
        case(
            qh.Hydro,
            tau_fm=("array", TAU),
            x_fm=("array", GRID),
            y_fm=("array", GRID),
            T=("array", FIELD),
            eta=("array?", None),
            vx=("array?", np.zeros(FIELD.shape)),
            vy=("array?", np.zeros(FIELD.shape)),
            attrs=("mapping", {}),
        ),
        case(
            qh.MusicGrid,
            tau0_fm=("number", 1.0),
            dtau_fm=("number", 1.0),
            nx=("integer", 3),
            dx_fm=("number", 1.0),
            x_min_fm=("number", -1.0),
            ny=("integer", 3),
            dy_fm=("number", 1.0),
            y_min_fm=("number", -1.0),
            neta=("integer", 2),
            deta=("number", 1.0),
            eta_min=("number", 0.0),
            boost_invariant=("boolean", False),
        ),
        case(
            qh.Nucleus,
            A=("integer", 208),
            R_fm=("number", 6.0),
            a_fm=("number", 1.0),
            rho0_fm3=("number?", 0.17),
            name=("text", "Pb"),
            w=("number", 0.0),
        ),
        case(qh.OpticalGlauber, nucleus=("object", qh.PB208), sigma_nn_mb=("number", 67.0)),
        case(
            qh.Paths,
            x_fm=("array", [0.1, 0.2]),
            y_fm=("array", [0.1, 0.2]),
            pT=("array", [0.1, 0.2]),
            phi=("array", [0.1, 0.2]),
            replicate=("array", [0, 1]),
            mass=("number", 10.0),
            attrs=("mapping", {}),
            rapidity=("array", [0.5, -0.5]),
        ),
        case(
            qh.PlaneDensity,
            density=("function", lambda x, y: np.exp(-(x**2) - y**2)),
            half_width_fm=("number", 4.0),
        ),
        case(
            qh.TemperatureTable,
            tau_fm=("array", TAU),
            T=("array", T),
            anisotropy=("array?", np.ones((3, 3))),
            hard_scale=("array?", T),
            metadata=("mapping", {"b_fm": 1.0}),
        ),
        case(
            qh.histories_along,
            hydro=("object", HYDRO),
            paths=("object", PATHS),
            T_end=("number", 0.35),
            allow_hot_end=("boolean", False),
            clock=("choice", "pair"),
            cheap=False,
        ),
        case(
            qh.histories_from_tables,
            tables=("object", [TABLE]),
            T_end=("number", 0.25),
            tau_start_fm=("number?", 1.0),
            anisotropic=("boolean", True),
            allow_hot_end=("boolean", False),
        ),
        case(qh.index_qtraj_trajectories, path=("path", "x"), every=("integer", 64), cheap=False),
        case(
            qh.load_shipped,
            system=("choice", "PbPb5020"),
            b_fm=("number?", 6.0),
            cheap=False,
        ),
        case(
            qh.open_hydro,
            path=("path", "x"),
            format=("choice", "music"),
            mirror=("text", ""),
            T_min=("number?", 0.2),
            within=("mapping?", {"x": (-1.0, 1.0)}),
            cheap=False,
        ),
        case(qh.begin_earlier, hydro=("object", HYDRO), law=("choice", "bjorken"), from_fm=("number", 0.3)),
        case(qh.event_plane, hydro=("object", HYDRO), n=("integer", 2)),
        case(
            qh.read_vhlle_vtk,
            folder=("path", "x"),
            tau0_fm=("number", 0.6),
            dtau_fm=("number", 0.1),
            T_min=("number?", 0.2),
            within=("mapping?", {"x": (-1.0, 1.0)}),
            cheap=False,
        ),
        case(
            qh.write_qtraj_trajectories,
            path=("path", "x"),
            tables=("object", [TABLE]),
            n_metadata=("choice", 6),
            columns=("choice", 2),
            cheap=False,
        ),
        case(
            qh.join,
            early=("object", qh.Hydro(TAU - 0.2, GRID, GRID, FIELD)),
            late=("object", HYDRO),
            tolerance=("number", 1.0),
        ),
        case(
            qh.read_columns,
            path=("path", __file__),
            order=("texts", ("tau", "x", "y", "T")),
            T_unit=("choice", "GeV"),
            mirror=("choice", ""),
            sparse=("boolean", False),
            skip_lines=("integer", 1),
            delimiter=("text?", ","),
            T_min=("number?", 0.2),
            within=("mapping?", {"x": (-1.0, 1.0)}),
            cheap=False,
        ),
        *(
            case(
                reader,
                **{name: ("path", "x")},
                T_min=("number?", 0.2),
                within=("mapping?", {"x": (-1.0, 1.0)}),
                cheap=False,
            )
            for reader, name in (
                (qh.read_jetdata_h5, "path"),
                (qh.read_music, "path"),
                (qh.read_netcdf, "path"),
                (qh.read_oscar2008, "path"),
                (qh.read_oscar2013, "path"),
                (qh.read_jewel2d, "paths"),
            )
        ),
        case(qh.read_music_input, path=("path", "x"), cheap=False),
        case(qh.read_qtraj_averaged, path=("path", "x"), cheap=False),
        case(
            qh.read_music_dense,
            path=("path", __file__),
            grid=("object", qh.MusicGrid(1, 1, 3, 1, -1, 3, 1, -1)),
            binary=("boolean", True),
            T_min=("number?", 0.2),
            within=("mapping?", {"x": (-1.0, 1.0)}),
            cheap=False,
        ),
        case(
            qh.read_qtraj_trajectories,
            path=("path", __file__),
            index=("object?", qh.TrajectoryIndex(1, 64, (0,), 0.2, (6, 6), (2.3, 2.3), False)),
            start=("integer", 0),
            cheap=False,
        ),
        case(
            qh.sample_paths,
            source=("object", GLAUBER),
            b_fm=("number", 6.0),
            n=("integer", 4),
            replicates=("integer", 2),
            seed=("integer", 1),
            pT_max=("number", 20.0),
            mass=("number", 10.0),
            start=("integer", 0),
            stop=("integer?", 4),
            first_replicate=("integer", 0),
            directions=("integer", 2),
            scrambling=("choice", "own"),
            rapidity=("array", (-1.0, 1.0)),
        ),
        case(qh.write_netcdf, hydro=("object", HYDRO), path=("path", "x"), cheap=False),
        case(qh.write_oscar2013, hydro=("object", HYDRO), path=("path", "x"), cheap=False),
        # --- observables
        case(
            qo.Estimate,
            value=("array", [1.0, 2.0]),
            parts=("mapping", {"mesh": [0.1, 0.1]}),
            not_estimated=("texts", ("x",)),
            allowed={"value": (np.nan,)},
        ),
        case(qo.Acceptance, pT=("range", (0.0, 3.0)), y=("range", (0.0, 3.0)), other=("texts", ())),
        case(
            qo.Band,
            state=("choice", "Y(1S)"),
            n_part=("array", [1.0, 2.0]),
            central=("object", qt.Estimate([0.5, 0.5])),
            low=("array", [0.4, 0.4]),
            high=("array", [0.6, 0.6]),
            label=("text", ""),
        ),
        case(qo.Bins, x_name=("choice", "pT_GeV"), intervals=("array?", [(0.0, 1.0)])),
        case(
            qo.CollisionGeometry,
            b_fm=("array", geometry.b_fm),
            centrality=("array", geometry.centrality),
            n_part=("array", geometry.n_part),
            n_coll=("array", geometry.n_coll),
            name=("text", ""),
        ),
        case(
            qo.Curve,
            observable=("text", "R_AA"),
            x_name=("text", "N_part"),
            x=("array", [1.0, 2.0]),
            x_low=("array", [1.0, 2.0]),
            x_high=("array", [1.0, 2.0]),
            values=("mapping", {"Y(1S)": qt.Estimate([0.5, 0.4])}),
            selection=("text", ""),
        ),
        case(
            qo.CurveBand,
            name=("text", "Y(1S)"),
            curve=("object", CURVE),
            low=("array", [0.4, 0.3]),
            high=("array", [0.6, 0.5]),
            label=("text", ""),
        ),
        case(
            qo.FeedDown,
            matrix=("array", np.eye(9)),
            sigma_exp=("array", np.ones(9)),
            name=("text", "x"),
            source=("text", ""),
            matrix_shifts=("mapping", {}),
            sigma_exp_error=("array?", np.ones(9)),
        ),
        case(
            qo.MesonSurvival,
            replicates=("array", np.full((2, 9), 0.5)),
            numerical=("mapping", {}),
            not_estimated=("texts", ()),
        ),
        case(
            qo.Observable,
            name=("text", "mine"),
            title=("text", "Mine"),
            symbol=("text", "m"),
            label=("text", "$m$"),
            statistic=("function?", lambda fractions: lambda sums: sums[..., 1, :]),
            values=("texts", qo.MESON_NAMES),
            factors=("function?", lambda rows: ()),
            unmodified=("number", 1.0),
            adds_up=("boolean", False),
            feeds_down=("boolean", True),
        ),
        case(qo.RaaCurve, n_part=("array", [1.0, 2.0]), raa=("mapping", {"Y(1S)": qt.Estimate([0.5, 0.4])})),
        case(
            qo.SurvivalTable,
            survival=("array", np.full((2, 6), 0.5)),
            replicate=("array", [0, 1]),
            no_jump=("array?", np.full((2, 6), 0.5)),
            weight=("array?", [1.0, 2.0]),
            b_fm=("array?", [1.0, 2.0]),
            n_part=("array?", [1.0, 2.0]),
            centrality_pct=("array?", [1.0, 2.0]),
            pT=("array?", [1.0, 2.0]),
            phi=("array?", [1.0, 2.0]),
            y=("array?", [1.0, 2.0]),
            attrs=("mapping", {}),
            emulation=("array?", None),
        ),
        case(
            qo.average,
            survival=("array", np.full(4, 0.5)),
            replicate=("array", [0, 0, 1, 1]),
            weights=("array?", np.ones(4)),
        ),
        case(
            qo.chi_square,
            datasets=("object", data[0]),
            predictions=("array", np.ones(len(data[0]))),
            errors=("array?", np.ones(len(data[0]))),
            systematic=("choice", "correlated"),
            common_global=("boolean", False),
        ),
        case(qo.compare, curve=("object", CURVE), datasets=("object", list(data)), cheap=False),
        case(
            qo.coverage,
            centrality=("array", [0.1, 0.2]),
            geometry=("object", geometry),
            low=("number", 0.0),
            high=("number", 1.0),
        ),
        case(qo.curve_band, curves=("object", [CURVE]), name=("choice", "Y(1S)"), label=("text", "")),
        case(
            qo.double_ratio_curve,
            table=("object", known),
            bins=("object", bins),
            feeddown=("object", FEEDDOWN),
            pairs=("texts", [("Y(2S)", "Y(1S)")]),
            part=("choice", "total"),
            ranges=("mapping?", {}),
        ),
        case(
            qo.envelope,
            curves=("mapping", {"a": RAA}),
            state=("choice", "Y(1S)"),
            central=("choice", "a"),
            label=("text", ""),
        ),
        case(
            qo.format_value,
            value=("number", 1.0),
            error=("number", 0.1),
            digits=("integer", 1),
            allowed={"value": (np.nan,), "error": (np.nan,)},
        ),
        case(
            qo.geometric_weights,
            b_fm=("array", [1.0, 2.0]),
            geometry=("object", geometry),
            weighting=("choice", "exponential"),
        ),
        case(
            qo.load_data,
            observable=("choice", "R_AA"),
            system=("choice?", "PbPb"),
            sqrt_s_GeV=("number?", 5020.0),
            state=("choice?", "Y(1S)"),
            experiment=("choice?", "CMS"),
            x_name=("choice?", "N_part"),
            pT=("range?", (0.0, 100.0)),
            y=("range?", (-9.0, 9.0)),
            quality=("choice?", None),
            status=("choice", "current"),
            required=("boolean", True),
        ),
        case(qo.read_data, path=("path", "x"), where=("text?", None), cheap=False),
        case(
            qo.load_raa,
            system=("choice?", "PbPb"),
            sqrt_s_GeV=("number?", 5020.0),
            state=("choice?", "Y(1S)"),
            experiment=("choice?", "CMS"),
            x_name=("choice?", "N_part"),
            observable=("choice", "R_AA"),
            quality=("choice?", None),
            status=("choice", "current"),
            required=("boolean", True),
        ),
        case(qo.load_system, name=("choice", "PbPb5020")),
        case(
            qo.meson_survival,
            s_wave=("mapping", {n: qt.Estimate(np.full(4, 0.5)) for n in ("1S", "2S", "3S")}),
            p_wave=("mapping", {n: qt.Estimate(np.full(4, 0.5)) for n in ("1P", "2P")}),
            replicate=("array", [0, 0, 1, 1]),
            weights=("array?", np.ones(4)),
        ),
        case(
            qo.nuisance_fit,
            residual=("array", [1.0, 2.0]),
            error=("array", [1.0, 2.0]),
            shifts=("array", [[1.0, 2.0]]),
        ),
        case(
            qo.overview,
            tables=("mapping", {"central": table}),
            system=("object?", system),
            feeddown=("object?", FEEDDOWN),
            weighting=("choice?", "collisions"),
            mesons=("texts", ("Y(1S)",)),
            harmonics=("texts", (2,)),
            data=("object", ()),
            cheap=False,
            allowed={"harmonics": ([1, 2],)},
        ),
        case(qo.parse_system, name=("text", "x"), text=("text", "x"), cheap=False),
        case(qo.raa, feeddown=("object", FEEDDOWN), survival=("object", MESONS)),
        case(
            qo.raa_curve,
            table=("object", known),
            bins=("object", bins),
            feeddown=("object", FEEDDOWN),
            part=("choice", "total"),
            ranges=("mapping?", {}),
            observable=("text", "R_AA"),
        ),
        case(
            qo.raa_npart,
            feeddown=("object", FEEDDOWN),
            survivals=("object", [MESONS, MESONS]),
            n_part=("array", [1.0, 2.0]),
        ),
        case(qo.scatter, replicate_means=("array", [1.0, 2.0])),
        case(qo.survival_average, table=("object", table), part=("choice", "total")),
        case(
            qo.theory_at,
            data=("object", data[0]),
            table=("object", known),
            feeddown=("object", FEEDDOWN),
            cheap=False,
        ),
        case(
            qo.vn_curve,
            table=("object", known),
            bins=("object", bins),
            feeddown=("object", FEEDDOWN),
            n=("integer", 2),
            part=("choice", "total"),
            production=("choice", "isotropic"),
            ranges=("mapping?", {}),
        ),
        case(qo.weighted_mean, values=("array", [1.0, 2.0]), weights=("array", [1.0, 2.0])),
        case(
            qo.with_geometry,
            table=("object", table),
            geometry=("object", geometry),
            weighting=("choice?", "collisions"),
        ),
        # --- plots
        case(
            qp.Evolution,
            title=("text", "x"),
            times_fm=("array", [0.0, 1.0]),
            norm=("array", [1.0, 0.5]),
            color=("array", [0, 0]),
            l=("array", [0, 0]),
            overlaps=("array", np.ones((2, 6))),
            mean_radius=("array", [1.0, 1.0]),
            energy=("array", [1.0, 1.0]),
            r=("array", [1.0, 2.0]),
            u=("array", np.ones((2, 2))),
            jumps=("boolean", False),
            notes=("texts", ()),
        ),
        case(qp.default_note, bands=("object", [BAND]), datasets=("object", []), shifts=("mapping?", {})),
        case(
            qp.evolve_for_view,
            model=model,
            medium=medium,
            initial=initial,
            times_fm=("array?", [1.0, 2.0]),
            cheap=False,
        ),
        case(qp.guide, n_part=("array", [1.0, 2.0]), values=("array", [1.0, 2.0]), points=("integer", 9)),
        case(
            qp.load_evolution,
            source=("path", LEGACY),
            trajectory=("integer?", 1),
            params=("path?", "x"),
            cheap=False,
        ),
        case(
            qp.observable_figure,
            panel=("object", panel),
            title=("text", ""),
            note=("text", ""),
            collision=("text", ""),
            cheap=False,
        ),
        case(qp.parts_figure, panel=("object", panel), title=("text", ""), note=("text", ""), cheap=False),
        case(
            qp.plot_curve,
            ax=("object", axes),
            bands=("object", list(panel.bands)),
            datasets=("object", []),
            legend=("boolean", False),
            x_ends=("range?", (0.0, 1.0)),
            cheap=False,
        ),
        case(
            qp.corner_figure,
            posteriors=("object", POSTERIOR),
            truth=("mapping?", {"kappa": 4.0}),
            title=("text", ""),
            note=("text", ""),
            cheap=False,
        ),
        case(
            qp.predictive_figures,
            datasets=("object", FITTED),
            predictive=("object", qi.Predictive(np.ones((3, sum(map(len, FITTED)))))),
            title=("text", ""),
            note=("text?", ""),
            cheap=False,
        ),
        case(
            qp.profile_figure,
            profile=("object", PROFILE),
            posterior=("object?", None),
            title=("text", ""),
            note=("text?", ""),
            cheap=False,
        ),
        case(
            qp.calibration_figure,
            calibration=("object", CALIBRATION),
            bins=("integer", 10),
            title=("text", ""),
            note=("text?", ""),
            cheap=False,
        ),
        *(
            case(made, posterior=("object", POSTERIOR), title=("text", ""), note=("text?", ""), cheap=False)
            for made in (qp.pulls_figure, qp.contributions_figure)
        ),
        case(
            qp.plot_parts,
            ax=("object", axes),
            panel=("object", panel),
            name=("choice", "Y(1S)"),
            legend=("boolean", False),
            cheap=False,
        ),
        case(
            qp.plot_raa_npart,
            ax=("object", axes),
            bands=("object", [BAND]),
            datasets=("object", []),
            y_max=("number?", 1.0),
            shifts=("mapping?", {}),
            legend=("boolean", False),
            cheap=False,
        ),
        case(
            qp.raa_comparison_figure,
            calculations=("mapping", {"a": [BAND]}),
            datasets=("object", []),
            note=("text?", ""),
            shifts=("mapping?", {}),
            cheap=False,
        ),
        case(
            qp.noise_figure,
            noises=("object", [qt.noise(qt.KSUPotential(), 0.3, r_max=40.0)]),
            title=("text", ""),
        ),
        case(
            qp.raa_figure,
            bands=("object", [BAND]),
            datasets=("object", []),
            title=("text", ""),
            note=("text?", ""),
            shifts=("mapping?", {}),
            cheap=False,
        ),
        case(qp.save_figure, figure=("object", Figure()), path_stem=("path", "x"), cheap=False),
        case(qp.view_figure, evolution=("object", evolution()), cheap=False),
        case(
            qp.write_observables,
            panels=("object", [panel]),
            out=("path", "x"),
            title=("text", ""),
            qualifiers=("mapping?", {}),
            shifts=("mapping?", {}),
            cheap=False,
        ),
        case(
            qp.write_views,
            evolution=("object", evolution()),
            directory=("path", "x"),
            formats=("texts?", ("png",)),
            cheap=False,
        ),
        # --- constructors that are class methods, and two functions that are documented beside them
        case(qt.State.named, name=("choice", "1P")),
        case(
            qt.TabulatedPotential.read,
            path=("path", "x"),
            alpha=("number", 0.4),
            octet=("choice?", None),
            below=("choice", "coulomb"),
            beyond=("choice?", None),
            cheap=False,
        ),
        case(qo.FeedDown.named, name=("choice", "group"), errors=("boolean", True)),
        case(qo.CollisionGeometry.named, name=("choice", "PbPb5023")),
        case(qo.Acceptance.parse, kinematics=("text", "pT<30 GeV")),
        case(qo.Bins.edges, x_name=("choice", "pT_GeV"), edges=("array", [0.0, 1.0])),
        case(qo.Bins.of, data=("object", data[0]), cheap=False),
        case(qh.OpticalGlauber.from_attrs, attrs=("mapping", {}), cheap=False),
        case(
            ql.NoJumpPart.from_rows,
            table=("object", ratios),
            probability=("number", 0.5),
            resolution=("number", 5e-7),
        ),
        case(open_results, folder=("path", "x"), partial=("boolean", False), cheap=False),
        case(
            explore.Settings,
            T0=("number", 0.4),
            T_end=("number", 0.25),
            kappa_hat=("number", 2.0),
            gamma_hat=("number", -1.0),
            order=("choice", "NLO"),
            start=("choice", "1S"),
            cheap=False,
        ),
        # --- QTraj 1.0
        case(
            ql.NoJumpPart,
            probability=("number", 0.5),
            ratios=("array", np.full(6, 0.5)),
            error=("array", np.full(6, 0.5)),
        ),
        case(
            ql.RatioTable,
            ratios=("array", np.full((3, 6), 0.5)),
            r0=("array", np.full(3, 0.1)),
            l=("array", np.zeros(3)),
            metadata=("texts?", ("a", "b", "c")),
        ),
        case(
            ql.Snapshot,
            r=("array", [1.0, 2.0]),
            u=("array", [1.0, 2.0]),
            magnitude=("array?", [1.0, 2.0]),
        ),
        case(
            ql.SummaryBlock,
            trajectory=("integer?", 1),
            t_fm=("array", [0.0]),
            norm=("array", [1.0]),
            color=("array", [0]),
            l=("array", [0]),
            overlaps=("array", np.ones((1, 6))),
            r_mean=("array", [1.0]),
            energy=("array", [0.1]),
        ),
        case(
            ql.average_ratios,
            table=("object", ratios),
            l=("integer?", 0),
            by=("choice", "rows"),
            weighted=("boolean", False),
            no_jump=("object?", None),
            r_max=("number", 1.0),
        ),
        case(ql.effective_rows, values=("array", [1.0, 2.0])),
        *(
            case(reader, path=("path", "x"), metadata=("boolean?", None), cheap=False)
            for reader in (ql.read_ratios, ql.iterate_ratios)
        ),
        *(case(reader, path=("path", "x"), cheap=False) for reader in (ql.iterate_summary, ql.read_summary)),
        case(ql.read_snapshot, path=("path", "x"), cheap=False),
        case(ql.read_basis, path=("path", "x"), num=("integer?", 3), count=("integer?", 3), cheap=False),
        case(ql.read_averaged_ratios, path=("path", "x"), cheap=False),
        case(
            ql.AveragedRatios,
            mean=("array", np.full((3, 6), 0.5)),
            error=("array", np.full((3, 6), 0.1)),
            count=("array", np.full(3, 5)),
            l=("array", np.zeros(3)),
            metadata=("texts", ("a", "b", "c")),
        ),
        case(
            ql.problem,
            parameters=("object", ql.read_params(LEGACY / "bjorken" / "input" / "params.txt")),
            directory=("path", "x"),
            allow_hot_end=("boolean", False),
        ),
        case(ql.read_params, path=("path", "x"), overrides=("texts", ()), cheap=False),
        case(
            ql.run_legacy,
            p=("object", None),
            directory=("path", "x"),
            transform=("choice", "scipy"),
            screen=("object?", None),
            existing=("choice", "refuse"),
            cheap=False,
        ),
        case(ql.thinned, u=("array", [1.0, 2.0]), length=("number", 40.0), points=("integer", 2)),
        case(ql.write_basis, path=("path", "x"), states=("array", [[1.0, 2.0]]), cheap=False),
        case(ql.write_params, path=("path", "x"), parameters=("object", None), cheap=False),
        case(
            ql.write_ratios,
            path=("path", "x"),
            rows=("object", ratios),
            append=("boolean", False),
            cheap=False,
        ),
        case(
            ql.write_snapshot,
            path=("path", "x"),
            r=("array", [1.0, 2.0]),
            u=("array", [1.0, 2.0]),
            magnitude=("array?", [1.0, 2.0]),
            cheap=False,
        ),
        case(ql.write_summary, path=("path", "x"), blocks=("object", blocks), cheap=False),
        # --- inference
        case(qi.Uniform, low=("number", 1.0), high=("number", 2.0)),
        case(qi.LogUniform, low=("number", 1.0), high=("number", 2.0)),
        case(
            qi.Normal,
            mean=("number", 1.0),
            sigma=("number", 2.0),
            low=("number", 0.0),
            high=("number", 3.0),
        ),
        case(qi.Parameter, name=("choice", "kappa"), prior=("object", PARAMETER.prior)),
        case(qi.Parameters, members=("object", [PARAMETER])),
        case(qi.select, datasets=("object", FITTED)),
        case(
            qi.Likelihood,
            datasets=("object", FITTED),
            predict=("object", LIKELIHOOD.predict),
            systematic=("choice", "correlated"),
            common_global=("boolean", True),
            student_nu=("number?", 4),
            parameters=("object?", LIKELIHOOD.parameters),
        ),
        case(
            qi.sample_nuts,
            likelihood=("object", LIKELIHOOD),
            draws=("integer", 100),
            chains=("integer", 1),
            warmup=("integer", 100),
            seed=("integer", 0),
            checkpoint=("path?", None),
            progress=("function?", None),
            cheap=False,
        ),
        case(
            qi.sample_nested,
            likelihood=("object", LIKELIHOOD),
            live=("integer", 50),
            runs=("integer", 1),
            seed=("integer", 0),
            checkpoint=("path?", None),
            progress=("function?", None),
            cheap=False,
        ),
        case(
            qi.profile,
            likelihood=("object", LIKELIHOOD),
            names=("texts", ["kappa"]),
            size=("integer", 2),
            grids=("mapping?", {"kappa": [3.0, 4.0]}),
            cheap=False,
        ),
        case(
            qi.compute_design,
            run_file=("object", DESIGNED.run_file()),
            parameters=("object", LIKELIHOOD.parameters),
            datasets=("object", FITTED),
            directory=("path", "design"),
            count=("integer", 4),
            seed=("integer", 0),
            points=("object?", [[2.0, 0.0]]),
            plan=("object?", None),
            report=("object?", None),
            executor=("object?", None),
            solve=("function", len),
            cheap=False,
        ),
        case(
            qi.adapt_design,
            design=("object", curve_design([[2.0, 0.2], [3.0, 0.21]])),
            compute=("function", curve_design),
            rounds=("integer", 1),
            count=("integer", 1),
            error=("number", 0.1),
            seed=("integer", 0),
            directory=("path?", None),
            progress=("function?", None),
            cheap=False,
        ),
        case(
            qi.infer,
            file=("object", DESIGNED),
            directory=("path?", "x"),
            samplers=("texts?", ["nuts"]),
            executor=("object?", None),
            report=("object?", None),
            progress=("function?", None),
            solve=("function", len),
            cheap=False,
        ),
        case(
            qi.closure,
            likelihood=("object", LIKELIHOOD),
            truth=("array", [4.0, 0.0]),
            seed=("integer", 0),
            sampler=("choice", "nested"),
            cheap=False,
        ),
        case(
            qi.calibrate,
            likelihood=("object", LIKELIHOOD),
            truths=("integer", 20),
            draws=("integer", 9),
            sampler=("choice", "nuts"),
            warmup=("integer?", 100),
            live=("integer?", None),
            seed=("integer", 0),
            checkpoint=("path?", None),
            progress=("function?", None),
            cheap=False,
        ),
    )


MADE_HERE = {
    # exceptions and warnings
    *(qt.InputError, qt.FileFormatError, qt.QtrajError, qt.AccuracyWarning, qt.PerformanceWarning),
    # made by the functions of the package, from numbers that were checked
    *(
        qt.Result,
        qe.Emulator,
        qe.CrossFit,
        qe.Sample,
        qt.Levels,
        qt.Sensitivity,
        qt.DensityInTime,
        qt.Noise,
        qt.SteadyState,
        qs.ThermalLevels,
        qh.ShippedRun,
        qh.TrajectoryIndex,
    ),
    *(qi.Calibration, qi.Closure, qi.Posterior, qi.Predictive, qi.Profile),
    *(qi.Design, qi.Adapted, qi.Round, qi.Surrogate, qi.Inference, qi.Inferred),
    # what a calculation is and returns: `Likelihood` checks both
    *(qi.Predict, qi.Prediction),
    *(qo.ChiSquare, qo.CollisionSystem, qo.DataSet, qo.Panel, ql.Problem),
    # its keys have a table of rules and tests of their own
    ql.LegacyParameters,
    # without arguments
    *(qh.shipped_runs, qo.system_names, qp.style, qp.use_style, ql.describe_keys),
}


def test_every_public_name_is_here():
    public = {
        getattr(importlib.import_module(module), name)
        for module in MODULES
        for name in importlib.import_module(module).__all__
        if callable(getattr(importlib.import_module(module), name))
    }
    tried = {c.call for c in cases()}
    assert public - tried - MADE_HERE == set()
    for each in cases():
        names = [n for n, p in inspect.signature(each.call).parameters.items() if p.kind != p.VAR_KEYWORD]
        assert names == list(each.arguments), each.call


def wrong_values(kind):
    optional = kind.endswith("?")
    return [value for value in WRONG[kind.rstrip("?")] if not (optional and value is None)]


def same(one, other):
    return one is other or repr(one) == repr(other)


@pytest.mark.parametrize("index", range(len(cases())), ids=lambda i: cases()[i].call.__qualname__)
def test_a_wrong_type_is_an_input_error(index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    each = cases()[index]
    good = {name: value for name, (_, value) in each.arguments.items()}
    accepted, deep = [], []
    for name, (kind, _) in each.arguments.items():
        for value in wrong_values(kind):
            if any(same(value, other) for other in each.allowed.get(name, ())):
                continue
            try:
                each.call(**{**good, name: value})
            except InputError:
                continue
            except Exception as error:
                deep.append((name, value, repr(error)))
            else:
                accepted.append((name, value))
    assert not accepted, f"accepted: {accepted}"
    assert not deep, "\n".join(map(str, deep))


def numpy_scalars(kind, value):
    kind = kind.rstrip("?")
    if isinstance(value, bool):
        return [np.bool_(value)]
    if kind == "number" and isinstance(value, int | float):
        return [np.float64(value), np.float32(value), *([np.int64(value)] if value == int(value) else [])]
    if kind == "integer" and isinstance(value, int):
        return [np.int64(value), np.int32(value)]
    return [np.str_(value)] if isinstance(value, str) else []


@pytest.mark.parametrize(
    "index", [i for i, c in enumerate(cases()) if c.cheap], ids=lambda i: cases()[i].call.__qualname__
)
def test_numpy_scalars_are_numbers(index):
    each = cases()[index]
    good = {name: value for name, (_, value) in each.arguments.items()}
    made = each.call(**good)
    for name, (kind, value) in each.arguments.items():
        for scalar in numpy_scalars(kind, value):
            found = each.call(**{**good, name: scalar})
            if dataclasses.is_dataclass(each.call) and isinstance(value, bool | int | float | str):
                kept = getattr(found, name)
                assert type(kept) is type(getattr(made, name)), (name, type(kept))
                assert type(kept) in (bool, int, float, str), (name, type(kept))


# ---------------------------------------------------------------------------------------------- functions of the user


def broken(*_):
    raise ZeroDivisionError("of the user")


def scalar(x, *_):
    return 2.0 if x > 0.3 else 1.0


class Broken:
    """A medium or a start of the user's own."""

    active, l, color, survival_is_ratio = ((3.0, 4.0),), 0, "singlet", False
    temperature = u = broken


FAST = qt.NoJump(error_budget=False)


@pytest.mark.parametrize(
    ("argument", "call", "cause"),
    [
        ("kappa", lambda: qt.Transport(kappa=broken).kappa_hat(0.3), ZeroDivisionError),
        ("gamma", lambda: qt.Transport(gamma=broken).gamma_hat(0.3), ZeroDivisionError),
        (
            "kappa",
            lambda: qt.solve(qt.LindbladModel(transport=qt.Transport(scalar)), MEDIUM, START, FAST),
            ValueError,
        ),
        ("singlet", lambda: qt.CallablePotential(lambda r: broken(), alpha=0.4), ZeroDivisionError),
        ("octet", lambda: qt.CallablePotential(lambda r: -1 / r, 0.4, scalar), ValueError),
        ("density", lambda: qh.PlaneDensity(broken, 5.0), ZeroDivisionError),
        ("medium", lambda: qt.solve(MODEL, Broken(), START, FAST), ZeroDivisionError),
        ("initial", lambda: qt.solve(MODEL, MEDIUM, Broken(), FAST), ZeroDivisionError),
        ("progress", lambda: qt.solve(MODEL, MEDIUM, START, FAST, progress=broken), ZeroDivisionError),
    ],
)
def test_what_a_function_of_the_user_raises_is_the_cause_of_an_input_error(argument, call, cause):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.argument == argument
    assert type(caught.value.__cause__) is cause


def test_a_coefficient_that_is_no_function_of_arrays_is_told_how_to_become_one():
    with pytest.raises(InputError, match=r"np\.where"):
        qt.Transport(kappa=scalar).kappa_hat([0.2, 0.4])
    for bad in ("high", None, 1j):
        with pytest.raises(InputError, match="real numbers"):
            qt.Transport(gamma=lambda T, bad=bad: np.full(T.shape, bad)).gamma_hat([0.2, 0.4])


def test_a_progress_function_of_other_arguments_is_refused_before_computing():
    with pytest.raises(InputError, match=r"function of \(done, total\)"):
        qt.solve(MODEL, MEDIUM, START, FAST, progress=lambda done: None)


def test_a_state_has_a_positive_radial_number():
    with pytest.raises(InputError, match="above l = 3") as caught:
        qt.State(1, 3)  # it was called -2F
    assert caught.value.argument == "n"


def test_a_number_beyond_the_floats_is_no_number():
    with pytest.raises(InputError):
        qt.GaussianState(width=10**400)
