"""Genuine files of the original code, and the tables that the tests of its formats make."""

from pathlib import Path

import numpy as np

from qtraj.qtraj1 import RatioTable

SAMPLES = Path(__file__).parents[1] / "data" / "legacy"

PARAMS = SAMPLES / "bjorken" / "input" / "params.txt"
RATIOS = SAMPLES / "bjorken" / "output-307" / "ratios.tsv"
COLLECTED = SAMPLES / "trajectory_datafile.gz"


def ratio_table(first_column, r0=None, l=0, metadata=None) -> RatioTable:
    """Rows whose 1S ratios are given, the other states empty."""
    ratios = np.zeros((len(first_column), 6))
    ratios[:, 0] = first_column
    n = len(ratios)
    r0 = np.full(n, 0.5) if r0 is None else r0
    return RatioTable(ratios, r0, np.full(n, l), metadata)
