"""When a doctor works."""

from collections.abc import Callable
from typing import Any

import pytest

from doctor_service.bootstrap import Built

Make = Callable[..., Any]
Outbox = Callable[[str], list[dict[str, Any]]]

WEEKLY = [
    {"weekday": "MON", "from": "09:00", "to": "12:30"},
    {"weekday": "MON", "from": "12:30", "to": "18:00"},
    {"weekday": "SAT", "from": "20:00", "to": "24:00"},
]
AVAILABILITY = {
    "timezone": "Europe/Paris",
    "slotMinutes": 30,
    "bufferMinutes": 5,
    "minNoticeMinutes": 120,
    "horizonDays": 90,
    "cancellationNoticeMinutes": 1440,
    "requiresConfirmation": True,
    "unattendedOutcome": "NO_SHOW",
    "weekly": WEEKLY,
}
DEFAULTS = {
    "bufferMinutes": 0,
    "minNoticeMinutes": 0,
    "horizonDays": 60,
    "cancellationNoticeMinutes": 0,
    "requiresConfirmation": False,
    "unattendedOutcome": "COMPLETED",
}
OVERRIDES = "/doctors/me/availability/overrides"


def test_hours_are_published_and_told_to_others(pending: Make, outbox: Outbox) -> None:
    doctor = pending()
    answer = doctor.call("PUT", "/doctors/me/availability", AVAILABILITY)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert answer.json["data"] == {**AVAILABILITY, "version": 2}
    assert doctor.get("/doctors/me/availability") == answer.json["data"]
    assert outbox(doctor.id)[-1]["data"]["calendar"] == {**AVAILABILITY, "overrides": []}


def test_what_is_not_sent_has_its_default(pending: Make) -> None:
    doctor = pending()
    body = {"timezone": "Asia/Kathmandu", "slotMinutes": 45, "weekly": []}
    assert doctor.call("PUT", "/doctors/me/availability", body).json["data"] == {**DEFAULTS, **body, "version": 2}


def test_midnight_at_the_end_of_the_day_has_one_spelling(pending: Make) -> None:
    doctor = pending()
    weekly = [{"weekday": "SUN", "from": "00:00", "to": "00:00"}]
    answer = doctor.call("PUT", "/doctors/me/availability", {**AVAILABILITY, "weekly": weekly})
    assert answer.json["data"]["weekly"] == [{"weekday": "SUN", "from": "00:00", "to": "24:00"}]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("slotMinutes", {"slotMinutes": 7}),
        ("slotMinutes", {"slotMinutes": 0}),
        ("slotMinutes", {"slotMinutes": 485}),
        ("slotMinutes", {"slotMinutes": 30.0}),
        ("bufferMinutes", {"bufferMinutes": 3}),
        ("minNoticeMinutes", {"minNoticeMinutes": -1}),
        ("horizonDays", {"horizonDays": 0}),
        ("unattendedOutcome", {"unattendedOutcome": "BOOKED"}),
        ("weekly.0.weekday", {"weekly": [{"weekday": "Monday", "from": "09:00", "to": "10:00"}]}),
        ("weekly.0.from", {"weekly": [{"weekday": "MON", "from": "9:00", "to": "10:00"}]}),
        ("weekly.0.from", {"weekly": [{"weekday": "MON", "from": "24:00", "to": "24:00"}]}),
        ("weekly.0.to", {"weekly": [{"weekday": "MON", "from": "09:00", "to": "10:03"}]}),
        ("weekly.0.to", {"weekly": [{"weekday": "MON", "from": "09:00", "to": "09:00"}]}),
        ("weekly.0.to", {"weekly": [{"weekday": "MON", "from": "09:00", "to": "08:00"}]}),
        ("weekly.3.from", {"weekly": [*WEEKLY, {"weekday": "SAT", "from": "23:00", "to": "24:00"}]}),
    ],
)
def test_hours_that_could_not_be_booked_are_named(pending: Make, field: str, changes: dict[str, Any]) -> None:
    answer = pending().call("PUT", "/doctors/me/availability", {**AVAILABILITY, **changes})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_the_hours_of_a_listed_doctor_are_public(listed: Make, pending: Make, anyone: Any) -> None:
    doctor, hidden = listed(), pending()
    for each in (doctor, hidden):
        each.call("PUT", "/doctors/me/availability", AVAILABILITY)
    assert anyone.get(f"/doctors/{doctor.id}/availability") == AVAILABILITY
    answer = anyone.call("GET", f"/doctors/{hidden.id}/availability")
    assert (answer.status_code, answer.json["code"]) == (404, "DOCTOR_NOT_FOUND")


def test_hours_that_were_never_published_are_not_there(listed: Make, anyone: Any) -> None:
    doctor = listed()
    for who, path in ((doctor, "/doctors/me/availability"), (anyone, f"/doctors/{doctor.id}/availability")):
        answer = who.call("GET", path)
        assert (answer.status_code, answer.json["code"]) == (404, "AVAILABILITY_MISSING")


