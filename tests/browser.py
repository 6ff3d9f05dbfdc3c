"""A headless browser that reaches nothing but this machine, and what it did there."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from devkit import chromium

_OPTIONS = (
    "--headless",
    # containers and CI run as root, where Chromium's sandbox can not start
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--window-size=1200,1000",
)


@contextmanager
def running(folder: Path) -> Iterator[Chrome]:
    """Chromium with a new profile in `folder`; no name of another host resolves."""
    options = ChromeOptions()
    options.binary_location = shutil.which(chromium.BROWSER) or ""
    for option in (*_OPTIONS, f"--user-data-dir={folder}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Both paths are given, so that Selenium neither looks for a browser nor downloads one.
    browser = Chrome(options=options, service=Service(shutil.which(chromium.DRIVER)))
    try:
        yield browser
    finally:
        browser.quit()


def complaints(browser: Chrome) -> list[str]:
    """What the console shows since it was last asked: errors, warnings, and what a policy did not let through."""
    return [entry["message"] for entry in browser.get_log("browser")]


def hosts(browser: Chrome) -> set[str]:
    """Host and port of every request since it was last asked; what the page or the browser carries itself is none."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    sent = (event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent")
    return {url.netloc for url in map(urlsplit, sent) if url.scheme in ("http", "https", "ws", "wss")}
