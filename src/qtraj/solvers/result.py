"""Results: survival with an error budget, and everything needed to know where it came from."""

from __future__ import annotations

import datetime
import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from .._netcdf import read_dataset, write_dataset
from .._types import Float
from ..errors import FileFormatError, InputError
from ..observables.estimate import Estimate, estimate_from, estimate_variables
from ..provenance import versions
from ..states import STATE_NAMES
from .projection import held_states
from .trajectories.start_ensemble import jump_variables, jumps_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Progress = Callable[[int, int], None]
Tables = list[tuple[str, list[str], list[list[str]]]]

# what a result holds for each state, at the end and with `_at` at the requested times
QUANTITIES: Final = ("survival", "no_jump", "overlap", "overlap_no_jump")

# axes of the diagnostics of one history
_DIMENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "population": ("color", "l"),
    "population_error": ("color", "l"),
    "population_at": ("time_fm", "color", "l"),
    "color_error": ("color",),
    "cut": ("color",),
    "lost": ("stage",),
    "lost_at": ("time_fm",),
    "twin_difference": ("state",),
    "octet": ("bound",),
    "octet_at": ("time_fm", "bound"),
    "covariance": ("state", "other_state"),
    "effective_contributions": ("state",),
}

# A population below this is what rounding leaves of zero.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Solution:
    """What a method returns: overlaps of n histories at all check points (the end last), as plain arrays.

    Overlaps in total and without any jump, with their numerical errors by name, have the shape (n, times, 6), the
    `initial_overlap` (6,); `norm`, the probability of no jump, and its errors (n, times). `not_estimated` names errors
    that were not estimated. The diagnostics (n, ...) are populations by color and l, lost trace, what the start lacks
    of each color, purity, entropy; the settings what the method chose: mesh, l_max, steps. `jumps` has the `JumpRecord`
    of each history, or None.
    """

    initial_overlap: Float
    overlap: Float
    parts: Mapping[str, Float]
    no_jump: Float
    no_jump_parts: Mapping[str, Float]
    norm: Float
    norm_parts: Mapping[str, Float]
    not_estimated: tuple[str, ...] = ()
    diagnostics: Mapping[str, Float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    jumps: tuple[Any, ...] = ()


class Saved:
    """What a result of any kind does: it prints itself in a few lines, is a dataset, and goes to a file and back."""

    kinds: ClassVar[dict[str, type[Saved]]] = {}  # by the title of their files
    title: ClassVar[str]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]

    def __init_subclass__(cls, made_by: str) -> None:
        cls.title = f"result of {made_by}"
        Saved.kinds[cls.title] = cls

    def to_xarray(self) -> xr.Dataset:
        """Return all numbers as a dataset."""
        raise NotImplementedError

    @classmethod
    def _from_xarray(cls, dataset: xr.Dataset, **stored: Any) -> Saved:
        """Return what `to_xarray` made the dataset of; `stored` are settings and provenance."""
        raise NotImplementedError

    def _shown(self) -> tuple[list[str], Tables, list[str]]:
        """Return what is printed: lines, tables of title, further headings and rows, and lines below."""
        raise NotImplementedError

    def _attributes(self) -> dict[str, str]:
        stored = {"settings": self.settings, "provenance": self.provenance}
        return {"title": self.title} | {k: json.dumps(dict(v), default=str) for k, v in stored.items()}

    def save(self, path: str | Path) -> Path:
        """Write the result as netCDF, whole or not at all, with settings, versions and a checksum.

        Parameters
        ----------
        path : str or Path
            The file; its folder is created. `qtraj.load` reads it.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        FileFormatError
            If it cannot be written.
        """
        return write_dataset(self.to_xarray(), path)

    def __str__(self) -> str:
        lines, tables, below = self._shown()
        for title, headings, rows in tables:
            first = max(4, *(len(row[0]) for row in rows))
            widths = (22, 22) if len(headings) == 2 else (22, 12, 12)
            for name, *numbers, last in (["", title, *headings], *rows):
                cells = [f" {words:>{width - 1}}" for words, width in zip(numbers, widths, strict=True)]
                lines.append(f"{name:{first}}{''.join(cells)}   {last}")
        return "\n".join([*lines, *below])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        import pandas as pd  # noqa: PLC0415  `import qtraj` is a third quicker without

        above, tables, below = self._shown()
        shown = [pd.DataFrame(rows, columns=["", title, *headings]) for title, headings, rows in tables]
        lines = (f"<p>{'<br>'.join(map(escape, each))}</p>" for each in (above, below))
        return next(lines) + "".join(t.to_html(index=False, border=0) for t in shown) + next(lines)

    def _counted(self) -> str:
        """Return how many histories were solved, and in which time, where that is known."""
        if "histories" not in self.provenance:
            return ""
        count = self.provenance["histories"]
        return f", {count} {'history' if count == 1 else 'histories'}, {self.provenance['wall_time_s']:.2f} s"


