"""Each alarm that the code can raise has its page, and each page an alarm."""

import re

from devkit.layout import CHASSIS, ROOT, SERVICES

PAGES = ROOT / "docs" / "runbooks"
RAISED = re.compile(r"""(?:\balarm=|\bAlarm\(\s*|_ALARM = )"([A-Z]\w+)\"""")


def raised() -> set[str]:
    folders = (CHASSIS / "chassis", CHASSIS / "devkit", *(service.folder / service.package for service in SERVICES))
    return {name for folder in folders for file in folder.rglob("*.py") for name in RAISED.findall(file.read_text())}


def test_each_alarm_has_a_page_and_each_page_an_alarm() -> None:
    assert {page.stem for page in PAGES.glob("[A-Z]*.md")} - {"README"} == raised()


def test_each_page_says_what_it_means_and_what_to_do_and_is_in_the_list() -> None:
    listed = (PAGES / "README.md").read_text()
    for name in raised():
        text = (PAGES / f"{name}.md").read_text()
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
        assert f"[{name}]({name}.md)" in listed
