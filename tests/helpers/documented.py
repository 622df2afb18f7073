"""The modules whose public names the documentation describes."""

MODULES = (
    "qtraj",
    "qtraj.hydro",
    "qtraj.inference",
    "qtraj.emulation",
    "qtraj.observables",
    "qtraj.plots",
    "qtraj.spectroscopy",
    "qtraj.qtraj1",
)
