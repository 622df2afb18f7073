"""``ratios.tsv`` of QTraj 1.0, one row for each trajectory, and means that say when they rest on rare rows.

A no-jump row of an S-wave run counts 38 where nearly all others count 0, so the plain mean and its standard
error are both too small until dozens of such rows have been seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._checks import boolean, choice, finite_array, float_array, instance, integer, number, settle, texts
from ..._checks import path as path_of
from ..._types import Float
from ...errors import FileFormatError, InputError
from ...observables.estimate import Estimate
from ...states import STATE_NAMES, STATES
from .text import CHUNK, is_finite, lines_of, numbers, write_lines

Index = NDArray[np.intp]
COLUMNS: Final = len(STATE_NAMES) + 2  # six ratios, the first random number, the initial angular momentum


@dataclass(frozen=True, eq=False)
class RatioTable:
    """Rows of a ``ratios.tsv``.

    Parameters
    ----------
    ratios : array_like, shape (n, 6)
        Final overlap over initial overlap of each state, in the order of STATE_NAMES; the raw final overlap where
        the initial one is zero or the start is an eigenstate. Zeros where the trajectory ended in the octet.
    r0 : array_like, shape (n,)
        First random number of each trajectory, 0 to 1.
    l : array_like of int, shape (n,)
        Initial angular momentum.
    metadata : sequence of str, length n, optional
        Metadata line before each row: b, x, y, ... of the physical trajectory, joined by tabs, as text.

    Raises
    ------
    InputError
        If a shape is wrong, a number is negative or not finite, or a random number exceeds 1.
    """

    ratios: Float
    r0: Float
    l: NDArray[np.intp]
    metadata: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        n = _settle_columns(self, ratios=0, r0=0, l=0)
        if np.any(self.r0 > 1):
            raise InputError("r0", float(np.max(self.r0)), "be finite, non-negative and at most 1")
        if self.metadata is not None:
            settle(self, metadata=texts("metadata", self.metadata, "be a list of lines"))
            if (count := len(self.metadata)) != n:
                raise InputError("metadata", count, f"have one line for each of {n} rows")

    def __len__(self) -> int:
        return len(self.r0)

    @property
    def angular_momenta(self) -> tuple[int, ...]:
        """The initial angular momenta in the table, increasing."""
        return tuple(int(l) for l in np.unique(self.l))

    def select(self, chosen: ArrayLike) -> RatioTable:
        """Return the rows that `chosen`, an index array or a mask, picks."""
        rows = np.arange(len(self))[np.asarray(chosen)]
        metadata = None if self.metadata is None else tuple(self.metadata[row] for row in rows)
        return RatioTable(self.ratios[rows], self.r0[rows], self.l[rows], metadata)


def _settle_columns(table: Any, **least: float) -> int:
    """Check and settle the columns of a table of n rows, `least` the lower bound of each, and return n."""
    n = len(np.atleast_1d(float_array(first := next(iter(least)), getattr(table, first))))
    for name, low in least.items():
        values, integral = float_array(name, getattr(table, name)), name in ("count", "l")
        shape = (n, len(STATE_NAMES)) if name in ("ratios", "mean", "error") else (n,)
        if values.shape != shape or not n:
            raise InputError(name, values.shape, f"have shape {shape}, n at least 1")
        if np.any(bad := ~(np.isfinite(values) & (values >= low))):
            raise InputError(name, float(values[bad][0]), f"be finite and at least {low:g}")
        if integral and np.any(values != np.rint(values)):
            raise InputError(name, getattr(table, name), "hold whole numbers")
        settle(table, **{name: values.astype(np.intp) if integral else values})
    return n


def joined(tables: Iterable[RatioTable]) -> RatioTable:
    """Return the rows of several tables of one kind as one table."""
    parts = list(tables)
    lines = [part.metadata for part in parts if part.metadata is not None]
    if len(lines) not in (0, len(parts)):
        raise InputError("tables", f"{len(lines)} of {len(parts)}", "all have metadata, or none")
    names = ("ratios", "r0", "l")
    ratios, r0, l = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return RatioTable(ratios, r0, l, tuple(chain.from_iterable(lines)) if lines else None)


def read_ratios(path: str | Path, *, metadata: bool | None = None) -> RatioTable:
    """Read a whole ratio file, plain or gzip, also a concatenation of several; `iterate_ratios` names the errors.

    Parameters
    ----------
    path : str or Path
        ``ratios.tsv`` or a collection of them.
    metadata : bool, optional
        Whether a metadata line precedes each row; recognized from the first three lines if not given.

    Returns
    -------
    RatioTable
    """
    return joined(iterate_ratios(path, metadata=metadata))


def iterate_ratios(path: str | Path, *, metadata: bool | None = None) -> Iterator[RatioTable]:
    """Iterate over a ratio file in tables of thousands of rows, without holding it in memory.

    Parameters
    ----------
    path, metadata
        As in `read_ratios`.

    Yields
    ------
    RatioTable
        The next rows, in the order of the file.

    Raises
    ------
    FileFormatError
        Naming file and line: for a missing, empty, truncated or damaged file, a wrong number of columns,
        a number that is not finite or out of range, or a first line that may be a row or metadata.
    """
    return _tables(path_of("path", path), None if metadata is None else boolean("metadata", metadata))


def _tables(path: Path, metadata: bool | None) -> Iterator[RatioTable]:
    lines = lines_of(path, edited=True)
    head = list(islice(lines, 3))
    step = 1 + (has_metadata(path, head) if metadata is None else metadata)
    lines, first, known = chain(head, lines), 1, dict[str, str]()
    while chunk := list(islice(lines, CHUNK - CHUNK % step)):
        if len(chunk) % step:
            problem = f"line {first + len(chunk) - 1} is metadata without a row: truncated"
            raise FileFormatError(path, problem, "Delete that line.")
        rows = numbers(path, chunk[step - 1 :: step], COLUMNS, first + step - 1, step)
        bad = np.any(rows < 0, axis=1) | (rows[:, -2] > 1) | (rows[:, -1] != np.rint(rows[:, -1]))
        if np.any(bad):
            where = first + step - 1 + step * int(np.argmax(bad))
            problem = f"line {where} is no row of six ratios, a random number up to 1 and l"
            remedy = "If every second line is metadata, say so: metadata=True." if step == 1 else ""
            raise FileFormatError(path, problem, remedy)
        # equal lines share one string: a file has a hundred or more rows for each physical trajectory
        above = tuple(known.setdefault(line, line) for line in chunk[::2]) if step == 2 else None
        yield RatioTable(rows[:, :-2], rows[:, -2], rows[:, -1].astype(np.intp), above)
        first += len(chunk)


def has_metadata(path: Path, head: Sequence[str] | None = None) -> bool:
    """Return whether the first lines of a ratio file, up to three, `head` if known, are metadata and rows in turn.

    A line of eight metadata values may look like a row. It is a row only if its numbers are in the range of one
    and spelled as QTraj 1.0 spells them (``1.3``, never ``1.30``), and if it does not come again as third line
    around another one, unless it is then certainly a row: the state at the end has one l, so the ratios of the others
    vanish. A row in another spelling may be either and raises FileFormatError.
    """
    head = list(islice(lines_of(path, edited=True), 3)) if head is None else head
    fields = head[0].split("\t")
    if len(fields) != COLUMNS or not all(map(is_finite, fields)):
        return True
    # a row: ratios not negative, r0 at most 1, l whole
    values = list(map(float, fields))
    if min(values) < 0 or values[-2] > 1 or values[-1] != int(values[-1]):
        return True
    different_l = {state.l for state, ratio in zip(STATES, values, strict=False) if ratio}
    if len(head) == 3 and head[0] == head[2] != head[1] and len(different_l) > 1:
        return True
    if all(f"{value:g}" == field for value, field in zip(values, fields, strict=True)):
        return False
    remedy = "Say which it is: metadata=True or metadata=False."
    raise FileFormatError(path, "line 1 may be a row or a line of metadata", remedy)


@dataclass(frozen=True, eq=False)
class AveragedRatios:
    """Averages over the trajectories of each physical path and l: the content of ``datafile-avg.gz``.

    Parameters
    ----------
    mean, error : array_like, shape (n, 6)
        Mean ratio of each state, in the order of STATE_NAMES, and its standard error.
    count : array_like of int, shape (n,)
        Number of trajectories that each mean is over, at least 1.
    l : array_like of int, shape (n,)
        Initial angular momentum.
    metadata : sequence of str, length n
        Metadata line of each path, as in `RatioTable`.

    Raises
    ------
    InputError
        If a shape is wrong, or a number is negative or not finite.
    """

    mean: Float
    error: Float
    count: NDArray[np.intp]
    l: NDArray[np.intp]
    metadata: tuple[str, ...]

    def __post_init__(self) -> None:
        settle(self, metadata=texts("metadata", self.metadata, "be a list of lines"))
        if (n := _settle_columns(self, mean=0, error=0, count=1, l=0)) != (lines := len(self.metadata)):
            raise InputError("metadata", lines, f"have one line for each of {n} rows")

    def __len__(self) -> int:
        return len(self.l)


# (mean, standard error) of each state, number of trajectories, l
AVERAGED_COLUMNS: Final = 2 * len(STATE_NAMES) + 2
_AVERAGED_ROW: Final = (
    "A row is mean and standard error of six states in turn, the number of trajectories and l."
)


def is_averaged(path: str | Path) -> bool:
    """Return whether a file begins as one of averaged ratios: a metadata line, then a row of 14 numbers."""
    head = list(islice(lines_of(path, edited=True), 2))
    fields = head[-1].split()
    return len(head) == 2 and len(fields) == AVERAGED_COLUMNS and all(map(is_finite, fields))


def read_averaged_ratios(path: str | Path) -> AveragedRatios:
    """Read a file of averaged ratios, such as ``datafile-avg.gz``, plain or gzip.

    Parameters
    ----------
    path : str or Path
        Lines in turn: metadata of a path (b, x, y, ...), then mean and standard error of the six states in turn, the
        number of trajectories and l.

    Returns
    -------
    AveragedRatios

    Raises
    ------
    FileFormatError
        Naming file and line: for a missing, empty, truncated or damaged file, or one in another layout.
    """
    path = path_of("path", path)
    lines = list(lines_of(path, edited=True))
    if len(lines) % 2:
        raise FileFormatError(
            path, f"line {len(lines)} is metadata without a row: truncated", "Delete that line."
        )
    rows = numbers(path, ["\t".join(line.split()) for line in lines[1::2]], AVERAGED_COLUMNS, 2, 2)
    metadata = tuple("\t".join(line.split()) for line in lines[::2])
    values = rows[:, :-2].reshape(len(rows), len(STATE_NAMES), 2)
    count, l = rows[:, -2:].astype(np.intp).T
    if np.any(rows[:, -2:] != np.rint(rows[:, -2:])):
        raise FileFormatError(path, "the last two columns are no whole numbers", _AVERAGED_ROW)
    try:
        return AveragedRatios(values[..., 0], values[..., 1], count, l, metadata)
    except InputError as error:
        raise FileFormatError(path, str(error).rstrip("."), _AVERAGED_ROW) from None


def write_ratios(path: str | Path, rows: RatioTable, *, append: bool = False) -> Path:
    """Write a ratio file as QTraj 1.0 does, or add rows to one; gzip if the name ends in ``.gz``.

    Parameters
    ----------
    path : str or Path
    rows : RatioTable
        What to write, with six significant digits in their shortest form.
    append : bool
        Keep the rows of an existing file, as the original does in an existing folder.

    Returns
    -------
    Path

    Raises
    ------
    FileFormatError
        If the file cannot be written, or an existing one is damaged or of the other kind (metadata or not).
    """
    path, append = path_of("path", path), boolean("append", append)
    instance("rows", rows, RatioTable)
    with_metadata = rows.metadata is not None
    # a file of both kinds could not be read again
    if append and path.is_file() and path.stat().st_size and has_metadata(path) != with_metadata:
        kinds = ("without", "with") if with_metadata else ("with", "without")
        problem = f"it holds rows {kinds[0]} metadata, the new ones come {kinds[1]} it"
        raise FileFormatError(path, problem, "Write to another folder.")
    return write_lines(path, ratio_lines(rows), append=append)


def ratio_lines(rows: RatioTable) -> Iterator[str]:
    """Yield the lines of a ratio file."""
    columns = zip(rows.ratios.tolist(), rows.r0.tolist(), rows.l.tolist(), strict=True)
    for i, (ratios, r0, l) in enumerate(columns):
        if rows.metadata is not None:
            yield rows.metadata[i]
        yield "\t".join([*(f"{value:g}" for value in ratios), f"{r0:g}", str(l)])


# effective number of contributing rows below which a mean is most likely too small, and its standard error too
ENOUGH_ROWS: Final = 20

# what happens less often than 3/n is not seen in n rows with a chance of 5 % (exp(-3)): the "rule of three"
UNSEEN: Final = 3.0
WEIGHT_COLUMN: Final = 7  # index of the weight among eight metadata values


@dataclass(frozen=True, eq=False)
class NoJumpPart:
    """What is known exactly about the trajectories that never jump.

    Parameters
    ----------
    probability : float
        p, the norm of the no-jump evolution at the end, between 0 and 1.
    ratios : array_like, shape (6,)
        Ratios of the no-jump evolution, not divided by p: the row of a run with ``doJumps 0``.
    error : array_like, shape (6,), optional
        Errors of `ratios`.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    probability: float
    ratios: Any
    error: Any = 0.0

    def __post_init__(self) -> None:
        allowed = "be between 0 and 1 (the final no-jump norm)"
        probability = number("probability", self.probability, allowed, above=0, below=1)
        ratios = float_array("ratios", self.ratios)
        if ratios.shape != (len(STATE_NAMES),) or not np.all(np.isfinite(ratios) & (ratios >= 0)):
            raise InputError("ratios", self.ratios, f"be {len(STATE_NAMES)} finite, non-negative numbers")
        error = finite_array("error", self.error, low=0)
        if error.shape not in ((), ratios.shape):
            raise InputError("error", self.error, f"be one number or {len(STATE_NAMES)}")
        settle(self, probability=probability, ratios=ratios, error=np.broadcast_to(error, ratios.shape))

    @classmethod
    def from_rows(cls, table: RatioTable, probability: float, resolution: float = 5e-7) -> NoJumpPart:
        """Take the no-jump ratios from a row that did not jump: it is their value over p.

        `table` holds rows of one temperature history and one l, `probability` is p, for example the last norm in the
        first block of ``summary.tsv``, which prints six decimals: hence `resolution`, the largest error of p. If all
        rows jumped, InputError says to run once with ``doJumps 0`` instead.
        """
        instance("table", table, RatioTable)
        probability = number("probability", probability, "be between 0 and 1", above=0, below=1)
        resolution = number("resolution", resolution, "be an error, not negative", low=0)
        # a trajectory jumps where its first random number exceeds the no-jump norm p
        still = np.flatnonzero(table.r0 < probability)
        if not len(still):
            value = f"{len(table)} rows with a jump"
            remedy = "Run once with doJumps 0 and pass its row to NoJumpPart."
            raise InputError("table", value, "hold a row that did not jump", remedy)
        row = table.ratios[still[0]]
        return cls(probability, probability * row, resolution * row)


