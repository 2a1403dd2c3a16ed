"""A headless Chromium driven through chromedriver's HTTP interface: console, requests, and what the page holds."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from helpers.patience import PATIENCE

DRIVER, CHROMIUM = shutil.which("chromedriver"), shutil.which("chromium")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Browser:
    """One window."""

    def __init__(self, port: int, profile: Path) -> None:
        self.root = f"http://127.0.0.1:{port}"
        options = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}, "goog:chromeOptions": options}
        self.session = ""
        self.session = (
            "/session/" + self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.root + self.session + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)["value"]

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, path: Path, width: int = 1280, scheme: str = "light") -> None:
        self.devtools("Emulation.setFocusEmulationEnabled", enabled=True)  # whatever else has the machine's focus
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.scheme(scheme)
        self.console(), self.requests()  # what is left of the page before
        self.call("POST", "/url", {"url": path.as_uri()})

    def scheme(self, name: str) -> None:
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def run(self, script: str) -> Any:
        return self.call("POST", "/execute/sync", {"script": script, "args": []})

    def until(self, script: str, true: Callable[[Any], bool]) -> Any:
        """What the script returns, once that is as wanted, or when patience ends."""
        end = time.monotonic() + PATIENCE
        while not true(found := self.run(script)) and time.monotonic() < end:
            time.sleep(0.05)
        return found

    def console(self) -> list[str]:
        """Everything that the console has said since the last call."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def requests(self) -> list[str]:
        """Addresses of everything that a page asked for since the last call, not what the browser's own tab loads."""
        events = [
            json.loads(entry["message"])["message"] for entry in self.call("POST", "/se/log", {"type": "performance"})
        ]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith(("chrome:", "chrome-untrusted:"))]


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser, ended with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(DRIVER), f"--port={port}", "--silent"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as driver:
        try:
            _wait(driver, port)
            window = Browser(port, profile)
            try:
                yield window
            finally:
                window.call("DELETE", "")
        finally:
            driver.terminate()


def _wait(driver: subprocess.Popen, port: int) -> None:
    """Until the driver answers, for as long as it lives."""
    while driver.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise RuntimeError(f"chromedriver ended with {driver.returncode}")