def made(histories: int, started: float) -> dict[str, Any]:
    """Return the provenance of a result of so many histories, begun when `time.perf_counter` said `started`."""
    return {
        "histories": histories,
        "wall_time_s": time.perf_counter() - started,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        **versions(),
    }


@dataclass(frozen=True, eq=False, repr=False)
class Result(Saved, made_by="qtraj.solve"):
    """Survival of each state of the start, and transitions to others, with their errors; prints itself.

    Parameters
    ----------
    survival : mapping of str to Estimate
        Survival at the end of the states that the start holds, by name: final over initial overlap if the start is a
        Gaussian singlet, else the final overlap. What becomes other states is in `transition`. Shape () for one
        history, (n,) for a batch.
    no_jump : mapping of str to Estimate
        The part without any jump, normalized likewise; survival - no_jump is regeneration.
    overlap, overlap_no_jump : mapping of str to Estimate
        Probability of each of the six states at the end, <nl|rho|nl>, in all and without any jump.
    initial_overlap : mapping of str to float
        Overlaps at the start.
    norm : Estimate
        Probability that the pair never jumped. On a mesh, pairs too fast for it count with the decay of a straight
        flight; the part ``fast_pairs`` of the error says how uncertain that is.
    times_fm : ndarray, shape (nt,)
        Requested times in fm/c.
    survival_at, no_jump_at, overlap_at, overlap_no_jump_at : mapping of str to Estimate, shape (nt,) or (n, nt)
        The same at the requested times.
    diagnostics : mapping of str to ndarray
        ``population`` (..., 2, l_max + 1), probability of the pairs that the method keeps, by color and l at the end
        (the last l of trajectories stands for all from it on); of trajectories its statistical error,
        ``population_error``, and that of its sums over l, ``color_error`` (..., 2). ``trace`` (...), its sum: the rest
        is left out. ``lost`` (..., 2), what is left out: in jumps beyond l_max or the jump range, and above the
        energies kept (of trajectories: after the start and at it). ``cut`` (..., 2), the part of it that is left out of
        the start, by its color. ``octet`` (..., 2), least and largest probability of the octet among all pairs, see
        `octet_bounds`; of trajectories with twice its statistical error. ``population_at``, ``octet_at`` and
        ``lost_at`` (..., nt), all that is left out: the same at the requested times. ``purity``, ``entropy`` (...) of
        the normalized state of the pairs kept; ``smallest_eigenvalue`` (...) of rho for each color and l. At all orders
        ``twin_difference`` (..., 6), the overlap at the end that the completely positive twin has more, order of
        `STATES`: the size of what neither equation knows, an error of the model and in no error budget.
    settings, provenance : mapping
        What was asked, what the method chose, versions, wall time in seconds.
    jumps : JumpRecord, tuple of JumpRecord or None
        Jumps of the trajectories of one history, or of each of a batch, if they were asked for.
    """

    survival: Mapping[str, Estimate]
    no_jump: Mapping[str, Estimate]
    overlap: Mapping[str, Estimate]
    overlap_no_jump: Mapping[str, Estimate]
    initial_overlap: Mapping[str, float]
    norm: Estimate
    times_fm: Float
    survival_at: Mapping[str, Estimate]
    no_jump_at: Mapping[str, Estimate]
    overlap_at: Mapping[str, Estimate]
    overlap_no_jump_at: Mapping[str, Estimate]
    diagnostics: Mapping[str, Any]
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    jumps: Any = None

    @property
    def transition(self) -> Mapping[str, Estimate]:
        """Probability at the end of each state that the start does not hold: no survival, but what others became."""
        return {name: overlap for name, overlap in self.overlap.items() if name not in self.survival}

    @property
    def transition_at(self) -> Mapping[str, Estimate]:
        """The same at the requested times."""
        return {name: overlap for name, overlap in self.overlap_at.items() if name not in self.survival}

    @property
    def regeneration(self) -> Mapping[str, Estimate]:
        """Survival minus its no-jump part; the error parts are those of the survival."""
        return {
            name: Estimate(total.value - self.no_jump[name].value, total.parts, total.not_estimated)
            for name, total in self.survival.items()
        }

    @property
    def _is_batch(self) -> bool:
        return np.ndim(self.norm.value) > 0

    def to_xarray(self) -> xr.Dataset:
        """Return all numbers as a dataset.

        Returns
        -------
        xarray.Dataset
            ``survival``, ``no_jump``, ``overlap``, ``overlap_no_jump`` (history, state), NaN for the survival of a
            state that the start does not hold, with ``_at`` at the requested times (history, time_fm, state); ``norm``
            (history), ``initial_overlap`` (state) and the diagnostics. One history has no axis ``history``. Each part
            of an error is a variable such as ``survival_error_mesh``; settings and provenance are attributes, in JSON.
            Jumps, if they were asked for, are in ``jump_...``.
        """
        import xarray as xr  # noqa: PLC0415  `import qtraj` is a third quicker without

        batch = ("history",) if self._is_batch else ()
        variables: dict[str, Any] = estimate_variables("norm", self.norm, batch)
        for name in QUANTITIES:
            for suffix, axes in (("", batch), ("_at", (*batch, "time_fm"))):
                whole = stacked(getattr(self, name + suffix), self.overlap_at if suffix else self.overlap)
                variables |= estimate_variables(name + suffix, whole, (*axes, "state"))
        variables["initial_overlap"] = "state", [self.initial_overlap[name] for name in STATE_NAMES]
        for name, values in self.diagnostics.items():
            own = np.ndim(values) - len(batch)
            axes = _DIMENSIONS.get(name, tuple(f"{name}_{i}" for i in range(own)))
            variables[name] = (*batch, *axes), values, {"of": "diagnostics"}
        held = [name in self.survival for name in STATE_NAMES]
        coordinates: dict[str, Any] = {"state": list(STATE_NAMES)}
        coordinates |= {"time_fm": ("time_fm", self.times_fm, {"units": "fm/c"})}
        coordinates |= {"held": ("state", held, {"long_name": "the start holds this state"})}
        return xr.Dataset(variables | jump_variables(self.jumps), coordinates, self._attributes())

    def to_dataframe(self) -> pd.DataFrame:
        """Return survival and overlap as a table.

        Returns
        -------
        pandas.DataFrame
            A row for each state, of a batch for each history and state. If times were requested, there is an index
            ``time_fm`` in fm/c too, infinite for the end, after which nothing changes. Columns are the quantities, each
            with its error and the parts of it: ``survival``, ``survival_error``, ``survival_error_mesh``, ...
        """
        import xarray as xr  # noqa: PLC0415  as above

        dataset = self.to_xarray()
        tables: list[xr.Dataset] = []
        for suffix in ("_at", "") if len(self.times_fm) else ("",):
            chosen: dict[str, Any] = {}
            for name in QUANTITIES:
                estimate, axes = estimate_from(dataset, name + suffix), dataset[name + suffix].dims
                chosen |= {name: (axes, estimate.value), f"{name}_error": (axes, estimate.error)}
                chosen |= {f"{name}_error_{part}": (axes, error) for part, error in estimate.parts.items()}
            table = xr.Dataset(chosen, {"state": list(STATE_NAMES)})
            if self._is_batch:
                table = table.assign_coords(history=np.arange(len(self.norm.value)))
            if len(self.times_fm):
                times = self.times_fm if suffix else [np.inf]
                table = (table if suffix else table.expand_dims("time_fm")).assign_coords(time_fm=times)
            tables.append(table)
        together: Any = {"data_vars": "all", "coords": "different", "compat": "equals", "join": "exact"}
        whole = xr.concat(tables, "time_fm", **together) if len(tables) > 1 else tables[0]
        return whole.to_dataframe(dim_order=[d for d in ("history", "time_fm", "state") if d in whole.dims])

    def to_dict(self) -> dict[str, Any]:
        """Return what a JSON file can hold.

        Returns
        -------
        dict
            Survival and transition of each state, the same without any jump, and the norm, each as ``value``,
            ``error``, ``parts`` and ``not_estimated``; overlaps at the start, settings, provenance; with requested
            times ``times_fm`` and ``survival_at``. Numbers, of a batch lists.
        """

        def plain(estimate: Estimate) -> dict[str, Any]:
            parts = {part: np.asarray(error).tolist() for part, error in estimate.parts.items()}
            value, error = np.asarray(estimate.value).tolist(), np.asarray(estimate.error).tolist()
            return {
                "value": value,
                "error": error,
                "parts": parts,
                "not_estimated": list(estimate.not_estimated),
            }

        without = {name: self.overlap_no_jump[name] for name in self.transition}
        mappings = {"survival": self.survival, "no_jump": self.no_jump}
        mappings |= {"transition": self.transition, "transition_no_jump": without}
        if len(self.times_fm):
            mappings |= {"survival_at": self.survival_at, "transition_at": self.transition_at}
        numbers = {name: {s: plain(e) for s, e in found.items()} for name, found in mappings.items()}
        return {
            **numbers,
            "norm": plain(self.norm),
            "initial_overlap": dict(self.initial_overlap),
            "times_fm": self.times_fm.tolist(),
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
        }

    @classmethod
    def _from_xarray(cls, dataset: xr.Dataset, **stored: Any) -> Result:
        found: dict[str, Any] = {}
        for key in (*QUANTITIES, *(f"{name}_at" for name in QUANTITIES)):
            of_all = key.startswith("overlap")
            found[key] = by_state(dataset, key) if of_all else Held(by_state(dataset, key, held=True))
        return cls(
            **found,
            initial_overlap=dict(zip(STATE_NAMES, dataset["initial_overlap"].values.tolist(), strict=True)),
            norm=estimate_from(dataset, "norm"),
            times_fm=dataset["time_fm"].values,
            diagnostics={
                str(n): v.values[()] for n, v in dataset.items() if v.attrs.get("of") == "diagnostics"
            },
            jumps=jumps_of(dataset),
            **stored,
        )

    def _shown(self) -> tuple[list[str], Tables, list[str]]:
        lines = [f"{self.settings['method']}{self._counted()}"]
        if self._is_batch:
            name = next(iter(self.survival), None)
            index = f'result.survival["{name}"][i]' if name else 'result.overlap["1S"][i]'
            lines.append(f"a batch: mean, least and largest of all histories; {index} is that of history i")
        norm: Any = f"{np.mean(self.norm.value):.6g} on average" if self._is_batch else self.norm
        below = [f"norm without jump {norm}"]
        if "population" in self.diagnostics:
            mean = {n: np.mean(v, axis=0) if self._is_batch else v for n, v in self.diagnostics.items()}
            below += _populations(mean)
        if "twin_difference" in self.diagnostics:
            below.append(
                _twin(self.diagnostics["twin_difference"], self.overlap, self.survival or self.overlap)
            )
        if len(self.times_fm):
            first, last, count = self.times_fm[0], self.times_fm[-1], len(self.times_fm)
            times = f"{first:g} fm/c" if count == 1 else f"{count} times from {first:g} to {last:g} fm/c"
            below.append(f"also at {times}: survival_at")
        return lines, self._tables(), below

    def _tables(self) -> Tables:
        """Return title, further headings and rows of survival and of transition, where there is anything of them."""
        tables = []
        for title, found, without in (
            ("survival", self.survival, self.no_jump),
            ("transition", self.transition, self.overlap_no_jump),
        ):
            rows = [
                _row(name, total, without[name])
                for name, total in found.items()
                if np.any(total.value != 0) or np.any(total.error != 0)
            ]
            headings = ["without jump", "error budget"]
            if self._is_batch:
                title, headings = f"mean {title}", ["least", "largest", "largest error"]  # noqa: PLW2901
            if rows:
                tables.append((title, headings, rows))
        return tables


