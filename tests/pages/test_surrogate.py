"""The surrogate of R_AA: exact where it must be, honest about its error elsewhere."""

import json
from importlib.resources import files

import numpy as np
import pytest

from qtraj.errors import InputError
from qtraj.pages.explore.model import SLIDERS, RaaSurrogate, load_surrogate

KAPPA, GAMMA = np.array([0.5, 1.0, 2.0, 3.0]), np.array([-3.5, -2.5, -1.0, 0.0])


def surrogate_of(function):
    kappa, gamma = np.meshgrid(KAPPA, GAMMA, indexing="ij")
    raa = np.stack([function(kappa, gamma), 0.5 * function(kappa, gamma)], axis=-1)[..., None]
    return RaaSurrogate(KAPPA, GAMMA, [100.0], ("Y(1S)", "Y(2S)"), raa, 0 * raa, {})


def test_exponentials_of_cubics_are_reproduced_and_leaving_one_out_changes_nothing():
    def function(k, g):
        return np.exp(-0.3 - 0.2 * k + 0.05 * k**2 * g - 0.01 * g**3)

    found = surrogate_of(function)
    value = function(1.37, -1.9)
    assert found(1.37, -1.9)[:, 0] == pytest.approx([value, value / 2], rel=1e-11)
    assert np.abs(found.leave_one_out).max() < 1e-11


def test_the_error_bounds_what_was_never_fitted():
    def function(k, g):
        return 1 / (1 + 0.5 * k + 0.1 * g**2)

    found = surrogate_of(function)
    rng = np.random.default_rng(1)
    points = rng.uniform([0.5, -3.5], [3.0, 0.0], (200, 2))
    off = np.array([found(k, g)[0, 0] - function(k, g) for k, g in points])
    assert 0 < np.sqrt((off**2).mean()) < found.error[0, 0]


def test_the_stored_one_reproduces_its_runs_within_its_error():
    found = load_surrogate()
    off = np.array([[found(k, g) for g in found.gamma_hat] for k in found.kappa_hat]) - found.raa
    assert np.all(np.sqrt((off**2).mean(axis=(0, 1))) <= found.error)
    # of R_AA between 0.04 and 1; the page shows it as bars
    assert found.error.max() < 0.02


def test_the_stored_one_agrees_with_a_run_that_it_has_not_seen():
    content = json.loads(
        (files("qtraj.data") / "surrogate" / "raa_pbpb5020.json").read_text(encoding="utf-8")
    )
    check = content["check"]
    found = load_surrogate()
    off = found(check["kappa_hat"], check["gamma_hat"]) - np.array(check["raa"])
    # three standard deviations for each of 3 mesons x 4 impact parameters
    assert np.all(np.abs(off) <= 3 * found.error + 1e-3)


def test_the_sliders_stay_on_its_grid_and_nothing_extrapolates():
    found = load_surrogate()
    for name in ("kappa_hat", "gamma_hat"):
        nodes = getattr(found, name)
        assert (nodes[0], nodes[-1]) == (SLIDERS[name].low, SLIDERS[name].high)
    with pytest.raises(InputError, match="kappa_hat"):
        found(3.5, -1.0)
    with pytest.raises(InputError, match="gamma_hat"):
        found(1.0, 0.5)


def test_damaged_tables_are_refused():
    good = surrogate_of(lambda k, g: np.exp(-k))
    with pytest.raises(InputError, match="raa"):
        RaaSurrogate(KAPPA, GAMMA, [100.0], ("Y(1S)",), good.raa, good.paths, {})
    with pytest.raises(InputError, match="positive"):
        RaaSurrogate(KAPPA, GAMMA, [100.0], good.mesons, -good.raa, good.paths, {})
