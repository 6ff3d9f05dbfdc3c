"""Who may do what to an appointment, and what time alone does to it."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from appointment_service.domain.appointment import (
    ACTIVE,
    Action,
    Actor,
    Status,
    cancellable_until,
    decide,
    due_outcome,
    has_lapsed,
    initial_status,
    lapses_at,
    may_cancel,
    may_correct,
    may_move,
)
from appointment_service.domain.errors import InvalidTransition

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
INSTANT = timedelta(microseconds=1)

# Written out once more on purpose: one line for each thing that may be done, all else is refused.
ALLOWED = {
    ("REQUESTED", "confirm", "doctor"): "BOOKED",
    ("REQUESTED", "decline", "doctor"): "CANCELLED",
    ("REQUESTED", "lapse", "system"): "CANCELLED",
    ("REQUESTED", "reschedule", "patient"): "REQUESTED",
    ("REQUESTED", "reschedule", "doctor"): "REQUESTED",
    ("REQUESTED", "cancel", "patient"): "CANCELLED",
    ("REQUESTED", "cancel", "doctor"): "CANCELLED",
    ("REQUESTED", "cancel", "admin"): "CANCELLED",
    ("REQUESTED", "cancel", "system"): "CANCELLED",
    ("BOOKED", "check-in", "doctor"): "CHECKED_IN",
    ("BOOKED", "complete", "doctor"): "COMPLETED",
    ("BOOKED", "complete", "system"): "COMPLETED",
    ("BOOKED", "no-show", "doctor"): "NO_SHOW",
    ("BOOKED", "no-show", "system"): "NO_SHOW",
    ("BOOKED", "reschedule", "patient"): "BOOKED",
    ("BOOKED", "reschedule", "doctor"): "BOOKED",
    ("BOOKED", "cancel", "patient"): "CANCELLED",
    ("BOOKED", "cancel", "doctor"): "CANCELLED",
    ("BOOKED", "cancel", "admin"): "CANCELLED",
    ("BOOKED", "cancel", "system"): "CANCELLED",
    ("CHECKED_IN", "complete", "doctor"): "COMPLETED",
    ("CHECKED_IN", "complete", "system"): "COMPLETED",
    ("CHECKED_IN", "no-show", "doctor"): "NO_SHOW",
    ("CHECKED_IN", "cancel", "patient"): "CANCELLED",
    ("CHECKED_IN", "cancel", "doctor"): "CANCELLED",
    ("CHECKED_IN", "cancel", "admin"): "CANCELLED",
    ("CHECKED_IN", "cancel", "system"): "CANCELLED",
    ("COMPLETED", "no-show", "doctor"): "NO_SHOW",
    ("NO_SHOW", "complete", "doctor"): "COMPLETED",
}


@pytest.mark.parametrize(("status", "action", "actor"), list(product(Status, Action, Actor)))
def test_an_action_is_taken_from_whom_and_when_the_table_says_and_from_nobody_else(
    status: Status, action: Action, actor: Actor
) -> None:
    expected = ALLOWED.get((status, action, actor))
    if expected is None:
        with pytest.raises(InvalidTransition):
            decide(status, action, actor, end=END, now=END)
    else:
        assert decide(status, action, actor, end=END, now=END) is Status(expected)


def test_plain_strings_as_the_database_and_tokens_have_them_are_understood() -> None:
    assert decide("BOOKED", "check-in", "doctor") is Status.CHECKED_IN


@pytest.mark.parametrize(("status", "action", "actor"), [("LOST", "cancel", "doctor"), ("BOOKED", "eat", "doctor")])
def test_an_unknown_status_or_action_is_an_invalid_transition(status: str, action: str, actor: str) -> None:
    with pytest.raises(InvalidTransition, match="does not take"):
        decide(status, action, actor)


def test_requested_booked_and_checked_in_hold_time_and_no_other_status_does() -> None:
    assert {"REQUESTED", "BOOKED", "CHECKED_IN"} == ACTIVE


def test_a_doctor_who_confirms_first_gets_a_request() -> None:
    assert initial_status(requires_confirmation=True) is Status.REQUESTED
    assert initial_status(requires_confirmation=False) is Status.BOOKED


@pytest.mark.parametrize(("status", "action"), [(Status.COMPLETED, "no-show"), (Status.NO_SHOW, "complete")])
def test_the_doctor_corrects_the_outcome_for_seven_days_after_the_end(status: Status, action: str) -> None:
    last = END + timedelta(days=7)
    assert may_correct(END, last)
    assert decide(status, action, "doctor", end=END, now=last) is not status
    assert not may_correct(END, last + INSTANT)
    with pytest.raises(InvalidTransition, match="7 days"):
        decide(status, action, "doctor", end=END, now=last + INSTANT)


@pytest.mark.parametrize(("end", "now"), [(None, None), (END, None), (None, END)])
def test_a_correction_is_refused_where_nobody_says_when_it_comes(end: datetime | None, now: datetime | None) -> None:
    with pytest.raises(InvalidTransition):
        decide(Status.COMPLETED, "no-show", "doctor", end=end, now=now)


def test_a_patient_cancels_up_to_the_notice_and_not_within_it() -> None:
    until = cancellable_until(START, 120)
    assert until == START - timedelta(hours=2)
    assert may_cancel(START, until, until, "patient")
    assert not may_cancel(START, until, until + INSTANT, "patient")


def test_without_notice_a_patient_cancels_until_the_start_and_not_at_it() -> None:
    until = cancellable_until(START, 0)
    assert may_cancel(START, until, START - INSTANT, "patient")
    assert not may_cancel(START, until, START, "patient")
    assert not may_cancel(START, until, END, "patient")


@pytest.mark.parametrize("actor", ["doctor", "admin", "system"])
def test_doctor_admin_and_the_suite_cancel_at_any_time(actor: str) -> None:
    assert may_cancel(START, START - timedelta(hours=2), END, actor)


def test_a_notice_longer_than_time_itself_only_means_no() -> None:
    assert not may_cancel(START, cancellable_until(START, 10**15), START - timedelta(days=300), "patient")


def test_a_patient_moves_it_before_its_start_and_the_doctor_before_its_end() -> None:
    assert may_move(START, END, START - INSTANT, "patient")
    assert not may_move(START, END, START, "patient")
    assert may_move(START, END, END - INSTANT, "doctor")
    assert not may_move(START, END, END, "doctor")


def test_a_request_lapses_after_a_day() -> None:
    requested = START - timedelta(days=3)
    assert lapses_at(requested, START) == requested + timedelta(hours=24)
    assert not has_lapsed("REQUESTED", requested, START, requested + timedelta(hours=24) - INSTANT)
    assert has_lapsed("REQUESTED", requested, START, requested + timedelta(hours=24))


def test_a_request_lapses_at_its_start_if_that_comes_sooner() -> None:
    requested = START - timedelta(hours=2)
    assert lapses_at(requested, START) == START
    assert not has_lapsed("REQUESTED", requested, START, START - INSTANT)
    assert has_lapsed("REQUESTED", requested, START, START)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.REQUESTED}))
def test_only_a_request_lapses(status: Status) -> None:
    assert not has_lapsed(status, START - timedelta(days=3), START, END)


@pytest.mark.parametrize("unattended", [Status.COMPLETED, Status.NO_SHOW])
def test_fifteen_minutes_after_the_end_the_suite_settles_what_the_doctor_did_not(unattended: Status) -> None:
    due = END + timedelta(minutes=15)
    assert due_outcome("CHECKED_IN", END, due, unattended) is Status.COMPLETED
    assert due_outcome("BOOKED", END, due, unattended) is unattended
    assert due_outcome("CHECKED_IN", END, due - INSTANT, unattended) is None
    assert due_outcome("BOOKED", END, due - INSTANT, unattended) is None


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.BOOKED, Status.CHECKED_IN}))
def test_what_is_settled_or_was_never_booked_has_no_outcome_due(status: Status) -> None:
    assert due_outcome(status, END, END + timedelta(days=1), Status.COMPLETED) is None


@pytest.mark.parametrize(
    ("status", "unattended"),
    list(product([Status.BOOKED, Status.CHECKED_IN], [Status.COMPLETED, Status.NO_SHOW])),
)
def test_every_outcome_that_falls_due_is_one_that_the_suite_may_bring_about(status: Status, unattended: Status) -> None:
    outcome = due_outcome(status, END, END + timedelta(days=1), unattended)
    action = {Status.COMPLETED: Action.COMPLETE, Status.NO_SHOW: Action.NO_SHOW}[outcome or Status.CANCELLED]
    assert decide(status, action, "system") is outcome
