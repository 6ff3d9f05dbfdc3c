"""Pictures of the console for docs/, of the running suite of `make up` and whatever is in it: `make screenshots`."""

import base64
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from devkit import setup, suite
from devkit.layout import ROOT
from tests import browser as browsers
from tests.console import Console

FOLDER = ROOT / "docs" / "images"
MOST_BYTES = 150_000
MOST_PIXELS = 1_300
"""Of height: beyond it a list only goes on."""


def main() -> int:
    setup.ensure([], needs_chromium=True)
    running = suite.of_checkout()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, browsers.running(Path(profile)) as browser:
        console = Console(browser, running.gateway_url)
        console.open()
        console.sign_in(running.settings["ADMIN_EMAIL"], running.settings["ADMIN_PASSWORD"])
        console.filled("figures")
        for panel in ("figures", "reviews", "jobs"):
            console.show(panel)
            _take(console, panel)
        with console.dark():
            for panel, look in _DARK.items():
                console.show(panel)
                look(console)
                _take(console, f"{panel}-dark")
    sizes = {path.name: path.stat().st_size for path in sorted(FOLDER.glob("console-*.png"))}
    print("\n".join(f"{size:>8} docs/images/{name}" for name, size in sizes.items()))
    large = [name for name, size in sizes.items() if size > MOST_BYTES]
    if large:
        print(f"over {MOST_BYTES} bytes: {', '.join(large)}", file=sys.stderr)
    return 1 if large else 0


def _ask(console: Console) -> None:
    """The question before a rejection, where somebody waits."""
    console.script("[...document.querySelectorAll('td button')].find((one) => one.textContent === 'Reject')?.click()")


_DARK: dict[str, Callable[[Console], None]] = {
    "doctors": _ask,
    "health": lambda _: None,
}


def _take(console: Console, name: str) -> None:
    # a menu of the browser's own has no place in it, nor what was told last
    console.script("document.activeElement.blur()")
    width, height = console.script("return [innerWidth, document.documentElement.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, MOST_PIXELS), "scale": 1}
    options = {"format": "png", "clip": clip, "captureBeyondViewport": True, "optimizeForSpeed": False}
    answer = console.browser.execute_cdp_cmd("Page.captureScreenshot", options)
    (FOLDER / f"console-{name}.png").write_bytes(base64.b64decode(answer["data"]))


if __name__ == "__main__":
    raise SystemExit(main())
