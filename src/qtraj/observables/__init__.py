"""From survival probabilities with errors to what experiments measure; knows no solver."""

from .binned import double_ratio_curve, raa_curve, survival_average
from .curves import Bins, Curve, CurveBand, curve_band
from .data.acceptance import Acceptance
from .data.chi_square import ChiSquare, chi_square, compare, nuisance_fit
from .data.compare import theory_at
from .data.dataset import DataSet, load_data, load_raa
from .data.systems import CollisionSystem, load_system, parse_system, system_names
from .estimate import Estimate, format_value, weighted_mean
from .feeddown import MESON_NAMES, FeedDown
from .flow import vn_curve
from .geometry import CollisionGeometry, coverage, geometric_weights, with_geometry
from .overview import Panel, overview
from .raa import Band, RaaCurve, envelope, raa, raa_npart
from .survival import MesonSurvival, average, meson_survival, scatter
from .table import SurvivalTable

__all__ = [
    "MESON_NAMES",
    "Acceptance",
    "Band",
    "Bins",
    "ChiSquare",
    "CollisionGeometry",
    "CollisionSystem",
    "Curve",
    "CurveBand",
    "DataSet",
    "Estimate",
    "FeedDown",
    "MesonSurvival",
    "Panel",
    "RaaCurve",
    "SurvivalTable",
    "average",
    "chi_square",
    "compare",
    "coverage",
    "curve_band",
    "double_ratio_curve",
    "envelope",
    "format_value",
    "geometric_weights",
    "load_data",
    "load_raa",
    "load_system",
    "meson_survival",
    "nuisance_fit",
    "overview",
    "parse_system",
    "raa",
    "raa_curve",
    "raa_npart",
    "scatter",
    "survival_average",
    "system_names",
    "theory_at",
    "vn_curve",
    "weighted_mean",
    "with_geometry",
]
