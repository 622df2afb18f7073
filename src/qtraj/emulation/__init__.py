"""Emulation: survival as a learned function of the history, and averages over paths that are free of its error."""

from .emulator import CrossFit, Emulator, Sample, cross_fit, outputs_of
from .estimator import corrected_table

__all__ = ["CrossFit", "Emulator", "Sample", "corrected_table", "cross_fit", "outputs_of"]
