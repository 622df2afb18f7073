"""What is said twice about the package says the same: versions, dependencies, references, kinds of news."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import qtraj
from qtraj.io.citations import by_arxiv

ROOT = Path(__file__).parent.parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
RECIPE = yaml.safe_load((ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "packaging" / "Dockerfile").read_text(encoding="utf-8")

CONDA_NAMES = {"matplotlib": "matplotlib-base", "dask": "dask-core"}  # the others have the names of PyPI
GPU_ONLY = {"gpu"}  # its wheels are not pinned: they follow the version of jax


def requirements(extras: bool) -> list[Requirement]:
    lines = list(PROJECT["dependencies"])
    if extras:
        lines += [
            line
            for name, more in PROJECT["optional-dependencies"].items()
            if name not in GPU_ONLY
            for line in more
        ]
    return [Requirement(line) for line in lines]


def pins(path: Path) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [line.split("==") for line in lines if line]
    return {re.sub(r"[-_.]+", "-", name).lower(): number for name, number in pairs}


def test_the_version_stands_in_pyproject_and_what_repeats_it_agrees():
    assert qtraj.__version__ == version("qtraj") == PROJECT["version"]
    assert CITATION["version"] == PROJECT["version"]
    assert RECIPE["context"]["version"] == PROJECT["version"]


def test_no_other_file_repeats_the_version():
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "packaging" / "Dockerfile"]
    texts += [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("*.py")]
    # the pages of benchmarks say with which version they were measured
    texts = [path for path in texts if path.name not in ("paper.md", "peers.md")]
    number = re.compile(rf"(?<![\d.]){re.escape(PROJECT['version'])}(?![\d.])")
    assert [path.name for path in texts if number.search(path.read_text(encoding="utf-8"))] == []


def test_the_conda_recipe_has_the_dependencies_of_the_package():
    stated = {line.split(" ")[0]: line.partition(" ")[2] for line in RECIPE["requirements"]["run"]}
    assert stated.pop("python") == ">=${{ python_min }}"
    assert PROJECT["requires-python"] == f">={RECIPE['context']['python_min']}"
    needed = {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in requirements(extras=False)}
    assert stated == needed
    assert RECIPE["requirements"]["host"][2:] == [
        f"{r.name} {r.specifier}" for r in map(Requirement, PYPROJECT["build-system"]["requires"])
    ]
    assert RECIPE["build"]["python"]["entry_points"] == [f"{n} = {f}" for n, f in PROJECT["scripts"].items()]
    assert RECIPE["about"]["license"] == PROJECT["license"]


def test_pinned_versions_are_allowed_and_cover_all_extras():
    pinned = pins(ROOT / "constraints.txt")
    for requirement in requirements(extras=True):
        name = requirement.name.lower().replace("_", "-")
        assert name in pinned
        assert pinned[name] in requirement.specifier, f"{requirement} and {pinned[name]}"


def test_the_oldest_versions_are_the_declared_bounds():
    oldest = pins(ROOT / "packaging" / "oldest.txt")
    for requirement in requirements(extras=False):
        assert requirement.specifier == SpecifierSet(f">={oldest[requirement.name]}")


def test_the_citation_file_agrees_with_the_literature():
    assert CITATION["license"] == PROJECT["license"]
    for entry in CITATION["references"]:
        (number,) = [i["value"] for i in entry["identifiers"] if i["value"].startswith("arXiv:")]
        paper = by_arxiv(number.removeprefix("arXiv:"))
        assert (entry["title"], str(entry["volume"]), str(entry["start"]), entry["year"]) == (
            paper.title,
            paper.volume,
            paper.pages,
            paper.year,
        )
        assert [author["family-names"] for author in entry["authors"]] == [
            author.partition(", ")[0] for author in paper.authors
        ]
        assert entry["doi"] == paper.doi


@pytest.mark.parametrize("key", ["cff-version", "message", "title", "authors", "type"])
def test_the_citation_file_has_what_its_format_asks_for(key):
    assert CITATION[key]


def test_types_are_shipped():
    assert (Path(qtraj.__file__).parent / "py.typed").is_file()


def test_the_container_is_built_from_what_is_there_and_runs_without_root():
    stages = DOCKERFILE.split("\nFROM ")
    for line in DOCKERFILE.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            assert all((ROOT / name).exists() for name in line.split()[1:-1]), line
    users = re.findall(r"^USER (\S+)", stages[-1], flags=re.MULTILINE)
    assert users
    assert users[-1] not in ("root", "0")
    assert f'ENTRYPOINT ["{next(iter(PROJECT["scripts"]))}"]' in stages[-1]
    extras = re.findall(r"EXTRAS=([\w,]+)", DOCKERFILE)
    assert set(",".join(extras).split(",")) <= set(PROJECT["optional-dependencies"])


def test_news_fragments_have_known_kinds_and_an_end():
    kinds = {entry["directory"] for entry in PYPROJECT["tool"]["towncrier"]["type"]}
    explained = (ROOT / "changelog" / "README.md").read_text(encoding="utf-8")
    assert kinds == set(re.findall(r"`(\w+)`", re.search(r"Types: (.*)\.", explained)[1]))
    for path in (ROOT / "changelog").glob("*.md"):
        if path.name == "README.md":
            continue
        name = re.fullmatch(r"\d+\.(\w+)(\.\d+)?\.md", path.name)
        assert name, path.name
        assert name[1] in kinds, path.name
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n")
        assert re.search(r"[.)]$", text.strip()), path.name
