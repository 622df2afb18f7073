"""The import layers of docs/architecture.md, the size of modules, and no path outside the project."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "qtraj"
MODULES = sorted(PACKAGE.rglob("*.py"))
FOREIGN_PATH = re.compile(r"""["'(\s](/(home|root|tmp|work|mnt|opt|Users)/|[A-Z]:\\)""")

# from the bottom up; a module imports only its own unit and units of lower layers
LAYERS = [
    {"errors", "units", "provenance", "data", "_types", "_interrupt"},
    {"_checks"},
    {"_atomic", "states"},
    {"radial", "observables", "_netcdf"},
    {"physics"},
    {"solvers", "hydro", "emulation"},
    {"qtraj1.files"},
    {"io"},
    {"qtraj1.program"},
    {"qtraj1", "qtraj1.convert"},
    {"campaign", "spectroscopy"},
    {"inference"},
    {"plots"},
    {"pages"},
    {"cli"},
]
QTRAJ1 = ("files", "program", "convert")
LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}


def unit_of(path: Path) -> str:
    return unit(".".join(path.relative_to(PACKAGE).parts).removesuffix(".py"))


def unit(module: str) -> str:
    """Return the unit of a module named without the package: its first part, of QTraj 1.0 the first two."""
    first, *rest = module.split(".")
    return f"qtraj1.{rest[0]}" if first == "qtraj1" and rest and rest[0] in QTRAJ1 else first


def imported_units(path: Path) -> Iterator[str]:
    package = ("qtraj", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (unit(name.removeprefix("qtraj.")) for name in names if name.startswith("qtraj."))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path: Path):
    unit = unit_of(path)
    if unit in {
        "__init__",
        "__main__",
        "qtraj1",
    }:  # the public names and `python -m qtraj` gather from everywhere
        return
    assert unit in LEVEL, f"{unit} has no layer: add it to LAYERS and to docs/architecture.md"
    upward = {u for u in imported_units(path) if u != unit and LEVEL.get(u, 99) >= LEVEL[unit]}
    # `from .. import __version__` asks the package for no unit
    assert upward <= {"__version__"}, f"{unit} must not import {upward}"


def test_the_documented_layers_are_these():
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    documented = [
        set(re.findall(r"`([\w.]+)/?`", row.split("|")[2]))
        for row in table.splitlines()
        if re.match(r"\| \d", row)
    ]
    assert documented == LAYERS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_holds_one_idea(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600


def test_no_module_names_a_path_outside_the_project():
    sources = [*MODULES, *(ROOT / "tests").rglob("*.py")]
    offenders = [
        p.name for p in sources if p != Path(__file__) and FOREIGN_PATH.search(p.read_text(encoding="utf-8"))
    ]
    assert not offenders
