"""MUSIC (github.com/MUSIC-fluid/MUSIC): sparse and dense evolution files, and the grid from the run's music_input."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._atomic import decoded
from ..._checks import boolean, instance, integer, number, positive, settle
from ...errors import FileFormatError, InputError
from ...physics.medium import MAX_T
from ..field import Hydro
from .common import (
    Cells,
    Cut,
    Format,
    Within,
    build_hydro,
    existing_file,
    first_bytes,
    for_file,
    table_pieces,
    uniform_axis,
)

# float32 counts integers exactly up to here; an index beyond it is not an index
_LARGEST_INDEX = 2**24


class MusicHeader(NamedTuple):
    """Header of ``evolution_all_xyeta.dat``: (points, step, first) of tau, whose points it does not know, x, y, eta.

    An index equal to the number of points may occur, because MUSIC rounds down here and up when it writes. The header
    has `n_floats` float32, a record `n_var`, with u^x in column `ux_column`; step and first of eta mean nothing for one
    point. In the layout of MUSIC 2.5 and 3.0 the number of a frame may be `truncated`, one too small.
    """

    axes: dict[str, tuple[int, float, float]]
    n_floats: int
    n_var: int
    ux_column: int
    truncated: bool = False


def parse_music_header(head: NDArray[np.float32]) -> MusicHeader | None:
    """Return the header in the first 16 float32 of a file, or None if this is no MUSIC evolution file.

    ``output_evolution_data 2`` writes 16 floats with four flags and 11 + 2 rhob + 5 shear + bulk + 3 diff
    columns, u^x in column 8; ``output_evolution_data 4`` (vorticity) writes 12 floats and 35 columns without
    cs2, u^x in column 7 (MUSIC's src/grid_info.cpp). MUSIC 2.5 and 3.0 wrote 16 floats and 10 + rhob + 5 shear + bulk
    + 3 diff columns without cs2 and baryon density.
    """
    if len(head) < 16 or not np.all(np.isfinite(head[:12])):
        return None
    # the shortest decimal that has this float32: 0.4, not 0.4000000059604645
    tau0, dtau, nx, dx, x_min, ny, dy, y_min, neta, deta, eta_min = (float(str(value)) for value in head[:11])
    counts_ok = all(n == int(n) and 1 <= n < _LARGEST_INDEX for n in (nx, ny, neta))
    if not counts_ok or tau0 < 0 or min(dtau, dx, dy, deta) <= 0:
        return None
    flags = head[11:15]
    layout: tuple[int, int, int] | tuple[int, int, int, bool]
    are_flags = np.all((flags == 0) | (flags == 1))
    if are_flags and head[15] == 11 + flags @ np.array([2, 5, 1, 3], "f4"):
        layout = 16, int(head[15]), 8
    elif are_flags and head[15] == 10 + flags @ np.array([1, 5, 1, 3], "f4"):
        layout = 16, int(head[15]), 7, True
    elif head[11] == 35:
        layout = 12, 35, 7
    else:
        return None
    axes = {"tau": (0, dtau, tau0), "x": (int(nx), dx, x_min), "y": (int(ny), dy, y_min)}
    return MusicHeader({**axes, "eta": (int(neta), deta, eta_min)}, *layout)


def read_music(
    path: str | Path,
    *,
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read MUSIC's sparse ``evolution_all_xyeta.dat`` (``output_evolution_data`` 2 or 4), also of MUSIC 2.5 and 3.0.

    The file is read in pieces, and only indices, T and, where nothing is cut, u^x and u^y are kept. Where versions 2.5
    and 3.0 give two frames one number (they truncate it), the frames are counted by where the scan of the grid starts
    again, and a header that is repeated before every frame is taken for what it is. A file cut off
    between two records looks complete here; `histories_along` refuses a run that ends hot.

    Parameters
    ----------
    path : path-like
        The file, little-endian float32.
    T_min, within : optional
        See `open_hydro`.

    Returns
    -------
    Hydro
        NaN for the cells below MUSIC's output cut. `vx`, `vy` for boost-invariant runs only (the third
        component of the velocity means different things in different versions of MUSIC).

    Raises
    ------
    FileFormatError
        If the file is missing, empty, truncated, not in this layout, or holds values that cannot be meant.
    """
    cut, file = Cut.checked(T_min, within), existing_file(path)
    _check_floats(file)
    head = np.fromfile(file, "<f4", 16)
    header = parse_music_header(head)
    if header is None:
        problem = "the first 16 floats are no header of MUSIC's evolution_all_xyeta.dat"
        raise FileFormatError(file, problem, "evolution_xyeta.dat has no header: use read_music_dense.")
    (_, dtau, tau0), *grid = header.axes.values()
    # index n is legal, see MusicHeader
    space = {
        name: uniform_axis(first, step, n + 1) for name, (n, step, first) in list(header.axes.items())[1:]
    }
    cells, flat = Cells(space, cut), grid[2][0] == 1
    dims = tuple(n + 1 for n, *_ in grid)
    # a run of records are those of one frame, for all we know at this place: its header, its number in the file
    runs: list[tuple[int, int]] = []
    arrived = -1  # where the scan of the grid (eta, y, x) is
    for section, records in _records(file, header, head[: header.n_floats]):
        columns = records[:, :4]
        whole = np.isfinite(columns) & (columns >= 0) & (columns < _LARGEST_INDEX)
        if not np.all(whole) or np.any(columns != np.floor(columns)):
            raise FileFormatError(file, "the first four columns are no indices", "Is it really MUSIC output?")
        it, *place = columns.T.astype(np.intp)
        for i, (name, n) in zip(place, zip(space, dims, strict=True), strict=True):
            if i.max() >= n:
                problem = f"index i{name} = {i.max()} is outside the grid of {n - 1} points"
                raise FileFormatError(file, problem)
        begins = np.diff(it) != 0
        scan = np.ravel_multi_index(place[::-1], dims[::-1])
        if header.truncated:
            begins |= np.diff(scan) <= 0
        edges = [0, *(np.flatnonzero(begins) + 1), len(it)]
        fields = {"T": records[:, 6]}
        if flat and cut.keeps_all:
            # the columns hold the four-velocity: v = u/gamma, gamma^2 = 1 + u_x^2 + u_y^2 at eta_s = 0
            ux, uy = (records[:, header.ux_column + i].astype(float) for i in (0, 1))
            gamma = np.sqrt(1.0 + ux**2 + uy**2)
            fields |= {"vx": (ux / gamma).astype("f4"), "vy": (uy / gamma).astype("f4")}
        number = np.ravel_multi_index(place, dims)
        for low, high in itertools.pairwise(edges):
            goes_on = low == 0 and bool(runs) and runs[-1] == (section, int(it[0]))
            if not (goes_on and (not header.truncated or scan[0] > arrived)):
                runs.append((section, int(it[low])))
            cells.add(len(runs) - 1, number[low:high], **{name: f[low:high] for name, f in fields.items()})
        arrived = int(scan[-1])
    numbers = _frames(file, np.array(runs), truncated=header.truncated)
    if len(np.unique(numbers)) < 2:
        raise FileFormatError(file, "it holds a single frame", "A run needs at least two.")
    cells.renumber(numbers)
    tau = uniform_axis(tau0, dtau, int(numbers.max()) + 1)
    axes, dense = cells.field(file, tau, optional=True, doubled="Was a second run appended to it?")
    if len(axes["eta"]) == 1 or (flat and not cut.keeps_all):
        # a cut leaves the line that index n would be
        del axes["eta"]
        dense = {name: values[..., 0] for name, values in dense.items()}
    return build_hydro(file, axes, dense, "MUSIC evolution_all_xyeta.dat")


_PIECE: Final = 2**22  # floats read at once, 16 MiB


def _records(
    file: Path, h: MusicHeader, head: NDArray[np.float32]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield pieces of the records in the order of the file, each with the number of the header that it follows.

    A header stands at the start, and before every frame in files of MUSIC 3.0.
    """
    n, m = h.n_floats, h.n_var
    section, before, last = -1, 0, False  # `before` are the values of this section in earlier pieces
    rest = np.zeros(0, dtype="<f4")
    with file.open("rb") as handle:
        while not last:
            block = np.fromfile(handle, "<f4", _PIECE)
            last = len(block) < _PIECE
            values = np.concatenate([rest, block])
            # the end of the piece may cut a header: what is near it stays for the next piece
            stop = len(values) if last else max(len(values) - n - m, 0)
            # the least x is rarely a value elsewhere; all floats of the header in their order are not
            starts = np.flatnonzero(values[4 : max(len(values) - n, -1) + 5] == head[4])
            for i in range(n):
                starts = starts[values[starts + i] == head[i]]
            begin = 0
            for start in (*starts[starts < stop], stop):
                is_header = start < stop
                size = max(int(start) - begin, 0)
                n_records, over = divmod(size, m)
                if (is_header or last) and (
                    over or (last and not is_header and before + size + section == 0)
                ):
                    problem = f"{before + size} values after the header are no whole number of records of {m}"
                    raise FileFormatError(file, f"{problem}: truncated", "Copy the file again.")
                if n_records:
                    yield section, values[begin : begin + n_records * m].reshape(-1, m)
                before += n_records * m
                begin += n_records * m
                if is_header:
                    section, before, begin = section + 1, 0, int(start) + n
            rest = values[begin:]


def _frames(file: Path, runs: NDArray[np.intp], *, truncated: bool) -> NDArray[np.intp]:
    """Return the frame of each run of records, which has a header and a number in the file, (n, 2)."""
    header, number = runs[:, 0], runs[:, 1]
    remedy = "Was a second run appended to it?"
    if header[-1] > 0:  # each frame has a header of its own
        off = header - number
        if off.min() < 0 or off.max() > 1:
            problem = "headers stand between its frames, but the frames are not numbered as the headers"
            raise FileFormatError(file, problem, remedy)
        return header
    if not truncated or np.all(np.diff(number) > 0):
        return number
    # i and i again stand for i and i + 1
    counted: NDArray[np.intp] = number[0] + np.arange(len(number))
    wrong = (number != counted) & (number != counted - 1)
    if np.any(wrong):
        at = int(np.argmax(wrong))
        problem = f"frame {at} of the scans of the grid has the number {number[at]}"
        raise FileFormatError(file, problem, remedy)
    return counted


_LARGEST_STEP: Final = 0.1  # fm/c; MUSIC's read_in_parameters.cpp replaces a longer Delta_Tau


@dataclass(frozen=True)
class MusicGrid:
    """Grid of MUSIC's headerless ``evolution_xyeta.dat``: what the reader cannot know from the file.

    Parameters
    ----------
    tau0_fm, dtau_fm : float
        First frame and spacing of the frames in the file, fm/c; a frame at 0 is left out.
    nx, ny : int
        Points in the file.
    dx_fm, dy_fm, x_min_fm, y_min_fm : float
        Spacing and first coordinate, fm.
    neta : int
        Slices in space-time rapidity; 1 for boost-invariant runs, 2 in their legacy form (eta = 0 is the second).
    deta, eta_min : float, optional
        Grid in rapidity of a 3+1D run, which needs them; a boost-invariant run has none.
    boost_invariant : bool
        Whether the run is.

    Raises
    ------
    InputError
        If a number is not positive or not finite, a boost-invariant run has more than two slices or a grid in
        rapidity, or a 3+1D run has no such grid.
    """

    tau0_fm: float
    dtau_fm: float
    nx: int
    dx_fm: float
    x_min_fm: float
    ny: int
    dy_fm: float
    y_min_fm: float
    neta: int = 1
    deta: float | None = None
    eta_min: float | None = None
    boost_invariant: bool = True

    def __post_init__(self) -> None:
        for name in ("nx", "ny", "neta"):
            allowed = "be a whole number, at least 1"
            settle(self, **{name: integer(name, getattr(self, name), 1, allowed=allowed)})
        flat = boolean("boost_invariant", self.boost_invariant)
        settle(self, boost_invariant=flat)
        remedy = "A 3+1D run has boost_invariant=False, deta and eta_min."
        if flat and self.neta > 2:
            raise InputError("neta", self.neta, "be 1 or 2 in a boost-invariant run", remedy)
        if not flat and self.neta < 2:
            raise InputError("neta", self.neta, "be at least 2 in a 3+1D run", "Is the run boost invariant?")
        for name in ("deta", "eta_min"):
            value = getattr(self, name)
            if flat and value is not None:
                raise InputError(name, value, "be left out in a boost-invariant run", remedy)
            if not flat and value is None:
                raise InputError(name, value, "be given in a 3+1D run", remedy)
        settle(self, tau0_fm=number("tau0_fm", self.tau0_fm, "be at least 0 and finite", low=0))
        for name in ("dtau_fm", "dx_fm", "dy_fm", *(() if flat else ("deta",))):
            settle(self, **{name: positive(name, getattr(self, name), "be positive and finite")})
        for name in ("x_min_fm", "y_min_fm", *(() if flat else ("eta_min",))):
            settle(self, **{name: number(name, getattr(self, name), "be finite")})


def read_music_dense(
    path: str | Path,
    grid: MusicGrid,
    *,
    binary: bool = True,
    T_min: float | None = None,
    within: Within = None,
) -> Hydro:
    """Read MUSIC's dense, headerless ``evolution_xyeta.dat`` (``output_evolution_data 1``), frame by frame.

    Parameters
    ----------
    path : path-like
        Five float32 (or text columns) per cell: T [GeV], mu_B or QGP fraction, v_x, v_y, v_z; x fastest,
        then y, eta, tau.
    grid : MusicGrid
        The grid; `read_music_input` gets it from the run's ``music_input``.
    binary : bool, optional
        False for text (``outputBinaryEvolution 0``).
    T_min, within : optional
        See `open_hydro`.

    Returns
    -------
    Hydro
        T = 0 becomes NaN; `vx`, `vy` as in the file, where T is stored.

    Raises
    ------
    FileFormatError
        If the file is missing, empty, truncated, or its length or values do not fit the grid; if of a boost-invariant
        run two slices differ, or one slice is said to be there and every other frame repeats the one before.
    """
    cut, g = Cut.checked(T_min, within), instance("grid", grid, MusicGrid)
    binary = boolean("binary", binary)
    file = existing_file(path)
    n = g.nx * g.ny * g.neta
    space = {
        "x": uniform_axis(g.x_min_fm, g.dx_fm, g.nx),
        "y": uniform_axis(g.y_min_fm, g.dy_fm, g.ny),
    }
    if g.eta_min is not None and g.deta is not None:
        space["eta"] = uniform_axis(g.eta_min, g.deta, g.neta)
    if binary:
        _check_floats(file)
    cells, frame = Cells(space, cut), -1
    # of two slices the largest difference; of one whether frames come in equal pairs, and differ from the first pair
    worst, pairs, varied = 0.0, True, False
    before = first = np.zeros(0)
    frames: Iterator[NDArray[Any]] = _dense_frames(file, n) if binary else table_pieces(file, 5, rows=n)
    for frame, values in enumerate(frames):
        if values.size != 5 * n:
            problem = f"{frame} frames and {values.size} values are no whole number of frames of "
            problem += f"5 x {g.nx} x {g.ny} x {g.neta}"
            raise FileFormatError(file, problem, "Truncated, or the grid is not the one of this file.")
        if not g.boost_invariant and not values.any():
            continue  # long after freeze-out nothing is left to check or to keep
        lines = values.reshape(n, 5)
        if not np.all(np.isfinite(lines[:, [0, 2, 3]])) or np.any((lines[:, 0] < 0) | (lines[:, 0] > MAX_T)):
            remedy = "Is it binary float32, and is the grid right?"
            raise FileFormatError(file, "T or v is NaN, T is negative or above 5 GeV", remedy)
        # x is fastest in the file
        fields = values.reshape(g.neta, g.ny, g.nx, 5).transpose(2, 1, 0, 3)
        if g.boost_invariant:
            T = fields[..., 0]
            worst = max(worst, float(np.max(np.abs(T[..., 0] - T[..., -1]))))
            pairs = pairs and g.neta == 1 and (frame % 2 == 0 or np.array_equal(T, before))
            first = first if frame else T
            varied = varied or (frame % 2 == 0 and not np.array_equal(T, first))
            before = T
            fields = fields[..., -1, :]  # the legacy form puts eta = 0 last
        cells.add(frame, None, T=fields[..., 0], vx=fields[..., 2], vy=fields[..., 3])
    # GeV; two slices of a boost-invariant run are equal but for rounding, another time or place differs by 10 MeV
    if worst > 1e-3:
        problem = f"its two slices in eta differ by up to {worst:.3g} GeV"
        remedy = (
            "Has it one slice, neta=1? Or is it a 3+1D run: boost_invariant=False, with deta and eta_min?"
        )
        raise FileFormatError(file, f"{problem}, those of a boost-invariant run are equal", remedy)
    if g.boost_invariant and pairs and varied and frame % 2:
        remedy = "It holds two slices in eta: neta=2."
        raise FileFormatError(file, "every second frame repeats the one before", remedy)
    axes, dense = cells.field(file, uniform_axis(g.tau0_fm, g.dtau_fm, frame + 1))
    return build_hydro(file, axes, dense, "MUSIC evolution_xyeta.dat")


def _check_floats(file: Path) -> None:
    size = file.stat().st_size
    if size % 4:
        raise FileFormatError(file, f"{size} bytes are no whole number of float32 values: truncated")


def _dense_frames(file: Path, n_cells: int) -> Iterator[NDArray[np.float32]]:
    with file.open("rb") as handle:
        while len(values := np.fromfile(handle, "<f4", 5 * n_cells)):
            yield values


def read_music_input(path: str | Path, **known: float) -> tuple[MusicGrid, bool]:
    """Read the grid of ``evolution_xyeta.dat`` from the text file ``music_input`` of the run.

    MUSIC changes what the keys say: an initial condition may bring its own grid or move the start, a long time step is
    replaced, and a spacing depends on the version. What the file cannot tell is refused by name, unless it is given;
    MUSIC prints it on the screen when it starts.

    Parameters
    ----------
    path : path-like
        The file ``music_input``.
    **known : float
        Fields of `MusicGrid` that count instead of the keys: those of the file, after the output's sub-sampling.

    Returns
    -------
    grid : MusicGrid
        With dx = size/(n-1), x_min = -size/2, eta_min = -eta_size/2 and the output's sub-sampling; with one slice where
        boost_invariant is 1, whatever Grid_size_in_eta says.
    binary : bool
        Whether the run wrote binary files.

    Raises
    ------
    InputError
        If a name in `known` is no field of `MusicGrid`.
    FileFormatError
        If a key is missing or no number, a grid is impossible, or the keys leave a field open that is not in `known`:

        - the transverse grid with Initial_profile 1, 8, 9, 42, 91 to 93, of a 3+1D run but with 8 the slices, too;
          spacing and corner with 13 and 131 unless dynamicGridDetermination is 0;
        - tau0_fm with Initial_profile 11, 13, 30, 42, 111 to 113, 131; both with any other but 0 and 101;
        - dtau_fm if Delta_Tau is above 0.1 or dtaudxRatio is given, unless reset_dtau_use_CFL_condition is 0;
        - boost_invariant, and then neta, of several slices without that key;
        - deta of a 3+1D run: eta_size/(n-1) since 2018, eta_size/n before.

    Notes
    -----
    Of the public versions of MUSIC. Development versions with a key dtaudxRatio replace every Delta_Tau unless
    reset_dtau_use_CFL_condition is 0, also where the file does not have the key: compare with the screen.
    """
    for name, value in known.items():
        if name not in MusicGrid.__dataclass_fields__:
            raise InputError(name, value, f"be one of {', '.join(MusicGrid.__dataclass_fields__)}")
    file = existing_file(path)
    keys = _Keys(file)
    # MUSIC's defaults where the second argument is given
    number, whole = keys.number, keys.whole
    every = {axis: whole(f"output_evolution_every_N_{axis}", 1) for axis in ("timesteps", "x", "eta")}
    n_eta = whole("Grid_size_in_eta", 1)
    boost_invariant = bool(known.get("boost_invariant", number("boost_invariant", 1)))
    # MUSIC's default, 1, is a test that nobody runs unasked: where the key is missing somebody shortened the file
    profile = whole("Initial_profile", 0, least=0)
    opened = _by_profile(profile, boost_invariant, bool(number("dynamicGridDetermination", 1)))
    grid: dict[str, Any] = {"boost_invariant": boost_invariant, "neta": 1}
    for axis in ("x", "y"):
        names = (f"n{axis}", f"d{axis}_fm", f"{axis}_min_fm")
        if not known.keys() >= set(names):
            n, size = whole(f"Grid_size_in_{axis}", least=2), number(f"{axis.upper()}_grid_size_in_fm")
            step = every["x"]  # MUSIC uses the step of x for y
            grid |= zip(names, (-(-n // step), size / (n - 1) * step, -size / 2), strict=True)
    if "tau0_fm" not in known:
        grid["tau0_fm"] = number("Initial_time_tau_0")
    if "dtau_fm" not in known:
        step_fm = number("Delta_Tau")
        grid["dtau_fm"] = step_fm * every["timesteps"]
        if (step_fm > _LARGEST_STEP or "dtaudxRatio" in keys) and number("reset_dtau_use_CFL_condition", 1):
            why = f"MUSIC replaces Delta_Tau {step_fm:g} by a CFL step"
            opened["dtau_fm"] = f"{why} unless reset_dtau_use_CFL_condition is 0"
    if "boost_invariant" not in keys and n_eta > 1:
        why = "without a key boost_invariant old versions write all slices, in 3+1D or 2 of 2+1D, new ones a single one"
        opened |= dict.fromkeys(("boost_invariant", "neta") if boost_invariant else ("boost_invariant",), why)
    if not boost_invariant:
        grid["neta"] = -(-n_eta // every["eta"])
        if not known.keys() >= {"deta", "eta_min"}:
            size = number("Eta_grid_size")
            grid["eta_min"] = -size / 2
            # n - 1 intervals since 2018, n before
            since, before = (size / max(n, 1) * every["eta"] for n in (n_eta - 1, n_eta))
            opened.setdefault(
                "deta", f"deta is {since:g} in versions since 2018 and {before:g} in earlier ones"
            )
    missing = {name: why for name, why in opened.items() if name not in known}
    if missing:
        problem = f"it does not tell {', '.join(missing)}: {'; '.join(dict.fromkeys(missing.values()))}"
        remedy = f"Give read_music_input what MUSIC printed at its start: {next(iter(missing))}=..."
        raise FileFormatError(file, problem, remedy)
    return for_file(file, lambda: MusicGrid(**(grid | known))), bool(number("outputBinaryEvolution", 0))


def _by_profile(profile: int, boost_invariant: bool, dynamic: bool) -> dict[str, str]:
    """Return the fields of MusicGrid that MUSIC's init.cpp takes out of the hands of the keys, and why."""
    plane = ("nx", "dx_fm", "x_min_fm", "ny", "dy_fm", "y_min_fm")
    if profile in (0, 101):
        return {}
    if profile in (1, 8, 9, 42, 91, 92, 93):
        # 42 has its grid and its start from the program that calls MUSIC; the slices of 9 and 91 to 93 are those of the
        # key or of the profile, by version; 1 has 695, boost invariant or not
        more: tuple[str, ...] = {1: ("neta", "boost_invariant"), 42: ("tau0_fm",)}.get(profile, ())
        if not boost_invariant and profile != 8:
            more += ("neta", "deta", "eta_min") if profile == 42 else ("neta", "deta")
        return dict.fromkeys((*plane, *more), f"Initial_profile {profile} brings its own grid")
    if profile in (11, 13, 30, 111, 112, 113, 131):
        fields = {"tau0_fm": f"Initial_profile {profile} moves the start"}
        if profile in (13, 131) and dynamic:
            why = f"Initial_profile {profile} fits the grid to its strings"
            why += " unless dynamicGridDetermination is 0"
            fields |= dict.fromkeys(("dx_fm", "x_min_fm", "dy_fm", "y_min_fm"), why)
        return fields
    return dict.fromkeys(("tau0_fm", *plane), f"what Initial_profile {profile} does to the grid is not known")


class _Keys:
    """Keys of a ``music_input``: names in any case, the first line of a name counts, as in MUSIC."""

    def __init__(self, file: Path) -> None:
        self._file, self._texts = file, dict[str, str]()
        for line in decoded(file.read_bytes()).splitlines():
            words = line.split("#")[0].split()
            if words and words[0].lower() == "endofdata":
                break
            if len(words) >= 2:
                self._texts.setdefault(words[0].lower(), words[1])

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._texts

    def number(self, name: str, default: float | None = None) -> float:
        """Return the value of a key, or `default` if it is missing and there is one."""
        text = self._texts.get(name.lower(), default)
        if text is None:
            remedy = "Give what it says as argument, or the whole grid as MusicGrid."
            raise FileFormatError(self._file, f"the key {name} is missing", remedy)
        try:
            return float(text)
        except ValueError:
            raise FileFormatError(self._file, f"{name} {text!r} is not a number") from None

    def whole(self, name: str, default: float | None = None, *, least: int = 1) -> int:
        """Return the value of a key that is a whole number."""
        value = self.number(name, default)
        if not np.isfinite(value) or value != int(value) or value < least:
            raise FileFormatError(self._file, f"{name} {value:g} is no whole number of at least {least}")
        return int(value)


def _matches(path: Path) -> bool:
    head = first_bytes(path)
    return len(head) == 64 and parse_music_header(np.frombuffer(head, "<f4")) is not None


FORMAT: Final = Format("music", read_music, _matches)
