"""Print the size and the shape of src/qtraj: python tools/measure_house.py [DIRECTORY]."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

DOCUMENTED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


def measured(path: Path) -> Counter[str]:
    """Return numbers of lines of one module: all, of docstrings, with a comment, blank."""
    text = path.read_text(encoding="utf-8")
    documented = 0
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            documented += (first.end_lineno or first.lineno) - first.lineno + 1
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    lines = text.splitlines()
    return Counter(
        modules=1,
        lines=len(lines),
        docstrings=documented,
        comments=len({t.start[0] for t in tokens if t.type == tokenize.COMMENT}),
        blank=sum(not line.strip() for line in lines),
    )


def main() -> None:
    """Measure, print."""
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "src/qtraj")
    total: Counter[str] = Counter()
    rooms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sizes, bodies, order = [], [], []
    for path in sorted(source.rglob("*.py")):
        found = measured(path)
        relative = path.relative_to(source)
        rooms[relative.parts[0] if len(relative.parts) > 1 else "."] += found
        total += found
        sizes.append(found["lines"])
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                bodies.append((node.end_lineno or node.lineno) - node.body[0].lineno + 1)
            if isinstance(node, ast.Compare) and "order" in {
                n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)
            }:
                order.append(f"{relative}:{node.lineno}")
    for room, found in sorted(rooms.items()):
        print(f"{room:14}", *(f"{found[k]:6} {k}" for k in ("modules", "lines", "docstrings", "comments")))
    print("all           ", *(f"{total[k]:6} {k}" for k in ("modules", "lines", "docstrings", "comments")))
    print(
        f"comments {total['comments'] / total['lines']:.1%}, docstrings {total['docstrings'] / total['lines']:.1%}"
    )
    print("lines a file: median, 90 %, largest", *np.percentile(sizes, [50, 90, 100]).astype(int))
    print("lines a function: median, 98 %, longest", *np.percentile(bodies, [50, 98, 100]).astype(int))
    folders = Counter(p.parent.relative_to(source) for p in source.rglob("*.py") if p.stem != "__init__")
    print("most modules in a folder:", *max(folders.items(), key=lambda item: item[1]))
    print("comparisons of .order:", *order)


if __name__ == "__main__":
    main()
