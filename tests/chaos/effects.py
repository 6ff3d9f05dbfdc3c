"""An independent look at every consumer's effects: what was announced was acted on, once, by everyone it concerns.

Like the stress test's checker it knows the contracts and the documents' outer shape, and uses none of the suite's code.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.stress.checker import ACTIVE, HELD

Document = Mapping[str, Any]
Subscriptions = Mapping[str, Mapping[str, Iterable[str]]]

#: The mails that tell an appointment's people of its latest change; what they saw themselves they are not told.
_MAILED = {
    "REQUESTED": "appointment-requested",
    "BOOKED": "appointment-booked",
    "CANCELLED": "appointment-cancelled",
}
_MOVED = "appointment-rescheduled"


@dataclass(frozen=True)
class Found:
    """What the databases hold in the end, a list of documents each."""

    appointments: list[dict[str, Any]]
    relations: list[dict[str, Any]]
    visits: list[dict[str, Any]]
    reviews: list[dict[str, Any]]
    doctors: list[dict[str, Any]]
    mails: list[dict[str, Any]]
    credentials: list[dict[str, Any]]
    users: list[dict[str, Any]]


def handled(events: Iterable[Document], subscriptions: Subscriptions, inboxes: Mapping[str, set[str]]) -> Iterator[str]:
    """An announcement that somebody who listens for it never acted on."""
    for event in events:
        for service, sources in subscriptions.items():
            if event["type"] in sources.get(event["source"], ()) and event["id"] not in inboxes[service]:
                yield f"{event['type']} {event['id']} of {event['source']} never took effect in {service}"


def counted(events: Iterable[Document], counts: Mapping[str, int], heard: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """An announcement that took effect twice in the witness, or not at all."""
    expected = {event["id"]: event["type"] for event in events if event["type"] in heard.get(event["source"], ())}
    for identifier in expected.keys() | counts.keys():
        if (count := counts.get(identifier, 0)) != 1:
            yield f"{expected.get(identifier, 'what was announced before')} {identifier} was counted {count} times"


def appointments_told(found: Found) -> Iterator[str]:
    """A change of an appointment that the patients' records, the reviews or the mails know nothing of."""
    relations = {item["_id"]: item for item in found.relations}
    visits = {item["_id"]: item for item in found.visits}
    mails = {item["_id"] for item in found.mails}
    for item in found.appointments:
        if item["status"] == HELD:
            continue
        related = relations.get(item["_id"])
        if related is None or related["cancelled"] != (item["status"] == "CANCELLED"):
            yield f"{item['_id']} is {item['status']}, and its relation is {related}"
        visit = visits.get(item["_id"], {})
        attended = visit.get("completedVersion", 0) > visit.get("noShowVersion", 0)
        if attended != (item["status"] == "COMPLETED"):
            yield f"{item['_id']} is {item['status']}, and its visit is {visit}"
        moved = item["history"][-1]["action"] == "reschedule"
        template = _MOVED if moved else _MAILED.get(item["status"])
        for person in (item["patientId"], item["doctorId"]) if template else ():
            if f"{template}:{item['_id']}:{item['version']}:{person}" not in mails:
                yield f"{item['_id']}: no mail tells {person} that it is {item['status']}"


def ratings(found: Found, told: Mapping[str, str]) -> Iterator[str]:
    """A review that was acknowledged and is lost, one too many, or a doctor's rating that is not its reviews'."""
    stored = {item["appointmentId"]: item["_id"] for item in found.reviews}
    for appointment, review in told.items():
        if stored.get(appointment) != review:
            yield f"review {review} of {appointment} was acknowledged, and there is {stored.get(appointment)}"
    if len(stored) != len(found.reviews):
        yield f"{len(found.reviews) - len(stored)} appointments have a second review"
    stars: dict[str, list[int]] = defaultdict(list)
    for item in found.reviews:
        stars[item["doctorId"]].append(item["rating"])
    for doctor in found.doctors:
        rating = doctor.get("rating") or {"count": 0}
        if rating["count"] != len(stars[doctor["_id"]]):
            yield f"doctor {doctor['_id']} shows {rating['count']} ratings and has {len(stars[doctor['_id']])}"


def accounts(found: Found, joined: Iterable[str], left: Iterable[str], now: Any) -> Iterator[str]:
    """Somebody who signed up and is not there, is there twice, or who left and could still come in or be waited for."""
    users = {item["_id"]: item for item in found.users}
    credentials = {item["_id"]: item for item in found.credentials}
    for person in joined:
        if person not in users or person not in credentials:
            yield f"{person} signed up: user {person in users}, credential {person in credentials}"
    emails = Counter(item["email"] for item in found.credentials)
    yield from (f"{count} accounts of one address" for count in emails.values() if count > 1)
    for person in left:
        standing = (users.get(person, {}).get("status"), credentials.get(person, {}).get("status"))
        if standing != ("DELETED", "DELETED"):
            yield f"{person} left, and the account is {standing}"
    gone = set(left)
    for item in found.appointments:
        if item["patientId"] in gone and item["status"] in ACTIVE and item["start"] > now:
            yield f"{item['_id']} of {item['patientId']}, who left, is {item['status']}"
