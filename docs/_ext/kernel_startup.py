"""Run by every kernel that executes a tutorial: output arrives whole, so that tables keep their lines."""

import os
import subprocess
import sys

from IPython import get_ipython


def bash(line: str, cell: str) -> None:
    """Run a shell cell and print what it printed; the magic of IPython passes it on in pieces of 100 bytes."""
    done = subprocess.run(["bash", "-c", cell], capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    print(done.stderr, end="", file=sys.stderr)
    if done.returncode:
        raise RuntimeError(f"the shell cell ended with status {done.returncode}")


os.environ.pop("FORCE_COLOR", None)  # kernels ask programs for colors; pages want plain text
sys.stdout.flush_interval = 600.0  # seconds; the end of a cell flushes
get_ipython().register_magic_function(bash, magic_kind="cell")