def load(path: str | Path) -> Any:
    """Read a result that was saved.

    Parameters
    ----------
    path : str or Path
        The netCDF file, of the method `save` of a result or of ``qtraj solve --out``.

    Returns
    -------
    Result, DensityInTime or Sensitivity
        What was saved, with all numbers, settings and provenance.

    Raises
    ------
    FileFormatError
        If there is no such file, it is damaged, or it holds something else.
    """
    dataset = read_dataset(path)
    kind = Saved.kinds.get(str(dataset.attrs.get("title")))
    if kind is None:
        makers = ", ".join(f"`{title.removeprefix('result of ')}`" for title in Saved.kinds)
        remedy = "Their method `save` and `qtraj solve --out` write such files; `qtraj observe` reads those of runs."
        raise FileFormatError(path, f"holds no result of {makers}", remedy)
    stored = {name: json.loads(dataset.attrs[name]) for name in ("settings", "provenance")}
    return kind._from_xarray(dataset, **stored)


def by_state(dataset: xr.Dataset, name: str, *, held: bool | None = None) -> dict[str, Estimate]:
    """Return what `stacked` made one variable of: of all states, or of those that the start holds, or not."""
    whole, flags = estimate_from(dataset, name), dataset["held"].values
    return {s: whole[..., i] for i, s in enumerate(STATE_NAMES) if held is None or flags[i] == held}


