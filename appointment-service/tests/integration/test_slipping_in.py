"""A booking that had read that all is well, and commits just after the appointments of its people were cancelled."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from appointment_service.service.people import SETTLED_AFTER
from chassis.clock import new_id
from devkit.testing import assert_valid

Happening = Callable[[Any, str, str], None]

CANCELLING: dict[str, Happening] = {
    "patient leaves": lambda clinic, patient, _: clinic.tell("user-deactivated", patient, 2),
    "doctor leaves": lambda clinic, _, doctor: clinic.tell("user-deactivated", doctor, 2, role="doctor"),
    "doctor is suspended": lambda clinic, _, doctor: clinic.tell("user-suspended", doctor, 2, role="doctor"),
    "profile is suspended": lambda clinic, _, doctor: clinic.tell_doctor(doctor, 2, moderationStatus="SUSPENDED"),
}


def slipped_in(
    clinic: Any, monkeypatch: pytest.MonkeyPatch, patient: str, doctor: str, noon: datetime, happening: Happening
) -> dict[str, Any]:
    """Book, and let it happen between what the booking reads and what it writes."""
    store = clinic.built.service._appointments
    add = store.add

    def late(appointment: Any, session: Any) -> None:
        happening(clinic, patient, doctor)
        add(appointment, session)

    with monkeypatch.context() as patch:
        patch.setattr(store, "add", late)
        booked: dict[str, Any] = clinic.booked(patient, doctor, noon, reason="whisper-visit")
    assert clinic.stored(booked)["status"] == "BOOKED"
    return booked


def swept(clinic: Any, after: timedelta = SETTLED_AFTER) -> int:
    clinic.clock.shift = after + timedelta(seconds=1)
    return int(clinic.built.people.sweep(1000)["cancelled"])


@pytest.mark.parametrize("happening", CANCELLING)
def test_it_is_cancelled_a_minute_later_and_told_of(
    clinic: Any, monkeypatch: pytest.MonkeyPatch, noon: datetime, happening: str
) -> None:
    clinic.built.people.sweep(1000)
    booked = slipped_in(clinic, monkeypatch, new_id(), clinic.doctor(), noon, CANCELLING[happening])
    assert clinic.built.people.sweep(1000) == {"cancelled": 0}, "others may still be on their way"
    assert swept(clinic) == 1
    stored = clinic.stored(booked)
    assert (stored["status"], "claims" in stored, stored["history"][-1]["by"]) == ("CANCELLED", False, "system")
    assert_valid(stored["outbox"][-1])
    assert swept(clinic) == 0


@pytest.mark.parametrize("who", [0, 1])
def test_nothing_of_the_erased_is_left_of_it(
    clinic: Any, monkeypatch: pytest.MonkeyPatch, noon: datetime, who: int
) -> None:
    people = new_id(), clinic.doctor()
    booked = slipped_in(clinic, monkeypatch, *people, noon, lambda *_: clinic.tell("user-deleted", people[who], 6))
    assert swept(clinic) == 1
    stored = {**clinic.stored(booked), "outbox": None}
    assert stored["status"] == "CANCELLED"
    assert people[who] not in repr(stored)
    assert "whisper" not in repr(stored)


def test_whoever_is_back_by_then_keeps_it(clinic: Any, monkeypatch: pytest.MonkeyPatch, noon: datetime) -> None:
    patient, doctor = new_id(), clinic.doctor()
    booked = slipped_in(clinic, monkeypatch, patient, doctor, noon, CANCELLING["patient leaves"])
    clinic.tell("user-recovered", patient, 3)
    # a suspension later on does not cancel a patient's appointments, nor does what was noted before
    clinic.tell("user-suspended", patient, 4)
    swept(clinic)
    assert clinic.stored(booked)["status"] == "BOOKED"


def test_a_profile_that_is_back_by_then_keeps_it(clinic: Any, monkeypatch: pytest.MonkeyPatch, noon: datetime) -> None:
    doctor = clinic.doctor()
    booked = slipped_in(clinic, monkeypatch, new_id(), doctor, noon, CANCELLING["profile is suspended"])
    clinic.doctor(doctor, version=3)
    swept(clinic)
    assert clinic.stored(booked)["status"] == "BOOKED"
