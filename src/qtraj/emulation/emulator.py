"""Survival as a learned function of the temperature history: features, Gaussian process, storage, cross-fitting.

A pair sees the medium through the coefficients of the generator alone: kappa(T(t)) and gamma(T(t)), beyond leading
order also kappa/T and kappa/T^2, and the potential where that changes with the medium. Their integrals over a dozen
bins of time are the features of a history; what is colder than T_end, where the pair was made and where it flies are
in none of them. Between the features and the logarithm of survival stands a Gaussian process whose kernel holds every
polynomial of second degree and a smooth rest (C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine
Learning, MIT Press 2006, chapters 2, 4 and 5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from .._checks import finite_array, float_array, instance, instances, integer, mapping
from .._netcdf import check_format, read_dataset, write_dataset
from .._types import Float
from ..errors import InputError
from ..observables.estimate import Estimate
from ..physics.medium import History, as_histories
from ..physics.model import LindbladModel
from ..states import STATE_NAMES
from .features import active_times, features

BINS: Final = 12
"""Bins of time, equal in its square root between the first and the last time at which a medium acts. 8 and 16 give the
same within a factor of two."""

COMPONENTS: Final = 16
"""Principal components of the features that the process sees."""

DAMPING: Final = 0.85
"""Power of the spread of a component that multiplies it: 0 makes all alike, 1 leaves them as they are, so that the
later ones, which tell less of survival, count less. Measured on a shipped Pb-Pb run, 192 solved paths, rms of emulated
minus solved 1S and 2S on others: 8 components, power 0: 1.4e-4, 6.8e-4; 12, 0.75: 2.6e-5, 1.7e-4; 16, 0.85: 2.8e-5,
6e-5; 24, 0.85: 2.8e-5, 7e-5; 12, 1: 5.9e-5, 1.3e-3."""

TUNED_ON: Final = 256
"""Solved paths, evenly picked, that choose the scales of the kernel: with all of 480 they come out the same to 20 %."""

MOST: Final = 1024
"""Solved histories that a process learns from, evenly picked: the fit takes time as their third power, a second with so
many, and 480 give 2e-5 already. The others still correct."""

FEWEST: Final = 16
"""Solved histories that a process needs."""

# histories that are emulated at a time: 256 x 500 solved ones fit in the cache of a core
_MEAN_BLOCK: Final = 256
_SMALLEST: Final = 1e-12  # survivals below are as good as this one in a logarithm
_FORMAT: Final = "qtraj emulator 1"


class Sample(NamedTuple):
    """Solved histories of one model, from which an emulator learns.

    Parameters
    ----------
    model : LindbladModel
        The model.
    histories : Histories or sequence of media, length n
        Its histories.
    values : mapping of str to array_like, shape (n,)
        Survivals by name, the same names in all samples: see `outputs_of`.
    """

    model: LindbladModel
    histories: Any
    values: Mapping[str, ArrayLike]


def outputs_of(result: Any) -> dict[str, Float]:
    """Return what an emulator learns of a result: ``"survival 1S"``, ``"no_jump 1S"``, ... of the states of its start.

    Parameters
    ----------
    result : Result
        Of a batch of histories.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        For `Sample`.

    Raises
    ------
    InputError
        If it is no result.
    """
    allowed = "be what qtraj.solve returned for a batch"
    known = {
        part: mapping("result", getattr(result, part, None), allowed) for part in ("survival", "no_jump")
    }
    return {
        f"{part} {state}": np.asarray(survivals[state].value)
        for part, survivals in known.items()
        for state in STATE_NAMES
        if state in survivals
    }


@dataclass(frozen=True, eq=False)
class Emulator:
    """Survival as a function of the history, learned from solved ones.

    Made by `Emulator.fit` or read by `Emulator.load`.

    Parameters
    ----------
    names : tuple of str, length m
        What is emulated.
    powers : int
        `LindbladModel.powers` of the models it was fitted to.
    edges_fm : ndarray, shape (bins + 1,)
        Bins of time of the features.
    center, projection : ndarray, shape (f,) and (f, components)
        Mean of the features in powers of GeV, and the factors from the rest to its principal components, dimensionless.
    inputs, outputs : ndarray, shape (n, components) and (n, m)
        Components and logarithms of survival of the solved histories, at most 1024 and one without medium, the latter
        less `mean`, over `scale`.
    mean, scale : ndarray, shape (m,)
        Mean and standard deviation of the logarithms of survival.
    theta : ndarray, shape (5,)
        Logarithms of the scales of the kernel a^2 (b^2 + x.y)^2 + c^2 exp(-|x - y|^2/(2 d^2)) + e^2 delta_xy, in units
        of `inputs` and `outputs`: of a^2, b, c^2, d, e^2.
    potential : str, optional
        The potential it was fitted to, where that changes with the medium.
    equation : str, optional
        `LindbladModel.equation` of these models; empty in files of earlier versions, which know `powers` alone.
    """

    names: tuple[str, ...]
    powers: int
    edges_fm: Float
    center: Float
    projection: Float
    inputs: Float
    outputs: Float
    mean: Float
    scale: Float
    theta: Float
    potential: str = ""
    equation: str = ""

    @classmethod
    def fit(cls, samples: Sequence[Sample], *, bins: int = BINS, components: int = COMPONENTS) -> Self:
        """Learn from solved histories.

        Parameters
        ----------
        samples : sequence of Sample
            Of one model, or of several that differ in kappa and gamma, and histories of any T_end. Those of a potential
            that changes with the medium have this potential all.
        bins, components : int, optional
            Bins of time, and number of principal components of the features.

        Returns
        -------
        Emulator

        Raises
        ------
        InputError
            If there are fewer than 16 histories in which the medium acts, names or orders differ, potentials that
            change with the medium differ or a history is anisotropic there, or a survival is negative or not finite.
        """
        lesson = _lesson(samples, integer("bins", bins, 1), components)
        with threadpool_limits(1, "blas"):
            return cls._fitted(lesson, np.ones(len(lesson.x), dtype=bool))

    @classmethod
    def _fitted(cls, lesson: Lesson, chosen: NDArray[np.bool_]) -> Self:
        """Fit the chosen histories of a lesson."""
        hot = chosen & np.any(lesson.x != 0, axis=1)
        if np.count_nonzero(hot) < FEWEST:
            allowed = f"hold at least {FEWEST} histories in which the medium acts"
            raise InputError("samples", int(np.count_nonzero(hot)), allowed)
        rows = np.flatnonzero(hot)
        if len(rows) > MOST:
            rows = rows[np.linspace(0, len(rows) - 1, MOST).astype(int)]
        # a pair that meets no medium survives: one solved history more, where a polynomial would go astray
        x = np.concatenate([np.zeros((1, lesson.x.shape[1])), lesson.x[rows]])
        y = np.log(np.maximum(np.concatenate([np.ones((1, lesson.y.shape[1])), lesson.y[rows]]), _SMALLEST))
        # integrals of one quantity share a unit, those of different ones do not
        size = np.sqrt(np.mean(x.reshape(len(x), -1, len(lesson.edges) - 1) ** 2, axis=(0, 2)))
        unit = np.repeat(np.where(size > 0, size, 1.0), len(lesson.edges) - 1)
        center = x.mean(axis=0)
        _, spread, axes = np.linalg.svd((x - center) / unit, full_matrices=False)
        kept = min(lesson.components, int(np.count_nonzero(spread > 1e-9 * spread[0])))
        damped = (spread[:kept] / spread[0]) ** DAMPING * np.sqrt(len(x)) / spread[:kept]
        projection = axes[:kept].T / unit[:, None] * damped
        mean, scale = y.mean(axis=0), y.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        inputs, outputs = (x - center) @ projection, (y - mean) / scale
        pick = np.unique(np.linspace(0, len(x) - 1, min(len(x), TUNED_ON)).astype(int))
        theta = _scales(inputs[pick], outputs[pick])
        learned = center, projection, inputs, outputs, mean, scale, theta
        return cls(lesson.names, lesson.powers, lesson.edges, *learned, lesson.potential, lesson.equation)

    @cached_property
    def _gp(self) -> Any:
        return _process(self.theta).fit(self.inputs, self.outputs)

    @cached_property
    def _calibration(self) -> Float:
        """Scatter of each output about what the others predict, over the error that the process expects, (m,).

        Leaving out one history has a closed form (Rasmussen and Williams, eqs. 5.10-5.12). The outputs share a kernel,
        and some are smoother than it says.
        """
        inverse = cho_solve((self._gp.L_, True), np.eye(len(self.inputs)))
        miss = np.asarray(self._gp.alpha_).reshape(len(self.inputs), -1) / np.sqrt(np.diag(inverse))[:, None]
        return np.asarray(np.sqrt(np.mean(miss**2, axis=0)))

    def predict(self, histories: Any, model: LindbladModel) -> dict[str, Estimate]:
        """Return emulated survivals with their errors.

        Parameters
        ----------
        histories : medium, sequence of media or Histories
            n histories; of a single one the answer is scalar.
        model : LindbladModel
            Whose kappa and gamma act: one that was fitted to, or between them.

        Returns
        -------
        dict of str to Estimate, shape (n,)
            By name. The part ``"emulator"`` of the error is the standard deviation of the process, calibrated by
            leaving out each solved history in turn. A history in which the medium never acts survives, without error.

        Raises
        ------
        InputError
            If the model is of another order in E/T, or has another potential that changes with the medium, than those
            fitted to.
        """
        members, batch = as_histories(histories)
        x = features(self._of_this_order(model), members, self.edges_fm)
        value, error = self.values(x), np.zeros((len(x), len(self.names)))
        hot = np.any(x != 0, axis=1)
        if np.any(hot):
            _, deviation = self._gp.predict((x[hot] - self.center) @ self.projection, return_std=True)
            deviation = deviation.reshape(np.count_nonzero(hot), -1)
            error[hot] = value[hot] * deviation * self._calibration * self.scale
        every = slice(None) if batch else 0
        return {
            name: Estimate(value[every, j], {"emulator": error[every, j]})
            for j, name in enumerate(self.names)
        }

    def values(self, x: Float) -> Float:
        """Return emulated survivals (n, m), without errors, of `features` `x` (n, f) on `edges_fm`."""
        value = np.ones((len(x), len(self.names)))
        hot = np.any(x != 0, axis=1)
        normal = self._mean_at((x[hot] - self.center) @ self.projection)
        value[hot] = np.exp(np.clip(self.mean + self.scale * normal, *self._range))
        return value

    def _mean_at(self, x: Float) -> Float:
        """Return the mean of the process (n, m) at components `x` (n, components), without its variance.

        What is of second degree in the kernel, summed over the solved histories, is one polynomial of that degree, so
        only the smooth rest is added history by history.
        """
        constant, linear, square, points, depth, weights = self._mean_terms
        mean = np.empty((len(x), len(self.names)))
        for start in range(0, len(x), _MEAN_BLOCK):
            z = x[start : start + _MEAN_BLOCK]
            near = z @ points
            near -= depth
            near -= 0.5 * np.exp(-2 * self.theta[3]) * np.sum(z**2, axis=1)[:, None]
            slope = (z @ square).reshape(len(z), -1, z.shape[1]) + linear
            np.exp(near, out=near)
            mean[start : start + _MEAN_BLOCK] = constant + np.einsum("nmc,nc->nm", slope, z) + near @ weights
        return mean

    @cached_property
    def _mean_terms(self) -> tuple[Float, Float, Float, Float, Float, Float]:
        """Return what `_mean_at` adds: three orders of the polynomial; points, depths and weights of exponentials."""
        alpha = np.asarray(self._gp.alpha_).reshape(len(self.inputs), -1)
        a2, b, c2, d, _ = np.exp(self.theta)
        y, m = self.inputs, len(self.names)
        # a^2 (b^2 + x.y)^2 = a^2 b^4 + 2 a^2 b^2 x.y + a^2 (x.y)^2, of terms 1e8 times larger than their sum
        long, far = alpha.astype(np.longdouble), y.astype(np.longdouble)
        constant, linear = a2 * b**4 * long.sum(axis=0), 2 * a2 * b**2 * (long.T @ far)
        square = a2 * np.stack([(far * long[:, j, None]).T @ far for j in range(m)], axis=1)
        polynomial = (constant, linear, square.reshape(y.shape[1], -1))
        exponentials = (y.T / d**2, 0.5 * np.sum(y**2, axis=1) / d**2, c2 * alpha)
        return *(np.asarray(term, dtype=float) for term in polynomial), *exponentials

    @cached_property
    def _range(self) -> tuple[Float, Float]:
        """Range of the logarithms: far from all solved histories a polynomial would go anywhere."""
        known = self.mean + self.scale * self.outputs
        return known.min(axis=0) - 1.0, np.maximum(known.max(axis=0), 0.0)

    def __getstate__(self) -> dict[str, Any]:
        # other processes emulate: the matrix of the process, n^2 numbers, is made anew where an error is asked for
        self._mean_terms  # noqa: B018
        return {name: value for name, value in self.__dict__.items() if name != "_gp"}

    def _of_this_order(self, model: LindbladModel) -> LindbladModel:
        instance("model", model, LindbladModel)
        other = bool(self.equation) and model.equation != self.equation
        if model.powers != self.powers or other:
            raise InputError("model", model, "be of the order in E/T of the models that were fitted to")
        if _changing(model) != self.potential:
            allowed = "have a potential that does not change with the medium"
            if self.potential:
                allowed = f"have the potential that was fitted to, {self.potential}"
            raise InputError("model.potential", model.potential, allowed)
        return model

    def save(self, path: str | Path) -> Path:
        """Write the emulator to `path` as netCDF, for `Emulator.load`, and return the path."""
        arrays = {name: getattr(self, name) for name in _DIMENSIONS}
        variables = {name: (_DIMENSIONS[name], values) for name, values in arrays.items()}
        attrs = {"format": _FORMAT, "powers": self.powers, "potential": self.potential}
        attrs["equation"] = self.equation
        return write_dataset(xr.Dataset(variables, {"name": list(self.names)}, attrs), path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read from `path` what `save` wrote: predictions are the same to the last bit on the same machine.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Emulator

        Raises
        ------
        FileFormatError
            If it holds something else.
        """
        dataset = read_dataset(path)
        check_format(Path(path), dataset.attrs, _FORMAT, "`Emulator.save` writes such a file.")
        names = tuple(str(name) for name in dataset["name"].values)
        arrays = {name: dataset[name].values for name in _DIMENSIONS}
        # of version 0.1 no potential that changes with the medium
        potential, equation = (str(dataset.attrs.get(name, "")) for name in ("potential", "equation"))
        return cls(names, int(dataset.attrs["powers"]), **arrays, potential=potential, equation=equation)


_DIMENSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "edges_fm": ("edge",),
    "center": ("feature",),
    "projection": ("feature", "component"),
    "inputs": ("solved", "component"),
    "outputs": ("solved", "name"),
    "mean": ("name",),
    "scale": ("name",),
    "theta": ("parameter",),
}


def _process(theta: Float | None = None) -> Any:
    """Return the Gaussian process with the scales of its kernel `theta`, by default those that a search begins at."""
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415  half a second, for those who emulate
    from sklearn.gaussian_process.kernels import (  # noqa: PLC0415
        RBF,
        ConstantKernel,
        DotProduct,
        WhiteKernel,
    )

    quadratic = ConstantKernel(1.0) * DotProduct(1.0) ** 2
    # noise: what the features do not tell, and the discretization of the solver
    kernel = quadratic + ConstantKernel(0.1) * RBF(3.0) + WhiteKernel(1e-4, (1e-9, 1.0))
    return GaussianProcessRegressor(
        kernel if theta is None else kernel.clone_with_theta(theta), optimizer=None
    )


def _scales(x: Float, y: Float) -> Float:
    """Return the logarithms of the scales of the kernel that make inputs and outputs most likely.

    Scikit-learn finds the same in five times the time: it makes the kernel and its gradient anew from the inputs in
    each step, and all products with each output.
    """
    process = _process()
    dot, square = x @ x.T, cdist(x, x, "sqeuclidean")
    # a scale at the end of its range is an answer: the term that it belongs to is not needed
    best = minimize(
        lambda theta: _unlikelihood(theta, dot, square, y, process.alpha),
        process.kernel.theta,
        method="L-BFGS-B",
        jac=True,
        bounds=process.kernel.bounds,
    )
    return np.asarray(best.x)