def stacked(found: Mapping[str, Estimate], overlap: Mapping[str, Estimate]) -> Estimate:
    """Return the estimates of some states as one, the six states last: NaN without an error for the others."""
    first = next(iter(found.values()), Estimate(overlap[STATE_NAMES[0]].value))
    blank = Estimate(
        np.full(np.shape(first.value), np.nan), dict.fromkeys(first.parts, 0.0), first.not_estimated
    )
    members = [found.get(name, blank) for name in STATE_NAMES]
    parts = {part: np.stack([m.parts[part] for m in members], axis=-1) for part in first.parts}
    return Estimate(np.stack([m.value for m in members], axis=-1), parts, first.not_estimated)


def _row(name: str, total: Estimate, no_jump: Estimate) -> list[str]:
    """Return the row of a state: of one history with its budget, of a batch what all histories lie between."""
    if np.ndim(total.value):
        numbers = (np.mean(total.value), np.min(total.value), np.max(total.value))
        return [name, *(f"{number:.5g}" for number in numbers), f"{np.max(total.error):.1e}"]
    budget = ", ".join(f"{part} {value:.1e}" for part, value in total.parts.items())
    return [name, str(total), str(no_jump), budget or "not estimated"]


def _populations(d: Mapping[str, Any]) -> list[str]:
    """Say where the pairs of one history are, and what is left out of it."""
    singlet, octet = d["population"].sum(axis=-1)
    cut = float(d["cut"].sum())
    later = max(0.0, round(1 - float(d["trace"]) - cut, 9))
    low, high = d["octet"]
    lines = [
        f"pairs kept: {d['trace']:.3g} (singlet {singlet:.3g}, octet {octet:.3g}); left out: {cut:.3g} of the start, "
        f"{later:.3g} later; octet of all pairs: {low:.3g} to {high:.3g}"
    ]
    if np.isfinite(d.get("entropy", np.nan)):
        eigenvalue = f"smallest eigenvalue of rho {d['smallest_eigenvalue']:.1e}"
        lines.append(f"of the pairs kept: entropy {d['entropy']:.4g}, purity {d['purity']:.4g}; {eigenvalue}")
    return lines


