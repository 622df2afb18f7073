"""Every file format of QTraj 1.0; nothing else in qtraj knows them."""

from .files.evolution import (
    Snapshot,
    SummaryBlock,
    iterate_summary,
    read_basis,
    read_snapshot,
    read_summary,
    thinned,
    write_basis,
    write_snapshot,
    write_summary,
)
from .files.parameters import LegacyParameters, Problem, describe_keys, problem, read_params, write_params
from .files.ratios import (
    AveragedRatios,
    NoJumpPart,
    RatioTable,
    average_ratios,
    effective_rows,
    iterate_ratios,
    read_averaged_ratios,
    read_ratios,
    write_ratios,
)
from .program.run import run_legacy

__all__ = [
    "AveragedRatios",
    "LegacyParameters",
    "NoJumpPart",
    "Problem",
    "RatioTable",
    "Snapshot",
    "SummaryBlock",
    "average_ratios",
    "describe_keys",
    "effective_rows",
    "iterate_ratios",
    "iterate_summary",
    "problem",
    "read_averaged_ratios",
    "read_basis",
    "read_params",
    "read_ratios",
    "read_snapshot",
    "read_summary",
    "run_legacy",
    "thinned",
    "write_basis",
    "write_params",
    "write_ratios",
    "write_snapshot",
    "write_summary",
]
