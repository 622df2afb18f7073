"""`qtraj explore`: the page whose sliders solve the Lindblad equation, served to this machine only."""

from __future__ import annotations

from typing import Annotated

import typer


def explore(
    port: Annotated[int, typer.Option(help="Port of the page on this machine.")] = 5016,
    show: Annotated[bool, typer.Option("--show/--no-show", help="Open the page in the browser.")] = True,
) -> None:
    """Open a page whose sliders solve the Lindblad equation: survival, regeneration, density and R_AA, live.

    It listens on 127.0.0.1 only. Needs the extra: python -m pip install "qtraj[app]".
    """
    from ..pages.explore.server import address, serve

    server = serve(port, show=show)
    typer.echo(f"Serving on {address(port)}; Ctrl-C ends it.")
    try:
        server.run_until_shutdown()
    except KeyboardInterrupt:
        server.stop()
