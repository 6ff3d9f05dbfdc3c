"""appointment-service's documents, indexes and questions.

appointments: {_id, doctorId, patientId, start, end, timezone, status, version, reason, cancellationNoticeMinutes,
               unattendedOutcome, claims?, history: [{status, at, by, reason?, start?}], createdAt, updatedAt,
               outbox}
calendars:    {_id: userId, accountActive, accountVersion, version, moderationStatus?, visible?, accepting?,
               active?, calendar?}

``claims`` is there exactly while the appointment is active, and its unique index is what makes double booking
impossible (ADR 0001). A calendar has two sources, each applied only if newer than what is held of it:
doctor-service (``version``) and user-service (``accountVersion``), so that an older ``doctor-updated`` does not
revive a deactivated account. Whoever was ever deactivated or erased is there too, a patient without a calendar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from appointment_service import errors
from appointment_service.domain.appointment import ACTIVE, Status
from appointment_service.domain.claims import collided
from chassis import inbox, outbox, tombstones
from chassis.events import Event
from chassis.mongo import Database, Document

APPOINTMENTS = "appointments"
CALENDARS = "calendars"
OUTBOXES = (APPOINTMENTS, tombstones.COLLECTION)

_BY_START = [("start", ASCENDING), ("_id", ASCENDING)]
_FALL_DUE = [Status.BOOKED, Status.CHECKED_IN]

INDEXES = {
    APPOINTMENTS: [
        IndexModel(
            [("claims", ASCENDING)],
            name="claims_unique",
            unique=True,
            partialFilterExpression={"claims": {"$exists": True}},
        ),
        IndexModel([("doctorId", ASCENDING), *_BY_START], name="of_doctor"),
        IndexModel([("patientId", ASCENDING), *_BY_START], name="of_patient"),
        IndexModel(_BY_START, name="by_start"),
        IndexModel([("end", ASCENDING)], name="due", partialFilterExpression={"status": {"$in": _FALL_DUE}}),
        outbox.INDEX,
    ],
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}

_LONGEST = timedelta(days=1)
_BATCH = 500
_UNSHOWN = {"claims": 0, "history": 0, "outbox": 0}


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of status: applied to the document that it was decided on, or not at all."""

    held: Document
    status: Status
    at: datetime
    by: str
    reason: str | None
    announcement: Event | None

    def condition(self) -> Document:
        """Matches the document as it was when this was decided."""
        return {"_id": self.held["_id"], "version": self.held["version"], "status": self.held["status"]}

    def update(self) -> Document:
        """Status, version, history and event at once; time that is no longer held is free in the same write."""
        entry = {"status": self.status, "at": self.at, "by": self.by}
        push: Document = {"history": {**entry, "reason": self.reason} if self.reason else entry}
        if self.announcement:
            push |= outbox.announce(self.announcement)
        update: Document = {
            "$set": {"status": self.status, "updatedAt": self.at},
            "$inc": {"version": 1},
            "$push": push,
        }
        return update if self.status in ACTIVE else {**update, "$unset": {"claims": ""}}


