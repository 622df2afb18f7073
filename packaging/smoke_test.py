"""Does an installed qtraj work? Run by the Python of the environment to test, in any folder but a checkout.

    python packaging/smoke_test.py            # the core installation
    python packaging/smoke_test.py --extras   # where optional packages may be there, too
    python packaging/smoke_test.py --old      # with old dependencies, which may warn of their own age

Imports only the standard library, so that it says what is missing instead of failing on it. The wheel, the source
distribution, the conda package and the container image are all tested by it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from importlib.metadata import files, version
from pathlib import Path

FIRST_NUMBER = """
import qtraj as qt

model = qt.LindbladModel(qt.CoulombPotential(), qt.Transport(kappa="central", gamma=-1.75), mass=4.73)
medium = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25)
result = qt.solve(model, medium, qt.GaussianState(l=0, width=0.2))
print(f"{result.survival['1S'].value:.3f}")
"""
"""The five lines of the README."""

SURVIVAL_1S = "0.355"
"""Of an independent prototype, tests/solvers/test_density.py: 0.354863."""

RUN_FILE = """
[system]
preset = "PbPb5020"
[model]
kappa = ["central"]
gamma = [-1.75]
[medium]
T_end = 0.25
b_fm = [11.6]
[paths]
n = 1
replicates = 2
[method]
rtol = 0.05
budget = "replicate"
[output]
directory = "out"
"""

DATA = ("py.typed", "data/references.toml", "data/systems/PbPb5020.toml", "data/feeddown/feeddown.json")
SUFFIXES = {".nc": 4, ".js": 3, ".html": 2, ".css": 1, ".csv": 10, ".toml": 6}
"""Files that are no code, and at least how many of each kind."""

OPTIONAL = (
    *("distributed", "dask_jobqueue", "panel", "bokeh", "pyfftw"),
    *("pytest", "hypothesis", "qutip", "hepdata_validator", "sympy", "ruff", "mypy", "sphinx"),
)
"""Import names of the packages of the extras."""

MAGIC = {"raa.png": b"\x89PNG\r\n", "raa.pdf": b"%PDF-", "result.nc": b"\x89HDF\r\n"}

WARNINGS = ["-W", "error"]
"""Options of Python under which scripts run."""


def main() -> None:
    """Run all checks, one line each; the first that fails ends the run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--extras", action="store_true", help="optional packages may be installed")
    parser.add_argument("--old", action="store_true", help="old dependencies may warn")
    arguments = parser.parse_args()
    extras = arguments.extras
    if arguments.old:
        WARNINGS.clear()
    started = time.perf_counter()
    installed()
    package_data()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        light_start(place)
        commands(place)
        first_number(place)
        small_run(place, optional=extras)
        citations(place)
        if not extras:
            missing_extras(place)
    print(f"qtraj {version('qtraj')} works: {time.perf_counter() - started:.0f} s")


def installed() -> None:
    """Check that the package is in the environment, not in a checkout beside this file."""
    where = python("import qtraj; print(qtraj.__file__)", Path(tempfile.gettempdir())).strip()
    check(Path(sys.prefix) in Path(where).parents, f"installed in {Path(where).parent}")


def package_data() -> None:
    """Check that files that are no code are installed, and nothing that does not belong there."""
    listed = [str(path) for path in files("qtraj") or []]
    found = [path.removeprefix("qtraj/") for path in listed if path.startswith("qtraj/")]
    lacking = [name for name in DATA if name not in found]
    check(not lacking, f"package data {', '.join(DATA)}", f"lacks {lacking}")
    for suffix, least in SUFFIXES.items():
        number = sum(name.endswith(suffix) for name in found)
        check(number >= least, f"{number} files {suffix}", f"expected {least} at least")
    others = [path for path in listed if path.startswith(("tests", "docs", "benchmarks"))]
    check(not others, "only the package itself is installed", f"but {others}")


def light_start(place: Path) -> None:
    """Check that help and version come without the heavy libraries."""
    heavy = ("jax", "xarray", "matplotlib", "pydantic")
    loaded = python(f"import sys, qtraj.cli; print(*[m for m in {heavy} if m in sys.modules])", place)
    check("matplotlib" not in loaded and "pydantic" not in loaded, "the command line starts light", loaded)


def commands(place: Path) -> None:
    """Ask for the version, and for the help."""
    check(qtraj(place, "--version").strip() == f"qtraj {version('qtraj')}", "qtraj --version")
    text = qtraj(place, "--help")
    names = (
        "run",
        "solve",
        "states",
        "convert",
        "legacy",
        "view",
        "observe",
        "report",
        "spectrum",
        "equilibrium",
        "cite",
    )
    check(all(name in text for name in names), "qtraj --help")


def first_number(place: Path) -> None:
    """Run the five lines of the README."""
    number = python(FIRST_NUMBER, place).strip()
    check(number == SURVIVAL_1S, f"survival of 1S {number}", f"expected {SURVIVAL_1S}")


def small_run(place: Path, *, optional: bool) -> None:
    """Go from the shipped hydrodynamics to a figure, without importing an optional package."""
    (place / "run.toml").write_text(RUN_FILE, encoding="utf-8")
    script = f"""
import sys
from qtraj.cli import app
try:
    app(["run", "run.toml"], standalone_mode=False)
finally:
    print("LOADED", *[m for m in {OPTIONAL} if m in sys.modules])
"""
    loaded = python(script, place).partition("LOADED")[2].split()
    check(optional or not loaded, "qtraj run", f"which imports {loaded}")
    for name, magic in MAGIC.items():
        check((place / "out" / name).read_bytes().startswith(magic), f"out/{name}")


def citations(place: Path) -> None:
    """Ask what to cite for that run, as text and as BibTeX."""
    text = qtraj(place, "cite", "out/result.nc")
    check("arXiv:2107.06147" in text and "arXiv:1004.1408" in text, "qtraj cite")
    check("@article{" in qtraj(place, "cite", "run.toml", "--bibtex"), "qtraj cite --bibtex")


def missing_extras(place: Path) -> None:
    """Check that a command whose extra is missing says how to install it."""
    call = (sys.executable, "-m", "qtraj", "explore", "--no-show")
    answer = subprocess.run(call, cwd=place, capture_output=True, text=True, check=False)
    told = answer.returncode != 0 and "qtraj[app]" in answer.stderr and "Traceback" not in answer.stderr
    check(told, "qtraj explore names its extra", answer.stderr)


def qtraj(place: Path, *arguments: str) -> str:
    """Run `qtraj` and return what it prints."""
    return run(place, sys.executable, "-m", "qtraj", *arguments)


def python(script: str, place: Path) -> str:
    """Run a script, warnings are errors, and return what it prints."""
    return run(place, sys.executable, *WARNINGS, "-c", script)


def run(place: Path, *call: str) -> str:
    """Run a command in a folder and return its standard output; end everything if it fails."""
    done = subprocess.run(call, cwd=place, capture_output=True, text=True, check=False)
    words = " ".join(call[1:] if "-c" not in call else ["python", "-c", "..."])
    check(done.returncode == 0, "", f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def check(good: bool, what: str, otherwise: str = "") -> None:
    """Print what is good, or end the run."""
    if not good:
        sys.exit(f"FAILED: {what} {otherwise}".rstrip())
    if what:
        print(f"ok  {what}")


if __name__ == "__main__":
    main()
