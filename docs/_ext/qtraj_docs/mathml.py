"""Formulas as MathML, which browsers draw themselves: no script, and nothing from the network.

The LaTeX is translated by Docutils; a command that it does not know stops the build with the formula in the message.
"""

from __future__ import annotations

import re

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.errors import ExtensionError
from sphinx.writers.html5 import HTML5Translator


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    translator.body.append(mathml(node, block=False))
    raise nodes.SkipNode


def display(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula of its own."""
    translator.body.append(f'<div class="math">{mathml(node, block=True)}</div>\n')
    raise nodes.SkipNode


def mathml(node: nodes.math | nodes.math_block, *, block: bool) -> str:
    """Return the formula of a node."""
    # what Matplotlib and MathJax take and Docutils does not; MathML knows itself how large a bracket must be
    text = re.sub(r"\{\\rm\s+([^{}]*)\}", r"{\\mathrm{\1}}", node.astext())
    text = re.sub(r"\\[bB]igg?[lr]?(?![a-zA-Z])", "", text)
    try:
        return latex2mathml.tex2mathml(text, as_block=block)
    except MathError as error:
        raise ExtensionError(f"{node.source}:{node.line}: {error} in {node.astext()!r}") from error
