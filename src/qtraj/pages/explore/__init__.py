"""A page in the browser whose sliders solve the Lindblad equation, served on the loopback interface only."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final

from ..._checks import integer
from ...errors import InputError
from .model import Settings, numbers

if TYPE_CHECKING:
    from bokeh.server.server import Server

HOST: Final = "127.0.0.1"
"""The loopback interface: nobody on the network reaches the page."""


def address(port: int) -> str:
    """Return the address of the page."""
    return f"http://{HOST}:{port}/"


def serve(port: int, *, show: bool = False) -> Server:
    """Start to serve the page, without blocking.

    Parameters
    ----------
    port : int
        Port, 1024 to 65535.
    show : bool, optional
        Open the page in the browser.

    Returns
    -------
    bokeh.server.server.Server
        Listening on `HOST` only; pages from other addresses may not open its websocket, whatever name they reach it by.

    Raises
    ------
    InputError
        If Panel is not installed, or the port is not one or in use.
    """
    port = integer("--port", port, 1024, 65535, "be a port from 1024 to 65535")
    panel = _panel()
    from .page import SOLVER, page  # noqa: PLC0415  it needs Panel, which has just been found

    _check_free(port)
    server: Server = panel.serve(
        {"/": page},
        address=HOST,
        port=port,
        websocket_origin=[f"{HOST}:{port}", f"localhost:{port}"],
        title="qtraj explore",
        show=False,
        start=False,
        verbose=False,
    )
    server.start()
    SOLVER.submit(numbers, Settings())  # compile while the browser opens
    if show:
        server.io_loop.add_callback(server.show, "/")
    return server


def _check_free(port: int) -> None:
    """Raise `InputError` if the port cannot be listened on; Tornado would leave a socket open and a traceback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(
                "--port", port, f"be a free port ({error.strerror})", "Choose another: --port 5017."
            ) from None


def _panel() -> Any:
    try:
        import panel  # noqa: PLC0415  an optional dependency
    except ImportError:
        raise InputError(
            "Panel",
            "not installed",
            "be installed for `qtraj explore`",
            'Install it with: python -m pip install "qtraj[app]".',
        ) from None
    return panel
