"""Parameters from data: priors, likelihood, posterior and their calibration."""

from .adaptive import Adapted, Round, adapt_design
from .calibration import Calibration, Closure, calibrate, closure
from .design import Design, compute_design
from .likelihood import Likelihood, Predict, Prediction, select
from .parameters import PARAMETERS, LogUniform, Normal, Parameter, Parameters, Uniform
from .posterior import Posterior, Predictive
from .run import Inference, Inferred, infer
from .sampling import Profile, profile, sample_nested, sample_nuts
from .surrogate import Surrogate

__all__ = [
    "PARAMETERS",
    "Adapted",
    "Calibration",
    "Closure",
    "Design",
    "Inference",
    "Inferred",
    "Likelihood",
    "LogUniform",
    "Normal",
    "Parameter",
    "Parameters",
]
__all__ += ["Posterior", "Predict", "Prediction", "Predictive", "Profile", "Round", "Uniform", "adapt_design"]
__all__ += [
    "Surrogate",
    "calibrate",
    "closure",
    "compute_design",
    "infer",
    "profile",
    "sample_nested",
    "sample_nuts",
    "select",
]