def average_ratios(
    table: RatioTable,
    *,
    l: int | None = None,
    by: Literal["auto", "rows", "paths"] = "auto",
    weighted: bool = False,
    no_jump: NoJumpPart | None = None,
    r_max: float = 1.0,
) -> dict[str, Estimate]:
    r"""Return the mean of each state over a ratio file with its error.

    Over rows, the error is the sample standard deviation over sqrt(n). Over physical trajectories ("paths", rows
    of one metadata line), each path counts once, or with its weight, and the error is the scatter of the path means,

    .. math:: m = \frac{\sum_g w_g m_g}{\sum_g w_g}, \qquad
              \mathrm{paths}^2 = \frac{G}{G - 1} \frac{\sum_g w_g^2 (m_g - m)^2}{(\sum_g w_g)^2} ,

    which holds the sampling noise inside the paths, too. With `no_jump` known, the rows that did not jump are
    replaced by the exact number and the others fill the rest of the interval of the first random number,

    .. math:: m = m_\mathrm{no\,jump} + (r_{\max} - p) \, \langle x \rangle_{p < r_0 \le r_{\max}} ,

    which has the same expectation and a much smaller error.

    Parameters
    ----------
    table : RatioTable
        The rows.
    l : int, optional
        Initial angular momentum of the rows to average; needed where the table holds several.
    by : {"auto", "rows", "paths"}
        What is independent; auto takes paths where there is metadata.
    weighted : bool
        Use the weight in the metadata (its eighth value).
    no_jump : NoJumpPart, optional
        The exact no-jump part; for the rows of one temperature history only.
    r_max : float
        The parameter ``rMax`` of the run; rows beyond it are recorded as zeros, which biases the mean.

    Returns
    -------
    dict of str to Estimate
        For each of STATE_NAMES, with parts ``"statistical"`` or ``"paths"``; ``"rare_events"``, the bound
        3 max(x)/n, where fewer than 20 effective rows, (sum x)^2 / sum x^2, carry the mean (with `no_jump`, a row
        not seen may be as large as one that did not jump); ``"rounding"`` of the exact part.
        What the rows cannot tell is named in ``not_estimated``.

    Raises
    ------
    InputError
        If the table holds no row of this `l`, or several l and none is chosen; if metadata or weights are asked for
        and missing; if `no_jump` is given for several paths, or no row has a jump.
    """
    instance("table", table, RatioTable)
    l, present = None if l is None else integer("l", l, 0), table.angular_momenta
    if (len(present) > 1) if l is None else (l not in present):
        both = "S-wave and P-wave runs answer different questions; average one at a time."
        remedy = both if l is None else ""
        raise InputError("l", l, f"be one of {', '.join(map(str, present))}, which the table holds", remedy)
    table = table if len(present) == 1 else table.select(table.l == l)
    by = choice("by", by, ("auto", "rows", "paths"))
    weighted = boolean("weighted", weighted)
    if no_jump is not None:
        instance("no_jump", no_jump, NoJumpPart)
    r_max = number("r_max", r_max, "be above 0 and at most 1", above=0, high=1)
    labels, weights, notes = _paths(table, by, weighted)
    if r_max < 1:
        notes += (f"trajectories with r0 above rMax = {r_max:g}, recorded as zeros",)
    sampled = bool(np.any(table.r0))
    if not sampled:
        notes += ("jumps (doJumps 0)",)
    if no_jump is None:
        return {
            name: _mean(values, labels, weights, notes, sampled)
            for name, values in zip(STATE_NAMES, table.ratios.T, strict=True)
        }
    if len(weights) > 1:
        remedy = "The no-jump part differs from path to path: select the rows of one."
        value = f"one part for {len(weights)} paths"
        raise InputError("no_jump", value, "belong to one temperature history", remedy)
    # rows above r_max are zeros that stand for nothing
    p = no_jump.probability
    jumped = table.ratios[(table.r0 >= p) & (table.r0 <= r_max)]
    if len(jumped) < 2:
        allowed = "hold at least two rows with p <= r0 <= r_max"
        raise InputError("table", f"{len(jumped)} rows with a jump", allowed)
    share, estimates = r_max - p, {}
    for name, x, exact, rounding in zip(STATE_NAMES, jumped.T, no_jump.ratios, no_jump.error, strict=True):
        bound, note = _rare(share * x, len(x), unseen=share * exact / p)
        parts = {"statistical": share * np.std(x, ddof=1) / np.sqrt(len(x)), "rounding": rounding, **bound}
        estimates[name] = Estimate(exact + share * np.mean(x), parts, notes + note)
    return estimates


