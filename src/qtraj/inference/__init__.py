"""Parameters from data: priors, likelihood, posterior and their calibration."""

from .calibration import Calibration, Closure, calibrate, closure
from .likelihood import Likelihood, Predict, Prediction, select
from .parameters import PARAMETERS, LogUniform, Normal, Parameter, Parameters, Uniform
from .posterior import Posterior, Predictive
from .sampling import Profile, profile, sample_nested, sample_nuts

__all__ = [
    "PARAMETERS",
    "Calibration",
    "Closure",
    "Likelihood",
    "LogUniform",
    "Normal",
    "Parameter",
    "Parameters",
]
__all__ += ["Posterior", "Predict", "Prediction", "Predictive", "Profile", "Uniform", "calibrate", "closure"]
__all__ += ["profile", "sample_nested", "sample_nuts", "select"]
