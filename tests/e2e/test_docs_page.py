"""The page at /docs in a real browser: it shows the whole API, and who signs in there can try it."""

import json
import secrets
from collections.abc import Iterator

import pytest
import requests
from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from devkit import setup
from devkit.suite import Instance
from tests import browser as browsers
from tests.client import Gateway

SECONDS = 30
"""For one step of the page, on a machine that has much else to do."""


class Page:
    """What a reader does on the page."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser, self.url = browser, url
        self.wait = WebDriverWait(browser, SECONDS, poll_frequency=0.05)

    def open(self) -> None:
        self.browser.get(f"{self.url}/docs")
        self.find(".opblock-tag-section")

    def find(self, selector: str) -> WebElement:
        """The first such element, once it is to be seen."""

        def seen(browser: Chrome) -> WebElement | None:
            return next((one for one in browser.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()), None)

        try:
            found = self.wait.until(seen)
        except TimeoutException:
            raise AssertionError(f"{selector} never came; the console: {browsers.complaints(self.browser)}") from None
        assert isinstance(found, WebElement)
        return found

    def click(self, selector: str) -> None:
        # by script, for the page scrolls and unfolds under a pointer
        self.browser.execute_script("arguments[0].click()", self.find(selector))

    def write(self, selector: str, text: str) -> None:
        """Put the text in the place of what the field has, at once as a paste does: the page is slow to take keys."""
        self.find(selector).send_keys(Keys.CONTROL, "a")
        self.browser.execute_cdp_cmd("Input.insertText", {"text": text})

    def unfold(self, service: str) -> None:
        tag = f"#operations-tag-{service}"
        if self.find(tag).get_attribute("data-is-open") == "false":
            self.click(tag)
            self.find(f'{tag}[data-is-open="true"]')

    def prepare(self, service: str, operation: str) -> str:
        """Unfold the operation and make it ready to be tried; where it is on the page."""
        self.unfold(service)
        block = f"#operations-{service}-{operation}"
        self.click(f"{block} .opblock-summary-control")
        self.click(f"{block} .try-out__btn")
        return block

    def execute(self, block: str) -> tuple[str, str]:
        """Send the call; the status and the body that the page shows."""
        self.click(f"{block} .execute")
        live = f"{block} .live-responses-table .response"
        return self.find(f"{live} .response-col_status").text, self.find(f"{live} .highlight-code code").text


@pytest.fixture(scope="module")
def page(suite: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    setup.ensure([], needs_chromium=True)
    with browsers.running(tmp_path_factory.mktemp("chromium")) as browser:
        page = Page(browser, suite.gateway_url)
        page.open()
        yield page


def test_who_signs_up_on_the_page_or_gives_a_token_is_signed_in_for_the_calls_that_follow(
    page: Page, gateway: Gateway
) -> None:
    signup = page.prepare("auth-service", "postAuthSignup")
    person = {"name": "Ann Lee", "email": f"ann.{secrets.token_hex(5)}@clinic.example", "password": "a long password"}
    page.write(f"{signup} textarea", json.dumps(person))
    assert page.execute(signup)[0] == "201"
    me = page.prepare("user-service", "getUsersMe")
    status, body = page.execute(me)
    assert (status, '"name": "Ann Lee"' in body) == ("200", True), body

    page.click(f"{me} .btn-clear")
    page.click(".btn.authorize")
    page.click(".auth-btn-wrapper .auth:not(.btn-done)")
    page.write(".auth-container input", gateway.sign_up("Ben Ito").tokens["accessToken"])
    page.click(".auth-btn-wrapper .authorize")
    page.click(".auth-btn-wrapper .btn-done")
    status, body = page.execute(me)
    assert (status, '"name": "Ben Ito"' in body) == ("200", True), body


def test_the_page_shows_every_operation(page: Page) -> None:
    document = requests.get(f"{page.url}/openapi.json", timeout=10).json()
    declared = {
        f"operations-{tag}-{operation['operationId']}"
        for operations in document["paths"].values()
        for operation in operations.values()
        for tag in operation["tags"]
    }
    for tag in document["tags"]:
        page.unfold(tag["name"])
    blocks = page.browser.find_elements(By.CSS_SELECTOR, ".opblock")
    assert {block.get_attribute("id") for block in blocks} == declared


def test_all_that_was_done_on_it_stayed_at_home_and_the_browser_had_nothing_against_it(page: Page) -> None:
    assert browsers.hosts(page.browser) == {page.url.removeprefix("http://")}
    assert browsers.complaints(page.browser) == []
