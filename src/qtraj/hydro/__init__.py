"""Where temperature histories come from: hydro outputs, production points, straight-line paths."""

from .field import Hydro, begin_earlier, event_plane, join, joined_hydro
from .glauber import PB208, PB208_GROUP, Nucleus, OpticalGlauber
from .paths import MEAN_MASS, Paths, histories_along
from .readers import open_hydro
from .readers.columns import read_columns
from .readers.jetdata import read_jetdata_h5
from .readers.music import MusicGrid, read_music, read_music_dense, read_music_input
from .readers.netcdf import ShippedRun, load_shipped, read_netcdf, shipped_runs, write_netcdf
from .readers.oscar import read_oscar2008, read_oscar2013, write_oscar2013
from .readers.per_time import read_jewel2d, read_vhlle_vtk
from .readers.qtraj_text import (
    TemperatureTable,
    TrajectoryIndex,
    histories_from_tables,
    index_qtraj_trajectories,
    read_qtraj_averaged,
    read_qtraj_trajectories,
    write_qtraj_trajectories,
)
from .sampling import PlaneDensity, sample_paths

__all__ = [
    "MEAN_MASS",
    "PB208",
    "PB208_GROUP",
    "Hydro",
    "MusicGrid",
    "Nucleus",
    "OpticalGlauber",
    "Paths",
    "PlaneDensity",
    "ShippedRun",
    "TemperatureTable",
    "TrajectoryIndex",
    "begin_earlier",
    "event_plane",
    "histories_along",
    "histories_from_tables",
    "index_qtraj_trajectories",
    "join",
    "joined_hydro",
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
    "read_vhlle_vtk",
    "sample_paths",
    "shipped_runs",
    "write_netcdf",
    "write_oscar2013",
    "write_qtraj_trajectories",
]
