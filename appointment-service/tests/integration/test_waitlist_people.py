"""The waitlist as people come, go and are erased."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from appointment_service.service.people import SETTLED_AFTER
from chassis.clock import new_id

HALF_HOUR = timedelta(minutes=30)
Happening = Callable[[Any, str, str], None]

PATIENT_GOES: dict[str, Happening] = {
    "leaves": lambda clinic, patient, _: clinic.tell("user-deactivated", patient, 2),
    "is suspended": lambda clinic, patient, _: clinic.tell("user-suspended", patient, 2),
    "is erased": lambda clinic, patient, _: clinic.tell("user-deleted", patient, 2),
}
DOCTOR_GOES: dict[str, Happening] = {
    "leaves": lambda clinic, _, doctor: clinic.tell("user-deactivated", doctor, 2, role="doctor"),
    "is suspended": lambda clinic, _, doctor: clinic.tell("user-suspended", doctor, 2, role="doctor"),
    "profile is suspended": lambda clinic, _, doctor: clinic.tell_doctor(doctor, 2, moderationStatus="SUSPENDED"),
    "is erased": lambda clinic, _, doctor: clinic.tell("user-deleted", doctor, 2, role="doctor"),
}


@pytest.mark.parametrize("happening", PATIENT_GOES)
def test_what_was_offered_to_who_goes_passes_on(clinic: Any, line: Any, noon: datetime, happening: str) -> None:
    doctor = clinic.doctor()
    gone, following = line.joined(doctor, noon.date(), 2)
    line.held(doctor, noon)
    PATIENT_GOES[happening](clinic, gone["patientId"], doctor)
    assert line.offered([following]) == [0]
    assert line.act("accept", gone).status_code in (401, 404)
    line.act("decline", following)
    assert line.holds(doctor) == [], "whoever is gone is in line no more"


@pytest.mark.parametrize("happening", DOCTOR_GOES)
def test_nobody_waits_for_a_doctor_who_goes(clinic: Any, line: Any, noon: datetime, happening: str) -> None:
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 2)
    line.held(doctor, noon)
    DOCTOR_GOES[happening](clinic, "", doctor)
    assert line.holds(doctor) == []
    for place in places:
        assert clinic.built.waitlist.exported(place["patientId"]) == []
        assert line.act("accept", place).status_code == 404
    # whoever had the offer is free at that time
    assert clinic.book(places[0]["patientId"], clinic.doctor(), noon).status_code == 201


def test_whoever_comes_back_joins_anew(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    (place,) = line.joined(doctor, noon.date())
    clinic.tell("user-deactivated", place["patientId"], 2)
    clinic.tell("user-recovered", place["patientId"], 3)
    line.held(doctor, noon)
    assert line.holds(doctor) == []
    assert line.join(doctor, place["patientId"], noon.date()).status_code == 201


@pytest.mark.parametrize("who", ["patient", "doctor"])
def test_nothing_of_the_erased_is_left_in_any_line(clinic: Any, line: Any, noon: datetime, who: str) -> None:
    doctor = clinic.doctor()
    first, second, third = line.joined(doctor, noon.date(), 3)
    line.held(doctor, noon)
    line.act("accept", first)
    line.held(doctor, noon + HALF_HOUR)
    line.leave(third)
    for gone in (first["patientId"], second["patientId"], third["patientId"]) if who == "patient" else (doctor,):
        clinic.tell("user-deleted", gone, 6, who)
        for name in ("waitlist", "appointments"):
            left = list(clinic.built.database[name].find({}, {"outbox": 0}))
            assert gone not in repr(left)


def slipped_in(
    clinic: Any, line: Any, monkeypatch: pytest.MonkeyPatch, doctor: str, patient: str, noon: datetime, happening: Any
) -> Any:
    """Join, and let it happen between what the joining reads and what it writes."""
    store = clinic.built.waitlist._waitlist
    add = store.add

    def late(place: Any) -> None:
        happening(clinic, patient, doctor)
        add(place)

    with monkeypatch.context() as patch:
        patch.setattr(store, "add", late)
        place = line.join(doctor, patient, noon.date()).json["data"]
    assert line.stored(place)["status"] == "WAITING"
    return place


@pytest.mark.parametrize("happening", [PATIENT_GOES["leaves"], PATIENT_GOES["is erased"], *DOCTOR_GOES.values()])
def test_whoever_joins_as_an_account_is_closed_is_out_of_line_a_minute_later(
    clinic: Any, line: Any, monkeypatch: pytest.MonkeyPatch, noon: datetime, happening: Happening
) -> None:
    clinic.built.people.sweep(1000)
    place = slipped_in(clinic, line, monkeypatch, clinic.doctor(), new_id(), noon, happening)
    clinic.clock.shift = SETTLED_AFTER + timedelta(seconds=1)
    clinic.built.people.sweep(1000)
    stored = line.stored(place)
    assert stored is None or stored["status"] == "LEFT"


@pytest.mark.parametrize("happening", PATIENT_GOES)
def test_nothing_is_offered_to_a_closed_account_that_slipped_in(
    clinic: Any, line: Any, monkeypatch: pytest.MonkeyPatch, noon: datetime, happening: str
) -> None:
    doctor = clinic.doctor()
    slipped_in(clinic, line, monkeypatch, doctor, new_id(), noon, PATIENT_GOES[happening])
    line.held(doctor, noon)
    assert line.holds(doctor) == []
    (following,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    assert line.offered([following]) == [0]


def test_an_export_tells_of_ones_own_places(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    first, second = line.joined(doctor, noon.date(), 2)
    line.join(clinic.doctor(), first["patientId"], noon.date())
    told = list(clinic.built.waitlist.exported(first["patientId"]))
    assert (told[0]["_id"], len(told)) == (first["id"], 2)
    assert second["patientId"] not in repr(told)
