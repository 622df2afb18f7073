"""Draw the figures of README and documentation anew, in docs/figures.

python tools/make_figures.py               # `make figures`, after `make run`: all
python tools/make_figures.py spectrum      # one or several, by the name of the file without .png
python tools/make_figures.py raa_pbpb_5020 --run DIR    # from another folder of `qtraj run`
python tools/make_figures.py infer_corner  # of `qtraj infer`, whose folder lies beside that of the run
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import qtraj as qt
from qtraj.plots import style

mpl.use("Agg")

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "helpers"))

FIGURES = ROOT / "docs" / "figures"
WIDTH = 1280  # of the window of a page
# rows of a page that are shown; None is all of it
HEIGHTS = {"report_page": 1020, "explore": 720, "view_page": None}
# a table cell of explore: its numbers are there
SOLVED = """(() => { let there = false; const walk = (root) => root.querySelectorAll('*').forEach((e) => {
  there ||= e.tagName === 'TD'; if (e.shadowRoot) walk(e.shadowRoot); }); walk(document); return there; })()"""


def qtraj(*arguments: object) -> None:
    """Run a command of qtraj."""
    subprocess.run([sys.executable, "-m", "qtraj", *map(str, arguments)], check=True)


def keep(source: Path, name: str, width: int | None = None) -> None:
    """Save a figure under its name, not wider than `width` pixels."""
    with Image.open(source) as opened:
        image = opened.convert("RGB")
    if width is not None:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    # 256 colors: a third of the size, and no eye sees it
    image.quantize(256, dither=Image.Dither.NONE).save(FIGURES / f"{name}.png", optimize=True)


def photograph(address: str, name: str, *, solved: bool = False) -> None:
    """Save a picture of a page; `solved` waits for the numbers of explore."""
    from headless import Browser  # noqa: PLC0415  only pages need Chromium

    height = HEIGHTS[name]
    with Browser() as browser, tempfile.TemporaryDirectory() as folder:
        browser.open(address, WIDTH, height=height or 900)
        if solved:
            browser.wait(lambda: browser.run(SOLVED))
            browser.run("new Promise((done) => setTimeout(done, 1000))")  # Bokeh draws in the next frames
        browser.picture(picture := Path(folder) / "page.png", height)
        keep(picture, name)


def of_run(run: Path, name: str) -> None:
    """Take what `qtraj run` and `qtraj observe` have drawn."""
    files = {
        "raa_pbpb_5020": (run / "raa.png", None),
        "observables_raa_pt": (run / "observables" / "raa_pt.png", 1500),
        "observables_v2_pt": (run / "observables" / "v2_pt.png", 1500),
        # beside the last of the runs that `qtraj run` was given
        "raa_lo_nlo": (run.with_name(f"{run.name}_nlo") / "raa_comparison.png", 1500),
        "raa_orders": (run.with_name(f"{run.name}_all") / "raa_comparison.png", 1500),
        "raa_dipole_htl": (run.with_name(f"{run.name}_htl") / "raa_comparison.png", 1500),
    }
    source, width = files[name]
    keep(source, name, width)


# in the folder beside that of the run; the file that compares orders predicts nothing else
INFERRED = {
    "infer_corner": "infer_pbpb_5020_orders/LO/corner.png",
    "infer_orders": "infer_pbpb_5020_orders/corner_models.png",
    "infer_profile": "infer_pbpb_5020_orders/LO/profile.png",
    "infer_raa": "infer_pbpb_5020_orders/LO/fitted_R_AA_N_part_PbPb5020.png",
    "infer_raa_nlo": "infer_pbpb_5020_orders/NLO/fitted_R_AA_N_part_PbPb5020.png",
    "infer_pulls": "infer_pbpb_5020_orders/LO/pulls.png",
    "infer_predicted": "infer_pbpb_5020/LO/OO_double_ratio_all_OO5360.png",
}


def of_inference(run: Path, name: str) -> None:
    """Take what `qtraj infer` has drawn."""
    keep(run.parent / INFERRED[name], name, 1500)


def report_page(run: Path, name: str) -> None:
    """Show what `qtraj report` has written."""
    photograph((run / "report.html").resolve().as_uri(), name)


def spectrum(run: Path, name: str) -> None:
    """Draw the figure of `qtraj spectrum`."""
    with tempfile.TemporaryDirectory() as folder:
        qtraj("spectrum", "--out", folder)
        keep(Path(folder) / "spectrum.png", name, 1136)


def dipole_or_not(run: Path, name: str) -> None:
    """Draw widths against distance, and survival in time: the dipole, HTL of the same width of 1S, KSU."""
    transport = qt.Transport("central", 0.0)
    htl = qt.HTLPotential(0.313, real="coulomb", alpha=qt.CoulombPotential.alpha)
    models = {
        "dipole": qt.LindbladModel(transport=transport),
        "HTL": qt.LindbladModel(htl),
        "KSU": qt.LindbladModel(qt.KSUPotential(), mass=4.70),
    }
    medium, start = qt.Bjorken(T0=0.425, tau_fm=0.6, T_end=0.25), qt.GaussianState(width=0.2)
    times, r, T = np.linspace(0.6, 2.9, 24), np.linspace(0.02, 10, 300), np.array([0.3])  # fm/c, GeV^-1, GeV
    # root mean squares of r in the Coulomb states, GeV^-1
    levels = qt.vacuum_levels(models["dipole"])
    sizes = dict(zip(levels.names, levels.rms_radius, strict=True))
    with style(width=10):
        figure, (left, right) = plt.subplots(1, 2, layout="constrained", figsize=(10, 4.4))
        for (label, model), line in zip(models.items(), ("-", "--", ":"), strict=True):
            if model.thermal is None:
                width = float(transport.kappa_hat(T)[0]) * T[0] ** 3 * r**2
            else:
                width = -2 * model.thermal.medium(r, "singlet", T, 0 * T, T)[0].imag
            left.plot(r, 1e3 * width, line, color="black", label=label)
            found = qt.solve(model, medium, start, qt.DensityMatrix(rtol=1e-2), times_fm=times)
            for j, state in enumerate(("1S", "2S", "3S")):
                value = found.survival_at[state].value
                right.plot(times, value, line, color=f"C{j}", label=state if line == "-" else None)
        for j, state in enumerate(("1S", "2S", "3S")):
            left.axvline(sizes[state], color=f"C{j}", lw=1)
        left.set(
            xlabel="$r$ [GeV$^{-1}$]", ylabel=r"$\Gamma_s(r)$ at 300 MeV [MeV]", xlim=(0, 10), ylim=(0, 800)
        )
        left.legend()
        right.set(xlabel="$t$ [fm/c]", ylabel="survival", yscale="log", ylim=(0.015, 1.1))
        right.legend(loc="lower left")
        with tempfile.TemporaryDirectory() as folder:
            figure.savefig(Path(folder) / "figure.png", dpi=140)
            keep(Path(folder) / "figure.png", name)


def view_page(run: Path, name: str) -> None:
    """Show the page of one pair in Bjorken flow."""
    with tempfile.TemporaryDirectory() as folder:
        qtraj("solve", "--T0", 0.425, "--view", folder)
        photograph((Path(folder) / "view.html").as_uri(), name)


def explore(run: Path, name: str) -> None:
    """Show the page of `qtraj explore` as it opens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "qtraj", "explore", "--no-show", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            server.stdout.readline()  # it serves
            photograph(f"http://127.0.0.1:{port}/", name, solved=True)
        finally:
            server.kill()


MAKERS = {
    **dict.fromkeys(
        (
            "raa_pbpb_5020",
            "observables_raa_pt",
            "observables_v2_pt",
            "raa_lo_nlo",
            "raa_orders",
            "raa_dipole_htl",
        ),
        of_run,
    ),
    **dict.fromkeys(INFERRED, of_inference),
    "report_page": report_page,
    "spectrum": spectrum,
    "dipole_or_not": dipole_or_not,
    "view_page": view_page,
    "explore": explore,
}


def main() -> None:
    """Draw the figures that are asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(MAKERS)}; all by default")
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "pbpb_5020", help="folder of `qtraj run`")
    given = parser.parse_args()
    if unknown := set(given.names) - set(MAKERS):
        parser.error(f"no figure is called {', '.join(sorted(unknown))}")
    for name in given.names or MAKERS:
        MAKERS[name](given.run, name)
        print(FIGURES / f"{name}.png")


if __name__ == "__main__":
    main()
