"""Figures in the style of the field: each plot takes Axes and returns them. Views of one evolution in time."""

from .artists import guide
from .evolution import Evolution, evolve_for_view, load_evolution
from .inference import (
    calibration_figure,
    contributions_figure,
    corner_figure,
    predictive_figures,
    profile_figure,
    pulls_figure,
)
from .noise import noise_figure
from .observables import (
    default_note,
    observable_figure,
    parts_figure,
    plot_curve,
    plot_parts,
    plot_raa_npart,
    raa_comparison_figure,
    raa_figure,
    write_observables,
)
from .style import save_figure, style, use_style
from .view import view_figure, write_views

__all__ = ["Evolution", "default_note", "evolve_for_view", "guide", "load_evolution"]
__all__ += ["calibration_figure", "contributions_figure", "corner_figure", "predictive_figures"]
__all__ += ["profile_figure", "pulls_figure"]
__all__ += ["noise_figure", "observable_figure", "parts_figure", "plot_curve", "plot_parts", "plot_raa_npart"]
__all__ += ["raa_comparison_figure", "raa_figure", "save_figure", "style", "use_style", "view_figure"]
__all__ += ["write_observables", "write_views"]
