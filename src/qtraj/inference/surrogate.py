r"""The theory as a smooth function of the parameters, learned from a design, with its own error.

Of ratios such as R_AA the logarithm of the value plus a share of the error of the data is learned, which is finite
where nothing survives. In units of the errors of the data the computed values are a few principal components. Each is a
Gaussian process of the parameters, with the errors of the design as its noise; its kernel holds every polynomial of
third degree and a smooth rest (C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press
2006, chapters 2 and 5). Scikit-learn finds the scales; here the mean and the variance are evaluated in JAX. The
variance is multiplied by what leaving out each point of the design in turn says of it (eqs. 5.10-5.12), and never
becomes smaller by that: the error that enters the likelihood.

Measured on R_AA of CMS, ATLAS and ALICE at 44 points of kappa_hat 0.5 to 8, gamma_hat -4 to 1 and T_end 0.17 to
0.25 GeV (LO, shipped Pb-Pb), of which one half predicts the other: rms of 0.25 of the error of the data, half of the
points within 0.12, up to 1.0 in corners of the cube. With squares in place of cubes it is 0.4, with the whole error
added to the ratio 0.3, with fourth powers more again.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final, Self

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from .._checks import instance
from .._types import Float
from ..errors import InputError
from .design import Design
from .likelihood import Prediction
from .parameters import LogUniform, Parameters, in_float64
from .posterior import partial_map

OFFSET: Final = 0.3
"""Share of the error of the data that is added to a ratio before its logarithm is learned."""

DEGREE: Final = 3
"""Of the polynomials in the kernel."""

UNSEEN: Final = 0.02
"""Share of the error of the data that the principal components may leave out of each value, at most."""

RATIOS: Final = ("R_AA", "R_pA", "double_ratio")
"""Observables that are positive and whose logarithm is learned."""

UNNOTICED: Final = 0.05
"""Independent errors below this share of that of the data have no column in the covariance: they would change the
variance of a point by 0.25 %."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Theory at the points of measurements for any parameters inside their priors: a `Predict`.

    Made by `Surrogate.fit`.

    Attributes
    ----------
    design : Design
        What it learned from.
    center, spread : ndarray, shape (p,)
        Of the parameters of the design, logarithms where the prior is log-uniform: x = (theta - center)/spread, in the
        units of the parameters: GeV, fm/c or dimensionless.
    inputs : ndarray, shape (d, p)
        x of the design, dimensionless.
    unit : ndarray, shape (n,)
        The error of the data.
    logs : ndarray of bool, shape (n,)
        Where y = ln(value + 0.3 unit) is learned, elsewhere y = value.
    mean, scale : ndarray, shape (n,)
        Mean of y over the design, and the error of the data there, dimensionless.
    ends : ndarray, shape (2, n)
        Least and largest y, dimensionless: one below and above those of the design where it is a logarithm.
    components : ndarray, shape (J, n)
        Principal components of (y - mean)/scale, dimensionless.
    kernels : ndarray, shape (J, 3 + p)
        Of each component a^2, b^2, c^2 and d_i of the dimensionless
        a^2 (b^2 + x.y)^3 + c^2 exp(-sum (x_i - y_i)^2/(2 d_i^2)).
    noise, calibration : ndarray, shape (J,)
        Variance of what no smooth function describes, and the factor that leaving out points gives the error.
    weights, inverses : ndarray, shape (J, d) and (J, d, d)
        K^-1 y and K^-1, dimensionless.
    independent : ndarray, shape (n,)
        Errors of paths, of numerics and of what no component holds, dimensionless, without those that
        nobody would notice.
    slopes : ndarray, shape (q, m, n)
        Coefficients of the shifts, dimensionless: constant, linear and, of large designs, quadratic in x.
    """

    design: Design
    center: Float
    spread: Float
    inputs: Float
    unit: Float
    logs: NDArray[np.bool_]
    mean: Float
    scale: Float
    ends: Float
    components: Float
    kernels: Float
    noise: Float
    calibration: Float
    weights: Float
    inverses: Float
    independent: Float
    slopes: Float

    @property
    def parameters(self) -> Parameters:
        """What it takes."""
        return self.design.parameters

    @property
    def shift_names(self) -> tuple[str, ...]:
        """Sources of theory error with a name."""
        return self.design.shift_names

    @classmethod
    def fit(cls, design: Design) -> Self:
        """Learn from a design.

        Parameters
        ----------
        design : Design
            Of more points than parameters, two at least beyond them.

        Returns
        -------
        Surrogate

        Raises
        ------
        InputError
            If there are too few points.
        """
        instance("design", design, Design)
        d, p = design.points.shape
        if d < p + 2:
            raise InputError("design", f"{d} points", f"have {p + 2} points or more for {p} parameters")
        logarithmic = _logarithmic(design.parameters)
        t = np.where(logarithmic, np.log(np.where(logarithmic, design.points, 1.0)), design.points)
        center, spread = t.mean(axis=0), t.std(axis=0)
        x = (t - center) / spread
        of_data = np.concatenate([np.fmax(data.total_plus, data.total_minus) for data in design.datasets])
        scatter = design.values.std(axis=0)
        unit = np.where(of_data > 0, of_data, np.where(scatter > 0, scatter, 1.0))
        logs = np.concatenate([np.full(len(data), data.observable in RATIOS) for data in design.datasets])
        # the error of a path average may make a survival of nothing negative
        above = np.where(logs, np.maximum(design.values, -OFFSET * unit / 2) + OFFSET * unit, 1.0)
        y = np.where(logs, np.log(above), design.values)
        mean, scale = y.mean(axis=0), unit / np.median(above, axis=0)
        z = (y - mean) / scale
        scatter_of_z = design.errors / above / scale
        left, size, axes = np.linalg.svd(z, full_matrices=False)
        J = next(
            (J for J in range(1, len(size)) if _left_out(z, left, size, axes, J).max() < UNSEEN),
            len(size) - 1,
        )
        fitted = []
        for j in range(J):
            variance = np.sum((axes[j] * scatter_of_z) ** 2, axis=1) * d / size[j] ** 2
            fitted.append(_process(x, left[:, j] * np.sqrt(d), variance))
        kernels, noise, calibration, weights, inverses = (
            np.stack(each) for each in zip(*fitted, strict=True)
        )
        # the median, as at a few points in corners of the cube the error of the paths is many times larger
        paths = np.median(design.errors, axis=0)
        independent = np.hypot(unit * _left_out(z, left, size, axes, J), paths)
        basis = np.asarray(_basis(x, quadratic=d >= (p + 1) * (p + 2)))
        slopes = np.linalg.lstsq(
            basis, design.shifts.reshape(d, int(np.prod(design.shifts.shape[1:]))), rcond=None
        )[0]
        return cls(
            design=design,
            center=center,
            spread=spread,
            inputs=x,
            unit=unit,
            logs=logs,
            mean=mean,
            scale=scale,
            ends=np.where(logs, [y.min(axis=0) - 1.0, y.max(axis=0) + 1.0], [[-np.inf], [np.inf]]),
            components=axes[:J] * size[:J, None] / np.sqrt(d),
            kernels=kernels,
            noise=noise,
            calibration=calibration,
            weights=weights,
            inverses=inverses,
            independent=np.where(independent > UNNOTICED * unit, independent, 0.0),
            slopes=slopes.reshape(basis.shape[1], *design.shifts.shape[1:]),
        )

    @in_float64
    def __call__(self, theta: Any) -> Prediction:
        """Return the theory at parameters `theta` (p,): mean (n,), shifts (m, n), factor of the covariance (n, k)."""
        x = self._inputs(theta)
        kernel = _kernel(self.kernels, x, jnp.asarray(self.inputs))  # (J, d)
        own = _kernel(self.kernels, x, x[None])[:, 0] + self.noise
        normal = jnp.sum(kernel * self.weights, axis=1)
        known = jnp.einsum("jd,jde,je->j", kernel, self.inverses, kernel)
        # rounding at a point of the design must not make a negative variance
        deviation = self.calibration * jnp.sqrt(jnp.maximum(own - known, self.noise + 1e-12))
        y = jnp.clip(self.mean + self.scale * (normal @ self.components), *self.ends)
        above = jnp.where(self.logs, jnp.exp(jnp.where(self.logs, y, 0.0)), 1.0)  # and d value/d y
        mean = jnp.where(self.logs, above - OFFSET * self.unit, y)
        emulator = (above * self.scale)[:, None] * (self.components * deviation[:, None]).T
        alone = np.flatnonzero(self.independent)
        factor = jnp.concatenate([emulator, np.diag(self.independent)[:, alone]], axis=1)
        basis = _basis(x[None], quadratic=len(self.slopes) > 1 + len(self.parameters))[0]
        return Prediction(mean, jnp.einsum("q,qmn->mn", basis, self.slopes), factor)

    def _inputs(self, theta: Any) -> Any:
        """Return x of parameters of shape (..., p)."""
        logarithmic = _logarithmic(self.parameters)
        theta = jnp.asarray(theta)
        t = jnp.where(logarithmic, jnp.log(jnp.where(logarithmic, theta, 1.0)), theta)
        return (t - self.center) / self.spread

    @in_float64
    def uncertainty(self, theta: Any) -> Float:
        """Return its error for want of points at `theta` (S, p), in errors of the data, shape (S, n)."""
        factor = jax.jit(partial_map(lambda at: self(at).covariance_factor))(jnp.asarray(theta))
        of_components = np.asarray(factor)[:, :, : len(self.components)]
        return np.asarray(np.linalg.norm(of_components, axis=2) / self.unit)

    @in_float64
    def most_telling(self, theta: Any, count: int, *, anew: bool = False) -> NDArray[np.intp]:
        """Return which points most lower the variance of the surrogate, summed over all points, if they were computed.

        Each is the best one given those before it. The variance of a Gaussian process depends on where it is known,
        not on what is found there (D. A. Cohn, Neural Networks 9 (1996) 1071).

        Parameters
        ----------
        theta : array_like, shape (S, p)
            Points to choose from, which also say where the variance matters.
        count : int
            How many, S at most.
        anew : bool, optional
            For a design of its own: as if nothing were known.

        Returns
        -------
        ndarray, shape (count,)
            Their numbers.
        """
        x = np.asarray(self._inputs(theta))
        variance = np.stack([_kernel(self.kernels, each, x) for each in x], axis=1)  # (J, S, S)
        if not anew:
            known = np.stack([_kernel(self.kernels, each, self.inputs) for each in x], axis=1)
            variance -= np.einsum("jsd,jde,jte->jst", known, self.inverses, known, optimize=True)
        noise = self.noise[:, None] + 1e-9
        # squares of the components in errors of the data: which of them matter
        weights = self.calibration**2 * np.sum(self.components**2, axis=1)
        chosen: list[int] = []
        for _ in range(count):
            after = np.diagonal(variance, axis1=1, axis2=2) + noise
            gain = weights @ (np.sum(variance**2, axis=1) / after)
            gain[chosen] = -np.inf
            best = int(np.argmax(gain))
            chosen.append(best)
            column = variance[:, best].copy()
            variance -= column[:, :, None] * (column / after[:, best, None])[:, None, :]
        return np.array(chosen)

    def misses(self, design: Design) -> tuple[Float, Float]:
        """Return what it misses of another design of the same data, in errors of the data and in its own errors.

        Parameters
        ----------
        design : Design
            Points that it did not learn from.

        Returns
        -------
        in_data, in_own : ndarray, shape (d, n)
            (surrogate - computed) over the error of the data, and over the errors of both: that of the covariance and
            that of what was computed.

        Raises
        ------
        InputError
            If the design is of other points of data.
        """
        instance("design", design, Design)
        if design.values.shape[1] != len(self.mean):
            allowed = f"hold the {len(self.mean)} points of data that were learned"
            raise InputError("design", f"{design.values.shape[1]} points", allowed)
        made = [self(theta) for theta in design.points]
        miss = np.stack([np.asarray(one.mean) for one in made]) - design.values
        own = np.stack([np.sqrt(np.sum(np.asarray(one.covariance_factor) ** 2, axis=1)) for one in made])
        return miss / self.unit, miss / np.sqrt(own**2 + design.errors**2 + (UNNOTICED * self.unit) ** 2)


def _logarithmic(parameters: Parameters) -> Any:
    return np.array([isinstance(member.prior, LogUniform) for member in parameters])


def _left_out(z: Float, left: Float, size: Float, axes: Float, J: int) -> Float:
    """Return the rms of what the first J components leave out of each value, (n,)."""
    return np.asarray(np.sqrt(np.mean((z - (left[:, :J] * size[:J]) @ axes[:J]) ** 2, axis=0)))


def _kernel(kernels: Any, x: Any, y: Any) -> Any:
    """Return the kernel of each component between x (p,) and y (d, p), shape (J, d); of NumPy arrays without JAX."""
    a2, b2, c2, lengths = kernels[:, :1], kernels[:, 1:2], kernels[:, 2:3], kernels[:, 3:]
    square = (((x - y) / lengths[:, None, :]) ** 2).sum(axis=2)
    exp = jnp.exp if isinstance(x, jax.Array) else np.exp
    return a2 * (b2 + (y @ x)[None]) ** DEGREE + c2 * exp(-square / 2)


def _basis(x: Any, *, quadratic: bool) -> Any:
    """Return 1, x_i and perhaps x_i x_j of x (d, p), shape (d, q)."""
    p = x.shape[1]
    columns = [jnp.ones(len(x)), *(x[:, i] for i in range(p))]
    if quadratic:
        columns += [x[:, i] * x[:, j] for i in range(p) for j in range(i, p)]
    return jnp.stack(columns, axis=1)


def _process(x: Float, y: Float, variance: Float) -> tuple[Float, float, float, Float, Float]:
    """Fit one component y (d,) of known variance (d,): kernel, noise, calibration, weights and inverse."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415  half a second, for those who infer
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415
    from sklearn.gaussian_process.kernels import (  # noqa: PLC0415
        RBF,
        ConstantKernel,
        DotProduct,
        WhiteKernel,
    )

    polynomial = ConstantKernel(0.1, (1e-4, 1e2)) * DotProduct(1.0, (0.1, 10.0)) ** DEGREE
    smooth = ConstantKernel(0.1, (1e-4, 1e2)) * RBF(np.full(x.shape[1], 2.0), (0.8, 30.0))
    kernel = polynomial + smooth + WhiteKernel(1e-3, (1e-8, 1.0))
    process = GaussianProcessRegressor(kernel, alpha=1e-10 + variance, n_restarts_optimizer=1, random_state=0)
    with warnings.catch_warnings():  # a scale at the end of its range is an answer
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(x, y)
    scales = np.exp(process.kernel_.theta)
    a2, b, c2, lengths, noise = scales[0], scales[1], scales[2], scales[3:-1], scales[-1]
    covariance = process.kernel_(x) + np.diag(1e-10 + variance)
    inverse = np.linalg.inv(covariance)
    weights = inverse @ y
    # y_i minus what the others predict, over the error expected of that
    missed = weights / np.sqrt(np.diag(inverse))
    calibration = max(1.0, float(np.sqrt(np.mean(missed**2))))
    # the scales are fitted to the same points: as many degrees of freedom are left as a plane would leave
    calibration *= np.sqrt(len(x) / (len(x) - x.shape[1] - 1))
    return np.concatenate([[a2, b**2, c2], lengths]), float(noise), calibration, weights, inverse