def _unlikelihood(theta: Float, dot: Float, square: Float, y: Float, jitter: float) -> tuple[float, Float]:
    """Return minus the logarithm of the likelihood (Rasmussen and Williams, eqs. 5.8 and 5.9), and its gradient.

    `dot` and `square` are the products and the squared distances of the inputs; outputs `y` (n, m) share the kernel.
    """
    a2, b, c2, d, e2 = np.exp(theta)
    n, m = y.shape
    linear = b**2 + dot
    quadratic, smooth = a2 * linear**2, c2 * np.exp(-square / (2 * d**2))
    kernel = quadratic + smooth
    kernel[np.diag_indices(n)] += e2 + jitter
    try:
        factor = cholesky(kernel, lower=True, check_finite=False)
    except LinAlgError:  # not positive: as unlikely as can be
        return np.inf, np.zeros(len(theta))
    inverse = cho_solve((factor, True), np.eye(n), check_finite=False)
    alpha = inverse @ y
    value = 0.5 * np.sum(y * alpha) + m * (np.sum(np.log(np.diag(factor))) + 0.5 * n * np.log(2 * np.pi))
    weight = alpha @ alpha.T - m * inverse
    slopes = (quadratic, 4 * a2 * b**2 * linear, smooth, smooth * square / d**2)
    gradient = [*(np.vdot(weight, slope) for slope in slopes), e2 * np.trace(weight)]
    return float(value), -0.5 * np.array(gradient)


