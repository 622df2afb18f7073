"""Chromium without a window, driven by its DevTools protocol: what tests of pages need of it."""

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from tornado.websocket import websocket_connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PROBLEMS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
DEADLINE_S = 60


class Browser:
    """One tab; use it in a ``with`` statement."""

    def __enter__(self):
        program = next(filter(None, map(shutil.which, NAMES)), None)
        assert program is not None, f"these tests need one of {', '.join(NAMES)}"
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [program, *OPTIONS, f"--user-data-dir={self._folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._loop = asyncio.new_event_loop()
        self._number, self.events = 0, []
        port = self.wait(self._port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            tab = next(tab for tab in json.load(answer) if tab["type"] == "page")
        self._socket = self._loop.run_until_complete(_connected(tab["webSocketDebuggerUrl"]))
        for domain in ("Runtime", "Log", "Page", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._process.terminate()
        self._process.wait()
        self._loop.close()
        self._folder.cleanup()

    def _port(self):
        file = Path(self._folder.name) / "DevToolsActivePort"
        return file.read_text().split()[0] if file.exists() and file.read_text() else None

    def wait(self, condition):
        """Return what `condition` returns as soon as it is true."""
        deadline = time.monotonic() + DEADLINE_S
        while not (found := condition()):
            assert time.monotonic() < deadline, "the page did not get there"
            time.sleep(0.05)
        return found

    def call(self, method, **parameters):
        """Return the answer to a command of the protocol; events that come before it are kept."""
        return self._loop.run_until_complete(self._call(method, parameters))

    async def _call(self, method, parameters):
        self._number += 1
        await self._socket.write_message(
            json.dumps({"id": self._number, "method": method, "params": parameters})
        )
        while True:
            message = json.loads(await self._socket.read_message())
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def run(self, script):
        """Return the value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, address, width, dark=False, height=900):
        """Open a page in a window of a width."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=address)
        self.wait(lambda: self.run("document.readyState") == "complete")

    def point_at(self, element):
        """Move the pointer to the middle of what an expression returns."""
        x, y = self.run(
            f"(() => {{ const e = {element}; e.scrollIntoView({{block: 'center'}}); "
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key, times=1):
        """Press a key."""
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="rawKeyDown", key=key, code=key)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def picture(self, path, height=None):
        """Save the whole page as PNG, or as much as is in a window of a height."""
        whole, width = self.run(
            "[document.documentElement.scrollHeight, document.documentElement.clientWidth]"
        )
        beyond, height = height is None, height or whole
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=beyond, clip=clip)
        Path(path).write_bytes(base64.b64decode(answer["data"]))

    @property
    def problems(self):
        """What the console has said since the page was opened."""
        return [event for event in self.events if event["method"] in PROBLEMS]

    @property
    def requests(self):
        """Addresses that the page has asked for."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return {event["params"]["request"]["url"] for event in sent}


async def _connected(address):
    return await websocket_connect(address, max_message_size=200_000_000)
