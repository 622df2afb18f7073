"""Settings of the documentation: `make docs` builds it, `make linkcheck` tries the links that leave it."""

import importlib.metadata
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
# shell cells of the tutorials find `qtraj` beside the Python that builds
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["PYTHONSTARTUP"] = str(Path(__file__).parent / "_ext" / "kernel_startup.py")

project = "qtraj"
author = "The qtraj developers"
copyright = "2026, the qtraj developers"  # noqa: A001 - the name that Sphinx reads
release = importlib.metadata.version("qtraj")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "qtraj_docs",
]
exclude_patterns = [
    "_build",
    "_data",
    "_ext",
    "_generated/static",
    "_generated/notebooks",
    "_templates",
    "figures",
]
templates_path = ["_templates"]
nitpicky = True
highlight_language = "none"  # indented blocks are formulas and command lines, not Python

# Markdown
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# tutorials are notebooks in Markdown: executed at every build, and an error stops it
nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).parent / "_build" / "notebooks")
nb_execution_timeout = 600  # seconds a cell, on a machine that is busy with other things
nb_execution_raise_on_error = True

# the interface
autosummary_generate = True
autosummary_imported_members = True
default_role = "py:obj"  # single backticks in docstrings; qtraj_docs links those that name something
autodoc_typehints = "none"  # the docstrings say more than the annotations
numpydoc_show_class_members = False

# the look
html_theme = "pydata_sphinx_theme"
html_title = "qtraj"
html_static_path = ["_static", "_generated/static"]
mathjax_path = "mathjax/tex-svg.js"
html_css_files = ["qtraj.css"]
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # light or dark, as the browser asks
# pages without pages below them give their width to formulas and tables
html_sidebars = {
    page: []
    for page in ("start", "physics", "validation", "glossary", "architecture", "contributing", "changelog")
}
html_theme_options = {
    "header_links_before_dropdown": 5,
    "show_prev_next": True,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# make linkcheck
linkcheck_timeout = 20
linkcheck_workers = 4
