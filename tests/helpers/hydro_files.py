"""Asymmetric fields and writers of small files in the public layouts, independent of the readers."""

import h5py
import numpy as np

from qtraj.hydro import Hydro

TAU = np.array([0.6, 0.9, 1.2])
X = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
Y = np.array([-0.5, 0.0, 0.5, 1.0])
ETA = np.array([-0.5, 0.0, 0.5])


def field(tau, x, y, eta=0.0):
    """T in GeV, linear in x and y with different slopes, so that every exchange of axes shows."""
    return 0.3 * (0.6 / tau) ** (1 / 3) + 0.02 * x + 0.005 * y + 0.001 * eta


def flow(x, y):
    return 0.3 * x, 0.1 * y


def grid_T(eta=None):
    axes = (TAU, X, Y) if eta is None else (TAU, X, Y, eta)
    return field(*np.meshgrid(*axes, indexing="ij"))


def grid_v():
    _, x, y = np.meshgrid(TAU, X, Y, indexing="ij")
    return flow(x, y)


def small_hydro(**changes):
    fields = {"tau_fm": TAU, "x_fm": X, "y_fm": Y, "T": grid_T()}
    return Hydro(**(fields | changes))


def write_music(path, T, *, kind="all", eta=None, drop=lambda T: np.zeros(T.shape, bool), header_nx=None):
    """Sparse MUSIC file: u^x = gamma v_x; loops tau, eta, y, x with x fastest."""
    T4 = T[..., None] if eta is None else T
    nt, nx, ny, neta = T4.shape
    head = [
        TAU[0],
        0.3,
        header_nx or nx,
        0.5,
        X[0],
        ny,
        0.5,
        Y[0],
        neta,
        0.5,
        -0.0 if eta is None else eta[0],
    ]
    n_var = {"all": 16, "vorticity": 35}[kind]
    head += [0, 1, 0, 0, n_var] if kind == "all" else [n_var]
    rows = []
    missing = drop(T4)
    for it in range(nt):
        for ieta in range(neta):
            for iy in range(ny):
                for ix in range(nx):
                    if missing[it, ix, iy, ieta]:
                        continue
                    vx, vy = flow(X[0] + 0.5 * ix, Y[0] + 0.5 * iy)
                    gamma = 1 / np.sqrt(1 - vx**2 - vy**2)
                    row = [it, ix, iy, ieta, 1.0, 0.3, T4[it, ix, iy, ieta]]
                    row += ([0.2] if kind == "all" else []) + [gamma * vx, gamma * vy, 0.0]
                    rows.append(row + [0.01] * (n_var - len(row)))
    np.concatenate([head, np.ravel(rows)]).astype("<f4").tofile(path)
    return path


def write_music_dense(path, T, *, binary=True, slices=1, warmer=0.0):
    """Dense MUSIC file, five columns; earlier eta slices of the legacy form are `warmer` than the last."""
    vx, vy = grid_v()
    rows = []
    for it in range(T.shape[0]):
        for ieta in range(slices):
            for iy in range(T.shape[2]):
                for ix in range(T.shape[1]):
                    temperature = T[it, ix, iy] + (warmer if ieta < slices - 1 else 0.0)
                    rows.append([temperature, 0.0, vx[it, ix, iy], vy[it, ix, iy], 0.0])
    if binary:
        np.array(rows, "<f4").tofile(path)
    else:
        np.savetxt(path, rows, fmt="%e")
    return path


def write_jetdata(path, T, *, skip=()):
    """JetData.h5 as VISHNew's fork writes it; grid indices XL..XH, attributes as arrays of one element."""
    vx, vy = grid_v()
    with h5py.File(path, "w") as h5:
        event = h5.create_group("Event")
        for name, value in {"XL": -2, "XH": 2, "YL": -1, "YH": 2, "OutputViscousFlag": 0}.items():
            event.attrs[name] = np.array([value], "i4")
        for name, value in {"DX": 0.5, "DY": 0.5, "Tau0": TAU[0], "dTau": 0.3}.items():
            event.attrs[name] = np.array([value])
        for k in range(len(T)):
            if k in skip:
                continue
            frame = event.create_group(f"Frame_{k:04d}")
            for name, values in {"e": T, "s": T, "P": T, "Temp": T, "Vx": vx, "Vy": vy}.items():
                frame[name] = values[k]
    return path


def write_oscar2008(path, T, *, eta=None, header_nt=None):
    """OSCAR2008H history as VISHNew writes it (14 header lines), or with GEOM: 3d."""
    T4 = T[..., None] if eta is None else T
    nt, nx, ny, neta = T4.shape
    n = header_nt or nt
    limits = [TAU[0], TAU[0] + 0.3 * (n - 1), X[0], X[-1], Y[0], Y[-1]]
    limits += [] if eta is None else [eta[0], eta[-1]]
    lines = [f"{'OSCAR2008H':<12}{'viscous':<12}{'history':<12}", "INIT: test", "INIT: b=0", "EOS: test"]
    lines += ["CHARGES: baryon", "HYPER: full evolution", f"GEOM: {'scaling2d' if eta is None else '3d'}"]
    lines += ["GRID: Euler", "".join(f"{v:5d}" for v in (n, nx, ny, 0 if eta is None else neta, 0, 8, 3))]
    lines += [
        "".join(f"{v:8.3f}" for v in limits),
        "VISCOSITY: shear viscosity only",
        "COMM: Diss:",
        "COMM: x",
    ]
    lines += ["END_OF_HEADER"]
    for index in np.ndindex(T4.shape):
        vx, vy = flow(X[index[1]], Y[index[2]])
        head = "".join(f"{i:5d}" for i in (index[:3] if eta is None else index))
        numbers = "".join(f"{v:18.8f}" for v in (1.0, 0.3, T4[index]))
        rest = "".join(f"{v:18.8f}" for v in [vx, vy] + [0.01] * 11)
        lines.append(f"{head}{numbers}{1:5d}{rest}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_columns(path, T, names, *, scale=1.0, keep=lambda x, y: True, slow="tau", form="{:.10g}"):
    """One cell per line, columns `names`, T multiplied by `scale`; `slow` first in the order of lines."""
    lines = []
    vx, vy = grid_v()
    for it, ix, iy in np.ndindex(T.shape) if slow == "tau" else [i[::-1] for i in np.ndindex(T.shape[::-1])]:
        if not keep(X[ix], Y[iy]):
            continue
        values = {"tau": TAU[it], "x": X[ix], "y": Y[iy], "T": T[it, ix, iy] * scale, "_": 7.0}
        values |= {"vx": vx[it, ix, iy], "vy": vy[it, ix, iy]}
        lines.append(" ".join(form.format(values[name]) for name in names))
    path.write_text("# a comment\n" + "\n".join(lines) + "\n")
    return path


def truncate(path, n_bytes):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - n_bytes])
    return path


