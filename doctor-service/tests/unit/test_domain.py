"""Rules that need no I/O."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doctor_service.domain import (
    FEE_NOT_TOLD,
    MOST_OVERRIDES,
    Moderation,
    Search,
    Step,
    derived,
    fold,
    moderated,
    next_available,
    overrides_between,
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
    "bio": "Gastroenterology; olx",
    "languages": ["pt-BR", "pt", "EN"],
    "fee": {"hundredths": 4995, "currency": "EUR"},
    "clinic": {"name": "Sol", "address": None, "city": "São  Paulo", "country": "BR"},
    "moderationStatus": "APPROVED",
    "visible": True,
    "accepting": True,
    "active": True,
    "rating": {"average": 4.67, "count": 12, "version": 14},
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
    found = derived(DOCTOR)
    keys = found["search"].pop("keys")
    assert found == {
        "listed": True,
        "search": {
            "name": "jose avila",
            "specialty": "paediatrics",
            "city": "sao paulo",
            "languages": ["en", "pt", "pt-br"],
            "fee": 4995,
            "words": ["avila", "gastroenterology", "jose", "olx", "paediatrics", "paulo", "sao", "sol"],
        },
    }
    words_keys = {key for key in keys if key.startswith("w:")}
    assert words_keys >= {"w:j", "w:jo", "w:jos", "w:jose", "w:paediatrics", "w:sol", "w:p", "w:paulo"}
    # of the bio, whole words alone, though never more of one than twelve letters
    assert words_keys >= {"w:gastroentero", "w:olx"}
    assert not {"w:g", "w:gastroenter", "w:gastroenterology", "w:ol", "w:o"} & words_keys
    assert set(keys) - words_keys == {
        *("s:paediatrics", "c:sao paulo", "sc:paediatrics\nsao paulo", "l:en", "l:pt", "l:pt-br", "a:yes"),
        *("r:1", "r:1.5", "r:2", "r:2.5", "r:3", "r:3.5", "r:4", "r:4.5"),
    }
    assert "r:1" not in derived({**DOCTOR, "rating": {"average": 0, "count": 0, "version": 0}})["search"]["keys"]


SEARCHES = [
    Search(),
    Search(words=["jose"]),
    Search(words=["j", "paed"]),
    Search(words=["paediatrics", "gastroenterology"]),
    Search(specialty="paediatrics"),
    Search(city="sao paulo"),
    Search(language="pt"),
    Search(accepting=True),
    *(Search(min_rating=least) for least in (0, 0.5, 1, 2.49, 4.5, 4.67)),
    Search(["avila"], "paediatrics", "sao paulo", "pt-br", True, 4),
]


@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_whoever_fits_a_search_has_all_of_its_keys(search: Search) -> None:
    held = derived(DOCTOR)["search"]["keys"]
    assert set(search.keys(rated=True)) <= set(held)
    assert set(search.keys(rated=False)) <= set(search.keys(rated=True))


@pytest.mark.parametrize(
    "search",
    [
        Search(words=["avilas"]),
        Search(words=["gastr"]),
        Search(specialty="paed"),
        Search(city="paulo"),
        Search(specialty="paediatrics", city="lyon"),
        Search(language="pt-pt"),
        Search(accepting=False),
        Search(min_rating=5),
    ],
    ids=str,
)
def test_whoever_does_not_fit_lacks_one(search: Search) -> None:
    assert not set(search.keys(rated=True)) <= set(derived(DOCTOR)["search"]["keys"])


def test_a_word_of_more_than_twelve_letters_is_to_be_checked() -> None:
    assert Search(words=["a" * 12, "b" * 13]).long_words() == ["b" * 13]
    assert Search(words=["b" * 13]).keys(rated=True) == [f"w:{'b' * 12}"]


def test_a_name_is_no_longer_in_the_order_than_a_cursor_can_hold() -> None:
    name = derived({**DOCTOR, "name": "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 200})["search"]["name"]
    assert len(name) == 50


@pytest.mark.parametrize(
    ("told", "accepting", "shown"),
    [
        ({"start": NOW + timedelta(minutes=5), "version": 1}, True, NOW + timedelta(minutes=5)),
        ({"start": NOW, "version": 1}, True, None),
        ({"start": NOW - timedelta(minutes=5), "version": 1}, True, None),
        ({"start": NOW + timedelta(minutes=5), "version": 1}, False, None),
        ({"start": None, "version": 1}, True, None),
        (None, True, None),
    ],
)
def test_a_free_slot_is_shown_until_it_starts(told: Any, accepting: bool, shown: datetime | None) -> None:
    assert next_available({"nextAvailable": told, "accepting": accepting}, NOW) == shown


def test_no_free_slot_is_shown_of_a_doctor_of_whom_none_was_told() -> None:
    assert next_available({"accepting": True}, NOW) is None


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


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [(None, None, "123"), ("2026-05-02", None, "23"), (None, "2026-05-02", "12"), ("2026-05-02", "2026-05-02", "2")],
)
def test_overrides_are_told_between_two_dates(first: str | None, last: str | None, days: str) -> None:
    overrides = [override(f"2026-05-0{day}") for day in "123"]
    assert "".join(item["date"][-1] for item in overrides_between(overrides, first, last)) == days