def _twin(difference: Float, overlap: Mapping[str, Estimate], held: Mapping[str, Any]) -> str:
    """Say by how much of themselves the positive twin has more of some states, on average over all histories."""
    shares = (
        f"{name} {100 * np.mean(difference[..., j]) / np.mean(overlap[name].value):+.2g} %"
        for j, name in enumerate(STATE_NAMES)
        if name in held and np.mean(overlap[name].value) > ROUNDING
    )
    return f"error of the model, in no error budget: its positive twin finds {', '.join(shares)}"


class Held(dict[str, Estimate]):
    """Survivals of the states that a start holds; another state is refused with where its number is."""

    def __missing__(self, name: str) -> Estimate:
        held = ", ".join(self) or "none: the start holds no bound state"
        remedy = "What becomes another state is in `transition`; `overlap` has all six."
        raise InputError("state", name, f"be one that the start holds ({held})", remedy)


def by_meaning(
    found: Mapping[str, Estimate], held: NDArray[np.bool_]
) -> tuple[Mapping[str, Estimate], Mapping[str, Estimate]]:
    """Return the survivals, of the states that a start holds, and the transitions to the others."""
    names = [name for name, there in zip(STATE_NAMES, held, strict=True) if there]
    survival = Held({name: found[name] for name in names})
    return survival, {name: value for name, value in found.items() if name not in survival}


