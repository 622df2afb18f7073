"""Every file format of QTraj 1.0; nothing else in qtraj knows them."""

from .averages import NoJumpPart, average_ratios, effective_rows
from .basis import read_basis, write_basis
from .parameters import LegacyParameters, describe_keys
from .params import read_params, write_params
from .ratios import RatioTable, iterate_ratios, read_ratios, write_ratios
from .run import run_legacy
from .snapshots import Snapshot, read_snapshot, thinned, write_snapshot
from .summary import SummaryBlock, iterate_summary, read_summary, write_summary

__all__ = [
    "LegacyParameters",
    "NoJumpPart",
    "RatioTable",
    "Snapshot",
    "SummaryBlock",
    "average_ratios",
    "describe_keys",
    "effective_rows",
    "iterate_ratios",
    "iterate_summary",
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
