"""Time to a given true error, qtraj and its peers: python benchmarks/peers/run.py [--quick] [--only NAME ...].

Saves benchmarks/results/peers_*.json, and makes docs/peers.md and its figure from it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # CPU times of one thread; before NumPy is imported
BENCHMARKS = Path(__file__).parents[1]
sys.path[0] = str(BENCHMARKS)

from cases.common import TRUTH, Table, machine, rendered  # noqa: E402
from rich.console import Console  # noqa: E402

from peers import cpp, figure, ours, page, scaling, with_dynamiqs, with_qutip  # noqa: E402
from peers.points import Point, measured  # noqa: E402

RESULTS, DOCS = BENCHMARKS / "results", BENCHMARKS.parent / "docs"
SCALING: dict[str, Callable[[bool], Table]] = {
    "points": scaling.points,
    "l_max": scaling.l_max,
    "histories": scaling.histories,
    "cores": scaling.cores,
    "gpu": scaling.gpu,
}
PARTS = ["errors", *SCALING, "page"]
ROUNDS = 2


def main() -> None:
    """Run, print, save; each part is saved when it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few, small points; nothing is saved")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="NAME")
    parser.add_argument(
        "--curves", nargs="+", metavar="NAME", help="errors: measure these methods only, keep others"
    )
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    if not with_dynamiqs.INSTALLED:
        console.print(f"without dynamiqs: {with_dynamiqs.MISSING}")
    for name in arguments.only:
        if name == "page":
            continue
        here = _here()
        console.print(f"{name}: {here['cpu']}, {here['cores']} cores, load {here['load_1_5_15_min'][0]}")
        if name == "errors":
            points = errors(arguments.quick, console, arguments.curves)
            console.print(rendered(error_table(points)))
            found = {"errors": _errors_content(points, here, arguments.curves)}
        else:
            table = SCALING[name](arguments.quick)
            console.print(rendered(table))
            found = {name: {"machine": here, **asdict(table)}}
        if not arguments.quick:
            _save(found, here)
    if "page" in arguments.only and not arguments.quick:
        for path in _page():
            console.print(f"wrote {path}")


def errors(quick: bool, console: Console, curves: list[str] | None = None) -> list[Point]:
    """Measure all methods, or some, in turns."""
    tasks = [*ours.tasks(quick), *with_qutip.tasks(quick), *with_dynamiqs.tasks(quick)]
    tasks = [t for t in tasks if curves is None or t.curve in curves]
    with console.status("") as status:
        points = measured(tasks, 1 if quick else ROUNDS, status.update)
    return points + (cpp.points() if curves is None else [])


def _errors_content(points: list[Point], here: dict[str, Any], curves: list[str] | None) -> dict[str, Any]:
    """Return what is saved: all points, or the saved ones with some methods measured again, which is noted."""
    new = [p.as_dict() for p in points]
    if curves is None:
        return {"machine": here, "points": new}
    old = json.loads(_path(here).read_text())["errors"]
    order = list(dict.fromkeys(p["curve"] for p in [*old["points"], *new]))
    kept = [p for p in old["points"] if p["curve"] not in curves]
    again = old.get("measured_again", {}) | dict.fromkeys(curves, here)
    return old | {
        "points": sorted([*kept, *new], key=lambda p: order.index(p["curve"])),
        "measured_again": again,
    }


def error_table(points: list[Point]) -> Table:
    """Return what was measured."""
    rows = [
        (
            p.curve,
            p.setting,
            f"{p.cpu_s:.3g}",
            f"{p.wall_s:.3g}",
            f"{p.first_s:.3g}",
            *(f"{p.expected_error(s):.1e}" for s in TRUTH),
            *(f"{abs(p.floor[s]):.1e}" if s in p.floor else "-" for s in TRUTH),
        )
        for p in points
    ]
    columns = ("method", "setting", "CPU s", "wall s", "first run s", *TRUTH, *(f"space {s}" for s in TRUTH))
    note = "Errors relative to the true survival; 'space': of the discretization of space alone, where known."
    return Table("One history of the baseline", columns, tuple(rows), note)


def _here() -> dict[str, Any]:
    here = machine()
    if with_dynamiqs.INSTALLED:
        here["versions"]["dynamiqs"] = version("dynamiqs")
    return here


def _path(here: dict[str, Any]) -> Path:
    slug = re.sub(r"[^a-z0-9]+", "-", here["cpu"].lower()).strip("-")
    return RESULTS / f"peers_{slug}-{here['cores']}-cores.json"


def _save(found: dict[str, Any], here: dict[str, Any]) -> None:
    path = _path(here)
    content = (json.loads(path.read_text()) if path.exists() else {}) | found
    partial = path.with_suffix(".json.part")
    RESULTS.mkdir(exist_ok=True)
    partial.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(partial, path)


def _page() -> list[Path]:
    """Write docs/peers.md and its figure from the results of this machine."""
    source = _path(machine())
    content = json.loads(source.read_text())
    points = [Point(**p) for p in content["errors"]["points"]]
    png, pdf = figure.drawn(points, DOCS / "figures" / "peers")
    pdf.unlink()  # the page shows the other
    text = page.text(content, points, source.relative_to(BENCHMARKS.parent).as_posix())
    (DOCS / "peers.md").write_text(text)
    return [png, DOCS / "peers.md"]


if __name__ == "__main__":  # the processes of mcsolve import this file again
    main()
