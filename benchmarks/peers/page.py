"""docs/peers.md from the results; every number in it is taken from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cases.common import TRUTH

from .bases import SPACES
from .points import Point

TARGETS = (1e-2, 1e-3, 1e-4)
REFERENCE = "DensityMatrix"
COMMAND = "python benchmarks/peers/run.py"
SCALING = ("points", "l_max", "histories", "cores", "gpu")

HEAD = """# Time to a given error: qtraj and its peers

Made by `make bench-peers` (`{command}`) from `{source}`; do not edit.

One baseline history (Bjorken, T0 425 MeV, from 0.6 fm/c down to 250 MeV; Gaussian start of width 0.2; {states}) by
the three methods of qtraj, QuTiP, dynamiqs and the C++ code. The error is the distance from the true survival of the
continuum, not from a finer run of the same program.

Measured on {cpu}, {cores} cores, {system}, {date}, with one thread. The machine was shared (load {load} at the
start), so the tables and the figure give **CPU time**, the shortest of the warm runs, which were made in turns; wall
time stands beside it in the table of all points. {versions}.

![CPU time against error](figures/peers.png)

*Squares: errors found. Circles and dashed lines: methods that sample, noise and discretization in quadrature; they
fall as the root of the time until the error of the discretization remains. NoJump gives one part of the answer;
its error is that of this part.*
"""

FAIR = """## What each was given

- **The same physics**: operators, medium and start are the package's own objects (`benchmarks/peers/bases.py`).
- **Good settings for the peers.** QuTiP and dynamiqs propagate one matrix over all colors and l, so the basis
  decides their cost. They get the vacuum eigenstates of the Laguerre mesh below a cut, four jump operators instead
  of one for each channel and l, the time variable s = Int kappa dt in which those are constant, and the exact width
  of each state. QuTiP works in matrix form with sparse operators and `adams`; dynamiqs with dense ones and `Tsit5`,
  compiled before it is timed. The equation as it stands in the paper has none of these advantages.
- **Truncation**: {spaces}. What jumps out of l_max, or above the cut, is lost. The column *space* is
  the error that this makes, found by integrating the blocks to 1e-8 (`benchmarks/peers/limit.py`).
- **Sampling**: the noise of qtraj is the standard error that the run itself measured; that of mcsolve is computed
  from exact means and the typical score of a trajectory that comes back (one in some thousand does), since a run of
  this length contains none. The C++ code's seconds a trajectory were measured by others, on one core of an AMD EPYC
  or a Xeon E5-2630 v3; its noise is that of trajectories without jump alone, a lower bound, and its
  discretization that of our twin of its grid, without jumps.
- **Not timed**: what is set up once, and compilation (column *first run*, wall time).
"""


def text(content: dict[str, Any], points: Sequence[Point], source: str) -> str:
    """Return the page.

    Parameters
    ----------
    content : mapping
        The results file: ``errors`` and the scaling tables, each with its ``machine``.
    points : sequence of Point
        The points of ``errors``.
    source : str
        Path of the results file in the repository.
    """
    here = content["errors"]["machine"]
    head = HEAD.format(
        command=COMMAND,
        source=source,
        states=", ".join(TRUTH),
        cpu=here["cpu"],
        cores=here["cores"],
        system=here["system"],
        date=f"{here['date_utc']} UTC",
        load=here["load_1_5_15_min"][0],
        versions=", ".join(f"{name} {number}" for name, number in here["versions"].items()),
    )
    again = [
        f"{name} was measured again on {m['date_utc']} UTC at load {m['load_1_5_15_min'][0]}.\n"
        for name, m in content["errors"].get("measured_again", {}).items()
    ]
    parts = [
        head,
        *again,
        *_targets(points),
        FAIR.format(spaces="; ".join(s.name for s in SPACES)),
        _all(points),
    ]
    tables = [_scaling(content[name]) for name in SCALING if name in content]
    missing = [name for name in SCALING if name not in content]
    if missing:
        tables.append(
            f"Not measured on this machine yet: {', '.join(missing)} (`{COMMAND} --only {' '.join(missing)}`).\n"
        )
    return "\n".join([*parts, "## Scaling\n", *tables])


def time_to(points: Sequence[Point], state: str, target: float) -> float | None:
    """Return the CPU time in s to an error, or None where the curve does not get there.

    Methods that sample: from noise and floor, but no less than the shortest run measured. Others:
    the cheapest point from which on no dearer one is worse: an error that changes its sign there does not count.
    """
    points = sorted(points, key=lambda p: p.cpu_s)
    if points[0].noise:
        last = points[-1]
        room = target**2 - last.floor.get(state, 0.0) ** 2
        return max(points[0].cpu_s, last.cpu_s * last.noise[state] ** 2 / room) if room > 0 else None
    errors = [p.expected_error(state) for p in points]
    for i, point in enumerate(points):
        if max(errors[i:]) <= target:
            return point.cpu_s
    return None


def _targets(points: Sequence[Point]) -> list[str]:
    curves = {name: [p for p in points if p.curve == name] for name in dict.fromkeys(p.curve for p in points)}
    found = ["## CPU time to an error\n"]
    for state in TRUTH:
        found.append(f"**{state}**: seconds, and in brackets how many times those of `{REFERENCE}`\n")
        rows = []
        for name, members in curves.items():
            times = [time_to(members, state, target) for target in TARGETS]
            least = [time_to(curves[REFERENCE], state, target) for target in TARGETS]
            rows.append((name, *(_with_ratio(a, b) for a, b in zip(times, least, strict=True))))
        found.append(_markdown(("method", *(f"{t:g}" for t in TARGETS)), rows))
    found.append(
        "A dash: not reached by the settings measured, or below the discretization. A method that samples is "
        "extrapolated from its longest run, down to the shortest one measured.\n"
    )
    return found


def _with_ratio(seconds: float | None, reference: float | None) -> str:
    if seconds is None:
        return "-"
    ratio = "" if reference is None else f" ({seconds / reference:.2g})"
    return f"{seconds:.2g}{ratio}"


def _all(points: Sequence[Point]) -> str:
    order = list(dict.fromkeys(p.curve for p in points))
    points = sorted(points, key=lambda p: order.index(p.curve))
    rows = [
        (
            p.curve,
            p.setting,
            f"{p.cpu_s:.3g}",
            f"{p.wall_s:.3g}",
            f"{p.first_s:.1f}" if p.first_s else "-",
            " ".join(f"{p.expected_error(s):.1e}" for s in TRUTH),
            " ".join(f"{abs(p.floor[s]):.1e}" for s in TRUTH) if p.floor else "-",
        )
        for p in points
    ]
    columns = (
        "method",
        "setting",
        "CPU s",
        "wall s",
        "first run s",
        "error " + ", ".join(TRUTH),
        "of it space",
    )
    return "## All points\n\n" + _markdown(columns, rows)


def _scaling(table: dict[str, Any]) -> str:
    load, note = table["machine"]["load_1_5_15_min"][0], table["note"]
    head = f"**{table['title']}** (load {load})\n\n"
    return head + _markdown(table["columns"], table["rows"]) + (f"\n{note}\n" if note else "")


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(x) for x in line) + " |" for line in lines) + "\n"
