"""Run the tests of the QTraj 1.0 paper again: python benchmarks/paper/run.py TEST ... [--quick] [--again].

Each prints its tables, saves them with all their pieces in benchmarks/results/paper/TEST.json, draws
docs/figures/paper_TEST.png and renews its part of docs/paper.md. What an interrupted run has finished is not computed
again; --again does. --quick tries everything at small sizes and saves nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # times are those of one thread; before NumPy is imported
sys.path[0] = str(Path(__file__).parents[1])

from cases.common import rendered  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import Progress, TimeElapsedColumn  # noqa: E402

from paper import figures, page  # noqa: E402
from paper.record import Record  # noqa: E402
from paper.tests import TESTS  # noqa: E402


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "tests", nargs="+", choices=[*TESTS, "all"], metavar="TEST", help=", ".join([*TESTS, "all"])
    )
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is saved")
    parser.add_argument("--again", action="store_true", help="compute finished pieces again")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 180)
    names = list(TESTS) if "all" in arguments.tests else list(dict.fromkeys(arguments.tests))
    for name in names:
        run(name, console, quick=arguments.quick, again=arguments.again)


def run(name: str, console: Console, *, quick: bool, again: bool) -> None:
    """Run one test."""
    with Progress(
        *Progress.get_default_columns(), TimeElapsedColumn(), console=console, transient=True
    ) as progress:
        record = Record(name, quick=quick, again=again, progress=progress)
        tables = TESTS[name](record)
    for table in tables:
        console.print(rendered(table))
    if quick:
        return
    record.save(tables)
    console.print(f"saved {record.path} and {figures.save(name, page.load(name)[1])}")
    page.update(name)


if __name__ == "__main__":
    main()
