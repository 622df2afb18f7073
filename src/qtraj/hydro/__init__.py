"""Where temperature histories come from: hydro outputs, production points, straight-line paths."""

from .columns import read_columns
from .field import Hydro
from .jetdata import read_jetdata_h5
from .jewel import read_jewel2d
from .music import read_music
from .music_dense import MusicGrid, read_music_dense, read_music_input
from .netcdf import read_netcdf, write_netcdf
from .oscar2008 import read_oscar2008
from .oscar2013 import read_oscar2013, write_oscar2013
from .qtraj_text import TemperatureTable, read_qtraj_averaged, read_qtraj_trajectories
from .recognize import open_hydro
from .shipped import ShippedRun, load_shipped, shipped_runs

__all__ = [
    "Hydro",
    "MusicGrid",
    "ShippedRun",
    "TemperatureTable",
    "load_shipped",
    "open_hydro",
    "read_columns",
    "read_jetdata_h5",
    "read_jewel2d",
    "read_music",
    "read_music_dense",
    "read_music_input",
    "read_netcdf",
    "read_oscar2008",
    "read_oscar2013",
    "read_qtraj_averaged",
    "read_qtraj_trajectories",
    "shipped_runs",
    "write_netcdf",
    "write_oscar2013",
]
