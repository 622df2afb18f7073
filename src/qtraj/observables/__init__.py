"""From survival probabilities with errors to what experiments measure; knows no solver."""

from .bins import Bins
from .curves import Band, Curve, CurveBand, RaaCurve, curve_band, envelope
from .data.compare import ChiSquare, chi_square, compare, nuisance_fit, theory_at
from .data.dataset import Acceptance, DataSet, load_data, load_raa
from .data.files import read_data
from .data.systems import CollisionSystem, load_system, parse_system, system_names
from .estimate import Estimate, format_value, weighted_mean
from .feeddown import MESON_NAMES, FeedDown
from .geometry import CollisionGeometry, coverage, geometric_weights, with_geometry
from .observable import Observable, double_ratio_curve, raa, raa_curve, raa_npart, survival_average, vn_curve
from .overview import Panel, overview
from .sums import MesonSurvival, average, meson_survival, scatter
from .table import SurvivalTable

__all__ = ["MESON_NAMES", "Acceptance", "Band", "Bins", "ChiSquare", "CollisionGeometry"]
__all__ += ["CollisionSystem", "Curve", "CurveBand", "DataSet", "Estimate", "FeedDown", "MesonSurvival"]
__all__ += ["Observable", "Panel", "RaaCurve", "SurvivalTable", "average", "chi_square", "compare"]
__all__ += ["coverage", "curve_band", "double_ratio_curve", "envelope", "format_value"]
__all__ += ["geometric_weights", "load_data", "load_raa", "load_system", "meson_survival"]
__all__ += [
    "nuisance_fit",
    "overview",
    "parse_system",
    "raa",
    "raa_curve",
    "raa_npart",
    "read_data",
    "scatter",
]
__all__ += ["survival_average", "system_names", "theory_at", "vn_curve", "weighted_mean"]
__all__ += ["with_geometry"]
