"""The noise behind complex potentials: what Im V says of distances and of momenta, and where it is no noise."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from .._checks import instances, text
from ..physics.positivity import Noise
from .artists import GRAY
from .style import NotebookFigure, style


def noise_figure(noises: Sequence[Noise], *, title: str = "") -> Figure:
    """Return the figure of noise at several temperatures: G(r) with its projection, and the density q^2 D~(q).

    Parameters
    ----------
    noises : sequence of Noise
        From `qtraj.noise`.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure
        Left, G(r) (lines) and the nearest noise (dots); right, q^2 D~/(2 pi^2), filled where it is negative.

    Raises
    ------
    InputError
        If `noises` holds anything else, or nothing.
    """
    title, shown = text("title", title), instances("noises", noises, Noise, least=1)
    # a plain ramp through the colors of a printed page; the ends of the map are too dark and too pale
    shades = mpl.colormaps["plasma"](np.linspace(0.05, 0.85, len(shown)))
    with style():
        figure = NotebookFigure(figsize=(13.6, 5.8), layout="constrained")
        distance, momentum = figure.subplots(1, 2)
        for noise, color in zip(shown, shades, strict=True):
            label = rf"$\mathit{{T}}$ = {1000 * noise.T:.0f} MeV"
            distance.plot(noise.r, 1000 * noise.G, color=color, linewidth=1.8, label=label)
            r = np.geomspace(0.1, noise.r[-1], 40)
            distance.plot(r, 1000 * noise.projection(r), color=color, linestyle="", marker="o", markersize=4)
            density = noise.q**2 * noise.spectrum / (2 * np.pi**2)
            momentum.plot(noise.q, 1000 * density, color=color, linewidth=1.8, label=label)
            momentum.fill_between(
                noise.q, 0, 1000 * np.minimum(density, 0), color=color, alpha=0.35, linewidth=0
            )
        distance.plot([], [], color=GRAY, linestyle="", marker="o", markersize=4, label="nearest noise")
        distance.set_xscale("log")
        distance.set_xlim(0.1, max(noise.r[-1] for noise in shown))
        distance.set_ylim(bottom=0)
        distance.set_xlabel(r"$\mathit{r}$  [GeV$^{-1}$]")
        distance.set_ylabel(r"$\mathit{G} = -\mathrm{Im}\,\mathit{V}_s/\mathit{C}_F$  [MeV]")
        distance.legend(frameon=False)
        momentum.axhline(0.0, color=GRAY, linewidth=1.0, zorder=1)
        momentum.set_xlim(0, max(noise.q[-1] for noise in shown))
        momentum.set_xlabel(r"$\mathit{q}$  [GeV]")
        momentum.set_ylabel(r"$\mathit{q}^2 \tilde{\mathit{D}}(\mathit{q})/2\pi^2$  [$10^{-3}$]")
        if title:
            figure.suptitle(title, fontsize=14, wrap=True)
    return figure
