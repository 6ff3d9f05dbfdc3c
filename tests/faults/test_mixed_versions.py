"""Versions meet while one is rolled out: the day goes on as it should. ``make mixed`` tries every service."""

import pytest

from devkit import releases
from devkit.layout import SERVICES
from devkit.suite import Instance
from tests.mixed import walk_beside

(APPOINTMENT,) = (service for service in SERVICES if service.name == "appointment")


def test_the_released_appointment_service_serves_a_day_beside_the_present_others(suite: Instance) -> None:
    commit = releases.latest(APPOINTMENT).commit
    if not releases.has_history(commit):
        pytest.skip(f"the released version is commit {commit}, and this checkout has no history with it")
    lines = walk_beside(suite, APPOINTMENT)
    assert any("one 201, 9 times 409 SLOT_TAKEN" in line for line in lines)
