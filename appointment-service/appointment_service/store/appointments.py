"""The appointments' collection."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from appointment_service import errors
from appointment_service.domain.appointment import ACTIVE, HELD, Status
from appointment_service.domain.claims import collided
from appointment_service.store.indexes import APPOINTMENTS, BY_START, FALL_DUE
from appointment_service.store.transition import Transition
from chassis.mongo import Database, Document, update_and_read

_LONGEST = timedelta(days=1)
_BATCH = 500
_NOT_HELD: Document = {"status": {"$ne": HELD}}
_NEVER_SHOWN = {"claims": 0, "outbox": 0}
_UNSHOWN = {**_NEVER_SHOWN, "history": 0}
_OF_PERSON = (("patientId", "of_patient"), ("doctorId", "of_doctor"))


class AppointmentStore:
    """The only place that talks to the appointments' collection."""

    def __init__(self, database: Database) -> None:
        self._appointments = database[APPOINTMENTS]

    def add(self, appointment: Document, session: ClientSession | None = None) -> None:
        """Insert an appointment. Raises SlotTaken or PatientBusy if any of its claims is held."""
        with _told_apart():
            self._appointments.insert_one(appointment, session=session)

    def appointment(
        self, appointment_id: str, party: Document, session: ClientSession | None = None
    ) -> Document | None:
        """The appointment, if ``party`` ({} or one of patientId, doctorId) has part in it; a held slot is none."""
        return self._appointments.find_one({"_id": appointment_id, **party, **_NOT_HELD}, session=session)

    def taken(self, doctor_id: str, begin: datetime, end: datetime) -> list[Document]:
        """{start, end, status} of what holds the doctor's time anywhere in [begin, end), in its order."""
        return list(
            self._appointments.find(
                {
                    "doctorId": doctor_id,
                    # no slot is longer than a day, so what began earlier is over
                    "start": {"$gt": begin - _LONGEST, "$lt": end},
                    "end": {"$gt": begin},
                    "claims": {"$exists": True},
                },
                {"_id": 0, "start": 1, "end": 1, "status": 1},
                hint="of_doctor",
            ).sort(BY_START)
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
        where: Document = {**_NOT_HELD, **{name: value for name, value in given if value}}
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
        index = "of_patient" if patient_id else "of_doctor" if doctor_id else "by_status" if status else "by_start"
        found = self._appointments.find(where, _UNSHOWN, hint=index, limit=limit)
        return list(found.sort([("start", DESCENDING), ("_id", DESCENDING)]))

    def due(self, ended_by: datetime, limit: int) -> list[Document]:
        """Appointments that ended by then and that nobody settled, the longest due first."""
        found = self._appointments.find(
            {"status": {"$in": FALL_DUE}, "end": {"$lte": ended_by}}, _UNSHOWN, hint="due", limit=limit
        )
        return list(found.sort("end", ASCENDING))

    def lapsed(self, now: datetime, limit: int) -> list[Document]:
        """Requests that have lapsed by now and that nobody cancelled, the longest due first."""
        found = self._appointments.find({"lapsesAt": {"$lte": now}}, _UNSHOWN, hint="lapses", limit=limit)
        return list(found.sort("lapsesAt", ASCENDING))

    def active_of(self, user_id: str, since: datetime | None, session: ClientSession) -> list[Document]:
        """The user's active appointments, as patient or doctor, that start after ``since`` (None: all)."""
        found: list[Document] = []
        for field, index in _OF_PERSON:
            where: Document = {field: user_id, "status": {"$in": list(ACTIVE)}}
            if since:
                where["start"] = {"$gt": since}
            found += self._appointments.find(where, _UNSHOWN, hint=index, session=session)
        return found

    def all_of(self, user_id: str) -> Iterator[Document]:
        """All of the user's appointments, as patient or doctor, with their history, earliest start first."""
        for field, index in _OF_PERSON:
            yield from self._appointments.find({field: user_id, **_NOT_HELD}, _NEVER_SHOWN, hint=index).sort(BY_START)

    def apply(self, transition: Transition, session: ClientSession | None = None) -> Document | None:
        """Make the change; the appointment after it, or None if it was changed by another meanwhile.

        Raises SlotTaken or PatientBusy if it claims time that is held.
        """
        with _told_apart():
            return update_and_read(self._appointments, transition.condition(), transition.update(), session=session)

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

        A doctor's specialty is the doctor's own text.

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
        for field, index in _OF_PERSON:
            self._appointments.update_many(
                {field: user_id},
                [
                    {
                        "$set": {
                            field: None,
                            **({"specialty": None} if field == "doctorId" else {}),
                            "reason": None,
                            "version": {"$add": ["$version", 1]},
                            "history": {"$map": {"input": "$history", "as": "entry", "in": entry}},
                        }
                    }
                ],
                hint=index,
                session=session,
            )


@contextmanager
def _told_apart() -> Iterator[None]:
    """Whose time the claims' index refused: the doctor's is SlotTaken, the patient's PatientBusy."""
    try:
        yield
    except DuplicateKeyError as error:
        # keys are inserted in their order, so where both are busy it is the doctor's `d:` that is told of
        claim = (error.details or {})["keyValue"]["claims"]
        raise (errors.SlotTaken if collided(claim) == "doctor" else errors.PatientBusy) from None
