"""What services expect of one another is there, and nothing that was released is broken."""

import re
from pathlib import Path

import pytest

from devkit import releases
from devkit.contracts import beside, evolution, sides
from devkit.layout import ROOT, SERVICES, Service

BESIDES = Path("scheduler-service/scheduler_service/parts.py")
"""It asks every consumer how it is, which the chassis answers: no part of any service's contract."""

HERE, RELEASED = sides.of_checkout(), sides.released()


@pytest.mark.parametrize("name", HERE)
def test_a_service_gets_what_it_expects_of_the_others_as_they_are_here(name: str) -> None:
    assert beside.providers(HERE[name]) <= HERE.keys()
    assert [problem for other in HERE.values() for problem in beside.unmet(HERE[name], other)] == []


@pytest.mark.parametrize("name", RELEASED)
def test_nothing_that_was_released_is_broken(name: str) -> None:
    assert evolution.breaks(RELEASED[name], HERE[name], RELEASED) == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_release_is_a_version_and_a_commit(service: Service) -> None:
    release = releases.latest(service)
    assert re.fullmatch(r"\d+\.\d+\.\d+", release.version)
    assert re.fullmatch(r"[0-9a-f]{40}", release.commit)
    assert RELEASED[service.folder_name].statement


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_what_is_asked_of_others_is_stated(service: Service) -> None:
    for file in (service.folder / service.package).rglob("*.py"):
        text, where = file.read_text(), file.relative_to(ROOT)
        asks = "chassis.rpc" in text and re.search(r"\bQuestion\(", text)
        assert not re.search(r"rpc\.call\(", text), f"{where}: ask by a chassis.rpc.Question in calls.py"
        assert not asks or file.name == "calls.py" or where == BESIDES, f"{where}: state what is asked in calls.py"
