"""Run the command line as ``python -m qtraj``."""

from .cli import app

app(prog_name="qtraj")
