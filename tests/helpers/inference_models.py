"""Calculations whose posteriors are known in closed form, and measurements for them."""

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from qtraj.inference import Design, LogUniform, Normal, Parameter, Parameters, Prediction, Uniform
from qtraj.observables import load_raa

(CMS,) = load_raa(experiment="CMS", state="Y(1S)")


def measured(value, *, stat=0.05, syst=0.0, relative=0.0, **changes):
    """Points of CMS with other numbers."""
    value = np.asarray(value, dtype=float)
    full = {"value": value, "stat_plus": stat, "stat_minus": stat, "syst_plus": syst, "syst_minus": syst}
    full |= {"global_rel_plus": relative, "global_rel_minus": relative}
    words = {name: changes.pop(name) for name in list(changes) if isinstance(changes[name], str)}
    numbers = {
        n: np.broadcast_to(np.asarray(v, dtype=float), value.shape) for n, v in (full | changes).items()
    }
    return replace(CMS.points(np.arange(len(value))), **numbers, **words)


def gaussian_priors():
    return Parameters([Parameter("kappa", Normal(4.0, 1.0, low=0.0)), Parameter("gamma", Normal(-1.0, 2.0))])


@dataclass(frozen=True, eq=False)
class Linear:
    """Theory that is linear in its parameters: offset + theta slopes, with constant errors."""

    offset: Any
    slopes: Any
    parameters: Parameters
    shifts: Any = None
    factor: Any = None
    shift_names: tuple[str, ...] = ()

    def __call__(self, theta):
        n = len(self.offset)
        shifts = np.zeros((0, n)) if self.shifts is None else self.shifts
        factor = np.zeros((n, 0)) if self.factor is None else self.factor
        return Prediction(
            self.offset + theta @ jnp.asarray(self.slopes), jnp.asarray(shifts), jnp.asarray(factor)
        )


def linear(n=8, parameters=None, **options):
    """A line: kappa lowers it, gamma tilts it; a named source of theory error and a covariance factor."""
    x = np.linspace(0.0, 1.0, n)
    slopes = np.array([-0.08 * (0.5 + x), 0.03 * (x - 0.3)])
    known = {"shifts": 0.02 * x[None], "factor": 0.01 * np.eye(n)[:, :3], "shift_names": ("feed-down",)}
    return Linear(0.9 + 0 * x, slopes, parameters or gaussian_priors(), **(known | options))


def closed_form(data, model, covariance):
    """Mean and covariance of the posterior of a linear model with Gaussian priors, and the log-evidence."""
    priors = [member.prior for member in model.parameters]
    mean, width = (np.array([getattr(prior, name) for prior in priors]) for name in ("mean", "sigma"))
    A, prior = np.asarray(model.slopes).T, np.diag(width**2)
    residual, spread = data - model.offset - A @ mean, covariance + A @ prior @ A.T
    gain = prior @ A.T @ np.linalg.inv(spread)
    _, log_det = np.linalg.slogdet(spread)
    log_evidence = (
        -(residual @ np.linalg.solve(spread, residual) + log_det + len(data) * np.log(2 * np.pi)) / 2
    )
    return mean + gain @ residual, prior - gain @ A @ prior, log_evidence


CURVE_PARAMETERS = Parameters(
    [Parameter("kappa", LogUniform(0.5, 8)), Parameter("T_end", Uniform(0.17, 0.25))]
)
N_PART = np.linspace(30, 380, 9)


def curve(theta):
    """A curve that falls with kappa and rises with T_end, about as R_AA does, and two sources of feed-down."""
    kappa, T_end = theta
    depth = kappa**0.7 * np.sqrt(N_PART / 380) * (0.25 / T_end) ** 2
    value = 0.2 * np.exp(-3 * depth) + 0.8 / (1 + 0.9 * depth)
    return value, np.stack([0.01 * value, 0.02 * value**2])


def curve_design(points, noise=0.0, seed=0):
    """The design of these points, with synthetic data of kappa 3 and T_end 0.2 GeV whose errors are 0.03."""
    values, shifts = (np.stack(each) for each in zip(*map(curve, points), strict=True))
    scatter = noise * np.random.default_rng(seed).standard_normal(values.shape)
    errors = np.full(values.shape, noise)
    data = measured(np.round(curve((3.0, 0.2))[0], 3), stat=0.03, x=N_PART, total_plus=0.03, total_minus=0.03)
    return Design(
        CURVE_PARAMETERS, np.asarray(points), (data,), values + scatter, errors, shifts, ("one", "two")
    )