def write_old_music(path, T, *, itau, headers=False, tau0=TAU[0]):
    """MUSIC 2.5 (3.0 with `headers`): ten columns and five of shear, no cs2; frames have the numbers `itau`."""
    nt, nx, ny = T.shape
    head = [tau0, 0.3, nx, 0.5, X[0], ny, 0.5, Y[0], 1, 0.1, -0.0, 0, 1, 0, 0, 15]
    values = [] if headers else list(head)
    for it in range(nt):
        values += head if headers else []
        for iy in range(ny):
            for ix in range(nx):
                if not np.isfinite(T[it, ix, iy]):
                    continue
                vx, vy = flow(X[0] + 0.5 * ix, Y[0] + 0.5 * iy)
                gamma = 1 / np.sqrt(1 - vx**2 - vy**2)
                row = [itau[it], ix, iy, 0, 1.0, 0.3, T[it, ix, iy], gamma * vx, gamma * vy, 0.0]
                values += row + [0.01] * 5
    np.array(values, "<f4").tofile(path)
    return path


FINE_ETA = np.array([-1.5, -0.5, 0.5, 1.5, 2.5])
"""Rapidities that are not symmetric about 0, of another number than points in x and y."""


def tilted(tau, x, y, eta):
    """T in GeV, bilinear in space, so that interpolation is exact; no two axes, and no two signs, are alike."""
    return (
        0.3 * (0.6 / tau) ** (1 / 3) + 0.02 * x + 0.005 * y - 0.011 * eta + 0.003 * x * eta - 0.002 * y * eta
    )


def tilted_T():
    return tilted(*np.meshgrid(TAU, X, Y, FINE_ETA, indexing="ij"))


def write_music_3d_era(path, era):
    """3+1D MUSIC file of an era, from `tilted`: u^3 is another component in each, and no reader may use it as v_z."""
    T = tilted_T()
    nt, nx, ny, neta = T.shape
    flags, n_var, cs2 = {
        "3.1": ([0, 0, 0, 0], 11, True),
        "3.1 vorticity": ([], 35, False),
        "3.0": ([0, 1, 0, 0], 15, False),
        "2.5": ([0, 1, 0, 0], 15, False),
    }[era]
    head = [TAU[0], 0.3, nx, 0.5, X[0], ny, 0.5, Y[0], neta, 1.0, FINE_ETA[0], *flags, n_var]
    values = [] if era == "3.0" else list(head)
    for it, ieta, iy, ix in np.ndindex(nt, neta, ny, nx):
        if era == "3.0" and (ieta, iy, ix) == (0, 0, 0):
            values += head  # before every frame
        # MUSIC 2.5 truncates the number of a frame: i and i again stand for i and i + 1
        number = max(it - 1, 0) if era == "2.5" else it
        row = [number, ix, iy, ieta, 1.0, 0.3, T[it, ix, iy, ieta], *([0.2] if cs2 else [])]
        row += [0.1, 0.2, np.sinh(FINE_ETA[ieta])]
        values += row + [0.01] * (n_var - len(row))
    np.array(values, "<f4").tofile(path)
    return path


def write_music_dense_3d(path):
    """Dense MUSIC file of `tilted`: tau, eta, y, x with x fastest, five columns."""
    T = tilted_T().transpose(0, 3, 2, 1)
    np.stack([T, 0 * T, 0.1 + 0 * T, 0.2 + 0 * T, 0 * T], axis=-1).astype("<f4").tofile(path)
    return path


def write_vhlle_vtk(folder, steps=(1, 2, 3)):
    """Files of vHLLE's VTK output: legacy VTK 2.0 in ASCII, x fastest, three decimals."""
    T = tilted_T()
    folder.mkdir(exist_ok=True)
    for step, frame in zip(steps, T, strict=True):
        lines = ["# vtk DataFile Version 2.0", "T", "ASCII", "DATASET STRUCTURED_POINTS"]
        lines += [f"DIMENSIONS {len(X)} {len(Y)} {len(FINE_ETA)}", "SPACING 0.5 0.5 1"]
        lines += [f"ORIGIN {X[0]:g} {Y[0]:g} {FINE_ETA[0]:g}", f"POINT_DATA {frame.size}"]
        lines += ["SCALARS T double 1", "LOOKUP_TABLE default"]
        lines += ["".join(f"{v:.3f} " for v in row) for row in frame.transpose(2, 1, 0).reshape(-1, len(X))]
        (folder / f"T_taustep{step:05d}.vtk").write_text("\n".join(lines) + "\n")
    return folder
