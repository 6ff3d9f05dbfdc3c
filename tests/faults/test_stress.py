"""The stress test's small version, and that its checker sees what it is there to see."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devkit.suite import Instance
from tests.stress import checker
from tests.stress.ledger import Ledger
from tests.stress.trial import stressed


def test_nothing_overlaps_is_lost_or_told_twice_while_everything_happens_at_once(suite: Instance) -> None:
    outcome = stressed(suite, operations=200, clients=8, seed=1, doctors=2, tell=lambda _: None)
    assert outcome.violations == []
    done = {note.action for note in outcome.ledger.acknowledged}
    assert done >= {"book", "reschedule", "cancel", "confirm"}
    assert outcome.ledger.replayed > 0
    assert outcome.events > 100
    assert outcome.shown > 50


# the checker itself, on a history that is right and on what may go wrong with it

START = datetime(2030, 1, 7, 9, tzinfo=UTC)


def appointment(number: int, start: datetime, status: str = "BOOKED", patient: str = "p1") -> dict[str, Any]:
    end = start + timedelta(minutes=30)
    history = [{"status": "BOOKED", "by": patient, "start": start}]
    if status != "BOOKED":
        history.append({"status": status, "by": "d1"})
    cell = (start - checker.EPOCH) // checker.CELL
    claims = [f"{who}:{cell + number}" for who in ("d:d1", f"p:{patient}") for number in range(6)]
    return {
        "_id": f"a{number}",
        "doctorId": "d1",
        "patientId": patient,
        "start": start,
        "end": end,
        "status": status,
        "version": len(history),
        "history": history,
        **({"claims": claims} if status in checker.ACTIVE else {}),
    }


def all_is_well() -> tuple[list[dict[str, Any]], list[dict[str, Any]], Ledger]:
    stored = [appointment(1, START), appointment(2, START, "CANCELLED", "p2"), appointment(3, START, patient="p3")]
    stored[2] |= appointment(3, START + timedelta(minutes=30), patient="p3")
    told = [("a1", 1, "booked"), ("a2", 1, "booked"), ("a2", 2, "cancelled"), ("a3", 1, "booked")]
    events = [
        {"type": f"appointment-{kind}", "data": {"appointmentId": who, "version": version}}
        for who, version, kind in told
    ]
    ledger = Ledger()
    ledger.acknowledge("book", {"id": "a1", "version": 1, "status": "BOOKED"})
    return stored, events, ledger


def found(stored: Any, events: Any, ledger: Ledger) -> list[str]:
    return list(checker.violations(stored, events, ledger))


def test_the_checker_finds_nothing_where_nothing_is() -> None:
    assert found(*all_is_well()) == []


def overlap(stored: Any, _events: Any) -> None:
    stored[2] |= appointment(3, START + timedelta(minutes=25), patient="p3")


def keep_the_claims_of_what_is_over(stored: Any, _events: Any) -> None:
    stored[1]["claims"] = ["d:d1:1"]


def hold_no_time(stored: Any, _events: Any) -> None:
    del stored[0]["claims"]


def lose_a_booking(stored: Any, events: Any) -> None:
    del stored[0], events[0]


def forget_a_change(stored: Any, events: Any) -> None:
    stored[0]["history"][0]["status"] = "REQUESTED"
    stored[0]["status"] = "REQUESTED"
    events[0]["type"] = "appointment-requested"


def let_the_patient_complete(stored: Any, events: Any) -> None:
    stored[1] |= {"status": "COMPLETED", "history": [stored[1]["history"][0], {"status": "COMPLETED", "by": "p2"}]}
    events[2]["type"] = "appointment-completed"


def move_without_a_line(stored: Any, _events: Any) -> None:
    stored[2]["history"][0]["start"] = START


def announce_twice(_stored: Any, events: Any) -> None:
    events.append(copy.deepcopy(events[0]))


def announce_nothing(_stored: Any, events: Any) -> None:
    events.pop()


@pytest.mark.parametrize(
    "mischief",
    [
        overlap,
        keep_the_claims_of_what_is_over,
        hold_no_time,
        lose_a_booking,
        forget_a_change,
        let_the_patient_complete,
        move_without_a_line,
        announce_twice,
        announce_nothing,
    ],
)
def test_the_checker_sees(mischief: Any) -> None:
    stored, events, ledger = all_is_well()
    mischief(stored, events)
    assert found(stored, events, ledger)


def test_the_checker_sees_a_slot_that_is_not_shown_or_shown_though_held() -> None:
    availability = {
        "timezone": "Asia/Kathmandu",
        "slotMinutes": 60,
        "minNoticeMinutes": 0,
        "weekly": [{"weekday": "MON", "from": "21:00", "to": "24:00"}],
    }
    day = START.date()
    starts = ["2030-01-07T15:15:00Z", "2030-01-07T16:15:00Z", "2030-01-07T17:15:00Z"]
    held = [{"start": datetime(2030, 1, 7, 17, tzinfo=UTC), "end": datetime(2030, 1, 7, 17, 30, tzinfo=UTC)}]
    now = START - timedelta(days=1)
    assert list(checker.unseen(availability, [], starts, day, day, now)) == []
    assert len(list(checker.unseen(availability, [], starts[:2], day, day, now))) == 1
    assert len(list(checker.unseen(availability, held, starts, day, day, now))) == 2
