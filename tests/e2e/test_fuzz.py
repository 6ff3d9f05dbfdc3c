"""Schemathesis over the whole document, through the gateway: `make fuzz` is the long run of it."""

from devkit.suite import Instance
from tests.fuzz.run import fuzzed


def test_whatever_the_document_allows_or_forbids_is_answered_as_it_says(suite: Instance) -> None:
    admin = suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"]
    held, told = fuzzed(suite.gateway_url, admin, examples=1, seed=1, phases="coverage", workers=4)
    assert held, told
