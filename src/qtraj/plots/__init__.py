"""Figures in the style of the field: each plot takes Axes and returns them."""

from .artists import guide
from .raa import default_note, plot_raa_npart, raa_figure
from .style import save_figure, style

__all__ = ["default_note", "guide", "plot_raa_npart", "raa_figure", "save_figure", "style"]
