"""Heavy quarkonium in the quark-gluon plasma: the Lindblad equation from hydrodynamics to R_AA.

Examples
--------
>>> import qtraj as qt
>>> model = qt.LindbladModel(qt.CoulombPotential(), qt.Transport(kappa="central", gamma=-1.75))
>>> result = qt.solve(model, qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25), qt.GaussianState(width=0.2))
>>> print(f"{result.survival['1S'].value:.3f}")
0.355
"""

from . import _interrupt as _interrupt  # before all that takes time

# isort: split
from importlib.metadata import version as _version

from . import observables
from .errors import AccuracyWarning, FileFormatError, InputError, PerformanceWarning, QtrajError
from .observables.estimate import Estimate
from .physics.channels import JumpChannel
from .physics.initial import ArrayState, BoundState, CoulombState, GaussianState, StoredStates
from .physics.medium import Bjorken, ConstantTemperature, Histories, TabulatedTemperature
from .physics.model import LindbladModel
from .physics.positivity import Noise, noise
from .physics.potentials.callable import CallablePotential
from .physics.potentials.coulomb import CoulombPotential
from .physics.potentials.htl import HTLPotential
from .physics.potentials.ksu import CornellPotential, KSUPotential
from .physics.potentials.table import TabulatedPotential
from .physics.potentials.three_loop import ThreeLoopPotential
from .physics.potentials.wilson_line import WilsonLinePotential
from .physics.spectrum import Spectrum
from .physics.transport import Transport
from .radial.laguerre import LaguerreMesh
from .radial.sine import SineGrid
from .solvers.density.evolution import DensityInTime, density_in_time
from .solvers.density.method import DensityMatrix
from .solvers.density.sensitivity import Sensitivity, sensitivity
from .solvers.equilibrium import SteadyState, steady_state
from .solvers.nojump.method import NoJump
from .solvers.projection import Levels, vacuum_levels
from .solvers.result import Result, load
from .solvers.solve import solve
from .solvers.trajectories.method import QuantumTrajectories
from .spectroscopy.levels import thermal_levels
from .spectroscopy.spectral import SpectralFunction
from .states import STATES, State

__version__ = _version("qtraj")

__all__ = [
    "STATES",
    "AccuracyWarning",
    "ArrayState",
    "Bjorken",
    "BoundState",
    "CallablePotential",
    "ConstantTemperature",
    "CornellPotential",
    "CoulombPotential",
    "CoulombState",
    "DensityInTime",
    "DensityMatrix",
    "Estimate",
    "FileFormatError",
    "GaussianState",
    "HTLPotential",
    "Histories",
    "InputError",
    "JumpChannel",
    "KSUPotential",
    "LaguerreMesh",
    "Levels",
    "LindbladModel",
    "NoJump",
    "Noise",
    "PerformanceWarning",
    "QtrajError",
    "QuantumTrajectories",
    "Result",
    "Sensitivity",
    "SineGrid",
    "SpectralFunction",
    "Spectrum",
    "State",
    "SteadyState",
    "StoredStates",
    "TabulatedPotential",
    "TabulatedTemperature",
    "ThreeLoopPotential",
    "Transport",
    "WilsonLinePotential",
    "__version__",
    "density_in_time",
    "load",
    "noise",
    "observables",
    "sensitivity",
    "solve",
    "steady_state",
    "thermal_levels",
    "vacuum_levels",
]
