"""Emulated survival against the solver's, and laws of the features; nothing here is sampled at random."""

import pickle

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_info, threadpool_limits

import qtraj as qt
import qtraj.emulation.emulator as emulator_module
from qtraj.emulation import Emulator, Sample, cross_fit, outputs_of
from qtraj.emulation.emulator import _process, _unlikelihood
from qtraj.emulation.features import features, features_of
from qtraj.errors import InputError
from qtraj.units import HBARC

EDGES = np.array([0.6, 1.0, 2.0, 3.5, 5.0])
TAU = np.arange(0.6, 13.0, 0.35)


def model(kappa="central", gamma=-1.75, order="LO", *, positive=False):
    transport = qt.Transport(kappa, gamma)
    return qt.LindbladModel(qt.CoulombPotential(), transport, order=order, positive=positive)


HTL = qt.LindbladModel(qt.HTLPotential(0.313, real="coulomb", alpha=0.6239853))
REAL = qt.LindbladModel(
    qt.CallablePotential(lambda r, T: -0.6 / r * np.exp(-1.2 * T * r) - 0.72 * T, alpha=0.6, octet="casimir")
)
KSU = qt.LindbladModel(qt.KSUPotential(), mass=4.70)


def cooling(n, seed, T_end=0.25):
    """Histories that cool at different rates from different temperatures, with a bump here and there; some are cold."""
    rng = np.random.default_rng(seed)
    T0, power, height, when = (
        rng.uniform(*limits, (n, 1)) for limits in ((0.2, 0.5), (0.3, 0.5), (0, 0.08), (1, 5))
    )
    T = T0 * (0.6 / TAU) ** power * (1 + height * np.exp(-((TAU - when) ** 2)))
    return qt.Histories(TAU, np.maximum(T, 0.15), T_end)


def solved(histories, setting=None, l=0):
    result = qt.solve(
        setting or model(), histories, qt.GaussianState(l=l), method=qt.NoJump(error_budget=False)
    )
    return outputs_of(result)


@pytest.fixture(scope="module")
def fitted():
    histories = cooling(160, 1)
    return Emulator.fit([Sample(model(), histories, solved(histories))])


