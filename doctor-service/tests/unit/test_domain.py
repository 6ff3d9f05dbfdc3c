"""Rules that need no I/O."""

from datetime import UTC, datetime
from typing import Any

import pytest

from doctor_service.domain import (
    FEE_NOT_TOLD,
    MOST_OVERRIDES,
    Moderation,
    Step,
    derived,
    fold,
    moderated,
    window_problems,
    with_override,
    without_override,
    words,
)
from doctor_service.errors import InvalidTransition, OverrideNotFound, TooManyOverrides

NOW = datetime(2026, 4, 10, 11, 59, tzinfo=UTC)

DOCTOR: dict[str, Any] = {
    "name": "José Ávila",
    "specialty": "Paediatrics",
    "bio": None,
    "languages": ["pt-BR", "pt", "EN"],
    "fee": {"hundredths": 4995, "currency": "EUR"},
    "clinic": {"name": "Sol", "address": None, "city": "São  Paulo", "country": "BR"},
    "moderationStatus": "APPROVED",
    "visible": True,
    "active": True,
}


@pytest.mark.parametrize(
    ("text", "folded"),
    [("José  ÁVILA", "jose avila"), ("Straße", "strasse"), ("  Łódź ", "łodz"), ("Ĩ\u0301", "i"), ("", "")],
)
def test_text_is_compared_without_case_accents_and_spaces(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_words_are_what_stands_between_punctuation() -> None:
    assert words("Children's eczéma, X-ray; 24h") == ["children", "s", "eczema", "x", "ray", "24h"]
    assert words("a" * 100) == ["a" * 40]
    assert words(".*^$") == []


def test_a_doctor_is_found_by_what_the_profile_tells() -> None:
    assert derived(DOCTOR) == {
        "listed": True,
        "search": {
            "name": "jose avila",
            "specialty": "paediatrics",
            "city": "sao paulo",
            "languages": ["en", "pt", "pt-br"],
            "fee": 4995,
            "words": ["avila", "jose", "paediatrics", "paulo", "sao"],
        },
    }


def test_what_is_not_told_has_a_place_in_every_order() -> None:
    search = derived({**DOCTOR, "fee": None, "clinic": None})["search"]
    assert (search["fee"], search["city"]) == (FEE_NOT_TOLD, "")


@pytest.mark.parametrize(
    "field", [{"moderationStatus": "PENDING"}, {"moderationStatus": "SUSPENDED"}, {"visible": False}, {"active": False}]
)
def test_a_doctor_is_listed_only_if_all_say_so(field: dict[str, Any]) -> None:
    assert derived({**DOCTOR, **field})["listed"] is False


ALLOWED = {
    ("PENDING", Step.APPROVED): "APPROVED",
    ("PENDING", Step.REJECTED): "REJECTED",
    ("REJECTED", Step.APPROVED): "APPROVED",
    ("REJECTED", Step.RESUBMITTED): "PENDING",
    ("APPROVED", Step.SUSPENDED): "SUSPENDED",
    ("SUSPENDED", Step.REINSTATED): "APPROVED",
}


@pytest.mark.parametrize("before", Moderation)
@pytest.mark.parametrize("step", Step)
def test_moderation_goes_only_the_ways_that_are_allowed(before: Moderation, step: Step) -> None:
    doctor = {"moderationStatus": before, "moderationHistory": [{"status": before, "at": NOW, "by": "a"}]}
    after = ALLOWED.get((before, step))
    if after:
        fields = moderated(doctor, step, at=NOW, by="b", reason="why")
        assert (fields["moderationStatus"], fields["moderationReason"]) == (after, "why")
        assert fields["moderationHistory"][1:] == [{"status": after, "at": NOW, "by": "b", "reason": "why"}]
    else:
        with pytest.raises(InvalidTransition):
            moderated(doctor, step, at=NOW, by="b", reason=None)


def window(opens: str, closes: str, weekday: str = "MON") -> dict[str, str]:
    return {"weekday": weekday, "from": opens, "to": closes}


@pytest.mark.parametrize(
    ("windows", "fields"),
    [
        ([], []),
        ([window("09:00", "12:00"), window("12:00", "24:00"), window("00:00", "09:00")], []),
        ([window("09:00", "12:00"), window("09:00", "12:00", "TUE")], []),
        ([window("09:00", "12:00"), window("11:55", "13:00")], ["weekly.1.from"]),
        ([window("11:55", "13:00"), window("09:00", "12:00")], ["weekly.1.from"]),
        ([window("09:00", "18:00"), window("10:00", "11:00")], ["weekly.1.from"]),
        ([window("10:00", "11:00"), window("09:00", "18:00")], ["weekly.1.from"]),
        ([window("12:00", "12:00"), window("13:00", "12:00")], ["weekly.0.to", "weekly.1.to"]),
    ],
)
def test_windows_of_a_day_have_an_order_and_do_not_overlap(windows: list[Any], fields: list[str]) -> None:
    assert [problem["field"] for problem in window_problems("weekly", windows)] == fields


def override(date: str, **fields: Any) -> dict[str, Any]:
    return {"date": date, "windows": [], "reason": None, **fields}


def full(*dates: str) -> list[dict[str, Any]]:
    return [*map(override, dates), *(override(f"3000-{n:03}") for n in range(MOST_OVERRIDES - len(dates)))]


def test_overrides_stand_in_order_one_for_each_date() -> None:
    overrides = with_override([override("2026-05-01"), override("2026-06-01")], override("2026-05-15"), NOW)
    overrides = with_override(overrides, override("2026-05-01", reason="changed"), NOW)
    assert [(item["date"], item["reason"]) for item in overrides] == [
        ("2026-05-01", "changed"),
        ("2026-05-15", None),
        ("2026-06-01", None),
    ]
    assert [item["date"] for item in without_override(overrides, "2026-05-15")] == ["2026-05-01", "2026-06-01"]
    with pytest.raises(OverrideNotFound):
        without_override(overrides, "2026-05-16")


def test_when_there_are_366_the_days_that_are_over_make_room() -> None:
    # at 11:59 UTC it is still the ninth where the clocks are twelve hours behind
    overrides = with_override(full("2026-04-08", "2026-04-09"), override("2026-07-01"), NOW)
    assert [item["date"] for item in overrides[:2]] == ["2026-04-09", "2026-07-01"]
    assert len(overrides) == MOST_OVERRIDES
    with pytest.raises(TooManyOverrides):
        with_override(full("2026-04-09"), override("2026-07-01"), NOW)
    assert len(with_override(full("2026-04-09"), override("2026-04-09"), NOW)) == MOST_OVERRIDES