def effective_rows(values: ArrayLike) -> float:
    """Return the effective number of rows that carry a mean, (sum x)^2 / sum x^2 (L. Kish); 0 if all vanish.

    Parameters
    ----------
    values : array_like, shape (n,)
        What the rows contribute, any unit.

    Returns
    -------
    float
        Number of rows, 0 to n.

    Raises
    ------
    InputError
        If a value is no finite number.
    """
    x = finite_array("values", values, 1)
    if not len(x):
        return 0.0
    # scaled to the largest: the squares of 1e-200 would vanish
    x = x / peak if (peak := np.max(x)) > 0 else x
    return float(np.sum(x) ** 2 / square) if (square := np.sum(x**2)) > 0 else 0.0


def _paths(table: RatioTable, by: str, weighted: bool) -> tuple[Index, Float, tuple[str, ...]]:
    """Return the group of each row, the weight of each group, and notes on what is not estimated."""
    if by == "rows" or (by == "auto" and table.metadata is None):
        if weighted:
            allowed = "be False for an average over rows"
            raise InputError("weighted", weighted, allowed, "Weights belong to paths.")
        return np.zeros(len(table), dtype=np.intp), np.ones(1), ()
    if table.metadata is None:
        raise InputError("by", by, "be 'rows' for a table without metadata")
    names, labels = np.unique(np.array(table.metadata, dtype=object), return_inverse=True)
    columns = [str(name).split("\t") for name in names]
    notes: tuple[str, ...] = ("scatter over paths (the table holds one)",) if len(names) == 1 else ()
    if not weighted:
        if all(len(line) > WEIGHT_COLUMN for line in columns):
            notes += ("weights of the paths, which the metadata hold and weighted=True uses",)
        return labels, np.ones(len(names)), notes
    try:
        weights = np.array([float(line[WEIGHT_COLUMN]) for line in columns])
    except (IndexError, ValueError):
        allowed = "be False: the metadata have no eighth value, the weight"
        raise InputError("weighted", weighted, allowed) from None
    if not (np.all(np.isfinite(weights) & (weights >= 0)) and weights.sum() > 0):
        allowed = "be False: the weights are not non-negative with a positive sum"
        raise InputError("weighted", weights, allowed)
    return labels, weights, notes


