"""The chaos trial's short form, and that its checker sees what it is there to see."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.chaos import effects
from tests.chaos.instance import WITNESS, ChaosInstance
from tests.chaos.trial import tormented


def test_nothing_is_lost_doubled_or_stuck_while_everything_dies(suite: ChaosInstance) -> None:
    outcome = tormented(suite, kills=5, clients=3, seed=3, doctors=2, pause=0.2, tell=print)
    assert outcome.violations == []
    assert sum(outcome.faults.values()) >= 5
    assert outcome.ledger.acknowledged
    assert outcome.ledger.joined
    assert outcome.events > 100


# the checker of effects itself, on a history that is right and on what may go wrong with it

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SUBSCRIPTIONS = {
    "review-service": {"appointment-service": ["appointment-completed"]},
    WITNESS: {"appointment-service": ["appointment-booked", "appointment-completed"]},
}


class History:
    """One visit that was booked, completed and reviewed; one booking of somebody who left."""

    def __init__(self) -> None:
        self.events = [
            {"id": "e1", "type": "appointment-booked", "source": "appointment-service"},
            {"id": "e2", "type": "appointment-completed", "source": "appointment-service"},
        ]
        self.inboxes = {"review-service": {"e2"}}
        self.counts = {"e1": 1, "e2": 1}
        self.found = effects.Found(
            appointments=[
                appointment("a1", "COMPLETED", "complete", "p1"),
                appointment("a2", "CANCELLED", "cancel", "p2"),
            ],
            relations=[{"_id": "a1", "cancelled": False}, {"_id": "a2", "cancelled": True}],
            visits=[{"_id": "a1", "completedVersion": 2}],
            reviews=[{"_id": "r1", "appointmentId": "a1", "doctorId": "d1", "rating": 5}],
            doctors=[{"_id": "d1", "rating": {"count": 1}}],
            mails=[{"_id": f"appointment-cancelled:a2:2:{person}"} for person in ("p2", "d1")],
            credentials=[{"_id": "p2", "email": "p2@clinic.example", "status": "DELETED"}],
            users=[{"_id": "p2", "status": "DELETED"}],
        )
        self.reviewed = {"a1": "r1"}
        self.joined = {"p2"}
        self.left = {"p2"}

    def violations(self) -> list[str]:
        others = {name: row for name, row in SUBSCRIPTIONS.items() if name != WITNESS}
        return [
            *effects.handled(self.events, others, self.inboxes),
            *effects.counted(self.events, self.counts, SUBSCRIPTIONS[WITNESS]),
            *effects.appointments_told(self.found),
            *effects.ratings(self.found, self.reviewed),
            *effects.accounts(self.found, self.joined, self.left, NOW),
        ]


def appointment(identifier: str, status: str, action: str, patient: str) -> dict[str, Any]:
    return {
        "_id": identifier,
        "doctorId": "d1",
        "patientId": patient,
        "status": status,
        "version": 2,
        "start": NOW.replace(month=2),
        "history": [{"action": "book"}, {"action": action}],
    }


def test_the_checker_of_effects_finds_nothing_where_nothing_is() -> None:
    assert History().violations() == []


MISCHIEF: dict[str, Callable[[History], Any]] = {
    "an event never took effect": lambda it: it.inboxes["review-service"].clear(),
    "an event was lost": lambda it: it.counts.pop("e1"),
    "an event took effect twice": lambda it: it.counts.update(e1=2),
    "a patient's record does not know of the visit": lambda it: it.found.relations.pop(0),
    "a record takes what was cancelled for a visit": lambda it: it.found.relations[1].update(cancelled=False),
    "a visit is not known to the reviews": lambda it: it.found.visits.clear(),
    "a mail was lost": lambda it: it.found.mails.pop(),
    "a review was lost": lambda it: it.found.reviews.clear(),
    "a visit has two reviews": lambda it: it.found.reviews.append({**copy.deepcopy(it.found.reviews[0]), "_id": "r2"}),
    "a rating was counted twice": lambda it: it.found.doctors[0].update(rating={"count": 2}),
    "a user was lost": lambda it: it.found.users.clear(),
    "a credential was lost": lambda it: it.found.credentials.clear(),
    "an address has two accounts": lambda it: it.found.credentials.append({**it.found.credentials[0], "_id": "p9"}),
    "who left can come in": lambda it: it.found.credentials[0].update(status="ACTIVE"),
    "who left is waited for": lambda it: it.found.appointments[1].update(status="BOOKED"),
}


@pytest.mark.parametrize("mischief", MISCHIEF.values(), ids=MISCHIEF)
def test_the_checker_of_effects_sees_that(mischief: Callable[[History], Any]) -> None:
    history = History()
    mischief(history)
    assert history.violations()
