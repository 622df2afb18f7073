"""The no-jump cases of the C++ code (tests/data/golden_public.json), for the package and for its sine-grid twin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from sine_twin import LEVELS, Start, centered_steps, cpp_steps, evolve

import qtraj as qt
from qtraj.units import from_fm

DATA = Path(__file__).parents[1] / "data"
GOLDEN = json.loads((DATA / "golden_public.json").read_text())["cases"]
CONTINUUM = json.loads((DATA / "no_jump_continuum.json").read_text())
HBARC_CPP = 0.197326938
"""hbar c of the C++ code in GeV fm: it turns the times of its temperature files into GeV^-1."""

FITS = {-1: "central", -2: "lower", -3: "upper"}
PHYSICS = (
    "baseline_num1023_L20",
    "width_0p1",
    "gamma_0",
    "kappa_lower",
    "pwave_gaussian",
    "dwave_gaussian",
    "octet_swave",
    "coulomb_1S",
    "constant_T",
    "file_averaged_T",
    "file_trajectory",
)
"""One case of each physics; the others repeat the baseline on other grids."""


@dataclass(frozen=True)
class Span:
    """Any temperature function, acting in one interval (GeV^-1): a medium in the sense of the package."""

    function: object
    start: float
    end: float

    @property
    def active(self):
        return ((self.start, self.end),)

    def temperature(self, t):
        return np.asarray(self.function(t))


def start_of(case):
    return Start(case["initL"], None if case["initType"] == 0 else case["initWidth"], bool(case["initC"]))


def initial_of(case):
    color = "octet" if case["initC"] else "singlet"
    if case["initType"] == 0:
        return qt.CoulombState(case["initL"] + 1, case["initL"], color)
    return qt.GaussianState(case["initL"], case["initWidth"], color)


def model_of(case):
    return qt.LindbladModel(
        transport=qt.Transport(FITS.get(case["kappa"], case["kappa"]), case["gam"], 0.150)
    )


def history_of(case):
    """The medium of the case with the C++ code's interpolation, in continuous time."""
    temperature, start = _cpp_temperature(case), case["tmed"]
    if case["temperatureEvolution"] == 0:
        return Span(temperature, start, start * (case["T0"] / case["Tf"]) ** 3)
    if case["temperatureEvolution"] == 3:
        return Span(temperature, start, case["dt"] * case["total_steps"])
    t = np.linspace(start, case["table"]["tau_fm"][-1] / HBARC_CPP, 200_001)
    last = int(np.flatnonzero(temperature(t) > case["Tf"])[-1])  # 200 000 points: within 1e-4 GeV^-1
    return Span(temperature, start, float(t[min(last + 1, len(t) - 1)]))


def cpp_numbers(case):
    """Run the twin with the conventions of the C++ code on the grid of the case; return ratios, norm."""
    steps = cpp_steps(
        _cpp_temperature(case),
        model_of(case).transport,
        case["tmed"],
        case["Tf"],
        case["dt"],
        case["total_steps"],
        bjorken=case["temperatureEvolution"] == 0,
    )
    return _ratios(case, *evolve(start_of(case), case["num"], case["L"], *steps))


def continuum(case):
    """Run the twin with dx = 20/512, 20/1024, 20/2048 and centered steps dt ~ dx^2, and remove two powers of dx.

    dt/dx^2 is that of the C++ cases, dt 0.001 at dx 20/1024, so that time and space errors are one series in dx. The
    trapezoidal rule misses (dx^2/12) (V u^2)'(0), which is alpha u'(0)^2 for l = 0 and vanishes for l > 0, where V u^2
    starts as r^2; a splitting error of a potential singular at the origin goes as dt^(3/2) ~ dx^3. Hence the powers
    2, 3 for l = 0 and 3, 4 for l > 0 (test_order_of_the_twin fits them).

    Returns
    -------
    value, uncertainty : dict
        Ratios and norm in the limit, and the size of the second of the two corrections.
    """
    runs = np.array([centered_run(case, points) for points in (512, 1024, 2048)])
    p = 2 if case["initL"] == 0 else 3
    first = (2**p * runs[1:] - runs[:-1]) / (2**p - 1)
    second = (2 ** (p + 1) * first[1] - first[0]) / (2 ** (p + 1) - 1)
    names = [*LEVELS[case["initL"]], "norm"]
    return (
        dict(zip(names, second.tolist(), strict=True)),
        dict(zip(names, abs(second - first[1]).tolist(), strict=True)),
    )


def centered_run(case, points):
    """Run the twin with dx = 20/points and centered steps in the box of the case; return ratios and norm, one array."""
    span, length = history_of(case), case["L"]
    num, dt = round(points * length / 20) - 1, 0.001 * (1024 / points) ** 2
    steps = centered_steps(span.temperature, model_of(case).transport, span.start, span.end, dt)
    ratios, norm = _ratios(case, *evolve(start_of(case), num, length, *steps))
    return np.array([*ratios.values(), norm])


def _ratios(case, after, before, norm):
    if case["initType"] == 0 or case["initC"]:
        return after, norm
    return {name: after[name] / before[name] for name in after}, norm


def _cpp_temperature(case):
    mode = case["temperatureEvolution"]
    if mode == 0:
        return lambda t: case["T0"] * np.cbrt(case["tmed"] / t)
    if mode == 3:
        return lambda t: np.full_like(t, case["T0"])
    tau, T = np.array(case["table"]["tau_fm"]), np.array(case["table"]["T"])
    # natural cubic spline of ln(T + 1e-4 GeV) in ln t; the 1e-4 GeV is not subtracted again
    spline = CubicSpline(np.log(tau / HBARC_CPP), np.log(T + 1e-4), bc_type="natural")
    return lambda t: np.exp(spline(np.log(t)))


def tabulated_of(case):
    """The package's own interpolation of the table of the case, from tau_med on."""
    table = qt.TabulatedTemperature(case["table"]["tau_fm"], case["table"]["T"], case["Tf"])
    start, end = max(from_fm(0.6), table.active[0][0]), table.active[0][1]
    return Span(table.temperature, start, end)
