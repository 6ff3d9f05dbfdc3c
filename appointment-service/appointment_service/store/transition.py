"""A change of an appointment, as one conditional write."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from appointment_service.domain.appointment import ACTIVE, Action, Status
from chassis import outbox
from chassis.events import Event
from chassis.mongo import Document


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of status or time: applied to the document that it was decided on, or not at all.

    ``facts`` are the fields that it sets besides the status; None takes a field away.
    """

    held: Document
    action: Action
    status: Status
    at: datetime
    by: str
    reason: str | None
    events: Sequence[Event]
    facts: Document = field(default_factory=dict)

    def condition(self) -> Document:
        """Matches the document as it was when this was decided."""
        return {"_id": self.held["_id"], "version": self.held["version"], "status": self.held["status"]}

    def update(self) -> Document:
        """Status, time, version, history and event at once; time that is no longer held is free in the same write."""
        line: Document = {"action": self.action, "status": self.status, "at": self.at, "by": self.by}
        if self.reason:
            line["reason"] = self.reason
        if "start" in self.facts:
            line["start"] = self.facts["start"]
        gone = [name for name, value in self.facts.items() if value is None]
        if self.status not in ACTIVE:
            gone.append("claims")
        if self.status != Status.REQUESTED:
            gone.append("lapsesAt")
        kept = {name: value for name, value in self.facts.items() if value is not None}
        update: Document = {
            "$set": {"status": self.status, "updatedAt": self.at, **kept},
            "$inc": {"version": 1},
            "$push": {"history": line, **outbox.announce(*self.events)},
        }
        return {**update, "$unset": dict.fromkeys(gone, "")} if gone else update

    def applied(self) -> Document:
        """The document as `update` leaves it, to be written whole; what it would announce is left out."""
        update = self.update()
        line = update["$push"]["history"]
        changed = {**self.held, **update["$set"], "history": [*self.held["history"], line]}
        changed["version"] += update["$inc"]["version"]
        return {name: value for name, value in changed.items() if name not in update.get("$unset", {})}
