"""Options that several commands share: the model on the command line, `io.choices` makes it."""

from __future__ import annotations

from typing import Annotated

import typer

Potential = Annotated[str, typer.Option(metavar="coulomb|ksu|FILE", help="A potential, or a table of V(r).")]
Alpha = Annotated[
    float | None,
    typer.Option(help="Coulomb coupling C_F alpha_s instead of the potential's; a file needs one."),
]
Beyond = Annotated[
    str | None, typer.Option(metavar="constant|linear", help="How a table goes on beyond its last point.")
]
Mass = Annotated[float | None, typer.Option(help="Heavy-quark mass, GeV  [4.73; with ksu 4.70]")]
Kappa = Annotated[str | None, typer.Option(help="central (default), lower, upper, or a number kappa/T^3.")]
Gamma = Annotated[float | None, typer.Option(help="gamma/T^3.  [-1.75]")]
CriticalTemperature = Annotated[
    float | None, typer.Option("--T-c", help="Critical temperature of the kappa fits, GeV  [0.150]")
]
Order = Annotated[str, typer.Option(metavar="LO|NLO", help="Order in E/T.")]
