"""A page in the browser whose sliders solve the Lindblad equation, served on the loopback interface only."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..._checks import integer
from ...errors import InputError
from .model import Settings, numbers

if TYPE_CHECKING:
    from bokeh.server.server import Server

HOST: Final = "127.0.0.1"  # the loopback interface: nobody on the network reaches the page


def address(port: int) -> str:
    """Return the address of the page."""
    return f"http://{HOST}:{port}/"


def serve(port: int, *, show: bool = False, origins: Sequence[str] = ()) -> Server:
    """Start to serve the page, without blocking, and return the server; `show` opens the page in the browser.

    It listens on `HOST` only; pages from other addresses may not open its websocket, whatever name they reach it by,
    but those of `origins`, HOST:PORT as the browser has it: behind ``ssh -L`` the port is another one.
    `InputError` if an origin is not of that form, Panel is not installed, or the port is not one or in use.
    """
    port = integer("--port", port, 1024, 65535, "be a port from 1024 to 65535")
    for origin in origins:
        if not re.fullmatch(r"[\w.-]+:\d{1,5}", origin):
            remedy = "It is what stands in the address line of the browser, such as localhost:8016."
            raise InputError("--origin", origin, "be HOST:PORT", remedy)
    try:
        import panel  # noqa: PLC0415  an optional dependency
    except ImportError:
        remedy = 'Install it with: python -m pip install "qtraj[app]".'
        raise InputError("Panel", "not installed", "be installed for `qtraj explore`", remedy) from None
    from .page import SOLVER, page  # noqa: PLC0415  it needs Panel, which has just been found

    with socket.socket() as probe:  # Tornado would leave a socket open and a traceback
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            allowed = f"be a free port ({error.strerror})"
            raise InputError("--port", port, allowed, "Choose another: --port 5017.") from None
    # a page from elsewhere must not reach the solver, whatever name it gives this address
    where = {
        "address": HOST,
        "port": port,
        "websocket_origin": [f"{HOST}:{port}", f"localhost:{port}", *origins],
    }
    quiet = {"show": False, "start": False, "verbose": False}
    server: Server = panel.serve({"/": page}, title="qtraj explore", **where, **quiet)
    server.start()
    SOLVER.submit(numbers, Settings())  # compile while the browser opens
    if show:
        server.io_loop.add_callback(server.show, "/")
    return server
