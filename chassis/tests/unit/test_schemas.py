"""What text, zones and instants may be."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from chassis.schemas import Body, EventData, Instant, Line, Query, Text, Zone


class Paper(Body):
    line: Line | None = None
    text: Text | None = None
    zone: Zone | None = None
    at: Instant | None = None


def read(**fields: Any) -> Paper:
    return Paper.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize("good", ["x", "x" * 200, "Zoë Müller", "علی", "👩‍⚕️", "O'Neil <b>&amp;"])
def test_a_line_is_what_people_write(good: str) -> None:
    assert read(line=f"  {good} \n").line == good


@pytest.mark.parametrize(
    "bad", ["", "   ", "x" * 201, "a\nb", "a\tb", "a\rb", "a\x00b", "a\x7fb", "a\x85b", "a\u2028b"]
)
def test_a_line_is_one_line_without_control_characters(bad: str) -> None:
    with pytest.raises(ValidationError):
        read(line=bad)


def test_a_text_may_have_lines_and_tabs() -> None:
    assert read(text="a\n\tb").text == "a\n\tb"
    assert len(read(text="x" * 2000).text or "") == 2000


@pytest.mark.parametrize("bad", ["", " \n ", "x" * 2001, "a\x00b", "a\x1bb", "a\rb", "a\u2029b"])
def test_a_text_has_no_control_characters(bad: str) -> None:
    with pytest.raises(ValidationError):
        read(text=bad)


@pytest.mark.parametrize("good", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"])
def test_a_zone_is_known(good: str) -> None:
    assert read(zone=good).zone == good


@pytest.mark.parametrize(
    "bad", ["", "Berlin", "europe/berlin", "../../etc/passwd", "/etc/localtime", "UTC\x00", "x" * 65]
)
def test_no_other_zone_is(bad: str) -> None:
    with pytest.raises(ValidationError):
        read(zone=bad)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("2030-01-31T09:00:00Z", datetime(2030, 1, 31, 9, tzinfo=UTC)),
        ("2030-01-31T09:00:00+05:45", datetime(2030, 1, 31, 3, 15, tzinfo=UTC)),
        ("2030-01-31t09:00:00.250z", datetime(2030, 1, 31, 9, 0, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_an_instant_is_taken_to_utc(given: str, taken: datetime) -> None:
    at = read(at=given).at
    assert at == taken
    assert at is not None
    assert at.tzinfo is UTC


@pytest.mark.parametrize(
    "bad",
    [
        "2030-01-31T09:00:00",
        "2030-01-31",
        "1900000000",
        1_900_000_000,
        1.5,
        True,
        "now",
        "",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "2030-02-30T00:00:00Z",
        "2030-01-31T25:00:00Z",
        "2030-01-31T09:00:00+99:00",
    ],
)
def test_an_instant_has_a_date_a_time_and_an_offset(bad: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        read(at=bad)
    assert [error["loc"] for error in refused.value.errors()] == [("at",)]


def test_an_instant_is_written_with_z() -> None:
    assert read(at="2030-01-31T10:00:00+01:00").model_dump(mode="json")["at"] == "2030-01-31T09:00:00Z"


def test_an_instant_is_described_as_text() -> None:
    described = Paper.model_json_schema(by_alias=True)["properties"]["at"]
    assert [choice.get("format") for choice in described["anyOf"]] == ["date-time", None]


def test_an_event_may_hold_more_than_its_reader_knows() -> None:
    class Moved(EventData):
        user_id: str

    assert Moved.model_validate({"userId": "u1", "new": 1}) == Moved(user_id="u1")


def test_an_error_does_not_repeat_what_was_sent() -> None:
    class Asked(Query):
        limit: int

    for shape, sent in ((Asked, {"limit": "canary"}), (Paper, {"at": "canary"})):
        with pytest.raises(ValidationError) as refused:
            shape.model_validate(sent)
        assert "canary" not in str(refused.value)