def test_features_of_bjorken_flow_are_its_integrals():
    """kappa = k T^3 and T^3 t is constant, so a bin from a to b holds k T0^3 t0 ln(b/a)."""
    flow = qt.Bjorken(T0=0.5, tau_fm=0.6, T_end=0.5 * (0.6 / 3.5) ** (1 / 3))
    x = features(model(2.0, -3.0), [flow], EDGES)[0]
    exact = 0.5**3 * 0.6 / HBARC * np.log([1 / 0.6, 2, 1.75, 1])
    np.testing.assert_allclose(x, np.concatenate([2 * exact, -3 * exact]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("setting", [HTL, REAL, KSU], ids=["HTL", "real", "KSU"])
def test_features_of_a_thermal_potential_are_integrals_of_it(setting):
    """At a constant temperature each is the potential there times the time, whatever the bins."""
    T, a, b = 0.31, 0.7, 2.3
    constant = qt.ConstantTemperature(T, a, b - a)
    x = features(setting, [constant], [0.6, 1.1, 3.0])[0].reshape(setting.quantities, 2)
    exact = setting.seen(np.array([T]))[0][:, None] * np.array([1.1 - a, b - 1.1]) / HBARC
    np.testing.assert_allclose(x[2:], exact, rtol=1e-9, atol=1e-12)
    # of a history that cools the integral over all bins is that of the potential in time, whatever is between the
    # temperatures at which it was evaluated
    flow = qt.Bjorken(T0=0.45, tau_fm=0.6, T_end=0.25)
    end = 0.6 * (0.45 / 0.25) ** 3
    t, w = np.polynomial.legendre.leggauss(400)
    t, w = 0.6 + (end - 0.6) * (t + 1) / 2, w * (end - 0.6) / 2
    exact = w @ setting.seen(0.45 * (0.6 / t) ** (1 / 3)) / HBARC
    x = features(setting, [flow], EDGES)[0].reshape(setting.quantities, -1)[2:].sum(axis=1)
    # straight lines between temperatures 0.2 % apart: 1e-6; a kink where a string breaks, by quadrature: 1e-4
    np.testing.assert_allclose(x, exact, rtol=3e-4 if setting is KSU else 1e-5, atol=1e-12)


def test_features_do_not_depend_on_the_others_of_a_batch():
    histories = cooling(12, 4)
    together = features(HTL, histories, EDGES)
    for i in range(12):
        np.testing.assert_allclose(
            features(HTL, [histories[i]], EDGES)[0], together[i], rtol=1e-12, atol=1e-15
        )


@pytest.mark.slow
def test_survival_in_a_thermal_potential_is_emulated(tmp_path):
    """The density matrix with the jumps of HTL: 96 solved histories tell the others to 1e-3."""
    histories = cooling(120, 5)
    start, method = qt.GaussianState(), qt.DensityMatrix(rtol=0.02, error_budget=False)
    values = outputs_of(qt.solve(HTL, histories, start, method))
    emulator = Emulator.fit([Sample(HTL, histories[:96], {name: v[:96] for name, v in values.items()})])
    emulator.save(tmp_path / "htl.nc")
    emulated = Emulator.load(tmp_path / "htl.nc").predict(histories[96:], HTL)
    for state in ("1S", "2S", "3S"):
        off = emulated[f"survival {state}"].value - values[f"survival {state}"][96:]
        assert np.sqrt(np.mean(off**2)) < 1e-3
    other = qt.LindbladModel(qt.HTLPotential(0.3))
    for wrong in (other, model()):
        with pytest.raises(InputError, match="the potential that was fitted to"):
            emulator.predict(histories, wrong)
    with pytest.raises(InputError, match="the potential of the first"):
        Emulator.fit([Sample(each, histories, values) for each in (HTL, other)])


def test_an_anisotropic_history_is_refused_where_the_potential_knows_it():
    tau, T = np.array([0.6, 1.0, 2.0]), [0.4, 0.35, 0.2]
    table = qt.TabulatedTemperature(tau, T, 0.25, alpha=np.ones((3, 3)) * [1, 1, 0.5], hard_scale=T)
    with pytest.raises(InputError, match="isotropic"):
        features(KSU, [table], EDGES)
    assert features(model(), [table], EDGES).shape == (1, 8)


@pytest.mark.parametrize(
    "setting", [model(), model(order="NLO"), model(lambda T: 3 + T, 0.0), HTL, REAL], ids=range(5)
)
def test_features_know_only_the_heat(setting):
    hot = cooling(20, 2)
    x = features(setting, hot, EDGES)
    assert x.shape == (20, 4 * setting.quantities)
    # what is colder than T_end, more than a frame away from heat, and where a path flies are in none of them
    warm = hot.T > 0.25
    near = np.array([np.convolve(row, np.ones(5), "same") > 0 for row in warm])
    moved = qt.Histories(TAU, np.where(near, hot.T, 0.2), 0.25, {"x_fm": np.arange(20)})
    np.testing.assert_allclose(features(setting, moved, EDGES), x, rtol=1e-12, atol=1e-15)
    # a batch is the sum of its members, and bins are parts of the whole
    np.testing.assert_allclose(
        features(setting, [hot[i] for i in range(20)], EDGES), x, rtol=1e-12, atol=1e-15
    )
    # one on its own times, as a pair's own clock makes it, is what it is alone
    own = qt.Histories(TAU * np.linspace(0.8, 1.0, 20)[:, None], hot.T, 0.25)
    alone = [features(setting, [own[i]], EDGES)[0] for i in range(20)]
    np.testing.assert_allclose(features(setting, own, EDGES), alone, rtol=1e-12, atol=1e-15)
    whole = features(setting, hot, np.array([0.6, 9.0]))
    np.testing.assert_allclose(x.reshape(20, -1, 4).sum(axis=-1), whole, rtol=1e-4, atol=1e-9)


def test_emulated_survival_is_that_of_the_solver(fitted, measured):
    """160 solved histories give others to 2e-3, and the error says how far each of them may be off."""
    others = cooling(300, 3)
    exact, emulated = solved(others), fitted.predict(others, model())
    assert list(emulated) == [
        "survival 1S",
        "survival 2S",
        "survival 3S",
        "no_jump 1S",
        "no_jump 2S",
        "no_jump 3S",
    ]
    for name, estimate in emulated.items():
        miss = np.abs(estimate.value - exact[name])
        rms = float(np.sqrt(np.mean(miss**2)))
        assert rms < 3e-3
        measured(f"emulated {name} minus solved, rms", rms, 0.0, 3e-3)
        # 95 % inside two errors if they are normal; a few outliers are not
        assert np.mean(miss <= 2 * estimate.error + 1e-12) > 0.88


def test_the_mean_is_that_of_scikit_learn_without_its_cancellation(fitted):
    """The sum over kernel and weights in extended precision: the polynomial and the exponentials are nearer to it."""
    x = features(model(), cooling(200, 3), fitted.edges_fm)
    z = (x[np.any(x != 0, axis=1)] - fitted.center) @ fitted.projection
    alpha = fitted._gp.alpha_.astype(np.longdouble)
    y, wide = fitted.inputs.astype(np.longdouble), z.astype(np.longdouble)
    a2, b, c2, d, _ = np.exp(fitted.theta).astype(np.longdouble)
    near = np.exp(-np.sum((wide[:, None] - y) ** 2, axis=-1) / (2 * d**2))
    kernel = a2 * (b**2 + wide @ y.T) ** 2 + c2 * near
    exact = kernel @ alpha
    found = fitted._mean_at(z)
    # rounding of a sum of terms that cancel: what the library's own prediction is off by
    rounding = np.finfo(float).eps * float(np.max(np.abs(kernel) @ np.abs(alpha)))
    np.testing.assert_allclose(fitted._gp.predict(z), exact.astype(float), rtol=0, atol=rounding)
    np.testing.assert_allclose(found, exact.astype(float), rtol=0, atol=min(1e-10, rounding))
    # neither a batch nor its size changes more than rounding
    np.testing.assert_allclose(fitted._mean_at(z[:3]), found[:3], rtol=0, atol=1e-10)


def test_the_likelihood_is_that_of_scikit_learn(fitted):
    x, y = fitted.inputs[::2], fitted.outputs[::2]
    for theta in (_process().kernel.theta, np.array([-1.0, 0.5, -3.0, 2.0, -8.0])):
        process = _process(theta).fit(x, y)
        value, slope = process.log_marginal_likelihood(theta, eval_gradient=True)
        found = _unlikelihood(theta, x @ x.T, cdist(x, x, "sqeuclidean"), y, process.alpha)
        assert -found[0] == pytest.approx(value, rel=1e-9)
        np.testing.assert_allclose(-found[1], slope, rtol=1e-6, atol=1e-6 * np.abs(slope).max())


@pytest.mark.parametrize("order", ["LO", "NLO"])
def test_models_that_share_coefficients_have_the_features_they_have_alone(order):
    settings = [
        ("central", -1.75),
        ("lower", -1.75),
        ("central", 0.0),
        (2.0, -1.75),
        (lambda T: 3 + T, -1.75),
    ]
    models = [model(kappa, gamma, order) for kappa, gamma in settings]
    models += [qt.LindbladModel(qt.CoulombPotential(), qt.Transport(T_c=0.155), order=order)]
    histories = cooling(600, 9)  # more than are taken at a time
    together = features_of(models, histories, EDGES)
    for setting, found in zip(models, together, strict=True):
        assert np.array_equal(found, features(setting, histories, EDGES))
    assert not np.allclose(together[0], together[-1], rtol=1e-4)


def test_another_process_emulates_the_same_and_gets_no_matrix(fitted):
    sent = pickle.dumps(fitted)
    assert len(sent) < 8 * (6 * fitted.inputs.size + 4 * fitted.outputs.size) + 20_000
    x = features(model(), cooling(40, 4), fitted.edges_fm)
    again = pickle.loads(sent)
    assert np.array_equal(again.values(x), fitted.values(x))
    first, second = (each.predict(cooling(5, 4), model())["survival 2S"] for each in (fitted, again))
    assert np.array_equal(first.error, second.error)


def test_a_pair_that_meets_no_medium_survives(fitted):
    cold = qt.Histories(TAU, np.full((3, len(TAU)), 0.2), 0.25)
    for estimate in fitted.predict(cold, model()).values():
        assert estimate.value.tolist() == [1, 1, 1]
        assert estimate.error.tolist() == [0, 0, 0]


def test_one_history_is_a_number(fitted):
    history = cooling(20, 3)[4]
    (single, *_), (batch, *_) = (fitted.predict(h, model()).values() for h in (history, [history]))
    assert np.shape(single.value) == ()
    assert single.value == pytest.approx(batch.value[0], rel=1e-12)


def test_what_is_read_predicts_as_what_was_written(fitted, tmp_path):
    again, others = Emulator.load(fitted.save(tmp_path / "emulator.nc")), cooling(50, 4)
    first, second = (e.predict(others, model()) for e in (fitted, again))
    assert list(first) == list(second)
    for name in first:
        assert np.array_equal(first[name].value, second[name].value)
        assert np.array_equal(first[name].error, second[name].error)


def test_another_file_is_refused(tmp_path):
    import xarray as xr

    from qtraj._netcdf import write_dataset

    path = write_dataset(xr.Dataset({"x": ("i", [1.0])}), tmp_path / "other.nc")
    with pytest.raises(qt.FileFormatError, match="holds no emulator"):
        Emulator.load(path)


def test_one_emulator_for_several_settings_and_ends():
    """Fitted at 16 settings and ends, it knows one between them; with 50 histories each to 3e-4, 7e-3 and 1e-2."""
    rng, samples = np.random.default_rng(0), []
    for seed in range(16):
        setting, T_end = model(rng.uniform(1, 3), rng.uniform(-3, 0)), rng.uniform(0.22, 0.25)
        histories = cooling(32, 10 + seed, T_end)
        samples.append(Sample(setting, histories, solved(histories, setting)))
    between, others = model(2.0, -1.6), cooling(100, 30, 0.235)
    emulated = Emulator.fit(samples).predict(others, between)
    for name, exact in solved(others, between).items():
        assert np.sqrt(np.mean((emulated[name].value - exact) ** 2)) < 0.03
        assert np.mean(np.abs(emulated[name].value - exact) <= 2 * emulated[name].error + 1e-12) > 0.88


@pytest.mark.filterwarnings("ignore::qtraj.AccuracyWarning")  # the hottest are beyond the expansions
def test_p_waves_and_next_to_leading_order():
    histories, others = cooling(96, 5), cooling(40, 6)
    nlo = model(order="NLO")
    emulated = Emulator.fit([Sample(nlo, histories, solved(histories, nlo, l=1))]).predict(others, nlo)
    assert list(emulated) == ["survival 1P", "survival 2P", "no_jump 1P", "no_jump 2P"]
    exact = solved(others, nlo, l=1)
    for name, estimate in emulated.items():
        assert np.sqrt(np.mean((estimate.value - exact[name]) ** 2)) < 4e-3


def test_a_fit_takes_one_thread_and_gives_the_others_back(monkeypatch):
    """Threads of BLAS cost more than they give for a few hundred histories, and change the last digits."""
    within, scales = [], emulator_module._scales

    def threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    def counted(x, y):
        within.extend(threads())
        return scales(x, y)

    monkeypatch.setattr(emulator_module, "_scales", counted)
    samples = [Sample(model(), cooling(40, 8), {"survival 1S": np.linspace(0.2, 0.8, 40)})]
    with threadpool_limits(2, "blas"):
        Emulator.fit(samples)
        cross_fit(samples, np.arange(40) % 4)
        assert set(threads()) == {2}
    assert set(within) == {1}


def test_of_very_many_histories_some_are_learned_from():
    """Survival exp(-integral of kappa), known in closed form: no time as the cube of the number of histories."""
    histories = cooling(1300, 40)
    decay = 0.4 * features(model(2.0, 0.0), histories, np.array([0.6, 9.0]))[:, 0]
    emulator = Emulator.fit([Sample(model(2.0, 0.0), histories, {"S": np.exp(-decay)})])
    assert len(emulator.inputs) == 1 + 1024
    found = emulator.predict(histories, model(2.0, 0.0))["S"].value
    np.testing.assert_allclose(found, np.exp(-decay), atol=1e-4)


def test_no_emulator_sees_the_fold_that_it_is_compared_with():
    """What is wrong in one fold changes nothing in how that fold is emulated."""
    histories, groups = cooling(96, 7), np.repeat(np.arange(6), 16)
    values = solved(histories)
    honest = cross_fit([Sample(model(), histories, values)], groups, folds=3)
    wrong = {name: np.where(groups % 3 == 1, value**2, value) for name, value in values.items()}
    fooled = cross_fit([Sample(model(), histories, wrong)], groups, folds=3)
    own = groups % 3 == 1
    assert np.array_equal(honest.emulated[own], fooled.emulated[own])
    assert not np.allclose(honest.emulated[~own], fooled.emulated[~own], atol=1e-3)
    assert honest.shares.tolist() == pytest.approx([1 / 3] * 3)
    # of other histories it gives the mean of its emulators
    others = cooling(10, 8)
    mean = np.mean(
        [[e.value for e in each.predict(others, model()).values()] for each in honest.emulators], axis=0
    )
    np.testing.assert_allclose(honest.values(others, model()), mean.T, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": {"1S": np.ones(3)}}, "be 40 survivals"),
        ({"values": {"1S": -np.ones(40)}}, "none of them negative"),
        ({"histories": qt.Bjorken(T0=0.4)}, "be a batch of histories"),
        ({"histories": qt.Histories(TAU, np.full((40, len(TAU)), 0.2), 0.25)}, "medium acts"),
        ({"histories": cooling(40, 1)[:8], "values": {"1S": np.ones(8)}}, "at least 16 histories"),
        ({"model": None}, "LindbladModel"),
    ],
)
def test_bad_samples_are_refused(change, words):
    sample = Sample(model(), cooling(40, 1), {"1S": np.full(40, 0.5)})._replace(**change)
    with pytest.raises(qt.InputError, match=words):
        Emulator.fit([sample])


def test_samples_must_agree(fitted):
    sample = Sample(model(), cooling(40, 1), {"1S": np.full(40, 0.5)})
    with pytest.raises(qt.InputError, match="names of the first"):
        Emulator.fit([sample, sample._replace(values={"2S": np.ones(40)})])
    with pytest.raises(qt.InputError, match="order in E/T"):
        Emulator.fit([sample, sample._replace(model=model(order="NLO"))])
    with pytest.raises(qt.InputError, match="order in E/T"):
        fitted.predict(cooling(2, 1), model(order="NLO"))
    twin = model(order="all", positive=True)  # with as many functions of T as next-to-leading order
    other = Emulator.fit([sample._replace(model=twin)])
    with pytest.raises(qt.InputError, match="order in E/T"):
        other.predict(cooling(2, 1), model(order="NLO"))
    with pytest.raises(qt.InputError, match="at least two groups"):
        cross_fit([sample], np.zeros(40, dtype=int))
