"""The pages in Chromium: no complaint in the console, nothing from the network, sliders and tooltips work, they fit."""

import json
import re
import socket
import subprocess
import sys

import pytest
from headless import Browser
from stand_in import RUN_FILE, ExponentialDecay, make_run_file
from view_data import evolution

import qtraj as qt
from pages import data_of
from qtraj.campaign.run import run as run_campaign
from qtraj.pages.explore.model import METHOD, SLIDERS, Settings
from qtraj.pages.report import report_contents, write_report
from qtraj.pages.run import load_run
from qtraj.plots.view import write_view_page
from qtraj.solvers.density import evolution as density_in_time

pytestmark = pytest.mark.browser

WIDTHS = pytest.mark.parametrize("width", [1280, 400])
COARSE = qt.DensityMatrix(mesh=qt.LaguerreMesh(40, 0.15), l_max=5, step=2.8)
TIP = "[...document.querySelectorAll('.tip')].filter((t) => !t.hidden).map((t) => t.innerText).join('\\n')"
# ends of words, of lines of axes and of boxes: what reaches beyond the window is cut off
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser():
    with Browser() as found:
        yield found


@pytest.fixture(scope="module", params=["LO", "NLO"])
def report(request, tmp_path_factory):
    order = request.param
    folder = tmp_path_factory.mktemp("browser") / order
    text = RUN_FILE.replace("[model]", f'[model]\norder = "{order}"')
    run_campaign(make_run_file(text), folder, solve=ExponentialDecay())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(density_in_time.FINE, order == "LO", COARSE)
        return write_report(report_contents(load_run(folder)), folder / "report.html")


def clean(browser, address):
    assert browser.problems == []
    assert browser.requests <= {address, "data:,"}


@WIDTHS
def test_the_report(browser, report, width):
    address, data = report.as_uri(), data_of(report.read_text(encoding="utf-8"))
    browser.open(address, width)
    assert browser.run(FITS)
    # every figure is drawn
    plots = len(data["figures"]) + len(data["splits"]) + 5
    assert browser.run("[...document.querySelectorAll('.plot > svg')].length") == plots
    # the pointer at a calculated point: value with error, parts, source
    browser.point_at("document.querySelector('#figures .plot svg > circle')")
    tip = browser.run(TIP)
    assert re.search(r"R.?AA = \d", tip.replace("\n", " "))
    assert "error" in tip
    assert "source: this run" in tip
    # the slider
    browser.run("document.getElementById('time').focus()")
    browser.press("End")
    last = len(data["moments"]["t"]) - 1
    assert browser.run("Number(document.getElementById('time').value)") == last
    assert f"t = {data['moments']['t'][-1]:.3f} fm/c" in browser.run(
        "document.getElementById('shown').textContent"
    )
    lost = float(f"{data['moments']['lost'][-1]:.4g}")
    readout = browser.run("document.getElementById('readout').textContent")
    assert float(re.search(r"lost([0-9.]+?)(?:[12]S|$)", readout)[1]) == pytest.approx(lost, rel=1e-3)
    # the address names a time
    browser.run("location.hash = '#t=1.5'")
    browser.wait(lambda: "t = 1." in browser.run("document.getElementById('shown').textContent"))
    browser.point_at("document.querySelector('#moments .plot')")
    assert "fm" in browser.run(TIP)
    clean(browser, address)


def test_a_click_shows_another_class_and_names_have_their_letter(browser, report, tmp_path):
    text, page = report.read_text(encoding="utf-8"), tmp_path / "page.html"
    data = data_of(text)
    next(s for figure in data["figures"] for s in figure["series"] if s["kind"] == "data")["hidden"] = True
    embedded = text.partition('type="application/json">')[2].partition("</script>")[0]
    page.write_text(text.replace(embedded, json.dumps(data)), encoding="utf-8")
    browser.open(page.as_uri(), 1280)
    buttons = "[...document.querySelectorAll('#figures .legend button')]"
    assert browser.run(f"{buttons}.some((b) => b.textContent.includes('Υ(1S)'))")
    off = f"{buttons}.find((b) => b.getAttribute('aria-pressed') === 'false')"
    marks = "[...document.querySelectorAll('#figures .plot svg > path[transform]')].length"
    before = browser.run(marks)
    browser.run(f"{off}.click()")
    assert browser.run(marks) > before
    assert browser.problems == []


@WIDTHS
def test_the_view(browser, tmp_path, width):
    shown = evolution()
    address = write_view_page(shown, tmp_path / "view.html").as_uri()
    browser.open(address, width)
    assert browser.run(FITS)
    browser.run("document.getElementById('time').focus()")
    browser.press("ArrowRight")
    assert f"t = {shown.times_fm[1]:.3f} fm/c" in browser.run("document.getElementById('shown').textContent")
    browser.point_at("document.querySelector('#panels .plot')")
    assert "fm" in browser.run(TIP)
    browser.run("document.getElementById('play').click()")
    browser.wait(lambda: browser.run("document.getElementById('time').value") != "1")
    clean(browser, address)


@pytest.fixture(scope="module")
def server():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "qtraj", "explore", "--no-show", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert "Serving" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}/"
        process.kill()  # it has nothing to save


# Bokeh draws into shadow roots
DEEP = """(() => { const all = []; const walk = (root) => root.querySelectorAll('*').forEach((e) => {
  all.push(e); if (e.shadowRoot) walk(e.shadowRoot); }); walk(document); return all; })()"""


@WIDTHS
def test_a_slider_of_explore_moves_and_the_number_is_that_of_solve(browser, server, width):
    browser.open(server, width)

    def survival():
        cells = browser.run(f"{DEEP}.filter((e) => e.tagName === 'TD').slice(0, 2).map((e) => e.textContent)")
        return float(cells[1]) if cells and cells[0] == "1S" else None

    before = browser.wait(survival)
    steps = 4
    browser.run(f"{DEEP}.filter((e) => e.classList.contains('noUi-handle'))[2].focus()")  # kappa
    browser.press("ArrowRight", steps)
    settings = Settings(kappa_hat=Settings.kappa_hat + steps * SLIDERS["kappa_hat"].step)
    expected = qt.solve(settings.model, settings.medium, settings.initial, METHOD).survival["1S"].value
    # the page divides the same evolution into other steps
    browser.wait(lambda: survival() == pytest.approx(expected, rel=METHOD.rtol))
    assert before != survival()
    assert browser.run(FITS)
    browser.open(server, width, dark=True)
    assert "invert" in browser.run("getComputedStyle(document.body).filter")
    assert [event for event in browser.problems if event["method"] == "Runtime.exceptionThrown"] == []
    assert all(address.startswith((server, "data:", "blob:")) for address in browser.requests)
