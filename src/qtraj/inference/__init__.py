"""Parameters from data: priors, likelihood, posterior and their calibration."""

from .likelihood import Likelihood, Predict, Prediction, select
from .parameters import LogUniform, Normal, Parameter, Parameters, Uniform
from .posterior import Posterior, Predictive
from .sampling import sample_nested, sample_nuts

__all__ = [
    "Likelihood",
    "LogUniform",
    "Normal",
    "Parameter",
    "Parameters",
    "Posterior",
    "Predict",
    "Prediction",
]
__all__ += ["Predictive", "Uniform", "sample_nested", "sample_nuts", "select"]
