"""An independent look at what came of it: overlaps, lost bookings, lost slots, forbidden steps, announcements.

It knows the product's contract and the documents' outer shape, and uses none of the suite's code.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.stress.ledger import Ledger

Document = Mapping[str, Any]

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
ACTIVE = {"REQUESTED", "BOOKED", "CHECKED_IN"}
HELD = "HELD"
CELL = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: From a status (None: it is new) by whom to which; `same` are moves, which keep the status.
STEPS: dict[tuple[str | None, str], set[str]] = {
    (None, "REQUESTED"): {"patient"},
    (None, "BOOKED"): {"patient"},
    ("REQUESTED", "REQUESTED"): {"patient", "doctor"},
    ("REQUESTED", "BOOKED"): {"doctor"},
    ("REQUESTED", "CANCELLED"): {"patient", "doctor", "admin", "system"},
    ("BOOKED", "BOOKED"): {"patient", "doctor"},
    ("BOOKED", "CHECKED_IN"): {"doctor"},
    ("BOOKED", "COMPLETED"): {"doctor", "system"},
    ("BOOKED", "NO_SHOW"): {"doctor", "system"},
    ("BOOKED", "CANCELLED"): {"patient", "doctor", "admin", "system"},
    ("CHECKED_IN", "COMPLETED"): {"doctor", "system"},
    ("CHECKED_IN", "NO_SHOW"): {"doctor"},
    ("CHECKED_IN", "CANCELLED"): {"patient", "doctor", "admin", "system"},
    ("COMPLETED", "NO_SHOW"): {"doctor"},
    ("NO_SHOW", "COMPLETED"): {"doctor"},
}

ANNOUNCED = {
    "REQUESTED": "appointment-requested",
    "BOOKED": "appointment-booked",
    "CHECKED_IN": "appointment-checked-in",
    "COMPLETED": "appointment-completed",
    "NO_SHOW": "appointment-no-show",
    "CANCELLED": "appointment-cancelled",
}


def violations(appointments: Iterable[Document], events: Iterable[Document], ledger: Ledger) -> Iterator[str]:
    """All that is not as it must be, in words; nothing if all is well."""
    stored = {item["_id"]: item for item in appointments}
    yield from overlaps(stored.values())
    yield from wrong_claims(stored.values())
    yield from lost(stored, ledger)
    for item in stored.values():
        if item["status"] != HELD:
            yield from forbidden_steps(item)
    yield from announcements(stored, events)


def overlaps(appointments: Iterable[Document]) -> Iterator[str]:
    """Two that hold one person's time at once, by their times alone."""
    of: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for item in appointments:
        if item["status"] in ACTIVE or item["status"] == HELD:
            of["doctor", item["doctorId"]].append(item)
            of["patient", item["patientId"]].append(item)
    for (role, person), theirs in of.items():
        theirs.sort(key=lambda item: item["start"])
        for left, right in pairwise(theirs):
            if right["start"] < left["end"]:
                yield f"{role} {person} has {left['_id']} and {right['_id']} at {right['start']}"


def wrong_claims(appointments: Iterable[Document]) -> Iterator[str]:
    """Time that is held by what is over (a slot lost for ever), or not held by what is active."""
    for item in appointments:
        active = item["status"] in ACTIVE or item["status"] == HELD
        first, beyond = ((item[end] - EPOCH) // CELL for end in ("start", "end"))
        cells = range(first, beyond) if active else ()
        due = {
            f"{who}:{item[field]}:{cell}" for who, field in (("d", "doctorId"), ("p", "patientId")) for cell in cells
        }
        if set(item.get("claims", ())) != due:
            yield f"{item['_id']} is {item['status']} and claims {len(item.get('claims', ()))} cells, not {len(due)}"


def lost(stored: Mapping[str, Document], ledger: Ledger) -> Iterator[str]:
    """What was acknowledged to a client and is not there, or is not in the history as it was told."""
    for note in ledger.acknowledged:
        told = note.appointment
        item = stored.get(told["id"])
        if item is None:
            yield f"{told['id']} was acknowledged ({note.action}) and is not there"
        elif item["version"] < told["version"] or len(item["history"]) != item["version"]:
            known = f"{len(item['history'])} lines, version {item['version']}"
            yield f"{told['id']}: {known}, version {told['version']} acknowledged"
        elif item["history"][told["version"] - 1]["status"] != told["status"]:
            yield f"{told['id']}: version {told['version']}, acknowledged as {told['status']}, is not in the history"


def unseen(
    availability: Mapping[str, Any],
    held: Iterable[Document],
    shown: Iterable[str],
    first: date,
    last: date,
    now: datetime,
) -> Iterator[str]:
    """A time that nobody holds and that is not shown, or that is shown although somebody holds it.

    For calendars without overrides, on days without a clock change: the plainest reading of the wall clock.
    """
    zone = ZoneInfo(availability["timezone"])
    length = timedelta(minutes=availability["slotMinutes"])
    taken = [(item["start"], item["end"]) for item in held]
    free = set()
    for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
        for window in availability["weekly"]:
            if window["weekday"] != DAYS[day.weekday()]:
                continue
            hours, minutes = map(int, window["from"].split(":"))
            start = datetime.combine(day, time(hours, minutes), zone).astimezone(UTC)
            end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
            while start + length <= end:
                if not any(begin < start + length and start < until for begin, until in taken):
                    free.add(start)
                start += length
    soon = now + timedelta(minutes=availability["minNoticeMinutes"] + 2)
    seen = {datetime.fromisoformat(start) for start in shown}
    # what is just within the notice may be shown or not
    for start in sorted((free ^ seen) - {one for one in free ^ seen if one < soon}):
        yield f"{start} is {'free and not' if start in free else 'held and'} shown"


def forbidden_steps(item: Document) -> Iterator[str]:
    """A status that was reached otherwise than the rules allow, or a history that is not the document's."""
    before: str | None = None
    start: datetime | None = None
    for line in item["history"]:
        who = {item["patientId"]: "patient", item["doctorId"]: "doctor"}.get(line["by"], line["by"])
        if who not in STEPS.get((before, line["status"]), ()):
            yield f"{item['_id']}: {before} to {line['status']} by {who}"
        if before == line["status"] and "start" not in line:
            yield f"{item['_id']}: a line of its history says nothing new"
        before, start = line["status"], line.get("start", start)
    if (before, start) != (item["status"], item["start"]):
        yield f"{item['_id']} is {item['status']} at {item['start']}, its history ends with {before} at {start}"


def announcements(stored: Mapping[str, Document], events: Iterable[Document]) -> Iterator[str]:
    """A change that was not announced, announced twice, or announced and never made."""
    made = Counter(
        (item["_id"], version, _announcement(line, item["history"][version - 2] if version > 1 else None))
        for item in stored.values()
        if item["status"] != HELD
        for version, line in enumerate(item["history"], 1)
    )
    told = Counter(
        (event["data"]["appointmentId"], event["data"]["version"], event["type"])
        for event in events
        if "appointmentId" in event["data"]
    )
    for change in made.keys() | told.keys():
        if made[change] != told[change]:
            yield f"{change} was made {made[change]} times and announced {told[change]} times"


def _announcement(line: Document, before: Document | None) -> str:
    moved = before is not None and before["status"] == line["status"]
    return "appointment-rescheduled" if moved else ANNOUNCED[line["status"]]
