"""From survival probabilities with errors to what experiments measure; knows no solver."""

from .estimate import Estimate, format_value, weighted_mean
from .experiment import DataSet, load_raa
from .feeddown import MESON_NAMES, FeedDown
from .raa import Band, RaaCurve, envelope, raa, raa_npart
from .survival import MesonSurvival, average, meson_survival, scatter

__all__ = [
    "MESON_NAMES",
    "Band",
    "DataSet",
    "Estimate",
    "FeedDown",
    "MesonSurvival",
    "RaaCurve",
    "average",
    "envelope",
    "format_value",
    "load_raa",
    "meson_survival",
    "raa",
    "raa_npart",
    "scatter",
    "weighted_mean",
]