def _mean(x: Float, labels: Index, weights: Float, notes: tuple[str, ...], sampled: bool) -> Estimate:
    if len(weights) == 1:
        value, parts = np.mean(x), {}
        if len(x) > 1:
            parts["statistical"] = np.std(x, ddof=1) / np.sqrt(len(x))
        elif sampled:
            notes += ("statistical error (one row)",)
    else:
        means = np.bincount(labels, x) / np.bincount(labels)
        value = np.sum(weights * means) / weights.sum()
        # G/(G - 1): the unbiased variance, as for equal weights
        spread = np.sum((weights * (means - value)) ** 2) * len(weights) / (len(weights) - 1)
        parts = {"paths": np.sqrt(spread) / weights.sum()}
    bound, note = _rare(x, len(x)) if sampled else ({}, ())
    return Estimate(value, parts | bound, notes + note)


def _rare(x: Float, n: int, unseen: float = 0.0) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the bound on rows not seen, and a note; `unseen` is the size that such a row may have, if known."""
    if n == 1 or (count := effective_rows(x)) >= ENOUGH_ROWS:
        return {}, ()
    size = max(float(np.max(x)), unseen)
    if size == 0:
        return {}, (f"rare rows: none of {n} contributes",)
    note = f"rare rows: {count:.1f} effective rows of {n} carry the sampled mean, it is most likely too small"
    return {"rare_events": UNSEEN * size / n}, (note,)
