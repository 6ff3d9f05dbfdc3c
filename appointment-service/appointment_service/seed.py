"""Made-up appointments, calendars and places in line (chassis.seeding).

An appointment is made by the rules of booking and moved on by those of its life, act by act; the database refuses what
overlaps. Nothing is announced but each doctor's next free slot, which nobody could know before.
"""

import sys
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

from appointment_service import events
from appointment_service.bootstrap import Built, build
from appointment_service.config import Config
from appointment_service.domain.appointment import Action, Actor, Status, decide
from appointment_service.domain.calendar import Calendar
from appointment_service.domain.slots import Slot, offered_minutes
from appointment_service.service.changes import made, move, transition
from appointment_service.service.standing import is_listed
from appointment_service.service.waitlist.line import new_place
from appointment_service.store import APPOINTMENTS, CALENDARS
from appointment_service.store.indexes import CAPACITY, WAITLIST
from chassis import logs
from chassis.clock import now
from chassis.mongo import Document
from chassis.seeding import Plan, add, instant, main

_AT_ONCE = 500
_UNHEARD = {"accountActive": True, "accountVersion": 0, "version": 0}


class _Doctor(NamedTuple):
    held: Document
    calendar: Calendar
    opened: date
    """The first date that was offered."""


def take(built: Built, plan: Plan) -> Mapping[str, int]:
    doctors = {line["doctorId"]: _doctor(line) for line in plan.lines("doctors")}
    database, at = built.database, now()
    added = {
        "appointments": add(database[APPOINTMENTS], _appointments(plan, doctors)),
        "places in line": add(database[WAITLIST], map(_place, plan.lines("places"))),
        "days offered": add(database[CAPACITY], _past_capacity(doctors, at)),
        # last, for then the running suite looks for free slots
        "calendars": add(database[CALENDARS], _calendars(plan, doctors, at)),
    }
    # as often as there is something to do: what is to come is found out as on any other day
    while built.analytics.extend(_AT_ONCE)["extended"]:
        pass
    while built.openings.sweep(_AT_ONCE)["openings"]:
        pass
    return added


def _doctor(line: Document) -> _Doctor:
    told = events.DoctorUpdated.model_validate(line)
    facts = told.model_dump(by_alias=True, exclude={"doctor_id", "version"})
    held = {"_id": told.doctor_id, **_UNHEARD, **facts, "version": told.version}
    return _Doctor(held, Calendar.from_dict(line["calendar"]), date.fromisoformat(line["opened"]))


def _calendars(plan: Plan, doctors: Mapping[str, _Doctor], at: datetime) -> Iterator[Document]:
    """Of each doctor, and of whoever's address is verified or account is closed."""
    for person in plan.lines("people"):
        account: Document = {}
        if person["emailVerified"]:
            account["emailVerified"] = True
        if person["status"] != "ACTIVE":
            account |= {"accountActive": False, "accountVersion": person["version"]}
        doctor = doctors.get(person["userId"])
        if doctor:
            bookable = is_listed(doctor.held) and doctor.held["accepting"]
            yield {**doctor.held, **account, **({"lookAt": at, "capacityAt": at} if bookable else {})}
        elif account:
            yield {"_id": person["userId"], **_UNHEARD, **account}


def _past_capacity(doctors: Mapping[str, _Doctor], at: datetime) -> Iterator[Document]:
    for doctor_id, doctor in doctors.items():
        day, today = doctor.opened, at.astimezone(doctor.calendar.zone).date()
        while is_listed(doctor.held) and day < today:
            if minutes := offered_minutes(doctor.calendar, day):
                facts = {"minutes": minutes, "specialty": doctor.held["specialty"]}
                yield {"_id": f"{doctor_id}:{day}", "doctorId": doctor_id, "day": str(day), **facts}
            day += timedelta(days=1)


def _appointments(plan: Plan, doctors: Mapping[str, _Doctor]) -> Iterator[Document]:
    for line in plan.lines("appointments"):
        yield _appointment(line, doctors[line["doctorId"]])


def _appointment(line: Document, doctor: _Doctor) -> Document:
    """The appointment after all that was done to it. Raises InvalidTransition, ValueError for what can't have been."""
    first, *acts = line["acts"]
    slot = _slot(first["start"], doctor.calendar)
    booked_at = instant(first["at"])
    held = made(
        line["appointmentId"],
        doctor.held,
        line["patientId"],
        doctor.calendar,
        slot,
        action=Action.BOOK,
        at=booked_at,
        reason=line["reason"],
    )
    for act in acts:
        held = _after(held, act, doctor.calendar)
    if (held["status"], held["version"]) != (line["status"], line["version"]):
        raise ValueError(f"appointment {held['_id']} is {held['status']} in version {held['version']}")
    return {**held, "outbox": []}


def _after(held: Document, act: Document, calendar: Calendar) -> Document:
    action, actor, at, reason = Action(act["action"]), Actor(act["by"]), instant(act["at"]), act.get("reason")
    status = decide(held["status"], action, actor)
    user_id = {Actor.PATIENT: held["patientId"], Actor.DOCTOR: held["doctorId"]}.get(actor)
    if action is Action.RESCHEDULE:
        assert user_id, "the suite moves nobody"
        return move(held, calendar, _slot(act["start"], calendar), at, actor, user_id, reason).applied()
    return transition(held, action, Status(status), at, actor, user_id, reason).applied()


def _slot(start: str, calendar: Calendar) -> Slot:
    begin = instant(start)
    return Slot(begin, begin + timedelta(minutes=calendar.slot_minutes))


def _place(line: Document) -> Document:
    first, last = date.fromisoformat(line["from"]), date.fromisoformat(line["to"])
    return new_place(line["placeId"], line["doctorId"], line["patientId"], first, last, instant(line["at"]))


if __name__ == "__main__":
    config = Config.read_or_exit()
    logs.configure(events.SOURCE, "seed", config.log_level)
    raise SystemExit(main(config, partial(build, config), take, sys.argv[1:]))
