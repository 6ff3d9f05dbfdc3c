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
    kept_until,
    pause_after,
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
        ("purge-accounts", True, {"purged": 0}, RUNS_KEPT),
    ],
)
def test_only_a_scheduled_delivery_that_did_nothing_goes_early(
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
        Template.BOOKED,
        Template.CANCELLED,
        Template.RESET,
        Template.PASSWORD_CHANGED,
    }
    assert all(is_for(template, "ACTIVE") for template in Template)
