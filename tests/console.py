"""What an admin does on the page at /console, in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests import browser as browsers

SECONDS = 30
"""For one step of the page, on a machine that has much else to do."""


class Console:
    """The page in ``browser``, signed out at first."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser, self.url = browser, url
        self._wait = WebDriverWait(
            browser, SECONDS, poll_frequency=0.02, ignored_exceptions=[StaleElementReferenceException]
        )

    def open(self) -> None:
        self.browser.get(f"{self.url}/console")

    def sign_in(self, email: str, password: str) -> None:
        """By keys alone: the page puts the focus where they are to go."""
        self.until("the form has the focus", lambda: self.focused() == "email")
        ActionChains(self.browser).send_keys(email, Keys.TAB, password, Keys.ENTER).perform()

    def show(self, panel: str) -> None:
        """Open a panel, and wait until it is filled."""
        self.browser.execute_script("location.hash = arguments[0]", panel)
        self.filled(panel)

    def refresh(self) -> None:
        """Have the panel that is open filled anew."""
        panel = self.script("document.getElementById('refresh').click(); return location.hash.slice(1)")
        self.filled(panel)

    def filled(self, panel: str) -> None:
        chosen = f"document.querySelector('#panels [aria-current=page]')?.hash === '#{panel}'"
        done = "document.querySelector('#content:not([aria-busy])')?.childElementCount > 0"
        self.until(f"{panel} is there", lambda: self.script(f"return {chosen} && {done}"))

    def choose(self, field: str, value: str) -> None:
        """Set a field of the panel, as who picks from a list or writes does, and have it searched for."""
        self.script(
            "const field = document.getElementById(`field-${arguments[0]}`); field.value = arguments[1];"
            "field.form.requestSubmit()",
            field,
            value,
        )

    def row(self, text: str) -> WebElement:
        """The row of a table in which the text stands."""
        return self.find(f"//tbody/tr[contains(normalize-space(.), {_quoted(text)})]")

    def rows_with(self, text: str) -> int:
        return len(self.browser.find_elements(By.XPATH, f"//tbody/tr[contains(normalize-space(.), {_quoted(text)})]"))

    def press(self, text: str, label: str) -> None:
        """The button ``label`` in the row of ``text``."""
        button = self.row(text).find_element(By.XPATH, f".//button[.={_quoted(label)}]")
        # by script, for a pointer would have to wait for what is told below to be gone
        self.script("arguments[0].focus(); arguments[0].click()", button)

    def answer(self, reason: str | None = None) -> None:
        """Say yes in the dialog, with the reason if it asks for one."""
        dialog = self.find("//dialog[@open]")
        if reason is not None:
            dialog.find_element(By.TAG_NAME, "textarea").send_keys(reason)
        dialog.find_element(By.CSS_SELECTOR, "button[type=submit]").click()

    def decide(self, text: str, label: str, reason: str | None = None) -> str:
        """Press a row's button and say yes; what the page tells of it."""
        self.press(text, label)
        self.answer(reason)
        self.until("it is told", lambda: self.text("said") or self.text("wrong"))
        assert not self.text("wrong"), self.text("wrong")
        return self.text("said")

    def find(self, path: str) -> WebElement:
        found: Any = self.until(f"there is {path}", lambda: self.browser.find_elements(By.XPATH, path))
        first: WebElement = found[0]
        return first

    def text(self, identifier: str) -> str:
        return str(self.script("return document.getElementById(arguments[0]).textContent", identifier))

    def focused(self) -> str:
        return str(self.script("return document.activeElement.id"))

    def script(self, code: str, *arguments: Any) -> Any:
        return self.browser.execute_script(code, *arguments)

    def until(self, what: str, look: Any) -> Any:
        try:
            return self._wait.until(lambda _: look())
        except TimeoutException:
            told = browsers.complaints(self.browser)
            shown = self.find("//body").text[:2000]
            raise AssertionError(f"waited in vain: {what}; the console: {told}; the page: {shown}") from None

    @contextmanager
    def dark(self) -> Iterator[None]:
        """As for who prefers a dark page."""
        self._prefer("dark")
        try:
            yield
        finally:
            self._prefer("light")

    def _prefer(self, scheme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def _quoted(text: str) -> str:
    """As a string of XPath, which knows no escapes."""
    return "concat('', " + ", '\"', ".join(f'"{part}"' for part in text.split('"')) + ")"
