"""From finished parts to R_AA: one dataset that holds the whole answer of a run, and the bands in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from ..io.results import estimate_from, estimate_variables, stack
from ..observables.estimate import Estimate
from ..observables.feeddown import MESON_NAMES, FeedDown
from ..observables.raa import Band, RaaCurve, envelope, raa_npart
from ..observables.survival import MesonSurvival, meson_survival
from .plan import Geometry, Setting, Task

_DIMS = ("setting", "meson", "geometry")
VARIED = ("kappa", "gamma")
"""The coefficients whose variation makes a band."""


def predict(
    tasks: Sequence[Task], parts: Sequence[xr.Dataset], geometries: Sequence[Geometry], feeddown: FeedDown
) -> xr.Dataset:
    """Average the parts over paths and return survival and R_AA of the nine mesons.

    Parameters
    ----------
    tasks : sequence of Task
        The plan.
    parts : sequence of xarray.Dataset
        Their results, in the same order.
    geometries : sequence of Geometry
        One per impact parameter.
    feeddown : FeedDown
        Fractions and cross sections.

    Returns
    -------
    xarray.Dataset
        ``raa``, ``raa_no_jump`` and ``survival`` of dimensions (setting, meson, geometry), each with one
        variable per part of its error; coordinates kappa, gamma, n_part (increasing), b_fm.
    """
    geometries = sorted(geometries, key=lambda geometry: geometry.n_part)
    found = {(t.setting, t.geometry.b_fm, t.l): part for t, part in zip(tasks, parts, strict=True)}
    settings = tuple(dict.fromkeys(task.setting for task in tasks))
    n_part = [geometry.n_part for geometry in geometries]

    variables: dict[str, Any] = {}
    for name, source in (("raa", "survival"), ("raa_no_jump", "no_jump")):
        survivals = {s: [_average(found, s, g, source) for g in geometries] for s in settings}
        curves = {s.label: _by_meson(raa_npart(feeddown, survivals[s], n_part)) for s in settings}
        variables |= estimate_variables(name, stack(curves), _DIMS)
        if source == "survival":
            averages = {
                s.label: stack(
                    {str(g.b_fm): v.estimate for g, v in zip(geometries, survivals[s], strict=True)}
                )
                for s in settings
            }
            variables |= estimate_variables("survival", stack(averages), ("setting", "geometry", "meson"))
    return xr.Dataset(variables, coords=_coordinates(settings, geometries)).transpose(*_DIMS)


def _average(
    found: Mapping[tuple[Setting, float, int], xr.Dataset], setting: Setting, geometry: Geometry, source: str
) -> MesonSurvival:
    s_wave, p_wave = (_by_state(found[setting, geometry.b_fm, l], source) for l in (0, 1))
    return meson_survival(s_wave, p_wave, geometry.replicate)


def _by_state(part: xr.Dataset, source: str) -> dict[str, Estimate]:
    estimate = estimate_from(part, source)
    return {str(state): estimate[i] for i, state in enumerate(part["state"].values)}


def _by_meson(curve: RaaCurve) -> Estimate:
    return stack({name: curve[name] for name in MESON_NAMES})


def _coordinates(settings: Sequence[Setting], geometries: Sequence[Geometry]) -> dict[str, Any]:
    return {
        "setting": [s.label for s in settings],
        "kappa": (
            "setting",
            [str(s.kappa) for s in settings],
            {"long_name": "kappa/T^3, name of a fit or number"},
        ),
        "gamma": ("setting", [s.gamma for s in settings], {"long_name": "gamma/T^3"}),
        "meson": list(MESON_NAMES),
        "n_part": ("geometry", [g.n_part for g in geometries], {"long_name": "mean number of participants"}),
        "b_fm": ("geometry", [g.b_fm for g in geometries], {"long_name": "impact parameter", "units": "fm"}),
    }


def curves(prediction: xr.Dataset, name: str = "raa") -> dict[str, RaaCurve]:
    """Return the curves R_AA(N_part) of a prediction, one per setting.

    Parameters
    ----------
    prediction : xarray.Dataset
        From `predict`, or read from the result file of a run.
    name : str, optional
        ``"raa"`` or ``"raa_no_jump"``.
    """
    estimate = estimate_from(prediction, name)
    mesons = [str(meson) for meson in prediction["meson"].values]
    n_part = prediction["n_part"].values
    return {
        str(setting): RaaCurve(n_part, {meson: estimate[i, j] for j, meson in enumerate(mesons)})
        for i, setting in enumerate(prediction["setting"].values)
    }


def band(prediction: xr.Dataset, meson: str, varied: str) -> Band:
    """Return the range of R_AA of one meson when one coefficient is varied and the other is central.

    Parameters
    ----------
    prediction : xarray.Dataset
        From `predict`, or read from the result file of a run; its first setting is central.
    meson : str
        Name, for example ``"Y(1S)"``.
    varied : {"kappa", "gamma"}
        The coefficient; its values label the band.
    """
    fixed = VARIED[1 - VARIED.index(varied)]
    chosen = prediction.isel(setting=prediction[fixed].values == prediction[fixed].values[0])
    every = curves(chosen)
    values = ", ".join(f"{value:g}" if varied == "gamma" else value for value in chosen[varied].values)
    return envelope(
        every, meson, next(iter(every)), rf"$\hat\{varied}$: {values}".replace("-", "\N{MINUS SIGN}")
    )