class Store:
    """The only place that talks to appointment-service's database."""

    def __init__(self, database: Database) -> None:
        self._appointments = database[APPOINTMENTS]
        self._calendars = database[CALENDARS]

    # appointments

    def add(self, appointment: Document) -> None:
        """Insert an appointment. Raises SlotTaken or PatientBusy if any of its claims is held."""
        try:
            self._appointments.insert_one(appointment)
        except DuplicateKeyError as error:
            # keys are inserted in their order, so where both are busy it is the doctor's `d:` that is told of
            claim = (error.details or {})["keyValue"]["claims"]
            raise (errors.SlotTaken if collided(claim) == "doctor" else errors.PatientBusy) from None

    def appointment(self, appointment_id: str, party: Document) -> Document | None:
        """The appointment, if ``party`` ({} or one of patientId, doctorId) has part in it."""
        return self._appointments.find_one({"_id": appointment_id, **party})

    def taken(self, doctor_id: str, begin: datetime, end: datetime) -> list[Document]:
        """{start, end} of what holds the doctor's time anywhere in [begin, end)."""
        return list(
            self._appointments.find(
                {
                    "doctorId": doctor_id,
                    # no slot is longer than a day, so what began earlier is over
                    "start": {"$gt": begin - _LONGEST, "$lt": end},
                    "end": {"$gt": begin},
                    "claims": {"$exists": True},
                },
                {"_id": 0, "start": 1, "end": 1},
                hint="of_doctor",
            )
        )

    def page(
        self,
        *,
        doctor_id: str | None,
        patient_id: str | None,
        status: Status | None,
        since: datetime | None,
        until: datetime | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[Document]:
        """Up to ``limit`` appointments without their history, newest start first, beyond the key ``after``."""
        given = (("doctorId", doctor_id), ("patientId", patient_id), ("status", status))
        where: Document = {name: value for name, value in given if value}
        bounds: Document = {"$gte": since} if since else {}
        if until:
            bounds["$lt"] = until
        if after:
            # The key's two halves, each a range of the index that merges with the other in its order. All who start
            # at one time (every doctor's nine o'clock, in an admin's list) would be read again with one range.
            start, identifier = after
            ranges = [{"$lt": start, **bounds}, {"$eq": start, **bounds}]
            if until:
                ranges[0]["$lt"] = min(start, until)
            before = {**where, "start": ranges[0]}
            beside = {**where, "start": ranges[1], "_id": {"$lt": identifier}}
            where = {"$or": [before, beside]}
        elif bounds:
            where["start"] = bounds
        # named, so that no plan cached for one person's numbers serves another's
        index = "of_patient" if patient_id else "of_doctor" if doctor_id else "by_start"
        found = self._appointments.find(where, _UNSHOWN, hint=index, limit=limit)
        return list(found.sort([("start", DESCENDING), ("_id", DESCENDING)]))

    def due(self, ended_by: datetime, limit: int) -> list[Document]:
        """Appointments that ended by then and that nobody settled, the longest due first."""
        found = self._appointments.find(
            {"status": {"$in": _FALL_DUE}, "end": {"$lte": ended_by}}, _UNSHOWN, hint="due", limit=limit
        )
        return list(found.sort("end", ASCENDING))

    def active_of(self, user_id: str, since: datetime | None, session: ClientSession) -> list[Document]:
        """The user's active appointments, as patient or doctor, that start after ``since`` (None: all)."""
        found: list[Document] = []
        for field, index in (("patientId", "of_patient"), ("doctorId", "of_doctor")):
            where: Document = {field: user_id, "status": {"$in": list(ACTIVE)}}
            if since:
                where["start"] = {"$gt": since}
            found += self._appointments.find(where, _UNSHOWN, hint=index, session=session)
        return found

    def apply(self, transition: Transition) -> Document | None:
        """Make the change; the appointment after it, or None if it was changed by another meanwhile."""
        return self._appointments.find_one_and_update(
            transition.condition(), transition.update(), return_document=ReturnDocument.AFTER
        )

    def apply_all(self, transitions: Sequence[Transition], session: ClientSession | None = None) -> int:
        """Make those changes that nothing overtook; how many that were.

        In batches, since one command may carry 48 MB. In a transaction the whole must be done within the 10 s
        that it gets: 5,000 cancellations take about 1 s, and a doctor has some 2,000 in 60 days of full weeks.
        """
        changed = 0
        for begin in range(0, len(transitions), _BATCH):
            writes = [UpdateOne(item.condition(), item.update()) for item in transitions[begin : begin + _BATCH]]
            changed += self._appointments.bulk_write(writes, ordered=False, session=session).modified_count
        return changed

    def anonymise(self, user_id: str, session: ClientSession) -> None:
        """Leave of the user's appointments what statistics need: no id of theirs, no text of anybody's.

        Call it when none is active any more. One command in the session's transaction, so bounded by its 10 s:
        50,000 appointments take about 5 s.
        """
        person = {"$literal": user_id}
        entry = {
            "$mergeObjects": [
                {"$unsetField": {"field": "reason", "input": "$$entry"}},
                {"by": {"$cond": [{"$eq": ["$$entry.by", person]}, None, "$$entry.by"]}},
            ]
        }
        for field, index in (("patientId", "of_patient"), ("doctorId", "of_doctor")):
            self._appointments.update_many(
                {field: user_id},
                [
                    {
                        "$set": {
                            field: None,
                            "reason": None,
                            "version": {"$add": ["$version", 1]},
                            "history": {"$map": {"input": "$history", "as": "entry", "in": entry}},
                        }
                    }
                ],
                hint=index,
                session=session,
            )

    # calendars

    def calendar(self, doctor_id: str) -> Document | None:
        return self._calendars.find_one({"_id": doctor_id})

    def calendars(self, user_ids: Sequence[str]) -> dict[str, Document]:
        """{userId: what is held of that doctor's calendar, or of that user's account}."""
        return {found["_id"]: found for found in self._calendars.find({"_id": {"$in": list(user_ids)}})}

    def put_calendar(self, doctor_id: str, version: int, facts: Document, session: ClientSession) -> None:
        """Set what doctor-service tells, unless something newer is held."""
        unheard = {"accountActive": True, "accountVersion": 0}
        self._put(doctor_id, "version", version, facts, unheard, session)

    def put_account(self, user_id: str, active: bool, version: int, session: ClientSession) -> bool:
        """Set what user-service tells; False if something newer is held."""
        return self._put(user_id, "accountVersion", version, {"accountActive": active}, {"version": 0}, session)

    def erase_calendar(self, user_id: str, version: int, session: ClientSession) -> None:
        """Delete a calendar; what stays is that the account of this id is closed.

        It stays because every writer of the calendar writes this document: a ``doctor-updated`` that races an
        erasure conflicts with it and is handled again, where a deletion would let it bring the calendar back.
        """
        closed = {"accountActive": False, "accountVersion": version, "version": 0}
        self._calendars.replace_one({"_id": user_id}, closed, upsert=True, session=session)

    def _put(
        self, key: str, name: str, version: int, facts: Document, unheard: Document, session: ClientSession
    ) -> bool:
        # Looked at first, since a refused upsert would end the transaction. That is no race: of two transactions
        # that write one document the second fails and is repeated.
        held = self._calendars.find_one({"_id": key}, {name: 1}, session=session)
        if held and held[name] >= version:
            return False
        update = {"$set": {**facts, name: version}, "$setOnInsert": unheard}
        self._calendars.update_one({"_id": key}, update, upsert=True, session=session)
        return True
