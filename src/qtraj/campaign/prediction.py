"""From finished chunks to R_AA: one dataset that holds the whole answer of a run, and the bands in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import InputError
from ..io.results import estimate_from, estimate_variables, stack
from ..observables.axes import geometries
from ..observables.estimate import Estimate
from ..observables.feeddown import MESON_NAMES, FeedDown
from ..observables.raa import Band, RaaCurve, envelope, raa_npart
from ..observables.survival import MesonSurvival, meson_survival
from ..observables.table import SurvivalTable
from ..states import STATE_NAMES
from .plan import Plan

_DIMS = ("setting", "meson", "geometry")
VARIED = ("kappa", "gamma", "T_end")
"""What makes a band when it is varied."""


def predict(plan: Plan, results: xr.Dataset, feeddown: FeedDown) -> xr.Dataset:
    """Average a campaign over paths and return survival and R_AA of the nine mesons.

    Parameters
    ----------
    plan : Plan
        The plan.
    results : xarray.Dataset
        From `qtraj.campaign.results.open_results`; one setting and impact parameter at a time is loaded.
    feeddown : FeedDown
        Fractions and cross sections.

    Returns
    -------
    xarray.Dataset
        ``raa``, ``raa_no_jump`` and ``survival`` of dimensions (setting, meson, geometry), each with one
        variable per part of its error; coordinates kappa, gamma, n_part (increasing), b_fm.

    Raises
    ------
    InputError
        If the paths of a trajectory file differ in weight.
    """
    geometries = _geometries(results)
    n_part = [float(n.mean()) for n in (results["n_part"].values[rows] for rows in geometries)]
    if reason := plan.config.initial.lacks_raa:
        remedy = "`qtraj campaign merge` writes the probabilities along each path."
        raise InputError("initial", plan.config.initial.kind, f"be a start with R_AA: {reason}", remedy)
    variables: dict[str, Any] = {}
    for name, quantity in (("raa", "survival"), ("raa_no_jump", "no_jump")):
        survivals = {}
        for i, setting in enumerate(plan.settings):
            errors = _mean_errors(plan, results.isel(setting=i), quantity)
            parts = (results.isel(setting=i, history=rows) for rows in geometries)
            survivals[setting] = [_average(part, quantity, errors) for part in parts]
        curves = {s.label: _by_meson(raa_npart(feeddown, survivals[s], n_part)) for s in plan.settings}
        variables |= estimate_variables(name, stack(curves), _DIMS)
        if quantity == "survival":
            averages = {
                s.label: stack({str(n): v.estimate for n, v in enumerate(survivals[s])})
                for s in plan.settings
            }
            variables |= estimate_variables("survival", stack(averages), ("setting", "geometry", "meson"))
    b_fm = [float(results["b_fm"].values[rows].mean()) for rows in geometries]
    return xr.Dataset(variables, coords=_coordinates(plan, n_part, b_fm)).transpose(*_DIMS)


def _geometries(results: xr.Dataset) -> list[NDArray[np.intp]]:
    """Return the histories of each point of a curve, from peripheral to central: those of one N_part, or of a bin."""
    replicate, n_part = (results[name].values for name in ("replicate", "n_part"))
    nothing = np.ones((len(n_part), len(STATE_NAMES)))  # the points do not depend on survivals
    return geometries(SurvivalTable(nothing, replicate.astype(np.int64), n_part=n_part))


def _mean_errors(plan: Plan, results: xr.Dataset, quantity: str) -> xr.Dataset | None:
    """Return the mean errors of the paths of each source that have one; None if all paths have errors.

    They are a random sample of the paths of their source, so the mean over all of them has the error it should have.
    """
    if plan.config.method.budget == "all":
        return None
    first = np.cumsum([0, *(source.count for source in plan.sources)])
    sample = [np.arange(n, n + s.sample) for n, s in zip(first, plan.sources, strict=False)]
    names = [name for name in results if str(name).startswith(f"{quantity}_error_")]
    errors = results[names].isel(history=np.concatenate(sample)).load()
    return errors.groupby("source").mean("history")


def _average(part: xr.Dataset, quantity: str, errors: xr.Dataset | None) -> MesonSurvival:
    part = part[[name for name in part if str(name).startswith(quantity)]].load()
    weights = part["weight"].values
    if np.ptp(weights) > 0:
        remedy = "The weighted survivals are in the store: `qtraj campaign merge`."
        raise InputError(
            "weight", (weights.min(), weights.max()), "be the same for all paths of R_AA", remedy
        )
    if errors is not None:
        part = part.fillna(errors.sel(source=part["source"]).drop_vars("source"))
    s_wave, p_wave = (_by_state(part.sel(l=l), quantity) for l in (0, 1))
    return meson_survival(s_wave, p_wave, part["replicate"].values)


def _by_state(part: xr.Dataset, source: str) -> dict[str, Estimate]:
    estimate = estimate_from(part, source)
    return {str(state): estimate[:, i] for i, state in enumerate(part["state"].values)}


def _by_meson(curve: RaaCurve) -> Estimate:
    return stack({name: curve[name] for name in MESON_NAMES})


def _coordinates(plan: Plan, n_part: Sequence[float], b_fm: Sequence[float]) -> dict[str, Any]:
    return {
        **plan.coordinates(),
        "meson": list(MESON_NAMES),
        "n_part": ("geometry", list(n_part), {"long_name": "mean number of participants"}),
        "b_fm": ("geometry", list(b_fm), {"long_name": "mean impact parameter", "units": "fm"}),
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
    """Return the range of R_AA of one meson when one of `VARIED` is varied and the others are central.

    Parameters
    ----------
    prediction : xarray.Dataset
        From `predict`, or read from the result file of a run; its first setting is central.
    meson : str
        Name, for example ``"Y(1S)"``.
    varied : {"kappa", "gamma", "T_end"}
        What is varied; its values label the band.
    """
    # files of earlier versions know no T_end of their settings
    fixed = [prediction[name].values for name in VARIED if name != varied and name in prediction]
    chosen = prediction.isel(setting=np.all([values == values[0] for values in fixed], axis=0))
    every = curves(chosen)
    values = ", ".join(value if isinstance(value, str) else f"{value:g}" for value in chosen[varied].values)
    symbol = r"$T_f$" if varied == "T_end" else rf"$\hat\{varied}$"
    return envelope(every, meson, next(iter(every)), f"{symbol}: {values}".replace("-", "\N{MINUS SIGN}"))