def test_a_date_can_have_other_hours_or_none(pending: Make, outbox: Outbox) -> None:
    doctor = pending()
    doctor.call("PUT", "/doctors/me/availability", AVAILABILITY)
    hours = [{"from": "10:00", "to": "12:00"}]
    answer = doctor.call("PUT", f"{OVERRIDES}/2031-04-09", {"windows": hours, "reason": "a wedding"})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert answer.json["data"] == {"date": "2031-04-09", "windows": hours, "reason": "a wedding", "version": 3}
    doctor.call("PUT", f"{OVERRIDES}/2031-04-06", {"windows": []})
    doctor.call("PUT", f"{OVERRIDES}/2031-04-09", {"windows": []})
    assert [(item["date"], item["windows"]) for item in doctor.get(OVERRIDES)["items"]] == [
        ("2031-04-06", []),
        ("2031-04-09", []),
    ]
    told = outbox(doctor.id)[-1]["data"]
    assert (told["version"], told["calendar"]["overrides"]) == (
        5,
        [{"date": "2031-04-06", "windows": []}, {"date": "2031-04-09", "windows": []}],
    )


def test_an_override_can_be_removed_once(pending: Make) -> None:
    doctor = pending()
    doctor.call("PUT", f"{OVERRIDES}/2031-04-09", {"windows": []})
    removed = doctor.call("DELETE", f"{OVERRIDES}/2031-04-09")
    assert (removed.status_code, removed.headers["ETag"]) == (200, '"3"')
    assert doctor.get(OVERRIDES)["items"] == []
    again = doctor.call("DELETE", f"{OVERRIDES}/2031-04-09")
    assert (again.status_code, again.json["code"]) == (404, "OVERRIDE_NOT_FOUND")


def test_overrides_are_paged_by_date(pending: Make) -> None:
    doctor = pending()
    for day in (3, 1, 2):
        doctor.call("PUT", f"{OVERRIDES}/2031-04-0{day}", {"windows": []})
    first = doctor.get(f"{OVERRIDES}?limit=2")
    rest = doctor.get(f"{OVERRIDES}?limit=2&cursor={first['nextCursor']}")
    assert [item["date"] for item in first["items"] + rest["items"]] == ["2031-04-01", "2031-04-02", "2031-04-03"]
    assert rest["nextCursor"] is None


def test_overrides_can_be_asked_for_between_two_dates(pending: Make) -> None:
    doctor = pending()
    for day in (1, 2, 3, 4):
        doctor.call("PUT", f"{OVERRIDES}/2031-04-0{day}", {"windows": []})
    first = doctor.call("GET", f"{OVERRIDES}?from=2031-04-02&to=2031-04-03&limit=1")
    assert first.headers["ETag"] == '"5"'
    cursor = first.json["data"]["nextCursor"]
    rest = doctor.get(f"{OVERRIDES}?from=2031-04-02&to=2031-04-03&limit=1&cursor={cursor}")
    assert [item["date"] for item in first.json["data"]["items"] + rest["items"]] == ["2031-04-02", "2031-04-03"]
    assert rest["nextCursor"] is None
    for query, field in (("from=2031-04-03&to=2031-04-02", "to"), ("from=20310402", "from"), ("to=never", "to")):
        answer = doctor.call("GET", f"{OVERRIDES}?{query}")
        assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])


@pytest.mark.parametrize("date", ["2031-02-29", "20310409", "2031-W15-3", "tomorrow"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_is_no_date_is_refused(pending: Make, method: str, date: str) -> None:
    answer = pending().call(method, f"{OVERRIDES}/{date}", {"windows": []} if method == "PUT" else None)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["date"]


@pytest.mark.parametrize(
    ("field", "windows"),
    [
        ("windows.0.to", [{"from": "10:00", "to": "09:00"}]),
        ("windows.1.from", [{"from": "10:00", "to": "12:00"}, {"from": "11:55", "to": "13:00"}]),
        ("windows.0.weekday", [{"from": "10:00", "to": "12:00", "weekday": "MON"}]),
    ],
)
def test_hours_of_a_date_that_could_not_be_booked_are_named(pending: Make, field: str, windows: Any) -> None:
    answer = pending().call("PUT", f"{OVERRIDES}/2031-04-09", {"windows": windows})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_there_are_at_most_366_overrides(pending: Make, built: Built) -> None:
    doctor = pending()
    many = [{"date": f"2{number:03}-01-01", "windows": [], "reason": None} for number in range(600, 966)]
    built.database["doctors"].update_one({"_id": doctor.id}, {"$set": {"overrides": many}})
    answer = doctor.call("PUT", f"{OVERRIDES}/2031-04-09", {"windows": []})
    assert (answer.status_code, answer.json["code"]) == (409, "TOO_MANY_OVERRIDES")
    assert doctor.call("PUT", f"{OVERRIDES}/2600-01-01", {"windows": [], "reason": "again"}).status_code == 200
