"""Medium spectroscopy: thermal mass shifts and widths by several routes, and spectral functions in real time."""

from .files import read_levels, write_levels
from .hamiltonian import effective_hamiltonian
from .levels import ROUTES, ThermalLevels, thermal_levels
from .spectral import SpectralFunction

__all__ = [
    "ROUTES",
    "SpectralFunction",
    "ThermalLevels",
    "effective_hamiltonian",
    "read_levels",
    "thermal_levels",
    "write_levels",
]
