"""The walk-through of ``make demo``, on a suite of its own."""

from devkit.suite import Instance
from tests.walkthrough import Day


def test_a_clinics_day(suite: Instance) -> None:
    lines: list[str] = []
    Day(suite.gateway_url, suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"], lines.append).run()
    assert any("one 201, 49 times 409 SLOT_TAKEN" in line for line in lines)