class Lesson(NamedTuple):
    """What samples say: features (n, f) on edges and survivals (n, m) by name."""

    names: tuple[str, ...]
    powers: int
    edges: Float
    components: int
    x: Float
    y: Float
    potential: str
    equation: str


def _changing(model: LindbladModel) -> str:
    """Return the potential in words if it changes with the medium, else nothing."""
    return "" if model.thermal is None else repr(model.thermal)


def _lesson(samples: Sequence[Sample], bins: int, components: int) -> Lesson:
    """Return checked samples as arrays, or raise `InputError`."""
    samples = instances("samples", samples, Sample)
    if not samples:
        raise InputError("samples", samples, "hold at least one sample")
    first_model, names = samples[0].model, tuple(mapping("samples[0].values", samples[0].values))
    batches, survivals, spans = [], [], []
    for i, (model, medium, values) in enumerate(samples):
        instance(f"samples[{i}].model", model, LindbladModel)
        if (model.equation, model.spectrum) != (first_model.equation, first_model.spectrum):
            raise InputError(f"samples[{i}].model", model, "be of the order in E/T of the first")
        if model.thermal != first_model.thermal:
            allowed = "have the potential of the first, where one changes with the medium"
            raise InputError(f"samples[{i}].model", model, allowed)
        histories, batch = as_histories(medium)
        if not batch:
            raise InputError(f"samples[{i}].histories", medium, "be a batch of histories")
        if tuple(mapping(f"samples[{i}].values", values)) != names:
            allowed = f"have the names of the first sample, {', '.join(names)}"
            raise InputError(f"samples[{i}].values", list(values), allowed)
        for name, given in values.items():
            array = float_array(f"samples[{i}].values[{name!r}]", given)
            if array.shape != (len(histories),) or not np.all(np.isfinite(array) & (array >= 0)):
                allowed = f"be {len(histories)} survivals, one for each history, none of them negative"
                raise InputError(f"samples[{i}].values[{name!r}]", given, allowed)
        batches.append(histories)
        survivals.append(np.stack([np.asarray(values[name], dtype=float) for name in names], axis=1))
        spans.append(active_times(histories))
    first, last = min(a for a, _ in spans), max(b for _, b in spans)
    if not last > first:
        raise InputError("samples", "cold histories", "hold histories in which the medium acts")
    # the range of times comes from temperatures alone: what was solved does not choose it
    edges = np.linspace(np.sqrt(first), np.sqrt(last), bins + 1) ** 2
    x = np.concatenate([features(s.model, h, edges) for s, h in zip(samples, batches, strict=True)])
    count = integer("components", components, 1)
    y, potential = np.concatenate(survivals), _changing(first_model)
    return Lesson(names, first_model.powers, edges, count, x, y, potential, first_model.equation)


