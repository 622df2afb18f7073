"""Functions of r: grids and bound states; knows no QCD."""

from .laguerre import LaguerreMesh

__all__ = ["LaguerreMesh"]
