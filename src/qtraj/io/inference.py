"""Inference files: TOML that says what is inferred, from which data, with which models.

The sections of a run file stand under ``[run]``; each model and each prediction changes some of their keys.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from .._checks import path as path_of
from ..errors import FileFormatError, InputError
from ..observables.data.dataset import STATUSES
from .config import Output, RunFile, distinct, file_text, parse_config
from .config_errors import Section, input_error, one_of

_Numbers = Annotated[tuple[float, float], Field(strict=False)]
_Names = Annotated[tuple[str, ...], Field(strict=False)]


class PriorChoice(Section):
    """Entry of ``[parameters]``: uniform or log_uniform = [low, high], or normal = [mean, sigma] and its ends."""

    uniform: _Numbers | None = None
    log_uniform: _Numbers | None = None
    normal: _Numbers | None = None
    low: float | None = None
    high: float | None = None

    def _rules(self) -> Iterator[tuple[bool, str]]:
        kinds = (self.uniform, self.log_uniform, self.normal)
        one = "have uniform = [low, high], log_uniform = [low, high] or normal = [mean, sigma], one of them"
        yield kinds.count(None) != 2, one
        ends = self.normal is None and (self.low is not None or self.high is not None)
        yield ends, "have low and high beside normal only: the others have their ends in brackets"


class DataChoice(Section):
    """Entry ``[[data]]``: measurements of the system of the run, selected as by `qtraj.observables.load_data`."""

    observable: str
    experiment: str | None = None
    states: _Names = ()
    x_name: str | None = None
    status: Annotated[str, AfterValidator(one_of(STATUSES))] = "current"
    kinematics: str | None = None
    centrality: str | None = None


class ModelChoice(Section):
    """Entry ``[[models]]``: a name, sections of the run that differ, and perhaps priors that differ."""

    name: Annotated[str, Field(pattern=r"^[\w.+-]+$")]
    run: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, PriorChoice] = Field(default_factory=dict)
    points: Annotated[int, Field(ge=4)] | None = None


class PredictionChoice(Section):
    """Entry ``[[predictions]]``: a system that is not fitted: sections of its run, and data to show beside it."""

    name: Annotated[str, Field(pattern=r"^[\w.+-]+$")]
    run: dict[str, Any]
    data: Annotated[tuple[DataChoice, ...], Field(strict=False, min_length=1)]
    points: Annotated[int, Field(ge=4)] | None = None


class LikelihoodChoice(Section):
    """Section ``[likelihood]``: arguments of `qtraj.inference.Likelihood`."""

    systematic: Literal["uncorrelated", "correlated"] = "uncorrelated"
    common_global: bool = False
    student_nu: Annotated[float, Field(gt=2)] | None = None


class DesignChoice(Section):
    """Section ``[design]``: points that fill the priors; rounds of further ones where the posterior is; the seed.

    The rounds end where the surrogate is known to `error`, a share of the error of the data.
    """

    points: Annotated[int, Field(ge=4)] = 16
    rounds: Annotated[int, Field(ge=0)] = 3
    round_points: Annotated[int, Field(ge=1)] = 6
    error: Annotated[float, Field(gt=0)] = 0.1
    seed: Annotated[int, Field(ge=0)] = 0


class Sampling(Section):
    """Section ``[sampling]``: samplers and their arguments."""

    samplers: Annotated[
        tuple[Literal["nuts", "nested"], ...], Field(min_length=1, strict=False), AfterValidator(distinct)
    ] = ("nuts", "nested")
    draws: Annotated[int, Field(ge=4)] = 1000
    chains: Annotated[int, Field(ge=2)] = 4
    warmup: Annotated[int, Field(ge=100)] = 1000
    live: Annotated[int, Field(ge=50)] = 400
    seed: Annotated[int, Field(ge=0)] = 0


class InferenceConfig(Section):
    """A whole inference file."""

    run: dict[str, Any]
    parameters: Annotated[dict[str, PriorChoice], Field(min_length=1)]
    data: Annotated[tuple[DataChoice, ...], Field(min_length=1, strict=False)]
    models: Annotated[tuple[ModelChoice, ...], Field(strict=False)] = (ModelChoice(name="model"),)
    predictions: Annotated[tuple[PredictionChoice, ...], Field(strict=False)] = ()
    likelihood: LikelihoodChoice = LikelihoodChoice()
    design: DesignChoice = DesignChoice()
    sampling: Sampling = Sampling()
    output: Output

    def _rules(self) -> Iterator[tuple[bool, str]]:
        for kind, entries in (("models", self.models), ("predictions", self.predictions)):
            names = [entry.name for entry in entries]
            yield len(set(names)) < len(names), f"give each of [[{kind}]] a name of its own"
        yield not self.models, "have one of [[models]] at least"


@dataclass(frozen=True)
class InferenceFile:
    """An inference file as read: its checked content, its text and its path."""

    config: InferenceConfig
    text: str
    path: Path

    def run_file(self, *changes: Mapping[str, Any]) -> RunFile:
        """Return the run file of ``[run]`` with the keys of some sections changed, checked."""
        sections: dict[str, Any] = dict(self.config.run)
        for change in changes:
            for name, section in change.items():
                both = isinstance(section, dict) and isinstance(sections.get(name), dict)
                # another system, or another potential, is no mixture of both
                replaced = name == "system" or not both
                sections[name] = section if replaced else {**sections[name], **section}
        # of a run inside of an inference only the folder is missing, which is that of the inference
        sections.setdefault("output", {"directory": self.config.output.directory})
        text = toml_text(sections)
        try:
            return RunFile(parse_config(text, str(self.path)), text, self.path)
        except InputError as error:
            raise InputError(f"run.{error.argument}", error.value, error.allowed, error.remedy) from None


def load_inference_file(path: str | Path) -> InferenceFile:
    """Read and check an inference file.

    Parameters
    ----------
    path : str or Path
        The TOML file.

    Returns
    -------
    InferenceFile

    Raises
    ------
    FileFormatError
        If it cannot be read or is no TOML.
    InputError
        If a key is unknown or its value not allowed.
    """
    path = path_of("path", path)
    text = file_text(path, "An inference file")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileFormatError(
            path, f"not TOML: {error}", "`qtraj init` writes one, infer_pbpb_5020.toml."
        ) from None
    try:
        config = InferenceConfig.model_validate(table)
    except ValidationError as error:
        raise input_error(error, InferenceConfig) from None
    file = InferenceFile(config, text, path)
    for model in config.models:  # what cannot run is found before anything is computed
        file.run_file(model.run)
        for prediction in config.predictions:
            file.run_file(model.run, prediction.run)
    return file


def is_inference_file(path: Path) -> bool:
    """Return whether a TOML file is an inference file, not a run file: its run stands under ``[run]``."""
    try:
        return "run" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False  # whoever reads it says what is wrong


def toml_text(tables: Mapping[str, Any]) -> str:
    """Return sections as TOML: tables under their names, lists of tables as arrays of tables."""
    lines: list[str] = []
    for name, content in tables.items():
        several = isinstance(content, list | tuple)
        for table in content if several else [content]:
            lines.append(f"[[{name}]]" if several else f"[{name}]")
            lines += [f"{_key(key)} = {_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)
