"""Are wheel and source distribution in ``dist`` right? Called by `make dist`, `make smoke` and `make test-oldest`.

python packaging/check_dist.py contents               # what is inside, and that both give the same wheel
python packaging/check_dist.py smoke WHEEL|SDIST [--constraint FILE] [--old]   # installed in an empty environment
python packaging/check_dist.py types WHEEL            # mypy finds the types of an installed qtraj
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"

SDIST_HAS = ("src/", "tests/", "docs/", "benchmarks/", "examples/", "tools/", "packaging/", "changelog/")
SDIST_FILES = (
    *("pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE"),
    *("Makefile", "constraints.txt", "PKG-INFO"),
)
JUNK = (
    "__pycache__",
    ".pyc",
    ".venv",
    ".git/",
    "runs/",
    ".ipynb_checkpoints",
    ".egg-info",
    "_build",
    ".hypothesis",
)

USER_PROGRAM = """import qtraj
reveal_type(qtraj.Transport().kappa_hat(0.3))
reveal_type(qtraj.solve)
"""


def main() -> None:
    """Run one of the checks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("contents", "smoke", "types"))
    parser.add_argument("archive", type=Path, nargs="?")
    parser.add_argument("--constraint", type=Path)
    parser.add_argument("--old", action="store_true", help="old dependencies may warn")
    arguments = parser.parse_args()
    if arguments.what == "contents":
        contents(one("*.whl"), one("*.tar.gz"))
    elif arguments.what == "smoke":
        smoke(arguments.archive, arguments.constraint, ["--old"] if arguments.old else [])
    else:
        types(arguments.archive)


def contents(wheel: Path, sdist: Path) -> None:
    """Check that the wheel holds the package as git knows it, and the sdist all that tests and docs need."""
    listed = output("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    tracked = {name for name in listed if (ROOT / name).is_file()}
    inside = members(wheel)
    package = {name for name in inside if name.startswith("qtraj/")}
    source = {name.removeprefix("src/") for name in tracked if name.startswith("src/qtraj/")}
    # the run files that `qtraj init` writes
    source |= {f"qtraj/data/{name}" for name in tracked if name.startswith("examples/")}
    same("wheel", package, source)
    same("wheel, beside the package", {n.split("/")[1] for n in set(inside) - package}, EXPECTED_METADATA)
    packed = members(sdist)
    lacking = [name for name in SDIST_FILES if name not in packed]
    lacking += [folder for folder in SDIST_HAS if not any(name.startswith(folder) for name in packed)]
    stop_if(lacking, f"{sdist.name} lacks")
    stop_if([n for n in (*packed, *inside) if any(junk in n for junk in JUNK)], "junk in the archives:")
    stop_if(sorted(set(packed) - tracked - {"PKG-INFO"}), f"{sdist.name} holds files that git does not know:")
    with tempfile.TemporaryDirectory() as folder:
        call = (sys.executable, "-m", "build", "--wheel", "--outdir", folder, str(ROOT))
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
        direct = members(next(Path(folder).glob("*.whl")))
    stop_if(
        [n for n in {*direct, *inside} if direct.get(n) != inside.get(n)],
        "wheel of checkout and sdist differ:",
    )
    print(f"ok  {wheel.name}: {len(package)} files; {sdist.name}: {len(packed)} files, gives the same wheel")


EXPECTED_METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses"}


def smoke(archive: Path, constraint: Path | None, options: list[str]) -> None:
    """Install an archive in an empty environment with its core dependencies and run the smoke test there."""
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder), archive, constraint)
        for call in ((ROOT / "packaging" / "smoke_test.py", *options), ("-m", "pip", "check")):
            if code := subprocess.run((python, *call), cwd=folder, check=False).returncode:
                sys.exit(code)


def types(archive: Path) -> None:
    """Check a short program with mypy against an installed qtraj."""
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder), archive, ROOT / "constraints.txt")
        program = Path(folder) / "program.py"
        program.write_text(USER_PROGRAM, encoding="utf-8")
        call = (sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), str(program))
        done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False)
        print(done.stdout, end="")
        found = "ndarray" in done.stdout and "Result" in done.stdout and done.returncode == 0
        stop_if([] if found else [done.stdout + done.stderr], "mypy does not find the types:")


def environment(folder: Path, archive: Path, constraint: Path | None) -> Path:
    """Return the Python of a new environment in which an archive is installed."""
    venv.create(folder / "environment", with_pip=True)
    python = folder / "environment" / "bin" / "python"
    pinned = ("--constraint", str(constraint.resolve())) if constraint else ()
    call = (
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *pinned,
        archive.resolve(),
    )
    subprocess.run(call, check=True)
    return python


def members(archive: Path) -> dict[str, str]:
    """Return the digest of each file of an archive; a source distribution without the folder that it is in."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as zipped:
            return {name: digest(zipped.read(name)) for name in zipped.namelist() if not name.endswith("/")}
    with tarfile.open(archive) as tar:
        found = {}
        for member in tar.getmembers():
            handle = tar.extractfile(member)
            if handle is not None:
                found[member.name.partition("/")[2]] = digest(handle.read())
        return found


def digest(content: bytes) -> str:
    """Return a digest of a file's content."""
    return hashlib.sha256(content).hexdigest()


def same(what: str, found: set[str], expected: set[str]) -> None:
    """End the run if two sets of names differ."""
    stop_if(sorted(found - expected), f"{what}: not expected")
    stop_if(sorted(expected - found), f"{what}: missing")


def stop_if(wrong: list[str], words: str) -> None:
    """End the run if anything is wrong."""
    if wrong:
        sys.exit(f"FAILED: {words} {', '.join(wrong)}")


def one(pattern: str) -> Path:
    """Return the only file of ``dist`` that matches a pattern."""
    found = list(DIST.glob(pattern))
    if len(found) != 1:
        sys.exit(f"FAILED: {DIST} holds {len(found)} files {pattern}; `make dist` builds them")
    return found[0]


def output(*call: str) -> str:
    """Return what a command prints."""
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
