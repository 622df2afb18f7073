"""The page in Panel, without a browser: controls move numbers, only this machine may look."""

import asyncio
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect
from typer.testing import CliRunner

import qtraj.pages.explore as server_module
from qtraj.cli import app
from qtraj.errors import InputError
from qtraj.pages.explore import HOST, serve
from qtraj.pages.explore.model import load_surrogate, numbers


def settled(page):
    """Wait until the page shows where its controls are; 120 s is far more than any solve."""
    deadline = time.monotonic() + 120
    while page.shown is None or page.shown.settings != page.settings:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return page


def test_a_slider_moves_and_every_chart_follows():
    from qtraj.pages.explore.page import Page

    page = settled(Page())
    before = page._survival.sources[0].data["survival"][-1]
    raa_before = page._raa.sources[0].data["raa"][0]
    page.controls["T_end"].value = 0.30
    page.controls["kappa_hat"].value = 2.5
    settled(page)
    n = numbers(page.settings)
    assert n.settings.kappa_hat == 2.5
    shown = page._survival.sources[0].data
    assert shown["survival"][-1] == n.survival["1S"][-1] != before
    assert np.array_equal(page._density.source.data["octet1"], n.density[1, 1])
    assert page._raa.sources[0].data["raa"][0] != raa_before
    assert f"{n.regeneration['1S'][-1]:.4g}" in page._table.object


def test_the_axis_reaches_down_to_what_is_regenerated():
    """1P from an S wave ends at 7e-6: below the 1e-4 where the axis used to end."""
    from qtraj.pages.explore.page import Page

    page = settled(Page())
    least = min(page.shown.regeneration[state][-1] for state in page.shown.settings.states)
    assert 0 < least < 1e-5
    assert page._survival.figure.y_range.start < least


def test_mesons_have_their_letter():
    from qtraj.pages.explore.page import RaaChart

    chart = RaaChart(load_surrogate())
    chart.show(1.4, -1.75)
    names = ["Υ(1S)", "Υ(2S)", "Υ(3S)"]
    assert [item.label.value for item in chart.figure.legend[0].items] == names
    assert [source.data["meson"][0] for source in chart.sources] == names


@pytest.mark.parametrize("origin", ["localhost", "http://localhost:8016", "localhost:8016/", "*"])
def test_an_origin_is_host_and_port(origin):
    result = CliRunner().invoke(app, ["explore", "--no-show", "--origin", origin])
    assert result.exit_code == 2
    assert "`--origin` must be HOST:PORT" in result.stderr


def test_a_browser_that_sends_what_no_slider_can_is_told_and_changes_nothing():
    from qtraj.pages.explore.page import Page

    page = settled(Page())
    before = page.shown
    page.controls["T0"].end = 9.0
    page.controls["T0"].value = 9.0
    assert "T0" in page._status.object
    assert page.shown is before


def test_no_control_takes_text_or_files():
    import panel as pn

    from qtraj.pages.explore.page import Page

    allowed = (pn.widgets.FloatSlider, pn.widgets.RadioButtonGroup, pn.widgets.Select)
    widgets = list(Page().layout.select(pn.widgets.Widget))
    assert len(widgets) == 6
    assert all(type(widget) in allowed for widget in widgets)


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@pytest.fixture
def server(port):
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    server = serve(port)
    yield server
    server.stop()
    server.io_loop.close(all_fds=True)
    asyncio.set_event_loop(None)


def test_it_listens_on_the_loopback_interface_only(server):
    addresses = {s.getsockname()[0] for s in server._http._sockets.values()}
    assert addresses == {"127.0.0.1"}


def test_a_page_from_elsewhere_may_not_open_the_websocket(server, port):
    async def visits():
        page = await AsyncHTTPClient().fetch(f"http://{HOST}:{port}/")
        assert b"qtraj explore" in page.body
        outcome = {}
        for origin in (f"http://{HOST}:{port}", "http://evil.example", f"http://evil.example:{port}"):
            request = HTTPRequest(f"ws://{HOST}:{port}/ws", headers={"Origin": origin})
            try:
                connection = await websocket_connect(request, subprotocols=["bokeh", "none"])
            except HTTPClientError as error:
                outcome[origin] = error.code
            else:
                outcome[origin] = 101
                connection.close()
        return outcome

    found = server.io_loop.run_sync(visits, timeout=120)
    assert list(found.values()) == [101, 403, 403]


def test_behind_ssh_the_port_of_the_browser_may_be_another():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    server = serve(port, origins=["localhost:8016"])
    try:
        assert {"localhost:8016", f"localhost:{port}"} <= set(server._tornado.websocket_origins)
    finally:
        server.stop()


def test_a_port_in_use_or_none_is_one_line(port, server):
    for bad in (str(port), "80"):
        done = CliRunner().invoke(app, ["explore", "--no-show", "--port", bad])
        assert done.exit_code == 2
        assert "--port" in done.output


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "panel", None)
    with pytest.raises(InputError, match=r'pip install "qtraj\[app\]"'):
        server_module.serve(5016)


def test_the_model_of_the_page_needs_no_panel():
    code = "import sys, qtraj.pages.explore.model; sys.exit('panel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
