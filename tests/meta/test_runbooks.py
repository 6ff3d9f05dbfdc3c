"""Each alarm that the code can raise and each alert has its page, and each page an alarm or an alert."""

import re
from typing import Any

import yaml

from devkit.layout import CHASSIS, ROOT, SERVICES

PAGES = ROOT / "docs" / "runbooks"
RAISED = re.compile(r"""(?:\balarm=|\bAlarm\(\s*|_ALARM = )"([A-Z]\w+)\"""")


ALERTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "observability" / "alerts.yml").read_text())["groups"][0]["rules"]


def raised() -> set[str]:
    """What the code's alarms and Prometheus' alerts are called; what means the same has one name."""
    folders = (CHASSIS / "chassis", CHASSIS / "devkit", *(service.folder / service.package for service in SERVICES))
    alarms = {name for folder in folders for file in folder.rglob("*.py") for name in RAISED.findall(file.read_text())}
    return alarms | {alert["alert"] for alert in ALERTS}


def test_each_alarm_has_a_page_and_each_page_an_alarm() -> None:
    assert {page.stem for page in PAGES.glob("[A-Z]*.md")} - {"README"} == raised()


def test_each_page_says_what_it_means_and_what_to_do_and_is_in_the_list() -> None:
    listed = (PAGES / "README.md").read_text()
    for name in raised():
        text = (PAGES / f"{name}.md").read_text()
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
        assert f"[{name}]({name}.md)" in listed


def test_each_alert_names_its_page_how_bad_it_is_and_has_a_test_of_its_own() -> None:
    tried = (ROOT / "observability" / "alerts.test.yml").read_text()
    for alert in ALERTS:
        assert alert["annotations"]["runbook"] == f"docs/runbooks/{alert['alert']}.md"
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in ("page", "ticket")
        # once seen not to fire, and once to fire
        assert f"alertname: {alert['alert']}, exp_alerts: []" in tried
        assert f"alertname: {alert['alert']}\n        exp_alerts:\n" in tried
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