@dataclass(frozen=True, eq=False)
class CrossFit:
    """Emulators of which none saw the histories that it is compared with.

    Parameters
    ----------
    emulators : tuple of Emulator, length K
        Emulator k was fitted to all folds but the k-th.
    shares : ndarray, shape (K,)
        Fraction of the histories that is in each fold.
    emulated : ndarray, shape (n, m)
        Survival of each solved history as emulated by the one that did not see its fold.
    """

    emulators: tuple[Emulator, ...]
    shares: Float
    emulated: Float

    @property
    def names(self) -> tuple[str, ...]:
        """What is emulated, length m."""
        return self.emulators[0].names

    def values(self, histories: Sequence[History], model: LindbladModel) -> Float:
        """Return survivals (n, m) of other `histories` of a `model`: the mean of the emulators, by their `shares`."""
        return self.values_at(features(model, histories, self.emulators[0].edges_fm))

    def values_at(self, x: Float) -> Float:
        """Return survivals (n, m) at `features` `x` (n, f) on the edges of the emulators."""
        total = np.zeros((len(x), len(self.names)))
        for emulator, share in zip(self.emulators, self.shares, strict=True):
            total += share * emulator.values(x)
        return total


def cross_fit(
    samples: Sequence[Sample], groups: ArrayLike, *, folds: int = 4, components: int = COMPONENTS
) -> CrossFit:
    """Fit an emulator to all folds but one, for each of them.

    Parameters
    ----------
    samples : sequence of Sample
        As for `Emulator.fit`.
    groups : array_like of int, shape (n,)
        Number of the group of each history, sample after sample. Paths of one scrambled Sobol sequence depend on each
        other, so they are one group, and a fold holds whole groups.
    folds : int, optional
        K, at least 2, or the number of groups if that is smaller.
    components : int, optional
        Number of principal components, as for `Emulator.fit`.

    Returns
    -------
    CrossFit

    Raises
    ------
    InputError
        As in `Emulator.fit`, or if there are fewer than two groups.
    """
    folds = integer("folds", folds, 2)
    lesson = _lesson(samples, BINS, components)
    of_path = finite_array("groups", groups, 1, "be one number for each history")
    labels, fold = np.unique(of_path, return_inverse=True)
    if fold.shape != (len(lesson.x),) or len(labels) < 2:
        raise InputError("groups", np.shape(groups), "be at least two groups, one number for each history")
    fold = fold % min(folds, len(labels))
    emulators, emulated = [], np.zeros(lesson.y.shape)
    # matrices of 256 rows: two threads of BLAS took 40 s where one takes 1.3 s, on a machine that has other work
    with threadpool_limits(1, "blas"):
        for k in range(int(fold.max()) + 1):
            emulator = Emulator._fitted(lesson, fold != k)
            emulated[fold == k] = emulator.values(lesson.x[fold == k])
            emulators.append(emulator)
    return CrossFit(tuple(emulators), np.bincount(fold) / len(fold), emulated)
