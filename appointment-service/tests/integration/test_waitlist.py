"""Waiting for a doctor's time: who is in line, what is held for whom, and how it passes on."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from chassis.clock import instant_text, new_id
from devkit.testing import assert_valid, bearer

HALF_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)


def code(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.json.get("code")


# the line


def test_a_place_in_line_is_as_it_was_asked_for(clinic: Any, line: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    answer = line.join(doctor, patient, noon.date(), noon.date() + DAY)
    place = answer.json["data"]
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert place == {
        "id": place["id"],
        "doctorId": doctor,
        "patientId": patient,
        "from": str(noon.date()),
        "to": str(noon.date() + DAY),
        "status": "WAITING",
        "offer": None,
        "appointmentId": None,
        "createdAt": place["createdAt"],
        "updatedAt": place["createdAt"],
        "version": 1,
    }
    assert line.seen(place) == place


def test_whoever_waits_already_waits_once(clinic: Any, line: Any, together: Any, noon: datetime) -> None:
    doctor, patient = clinic.doctor(), new_id()
    answers = together([lambda: line.join(doctor, patient, noon.date())] * 8)
    assert sorted(map(code, answers)) == [(201, None)] + [(409, "ALREADY_WAITING")] * 7
    assert line.join(clinic.doctor(), patient, noon.date()).status_code == 201, "with another doctor, too"
    (place,) = (answer.json["data"] for answer in answers if answer.status_code == 201)
    assert line.leave(place).status_code == 200
    assert line.join(doctor, patient, noon.date()).status_code == 201


def test_nobody_waits_for_a_doctor_who_is_not_there(clinic: Any, line: Any, noon: datetime) -> None:
    hidden = clinic.doctor()
    clinic.tell_doctor(hidden, 2, visible=False)
    for doctor in (new_id(), hidden):
        assert code(line.join(doctor, new_id(), noon.date())) == (404, "DOCTOR_NOT_FOUND")


def test_who_may_wait_is_who_may_book(clinic: Any, line: Any, noon: datetime) -> None:
    doctor, closed = clinic.doctor(), new_id()
    clinic.tell("user-deactivated", closed, 2)
    assert code(line.join(doctor, closed, noon.date())) == (401, "TOKEN_INVALID")
    for role in ("doctor", "admin"):
        path, dates = f"/api/v1/doctors/{doctor}/waitlist", {"from": "2026-01-01", "to": "2026-01-01"}
        assert clinic.client.post(path, json=dates, headers=bearer(new_id(), role)).status_code == 403
        assert clinic.client.get("/api/v1/waitlist", headers=bearer(new_id(), role)).status_code == 403


def test_where_addresses_are_verified_nobody_else_waits(
    clinic: Any, line: Any, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clinic.built.waitlist, "_require_verified_email", True)
    doctor, patient = clinic.doctor(), new_id()
    assert code(line.join(doctor, patient, noon.date())) == (403, "EMAIL_NOT_VERIFIED")
    clinic.tell_verified(patient)
    assert line.join(doctor, patient, noon.date()).status_code == 201


@pytest.mark.parametrize(
    "dates",
    [
        {},
        {"from": "2099-01-02", "to": "2099-01-01"},
        {"from": "2020-01-01", "to": "2020-01-02"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"from": "2026-02-30", "to": "2026-03-01"},
        {"from": 20260101, "to": 20260102},
        {"from": {"$gt": ""}, "to": "9999-12-31"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01"},
    ],
)
def test_dates_that_make_no_sense_are_refused(clinic: Any, line: Any, dates: Any) -> None:
    answer = line.post(f"/doctors/{clinic.doctor()}/waitlist", new_id(), json=dates)
    assert code(answer) == (422, "VALIDATION_FAILED")


def test_a_day_is_past_when_it_is_past_for_the_doctor(clinic: Any, line: Any, noon: datetime) -> None:
    auckland, samoa = (clinic.doctor(timezone=zone) for zone in ("Pacific/Auckland", "Pacific/Pago_Pago"))
    day = noon.date()
    # at 13:00 in UTC it is tomorrow in Auckland, and at 10:00 still yesterday in Samoa
    clinic.clock.shift = datetime.combine(day, time(13), UTC) - clinic.clock()
    assert line.join(auckland, new_id(), day).status_code == 422
    assert line.join(auckland, new_id(), day + DAY).status_code == 201
    clinic.clock.shift += timedelta(hours=-3)
    assert line.join(samoa, new_id(), day - DAY).status_code == 201


def test_ones_own_places_are_paged_latest_first(clinic: Any, line: Any, noon: datetime) -> None:
    patient = new_id()
    made = [line.join(clinic.doctor(), patient, noon.date()).json["data"]["id"] for _ in range(5)]
    line.joined(clinic.doctor(), noon.date(), 2)
    seen, cursor = [], ""
    while cursor is not None:
        answer = clinic.client.get(f"/api/v1/waitlist?limit=2{cursor}", headers=bearer(patient)).json["data"]
        seen.append([item["id"] for item in answer["items"]])
        cursor = answer["nextCursor"] and f"&cursor={answer['nextCursor']}"
    assert seen == [made[:2:-1], made[2:0:-1], made[:1]]


def test_anothers_place_is_not_there(clinic: Any, line: Any, noon: datetime) -> None:
    doctor, stranger = clinic.doctor(), new_id()
    (place,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    for action in ("accept", "decline"):
        assert code(line.post(f"/waitlist/{place['id']}/{action}", stranger)) == (404, "NOT_FOUND")
    assert line.leave(place, stranger).status_code == 404
    assert line.leave({"id": "$ne", "patientId": stranger}).status_code == 404
    assert line.offered([place]) == [0]


# offers


def test_what_is_freed_is_offered_to_the_first_in_line_and_told(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 3)
    line.held(doctor, noon)
    assert line.offered(places) == [0]
    offer = line.seen(places[0])["offer"]
    assert offer["start"] == instant_text(noon).replace(".000", "")
    assert offer["timezone"] == "UTC"
    (event,) = line.stored(places[0])["outbox"]
    assert_valid(event)
    assert (event["type"], event["data"]["patientId"]) == ("waitlist-offered", places[0]["patientId"])
    assert event["data"]["version"] == line.seen(places[0])["version"] == 2


def test_a_held_slot_is_neither_shown_nor_bookable(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    (place,) = line.joined(doctor, noon.date())
    assert instant_text(noon).replace(".000", "") in clinic.starts(doctor, noon)
    line.held(doctor, noon)
    assert instant_text(noon).replace(".000", "") not in clinic.starts(doctor, noon)
    assert code(clinic.book(new_id(), doctor, noon)) == (409, "SLOT_TAKEN")
    # nor may who has the offer be elsewhere at that time
    assert code(clinic.book(place["patientId"], clinic.doctor(), noon)) == (409, "PATIENT_BUSY")


def test_it_passes_on_in_order_as_it_is_refused_till_nobody_is_left(clinic: Any, line: Any, noon: datetime) -> None:
    doctor, other = clinic.doctor(), clinic.doctor()
    places = line.joined(doctor, noon.date(), 4)
    line.held(doctor, noon)
    (hold,) = line.holds(doctor)
    for number, place in enumerate(places):
        assert line.offered(places) == [number]
        assert [held["_id"] for held in line.holds(doctor)] == [hold["_id"]], "the hold itself passes on"
        assert clinic.book(new_id(), doctor, noon).status_code == 409
        assert code(clinic.book(place["patientId"], other, noon)) == (409, "PATIENT_BUSY")
        answer = line.act("decline", place)
        assert (answer.status_code, answer.json["data"]["status"], answer.json["data"]["offer"]) == (
            200,
            "WAITING",
            None,
        )
        assert code(line.act("decline", place)) == (409, "NO_OFFER")
    assert line.offered(places) == []
    assert line.holds(doctor) == []
    assert clinic.book(new_id(), doctor, noon).status_code == 201
    # all are still in line, for another slot
    line.held(doctor, noon + HALF_HOUR)
    assert line.offered(places) == [0]
    assert clinic.book(places[0]["patientId"], other, noon).status_code == 201


def test_it_passes_on_in_order_as_it_lapses_till_nobody_is_left(alone_line: Any, noon: datetime) -> None:
    line, clinic = alone_line, alone_line.clinic
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 3)
    line.held(doctor, noon)
    for number in range(3):
        assert line.offered(places) == [number]
        assert clinic.built.waitlist.expire(10)["passedOn"] == 0, "not before its time"
        clinic.clock.shift += timedelta(minutes=29)
        assert clinic.built.waitlist.expire(10)["passedOn"] == 0
        clinic.clock.shift += timedelta(minutes=1, seconds=1)
        assert code(line.act("accept", places[number])) == (410, "OFFER_EXPIRED"), "even if no job has run"
        assert clinic.built.waitlist.expire(10)["passedOn"] == 1
        assert code(line.act("accept", places[number])) == (409, "NO_OFFER")
    assert (line.offered(places), line.holds(doctor)) == ([], [])
    assert clinic.book(new_id(), doctor, noon).status_code == 201


def test_an_offer_ends_as_its_slot_starts_and_then_passes_on_to_nobody(alone_line: Any, noon: datetime) -> None:
    line, clinic = alone_line, alone_line.clinic
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 2)
    clinic.clock.shift = noon - timedelta(minutes=10) - clinic.clock()
    line.held(doctor, noon)
    assert line.seen(places[0])["offer"]["expiresAt"] == instant_text(noon).replace(".000", "")
    clinic.clock.shift += timedelta(minutes=10, seconds=1)
    assert clinic.built.waitlist.expire(10)["passedOn"] == 1
    assert (line.offered(places), line.holds(doctor)) == ([], [])


def test_whoever_is_busy_or_waits_for_other_days_is_passed_over(clinic: Any, line: Any, noon: datetime) -> None:
    doctor, other = clinic.doctor(), clinic.doctor(slotMinutes=60)
    busy, elsewhen, offered_elsewhere, free = (
        *line.joined(doctor, noon.date()),
        *line.joined(doctor, noon.date() + DAY),
        *line.joined(doctor, noon.date(), 2),
    )
    clinic.booked(busy["patientId"], other, noon)
    line.join(clinic.doctor("dr-" + new_id()), offered_elsewhere["patientId"], noon.date())
    third = clinic.doctor()
    line.join(third, offered_elsewhere["patientId"], noon.date())
    line.held(third, noon)
    line.held(doctor, noon + HALF_HOUR)
    # the second half of an hour elsewhere is as good as the first; an offer elsewhere at another time is no hindrance
    assert line.offered([busy, elsewhen, offered_elsewhere, free]) == [2]
    line.act("decline", offered_elsewhere)
    assert line.offered([busy, elsewhen, offered_elsewhere, free]) == [3]
    line.act("decline", free)
    assert line.holds(doctor) == []


def test_whoever_gave_a_slot_back_is_not_offered_it(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    giver, other = line.joined(doctor, noon.date(), 2)
    line.held(doctor, noon, patient=giver["patientId"])
    assert line.offered([giver, other]) == [1]
    line.act("decline", other)
    assert (line.offered([giver, other]), line.holds(doctor)) == ([], [])
    line.held(doctor, noon + HALF_HOUR)
    assert line.offered([giver, other]) == [0]


def test_two_slots_of_one_freed_time_go_to_two_people(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 3)
    line.held(doctor, noon, timedelta(hours=1))
    assert line.offered(places) == [0, 1]
    assert [hold["start"] for hold in line.holds(doctor)] == [noon, noon + HALF_HOUR]


def test_of_freed_time_that_is_a_part_of_a_slot_the_slot_is_held_if_the_rest_is_free(
    clinic: Any, line: Any, noon: datetime
) -> None:
    doctor = clinic.doctor()
    clinic.booked(new_id(), doctor, noon + 3 * HALF_HOUR)
    clinic.doctor(doctor, version=2, slotMinutes=60)
    places = line.joined(doctor, noon.date(), 2)
    line.held(doctor, noon)
    line.held(doctor, noon + 2 * HALF_HOUR)
    assert [(hold["start"], hold["end"]) for hold in line.holds(doctor)] == [(noon, noon + 2 * HALF_HOUR)]
    assert line.offered(places) == [0]


@pytest.mark.parametrize(
    "facts", [{"accepting": False}, {"visible": False}, {"moderationStatus": "SUSPENDED"}, {"calendar": None}]
)
def test_nothing_is_held_of_a_doctor_who_cannot_be_booked(
    clinic: Any, line: Any, noon: datetime, facts: dict[str, Any]
) -> None:
    doctor = clinic.doctor()
    line.joined(doctor, noon.date())
    calendar = clinic.built.database["calendars"].find_one({"_id": doctor})["calendar"]
    clinic.tell_doctor(doctor, 2, **{"calendar": calendar, **facts})
    line.held(doctor, noon)
    assert line.holds(doctor) == []


def test_what_the_calendar_does_not_offer_is_not_held(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor(overrides=[{"date": str(noon.date()), "windows": [{"from": "09:00", "to": "12:00"}]}])
    (place,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    assert line.offered([place]) == []
    line.held(doctor, noon - HALF_HOUR)
    assert line.offered([place]) == [0]


def test_a_hold_stands_when_the_calendar_changes_but_does_not_pass_on(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 3)
    line.held(doctor, noon)
    line.held(doctor, noon + HALF_HOUR)
    clinic.doctor(doctor, version=2, overrides=[{"date": str(noon.date()), "windows": []}])
    assert line.act("accept", places[0]).status_code == 200
    assert line.act("decline", places[1]).status_code == 200
    assert (line.offered(places), line.holds(doctor)) == ([], [])


def test_days_are_those_of_the_doctor(clinic: Any, line: Any, noon: datetime) -> None:
    # 12:00 in UTC is the first hour of the next day there
    doctor = clinic.doctor(timezone="Pacific/Auckland")
    (today,), (tomorrow,) = (line.joined(doctor, day) for day in (noon.date(), noon.date() + DAY))
    line.held(doctor, noon)
    assert line.offered([today, tomorrow]) == [1]
    line.held(doctor, noon - timedelta(hours=2))
    assert line.offered([today, tomorrow]) == [0, 1]
    assert [hold["day"] for hold in line.holds(doctor)] == [str(noon.date()), str(noon.date() + DAY)]


def test_whoever_leaves_passes_on_what_was_offered(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    places = line.joined(doctor, noon.date(), 2)
    line.held(doctor, noon)
    assert line.leave(places[0]).status_code == 200
    assert line.leave(places[0]).status_code == 404
    assert code(line.act("accept", places[0])) == (404, "NOT_FOUND")
    assert line.offered(places[1:]) == [0]


# accepting


def test_an_accepted_offer_is_an_appointment_like_any_other(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    (place,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    (hold,) = line.holds(doctor)
    answer = line.act("accept", place)
    appointment = answer.json["data"]
    assert answer.status_code == 200
    assert (appointment["id"], appointment["status"], appointment["version"]) == (hold["_id"], "BOOKED", 1)
    assert (appointment["patientId"], appointment["start"]) == (
        place["patientId"],
        instant_text(noon).replace(".000", ""),
    )
    mine = line.seen(place)
    assert (mine["status"], mine["offer"], mine["appointmentId"]) == ("ACCEPTED", None, hold["_id"])
    stored = clinic.stored(appointment)
    assert stored["claims"] == hold["claims"]
    assert "offer" not in stored
    (event,) = stored["outbox"]
    assert_valid(event)
    assert (event["type"], event["data"]["by"]) == ("appointment-booked", "patient")

    like = clinic.stored(clinic.booked(new_id(), doctor, noon + HALF_HOUR))
    assert stored.keys() == like.keys()
    assert clinic.act("cancel", appointment, bearer(place["patientId"])).status_code == 200


def test_where_the_doctor_confirms_first_it_is_a_request(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor(requiresConfirmation=True)
    (place,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    answer = line.act("accept", place)
    assert answer.json["data"]["status"] == "REQUESTED"
    (event,) = clinic.stored(answer.json["data"])["outbox"]
    assert event["type"] == "appointment-requested"


def test_accepting_twice_is_answered_twice_with_one_appointment(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    (place,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    first, again = (line.act("accept", place, headers={"If-Match": '"2"'}) for _ in range(2))
    assert (first.status_code, first.json["data"]) == (200, again.json["data"])
    assert clinic.built.database["appointments"].count_documents({"doctorId": doctor}) == 1
    keyed = [line.act("accept", place, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.json["data"] for answer in keyed] == [first.json["data"]] * 2
    assert keyed[1].headers["Idempotency-Replayed"] == "true"


def test_another_offer_than_the_one_that_was_seen_is_not_accepted(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    (place,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    seen = line.seen(place)["version"]
    line.act("decline", place)
    line.held(doctor, noon + HALF_HOUR)
    for action in ("accept", "decline"):
        assert code(line.act(action, place, headers={"If-Match": f'"{seen}"'})) == (412, "VERSION_MISMATCH")
    assert line.offered([place]) == [0]


def test_nothing_is_accepted_where_nothing_is_offered(clinic: Any, line: Any, noon: datetime) -> None:
    (place,) = line.joined(clinic.doctor(), noon.date())
    for action in ("accept", "decline"):
        assert code(line.act(action, place)) == (409, "NO_OFFER")


def test_whoever_got_an_appointment_may_wait_again(clinic: Any, line: Any, noon: datetime) -> None:
    doctor = clinic.doctor()
    (place,) = line.joined(doctor, noon.date())
    line.held(doctor, noon)
    line.act("accept", place)
    assert line.join(doctor, place["patientId"], noon.date()).status_code == 201


# what is over


def test_places_are_tidied_once_their_dates_are_past_and_all_is_announced(alone_line: Any, noon: datetime) -> None:
    line, clinic = alone_line, alone_line.clinic
    waitlist, doctor = clinic.built.database["waitlist"], clinic.doctor()
    first, second, left, late = line.joined(doctor, noon.date(), 3) + line.joined(doctor, noon.date() + 3 * DAY)
    line.leave(left)
    assert clinic.built.waitlist.expire(10) == {"passedOn": 0, "tidied": 1}
    line.held(doctor, noon, 2 * HALF_HOUR)
    assert line.offered([first, second]) == [0, 1]
    # noon of the next day: their date is over everywhere
    clinic.clock.shift = noon + timedelta(days=1, seconds=1) - clinic.clock()
    assert clinic.built.waitlist.expire(1) == {"passedOn": 1, "tidied": 0}, "what was announced is not published yet"
    waitlist.update_many({}, {"$set": {"outbox": []}})
    assert clinic.built.waitlist._waitlist.tidy(clinic.clock(), 10) == 1
    said, held = line.pairs(doctor)
    assert len(held) == 1
    assert said == held, "an offer is passed on before its place goes"
    assert clinic.built.waitlist.expire(10) == {"passedOn": 1, "tidied": 1}
    assert [place["_id"] for place in waitlist.find()] == [late["id"]]
    assert line.holds(doctor) == []
