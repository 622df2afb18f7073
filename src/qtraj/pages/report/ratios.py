"""The averages of a QTraj 1.0 ratio file as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.table import Table

from ...observables.estimate import Estimate
from ...qtraj1 import RatioTable, average_ratios, effective_rows, read_ratios
from ...qtraj1.files.averages import ENOUGH_ROWS
from ...states import State

_RARE = "rare rows"  # how `average_ratios` begins what it says of single states
_CAPTION = (
    f"A mean that fewer than {ENOUGH_ROWS} effective rows carry is most likely too small, and so is its statistical "
    "error; rare_events bounds what was not seen."
)


def ratios_table(path: str | Path) -> Table:
    """Return the mean ratio of each state in a ratio file, for each initial angular momentum, to print with Rich.

    Parameters
    ----------
    path : str or Path
        ``ratios.tsv`` or a collection of them, plain or gzip.

    Returns
    -------
    rich.table.Table
        Mean with its error, the parts of the error, and the effective number of rows that carry the mean; below it
        what the rows cannot tell.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged or of another kind.
    """
    ratios = read_ratios(path)
    title = f"{Path(path).name}: {_count(len(ratios), 'trajectory', 'trajectories')}"
    if ratios.metadata is not None:
        title += f" on {_count(len(set(ratios.metadata)), 'path', 'paths')}"
    table = Table(title=title, title_justify="left", caption_justify="left")
    for heading in ("start l", "state", "mean ratio", "parts of the error", "effective rows"):
        table.add_column(heading, justify="right" if heading == "effective rows" else "left")
    notes = [_CAPTION]
    for l in ratios.angular_momenta:
        chosen = ratios.select(ratios.l == l)
        means = average_ratios(chosen)
        _add_rows(table, l, chosen, means)
        table.add_section()
        notes += [f"Not estimated for l = {l}: {note}." for note in _common_notes(means)]
    table.caption = "\n".join(notes)
    return table


def _add_rows(table: Table, l: int, ratios: RatioTable, means: Mapping[str, Estimate]) -> None:
    for j, (name, mean) in enumerate(means.items()):
        parts = ", ".join(f"{part} {float(value):.2g}" for part, value in mean.parts.items())
        carried = f"{effective_rows(ratios.ratios[:, j]):.1f} of {len(ratios)}"
        # the start has nothing of a state of another l, so that its column is no ratio: QTraj writes the overlap
        what = name if State.named(name).l == l else f"{name} (overlap)"
        table.add_row("" if j else str(l), what, str(mean), parts, carried)


def _common_notes(means: Mapping[str, Estimate]) -> list[str]:
    notes = (note for mean in means.values() for note in mean.not_estimated)
    return list(dict.fromkeys(note for note in notes if not note.startswith(_RARE)))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
