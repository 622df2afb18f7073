"""Ctrl-C while the command line is being imported, which takes a second: one line, as later (`cli.options`)."""

# what takes no time to import: until then Python itself answers, with a traceback
import atexit
import os
import signal
import sys
from contextlib import suppress

EXIT_INTERRUPTED = 130  # 128 + SIGINT, the shell's convention
AGAIN = "Interrupted. The same command begins again."


def end(line: str) -> None:
    """End the process at once; a signal may have come while Python writes to its own streams."""
    os.write(2, f"{line}\n".encode())
    os._exit(EXIT_INTERRUPTED)


def leave_soon() -> None:
    """End the process when the command has unwound: while JAX compiles, the interpreter's own way out may crash."""
    if _is_command:
        atexit.register(_leave)  # the last one registered is the first one called


def _leave() -> None:
    with suppress(OSError, ValueError):  # closed, or nobody reads
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(EXIT_INTERRUPTED)


# ``qtraj ...`` or ``python -m qtraj ...``; worker processes have the arguments of their parent, and are its business
_is_command = os.path.basename(sys.argv[0]) == "qtraj" or sys.orig_argv[1:3] == ["-m", "qtraj"]
_is_worker = "multiprocessing" in sys.modules
if _is_command and not _is_worker and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    with suppress(ValueError):  # another thread imports it
        signal.signal(signal.SIGINT, lambda signum, frame: end(AGAIN))
