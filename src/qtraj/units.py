"""Constants of nature and conversions; everything inside qtraj is in powers of GeV (hbar = c = k_B = 1).

A name that ends in ``_fm`` is in fm or fm/c.
"""

from typing import Final

HBARC: Final = 0.1973269804
"""hbar c in GeV fm (CODATA 2018, exact to the digits shown)."""

N_C: Final = 3
"""Number of colors."""

C_F: Final = 4.0 / 3.0
"""Casimir of the fundamental representation, (N_c^2 - 1)/(2 N_c)."""

OCTET_DIMENSION: Final = N_C**2 - 1
"""Number of octet color states."""


def from_fm(length_fm: float) -> float:
    """Convert fm (or fm/c) to GeV^-1."""
    return length_fm / HBARC


def to_fm(length: float) -> float:
    """Convert GeV^-1 to fm (or fm/c)."""
    return length * HBARC
