"""The whole chain with the real solver: hydrodynamics, paths, Lindblad equation, feed-down, R_AA."""

import numpy as np
import pytest
from stand_in import RUN_FILE, make_run_file

import qtraj as qt
from qtraj.campaign.plan import make_plan
from qtraj.campaign.run import run
from qtraj.io.results import estimate_from


def with_settings(kappa: str, gamma: float, **replacements: str) -> str:
    text = RUN_FILE.replace("[1.0, 0.5]", f'["{kappa}"]').replace("[-1.75, 0.0]", f"[{gamma}]")
    for old, new in replacements.items():
        text = text.replace(f"\n{old} = ", f"\n{old} = {new} # ")
    return text


def test_a_run_is_the_average_of_single_solves(tmp_path):
    """Two roads to one number: the run's batches, and each history by itself as a user would solve it."""
    text = with_settings("central", -1.75, b_fm="[11.6]", n="1") + "[method]\nrtol = 0.05\n"
    prediction = run(make_run_file(text), tmp_path)
    (source,) = make_plan(make_run_file(text)).sources
    model = qt.LindbladModel(qt.CoulombPotential(), qt.Transport(kappa="central", gamma=-1.75))
    single = [
        qt.solve(model, history, qt.GaussianState(l=0, width=0.2), qt.DensityMatrix(rtol=0.05))
        .survival["1S"]
        .value
        for history in source.batch(0, source.count).histories
    ]
    found = prediction["survival"].sel(meson="Y(1S)").item()
    # every history is discretized by itself, so a batch differs from it by rounding only
    assert found == pytest.approx(np.mean(single), rel=1e-12)
    survival = estimate_from(prediction, "survival")
    assert np.all(prediction["raa"] <= 1 + survival.numerical.max())
    assert np.all(prediction["raa_no_jump"] <= prediction["raa"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kappa", "gamma", "T_end", "expected"),
    [
        # R_AA of 1S, 2S, 3S and its error by an independent prototype: 80 paths through the same fluid
        ("central", -1.75, "0.250", [(0.27, 0.02), (0.063, 0.016), (0.056, 0.016)]),
        ("lower", 0.0, "0.190", [(0.37, 0.02), (0.035, 0.008), (0.027, 0.007)]),
    ],
)
def test_central_lead_agrees_with_an_independent_prototype(tmp_path, kappa, gamma, T_end, expected):
    text = (
        with_settings(kappa, gamma, b_fm="[2.3]", n="16", replicates="8", T_end=T_end)
        + '[method]\nrtol = 0.01\nbudget = "replicate"\n'
    )
    prediction = run(make_run_file(text), tmp_path)
    raa = estimate_from(prediction, "raa")
    for meson, (value, error) in zip(("Y(1S)", "Y(2S)", "Y(3S)"), expected, strict=True):
        i = list(prediction["meson"].values).index(meson)
        found = raa[0, i, 0]
        # two standard deviations of the difference; both errors are known to about 30 %
        assert abs(found.value - value) < 2 * np.hypot(found.error, error)
