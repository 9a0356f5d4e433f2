"""A headless Chromium, driven by its own protocol (DevTools): opens pages, presses keys, looks, takes pictures."""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
START_SECONDS = 60.0


class Browser:
    """One browser with one page.

    Attributes
    ----------
    complaints
        Errors of scripts and violations of the page's policy, as the console shows them.
    """

    def __init__(self, width: int = 1200, height: int = 900) -> None:
        self.complaints: list[str] = []
        self._numbers = itertools.count(1)
        self._profile = tempfile.mkdtemp(prefix="chromium-")
        self._process = subprocess.Popen(
            [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-first-run", "--hide-scrollbars", f"--user-data-dir={self._profile}", "--remote-debugging-port=0",
             f"--window-size={width},{height}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._connecting = connect(self._page_address(), max_size=1 << 28)
        self._socket: ClientConnection = self._connecting.__enter__()
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.send(f"{domain}.enable")

    def _page_address(self) -> str:
        end = time.monotonic() + START_SECONDS
        port_file = Path(self._profile) / "DevToolsActivePort"
        while time.monotonic() < end:
            if port_file.exists() and (lines := port_file.read_text().splitlines()):
                pages = httpx.get(f"http://127.0.0.1:{lines[0]}/json/list").json()
                found = [page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page"]
                if found:
                    return str(found[0])
            time.sleep(0.05)
        raise TimeoutError("chromium did not start")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connecting.__exit__(None, None, None)
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._profile, ignore_errors=True)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; what the console says meanwhile is collected."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._socket.recv(timeout=30))
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                return dict(told["result"])
            self._hear(told)

    def _hear(self, told: dict[str, Any]) -> None:
        if told.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(told["params"]["exceptionDetails"]["text"])
        elif told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
            self.complaints.append(told["params"]["entry"]["text"])

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Set the window and the colour scheme."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme, {"name": "prefers-reduced-motion", "value": "reduce"}])

    def open(self, address: str) -> None:
        """Go to a page and wait until it is there."""
        self.send("Page.navigate", url=address)
        self.wait(f"location.href.startsWith({json.dumps(address.partition('?')[0])}) && document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)["result"].get("value")

    def wait(self, expression: str, seconds: float = 30.0) -> float:
        """Wait until an expression is true; returns the seconds it took."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            if self.value(expression):
                return time.monotonic() - begin
            time.sleep(0.02)
        raise TimeoutError(f"not true after {seconds} s: {expression}")

    def press(self, key: str, *, code: int) -> None:
        """One key, down and up."""
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, nativeVirtualKeyCode=code)

    def type(self, text: str) -> None:
        """Text into what has the focus."""
        self.send("Input.insertText", text=text)

    def enter(self) -> None:
        """The Enter key, as a form hears it."""
        self.send("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
        self.send("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)

    def unnamed(self) -> list[str]:
        """Roles of things to operate that a screen reader could not name."""
        nodes = self.send("Accessibility.getFullAXTree")["nodes"]
        operable = {"link", "button", "textbox", "combobox", "searchbox", "progressbar", "region", "navigation", "DisclosureTriangle"}
        return [
            str(node["role"]["value"]) for node in nodes
            if not node.get("ignored") and node.get("role", {}).get("value") in operable and not node.get("name", {}).get("value")
        ]  # fmt: skip

    def picture(self, path: Path) -> None:
        """What the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))
