"""Slots of time, what is kept, and how long a mail waits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_service.domain import (
    IDLE_RUNS_KEPT,
    JOBS,
    MOST_ATTEMPTS,
    RUNS_KEPT,
    Template,
    is_for,
    is_overtaken,
    kept_until,
    pause_after,
    reminders_ahead,
    slot_of,
)

NOW = datetime(2026, 3, 1, 9, 30, 7, tzinfo=UTC)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(INSTANTS, st.integers(1, 86_400))
def test_an_instant_is_in_the_slot_that_it_is_given(instant: datetime, every: int) -> None:
    slot = slot_of(instant, every)
    assert slot <= instant < slot + timedelta(seconds=every)
    assert slot_of(slot, every) == slot


def test_two_that_ring_at_different_seconds_name_one_slot() -> None:
    assert slot_of(NOW, 60) == slot_of(NOW + timedelta(seconds=50), 60) == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("job", "scheduled", "result", "kept"),
    [
        ("deliver-mail", True, {}, IDLE_RUNS_KEPT),
        ("deliver-mail", True, {"sent": 0, "reason": "the mail server is away"}, IDLE_RUNS_KEPT),
        ("deliver-mail", True, {"sent": 1}, RUNS_KEPT),
        ("deliver-mail", True, None, RUNS_KEPT),
        ("deliver-mail", False, {}, RUNS_KEPT),
        ("send-reminders", True, {}, IDLE_RUNS_KEPT),
        ("expire-offers", True, {"passedOn": 0, "tidied": 0}, IDLE_RUNS_KEPT),
        ("expire-offers", True, {"passedOn": 1, "tidied": 0}, RUNS_KEPT),
        ("purge-accounts", True, {"purged": 0}, RUNS_KEPT),
    ],
)
def test_only_a_scheduled_run_of_a_frequent_job_that_did_nothing_goes_early(
    job: str, scheduled: bool, result: dict[str, int | str] | None, kept: timedelta
) -> None:
    assert kept_until(JOBS[job], scheduled=scheduled, result=result, now=NOW) == NOW + kept


def test_a_refused_mail_waits_longer_each_time() -> None:
    pauses = [pause_after(attempts) for attempts in range(1, MOST_ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=15)
    assert timedelta(hours=4) < sum(pauses, timedelta()) < timedelta(hours=5)


@pytest.mark.parametrize("status", ["DELETED", "SUSPENDED"])
def test_who_has_no_open_account_still_gets_what_a_recovery_needs_and_what_was_cancelled(status: str) -> None:
    assert {template for template in Template if is_for(template, status)} == {
        Template.REQUESTED,
        Template.BOOKED,
        Template.RESCHEDULED,
        Template.CANCELLED,
        Template.RESET,
        Template.PASSWORD_CHANGED,
    }
    assert all(is_for(template, "ACTIVE") for template in Template)


START = datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ahead", "made"),
    [
        (timedelta(days=3), [1_440, 60]),
        (timedelta(hours=24, seconds=1), [1_440, 60]),
        (timedelta(hours=24), [60]),
        (timedelta(hours=5), [60]),
        (timedelta(hours=1), []),
        (timedelta(minutes=30), []),
        (timedelta(hours=-1), []),
    ],
)
def test_a_reminder_whose_time_has_passed_is_not_made(ahead: timedelta, made: list[int]) -> None:
    assert [reminder.minutes for reminder in reminders_ahead(START, (60, 1_440), START - ahead)] == made


@given(st.sets(st.integers(1, 43_200), max_size=6), st.integers(-100, 50_000))
def test_at_any_time_one_reminder_at_the_most_is_due_and_of_use(before: set[int], minutes: int) -> None:
    made = reminders_ahead(START, before, START - timedelta(days=60))
    now = START - timedelta(minutes=minutes)
    assert len(made) == len(before)
    assert sum(reminder.due_at <= now < reminder.expires_at for reminder in made) == (0 < minutes <= max(before or {0}))


@pytest.mark.parametrize(
    ("template", "status", "version", "overtaken"),
    [
        (Template.REMINDER, "BOOKED", 2, False),
        (Template.REMINDER, "BOOKED", 3, True),
        (Template.REMINDER, "BOOKED", 1, True),
        (Template.REMINDER, "CANCELLED", 2, True),
        (Template.REMINDER, "CHECKED_IN", 2, True),
        (Template.REMINDER, "REQUESTED", 2, True),
        (Template.REQUESTED, "REQUESTED", 2, False),
        (Template.REQUESTED, "BOOKED", 3, True),
        (Template.BOOKED, "BOOKED", 2, False),
        (Template.BOOKED, "CANCELLED", 3, True),
        (Template.RESCHEDULED, "BOOKED", 2, False),
        (Template.RESCHEDULED, "BOOKED", 3, True),
        (Template.CANCELLED, "CANCELLED", 2, False),
        (Template.CANCELLED, "CANCELLED", 3, False),
        (Template.REVIEW, "COMPLETED", 4, False),
        (Template.REVIEW, "NO_SHOW", 3, True),
    ],
)
def test_what_is_not_true_any_more_is_not_told(template: Template, status: str, version: int, overtaken: bool) -> None:
    assert is_overtaken(template, 2, status, version) is overtaken
