"""The page in a browser: no error, no request, the chooser and the sheets answer."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.chromium

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")


class Session:
    """A browser, driven through chromedriver by plain HTTP (the W3C WebDriver protocol)."""

    def __init__(self, port: int, profile: Path) -> None:
        self.root = f"http://127.0.0.1:{port}"
        options = {
            "binary": BROWSER,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-dev-shm-usage",
                     f"--user-data-dir={profile}", "--window-size=1300,900"],
        }
        wanted = {"alwaysMatch": {"goog:chromeOptions": options,
                                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}
        self.path = f"/session/{self.send('POST', '/session', {'capabilities': wanted})['sessionId']}"

    def send(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, url: str) -> None:
        self.send("POST", f"{self.path}/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        return self.send("POST", f"{self.path}/execute/sync", {"script": script, "args": list(arguments)})

    def log(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.send("POST", f"{self.path}/se/log", {"type": kind})
        return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    for name, path in (("chromium", BROWSER), ("chromedriver", DRIVER)):
        if path is None:
            pytest.skip(f"{name} is not on the PATH")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    session = None
    try:
        for _ in range(100):
            with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/status", timeout=5):
                break
            time.sleep(0.1)
        session = Session(port, tmp_path_factory.mktemp("profile"))
        yield session
    finally:
        if session is not None:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                session.send("DELETE", session.path)
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def opened(browser: Session, page: str, tmp_path_factory: pytest.TempPathFactory) -> Session:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(page, encoding="utf-8")
    browser.open("about:blank")
    for kind in ("browser", "performance"):  # what the browser's own start page does is none of ours
        browser.log(kind)
    browser.open(file.as_uri())
    return browser


def test_no_error_and_no_request(opened: Session) -> None:
    errors = [entry for entry in opened.log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert errors == []
    asked = []
    for entry in opened.log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in asked) == 1


def test_the_chooser_shows_the_row(opened: Session, prepared: Any) -> None:
    choice = prepared[0].backprop.choice
    assert opened.run("return document.getElementById('chooser').hidden") is False
    total = choice.symbols.index("E_total")
    for rate, place in ((1, 12), (0, 5), (1, 0)):
        opened.run("""
            const rate = document.getElementById('choose-rate'), range = document.getElementById('choose-iteration');
            rate.value = arguments[0]; rate.dispatchEvent(new Event('change'));
            range.value = arguments[1]; range.dispatchEvent(new Event('input'));
        """, str(rate), str(place))
        shown = opened.run("return [...document.querySelectorAll('#network [data-q=E_total]')].map(e => e.textContent)")
        expected = choice.values[rate][place][total]
        assert len(shown) == 2
        assert [float(text) for text in shown] == pytest.approx([expected] * 2, abs=5.1e-7)
        assert opened.run("return document.getElementById('choose-shown').textContent") == str(place)


def test_every_number_of_the_picture_can_be_chosen(opened: Session, prepared: Any) -> None:
    named = opened.run("return [...document.querySelectorAll('#network [data-q]')].map(e => e.dataset.q)")
    assert set(named) == set(prepared[0].backprop.choice.symbols)


def test_the_formula_bar_tells_the_formula(opened: Session) -> None:
    told = opened.run("""
        const section = [...document.querySelectorAll('section.sheet')].find(s => s.innerText.includes('LR 0.5'));
        const sheet = [...document.querySelectorAll('section.sheet')].find(
            s => s.querySelector('h4').textContent === 'LR 0.5');
        const cell = sheet.querySelector('td[tabindex]');
        cell.focus();
        const first = sheet.querySelector('.formula-bar').textContent;
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true}));
        return [first, sheet.querySelector('.formula-bar').textContent, section !== undefined];
    """)
    assert "=" in told[0]
    assert told[1] != told[0]


def test_formulas_view_needs_no_script(opened: Session) -> None:
    shown = opened.run("""
        const sheet = [...document.querySelectorAll('section.sheet')].find(
            s => s.querySelector('h4').textContent === 'LR 0.5');
        sheet.querySelector('input.formulas').checked = true;
        const cell = sheet.querySelector('td[tabindex]');
        return ['i', 'span'].map(name => getComputedStyle(cell.querySelector(name)).display);
    """)
    assert shown == ["block", "none"]


@pytest.mark.parametrize("width", [360, 768, 1300])
def test_nothing_stands_out_of_the_page(opened: Session, width: int) -> None:
    opened.send("POST", f"{opened.path}/window/rect", {"width": width, "height": 900})
    wide = opened.run("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide[0] <= wide[1] + 1