def octet_bounds(population: Float, cut: Float, error: Float | float = 0.0) -> Float:
    """Return the least and the largest probability of the octet among all pairs, shape (..., 2).

    `population` (..., 2, L) is that of the pairs kept, by color and l, `cut` (..., 2) what is left out of the start, of
    each color. The bounds move apart by twice `error` (..., 2), that of the populations of the two colors. A method
    keeps some pairs only, and fast pairs, which a narrow start mostly consists of, jump to the octet sooner than those
    it keeps: the octet's share of the pairs kept depends on which those are. Pairs that are left out may be in either
    color, so the octet has at least what is kept in it, at most all but what is kept in the singlet. Before any jump
    they are still in the color of the start, and both bounds are one number.
    """
    singlet, octet = np.moveaxis(population.sum(axis=-1), -1, 0)
    # a jump changes l, so that of a start with one l nothing has jumped while only that l is there
    untouched = np.count_nonzero(population.sum(axis=-2) > ROUNDING, axis=-1) <= 1
    singlet_error, octet_error = 2 * np.moveaxis(np.broadcast_to(error, (*octet.shape, 2)), -1, 0)
    low = np.where(untouched, octet + cut[..., 1], octet - octet_error)
    high = np.where(untouched, octet + cut[..., 1], 1 - singlet + singlet_error)
    return np.asarray(np.clip(np.stack([low, high], axis=-1), 0.0, 1.0))


def make_result(
    solution: Solution,
    *,
    is_ratio: bool,
    batch: bool,
    times_fm: Float,
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Result:
    """Return the public result of a solution; with `is_ratio` survivals are ratios to the initial overlaps."""
    held = held_states(solution.initial_overlap, is_ratio=is_ratio)
    scale = np.where(held, solution.initial_overlap, 1.0) if is_ratio else np.ones(len(STATE_NAMES))
    missing_parts, first = solution.not_estimated, ... if batch else 0

    def at(
        time: Any, values: Float, parts: Mapping[str, Float]
    ) -> tuple[Mapping[str, Estimate], Mapping[str, Estimate]]:
        """Return the overlaps at a time, and the survivals of the states that the start holds."""
        overlap, ratio = {}, {}
        for j, name in enumerate(STATE_NAMES):
            value = values[..., j][first, time]
            errors = {part: error[..., j][first, time] for part, error in parts.items()}
            overlap[name] = Estimate(value, errors, missing_parts)
            scaled = {part: error / scale[j] for part, error in errors.items()}
            ratio[name] = Estimate(value / scale[j], scaled, missing_parts)
        return overlap, by_meaning(ratio, held)[0]

    series = slice(0, len(times_fm))
    overlap, survival = at(-1, solution.overlap, solution.parts)
    overlap_no_jump, no_jump = at(-1, solution.no_jump, solution.no_jump_parts)
    overlap_at, survival_at = at(series, solution.overlap, solution.parts)
    overlap_no_jump_at, no_jump_at = at(series, solution.no_jump, solution.no_jump_parts)
    norm_parts = {part: error[first, -1] for part, error in solution.norm_parts.items()}
    return Result(
        survival=survival,
        no_jump=no_jump,
        overlap=overlap,
        overlap_no_jump=overlap_no_jump,
        initial_overlap=dict(zip(STATE_NAMES, map(float, solution.initial_overlap), strict=True)),
        norm=Estimate(solution.norm[first, -1], norm_parts, missing_parts),
        times_fm=times_fm,
        survival_at=survival_at,
        no_jump_at=no_jump_at,
        overlap_at=overlap_at,
        overlap_no_jump_at=overlap_no_jump_at,
        diagnostics=_diagnostics(solution, series, batch=batch),
        settings={**settings, **solution.settings},
        provenance=provenance,
        jumps=(solution.jumps if batch else solution.jumps[0]) if any(solution.jumps) else None,
    )


def _diagnostics(solution: Solution, series: slice, *, batch: bool) -> dict[str, Any]:
    found = dict(solution.diagnostics)
    if "population" in found:
        population = found.pop("population")
        errors = found.get("color_error", np.zeros(2))
        octet = octet_bounds(population, found["cut"][:, None], errors)
        left = population.sum(axis=(-1, -2))
        found |= {
            "population": population[:, -1],
            "population_at": population[:, series],
            "trace": left[:, -1],
            "lost_at": 1 - left[:, series],
            "octet": octet[:, -1],
            "octet_at": octet[:, series],
        }
        found |= {name: found[name][:, -1] for name in ("population_error", "color_error") if name in found}
    return {name: values if batch else values[0] for name, values in found.items()}
