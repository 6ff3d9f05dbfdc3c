"""An appointment's life: its statuses, who may move it from one to the next, and what time alone does to it.

All instants are aware and in UTC, as they are stored.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from appointment_service.domain.errors import InvalidTransition


class Status(StrEnum):
    """Where an appointment stands. Its value is what clients, events and the database see."""

    REQUESTED = "REQUESTED"
    BOOKED = "BOOKED"
    CHECKED_IN = "CHECKED_IN"
    COMPLETED = "COMPLETED"
    NO_SHOW = "NO_SHOW"
    CANCELLED = "CANCELLED"


class Action(StrEnum):
    """What makes an appointment or is done to one, as its history tells; the values are those of the routes."""

    BOOK = "book"
    REQUEST = "request"
    ACCEPT = "accept"
    CONFIRM = "confirm"
    DECLINE = "decline"
    LAPSE = "lapse"
    CHECK_IN = "check-in"
    COMPLETE = "complete"
    NO_SHOW = "no-show"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"


class Actor(StrEnum):
    """Who acts: one of the roles of a token, or the suite itself."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    ADMIN = "admin"
    SYSTEM = "system"


HELD = "HELD"
"""What stands in a status's place while a slot is held for somebody on a waitlist.

Such a document holds time by its claims, like an appointment, among the appointments; but it is none, and nobody sees
it as one, until the offer is accepted.
"""

ACTIVE = frozenset({Status.REQUESTED, Status.BOOKED, Status.CHECKED_IN})
"""The statuses that hold time: these, and no others, have claims."""

REQUEST_LIFETIME = timedelta(hours=24)
UNATTENDED_AFTER = timedelta(minutes=15)
CORRECTION_PERIOD = timedelta(days=7)

_DOCTOR = frozenset({Actor.DOCTOR})
_SYSTEM = frozenset({Actor.SYSTEM})
_EITHER = frozenset({Actor.PATIENT, Actor.DOCTOR})
_ANYONE = frozenset(Actor)

TRANSITIONS: Mapping[tuple[str, str], tuple[Status, frozenset[Actor]]] = {
    (Status.REQUESTED, Action.CONFIRM): (Status.BOOKED, _DOCTOR),
    (Status.REQUESTED, Action.DECLINE): (Status.CANCELLED, _DOCTOR),
    (Status.REQUESTED, Action.LAPSE): (Status.CANCELLED, _SYSTEM),
    (Status.REQUESTED, Action.RESCHEDULE): (Status.REQUESTED, _EITHER),
    (Status.REQUESTED, Action.CANCEL): (Status.CANCELLED, _ANYONE),
    (Status.BOOKED, Action.CHECK_IN): (Status.CHECKED_IN, _DOCTOR),
    (Status.BOOKED, Action.COMPLETE): (Status.COMPLETED, _DOCTOR | _SYSTEM),
    (Status.BOOKED, Action.NO_SHOW): (Status.NO_SHOW, _DOCTOR | _SYSTEM),
    (Status.BOOKED, Action.RESCHEDULE): (Status.BOOKED, _EITHER),
    (Status.BOOKED, Action.CANCEL): (Status.CANCELLED, _ANYONE),
    (Status.CHECKED_IN, Action.COMPLETE): (Status.COMPLETED, _DOCTOR | _SYSTEM),
    (Status.CHECKED_IN, Action.NO_SHOW): (Status.NO_SHOW, _DOCTOR),
    (Status.CHECKED_IN, Action.CANCEL): (Status.CANCELLED, _ANYONE),
    (Status.COMPLETED, Action.NO_SHOW): (Status.NO_SHOW, _DOCTOR),
    (Status.NO_SHOW, Action.COMPLETE): (Status.COMPLETED, _DOCTOR),
}
"""From a status, by an action, to the next status, and who may; what is not here is not allowed."""


def initial_status(requires_confirmation: bool) -> Status:
    """The status of a new appointment: a request where the doctor confirms first, else booked."""
    return Status.REQUESTED if requires_confirmation else Status.BOOKED


def decide(
    status: str, action: str, actor_role: str, *, end: datetime | None = None, now: datetime | None = None
) -> Status:
    """The status that follows; InvalidTransition if there is none, or none that this actor may bring about.

    A correction (COMPLETED to NO_SHOW or back) is allowed only where `end`, the appointment's, and `now` are
    given and show that it comes within seven days: a caller that forgets them is refused, not obeyed.
    """
    following, actors = TRANSITIONS.get((status, action), (None, frozenset()))
    if following is None:
        raise InvalidTransition(f"an appointment that is {status} does not take '{action}'")
    if actor_role not in actors:
        raise InvalidTransition(f"'{action}' is not for the {actor_role} while the appointment is {status}")
    if status not in ACTIVE and (end is None or now is None or not may_correct(end, now)):
        raise InvalidTransition(f"{status} can be corrected only until {CORRECTION_PERIOD.days} days after the end")
    return following


def may_correct(end: datetime, now: datetime) -> bool:
    """Whether the doctor may still correct COMPLETED to NO_SHOW or back: until seven days after the end."""
    return now <= end + CORRECTION_PERIOD


def cancellable_until(start: datetime, notice_minutes: int) -> datetime:
    """The last moment for a patient to cancel: the doctor's notice before the start."""
    try:
        return start - timedelta(minutes=notice_minutes)
    except OverflowError:  # a notice longer than time itself
        return datetime.min.replace(tzinfo=UTC)


def may_cancel(start: datetime, until: datetime, now: datetime, actor_role: str) -> bool:
    """Whether it is early enough to cancel, for a patient: by ``until``, and before the start.

    Doctor, admin and the suite are exempt. Without notice a patient may cancel until the start, not at it.
    """
    return actor_role != Actor.PATIENT or (now < start and now <= until)


def may_move(start: datetime, end: datetime, now: datetime, actor_role: str) -> bool:
    """Whether it is early enough to move: for a patient before the start, for the doctor before the end."""
    return now < (start if actor_role == Actor.PATIENT else end)


def lapses_at(requested_at: datetime, start: datetime) -> datetime:
    """When an unanswered request lapses: after 24 hours or at its start, whichever comes first."""
    return min(requested_at + REQUEST_LIFETIME, start)


def has_lapsed(status: str, requested_at: datetime, start: datetime, now: datetime) -> bool:
    """Whether this is a request that has lapsed, even if nothing has cancelled it yet."""
    return status == Status.REQUESTED and now >= lapses_at(requested_at, start)


def due_outcome(status: str, end: datetime, now: datetime, unattended_outcome: Status) -> Status | None:
    """What the suite itself makes of an appointment 15 minutes after its end; None before, and once settled.

    CHECKED_IN becomes COMPLETED, and BOOKED the doctor's `unattended_outcome`.
    """
    if now < end + UNATTENDED_AFTER:
        return None
    if status == Status.CHECKED_IN:
        return Status.COMPLETED
    return unattended_outcome if status == Status.BOOKED else None
