"""scheduler-service's documents, indexes and questions.

runs:  {_id, job, trigger, requestedBy, slot?, status, queuedAt, startedAt, finishedAt, result, error,
        claim, leaseUntil?, keepUntil, outbox?}
mails: {_id, userId, template, facts, appointmentId?, version?, status, attempts, createdAt, nextAttemptAt?, claim?,
        sentAt?, error?, keepUntil?}

``slot`` is there for a scheduled run only, ``leaseUntil`` until a run has ended: that of one that is QUEUED is over
from the start, so that one question finds all that are lost. ``nextAttemptAt`` is there as long
as a mail is to be sent: while it is SENDING it is the end of the lease. A mail never holds an address, a name or a
token.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis import inbox, outbox, tombstones
from chassis.mongo import Database, Document
from scheduler_service.domain import GIVEN_UP_AFTER, LEASE, MAILS_KEPT, MailStatus, RunStatus

RUNS = "runs"
MAILS = "mails"
OUTBOXES = (tombstones.COLLECTION, RUNS)

INDEXES = {
    RUNS: [
        IndexModel(
            [("job", ASCENDING), ("slot", ASCENDING)],
            name="slot_unique",
            unique=True,
            partialFilterExpression={"slot": {"$exists": True}},
        ),
        IndexModel([("job", ASCENDING), ("queuedAt", DESCENDING), ("_id", DESCENDING)], name="of_job"),
        IndexModel(
            [("leaseUntil", ASCENDING)], name="leases", partialFilterExpression={"leaseUntil": {"$exists": True}}
        ),
        IndexModel([("requestedBy", ASCENDING)], name="of_person", partialFilterExpression={"trigger": "manual"}),
        IndexModel([("keepUntil", ASCENDING)], name="retention", expireAfterSeconds=0),
        outbox.INDEX,
    ],
    MAILS: [
        IndexModel(
            [("nextAttemptAt", ASCENDING)], name="due", partialFilterExpression={"nextAttemptAt": {"$exists": True}}
        ),
        IndexModel([("userId", ASCENDING)], name="of_person"),
        IndexModel(
            [("appointmentId", ASCENDING), ("version", ASCENDING)],
            name="of_appointment",
            partialFilterExpression={"appointmentId": {"$exists": True}},
        ),
        IndexModel([("keepUntil", ASCENDING)], name="retention", expireAfterSeconds=0),
    ],
    inbox.COLLECTION: [inbox.INDEX],
    tombstones.COLLECTION: tombstones.INDEXES,
}


class Runs:
    """The only place that talks to the ``runs`` collection."""

    def __init__(self, database: Database) -> None:
        self._runs = database[RUNS]

    def add(self, run: Document, session: ClientSession | None = None) -> bool:
        """False if there is a run of this job for this slot already."""
        try:
            self._runs.insert_one(run, session=session)
        except DuplicateKeyError:
            return False
        return True

    def get(self, run_id: str) -> Document | None:
        return self._runs.find_one({"_id": run_id})

    def last(self, job: str) -> Document | None:
        return self._runs.find_one({"job": job}, sort=[("queuedAt", DESCENDING), ("_id", DESCENDING)])

    def of_job(self, job: str, limit: int, after: Sequence[Any] | None) -> list[Document]:
        """Up to ``limit`` runs, newest first, that come after the key (queuedAt, _id)."""
        query: Document = {"job": job}
        if after:
            query["$or"] = [{"queuedAt": {"$lt": after[0]}}, {"queuedAt": after[0], "_id": {"$lt": after[1]}}]
        return list(self._runs.find(query).sort([("queuedAt", DESCENDING), ("_id", DESCENDING)]).limit(limit))

    def claim(self, run_id: str, claim: str, now: datetime) -> Document | None:
        """Take a run that is queued, or whose worker has been silent for too long; None if it is neither."""
        return self._runs.find_one_and_update(
            {"_id": run_id, "$or": [{"status": RunStatus.QUEUED}, {"leaseUntil": {"$lte": now}}]},
            {"$set": {"status": RunStatus.RUNNING, "startedAt": now, "leaseUntil": now + LEASE, "claim": claim}},
            return_document=ReturnDocument.AFTER,
        )

    def renew(self, run: Document, now: datetime) -> None:
        """Say that the run is still being worked on."""
        self._runs.update_one({"_id": run["_id"], "claim": run["claim"]}, {"$set": {"leaseUntil": now + LEASE}})

    def finish(
        self,
        run: Document,
        status: RunStatus,
        now: datetime,
        keep_until: datetime,
        *,
        result: Document | None = None,
        error: str | None = None,
    ) -> None:
        """Record the end of a run, unless another worker has taken it over."""
        self._runs.update_one(
            {"_id": run["_id"], "claim": run["claim"]},
            {
                "$set": {
                    "status": status,
                    "finishedAt": now,
                    "result": result,
                    "error": error,
                    "keepUntil": keep_until,
                },
                "$unset": {"leaseUntil": ""},
            },
        )

    def give_up(self, now: datetime, error: str) -> int:
        """Fail the runs that nobody will ever finish; how many."""
        ended = self._runs.update_many(
            {"leaseUntil": {"$lt": now - GIVEN_UP_AFTER}},
            {
                "$set": {"status": RunStatus.FAILED, "finishedAt": now, "error": error, "claim": None},
                "$unset": {"leaseUntil": ""},
            },
        )
        return ended.modified_count

    def forget_person(self, user_id: str, session: ClientSession) -> None:
        """Keep the runs that a person asked for, but not who it was."""
        self._runs.update_many(
            {"requestedBy": user_id, "trigger": "manual"}, {"$set": {"requestedBy": None}}, session=session
        )

    def asked_for_by(self, user_id: str) -> list[Document]:
        """The runs that a person asked for, oldest first."""
        found = self._runs.find({"requestedBy": user_id, "trigger": "manual"})
        return sorted(found, key=lambda run: (run["queuedAt"], run["_id"]))


class Mails:
    """The only place that talks to the ``mails`` collection."""

    def __init__(self, database: Database) -> None:
        self._mails = database[MAILS]

    def add(self, mail: Document, session: ClientSession) -> None:
        """Add a mail unless it is there: a second insert would end the transaction."""
        rest = {key: value for key, value in mail.items() if key != "_id"}
        self._mails.update_one({"_id": mail["_id"]}, {"$setOnInsert": rest}, upsert=True, session=session)

    def knows_newer(self, appointment_id: str, version: int, session: ClientSession) -> bool:
        """Whether somebody was told of a later state of the appointment."""
        query = {"appointmentId": appointment_id, "version": {"$gt": version}}
        return self._mails.find_one(query, {"_id": 1}, session=session) is not None

    def of_person(self, user_id: str) -> list[Document]:
        """A person's mails, oldest first."""
        return sorted(self._mails.find({"userId": user_id}), key=lambda mail: (mail["createdAt"], mail["_id"]))

    def erase_person(self, user_id: str, session: ClientSession) -> None:
        self._mails.delete_many({"userId": user_id}, session=session)

    def claim_due(self, claim: str, now: datetime) -> Document | None:
        """Take the mail that is due for longest; one conditional update, so two senders never have the same."""
        return self._mails.find_one_and_update(
            {"nextAttemptAt": {"$lte": now}},
            {
                "$set": {"status": MailStatus.SENDING, "nextAttemptAt": now + LEASE, "claim": claim},
                "$inc": {"attempts": 1},
            },
            sort=[("nextAttemptAt", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )

    def sent(self, mail: Document, now: datetime) -> None:
        self._end(mail, MailStatus.SENT, now, {"sentAt": now, "error": None})

    def end(self, mail: Document, status: MailStatus, now: datetime, error: str) -> None:
        """Never try this mail again."""
        self._end(mail, status, now, {"error": error})

    def put_off(self, mail: Document, until: datetime, error: str | None, *, counted: bool) -> None:
        """Try again then; an attempt that was no fault of the mail's is not counted."""
        self._mails.update_one(
            {"_id": mail["_id"], "claim": mail["claim"]},
            {
                "$set": {"status": MailStatus.PENDING, "nextAttemptAt": until, "error": error, "claim": None},
                "$inc": {"attempts": 0 if counted else -1},
            },
        )

    def _end(self, mail: Document, status: MailStatus, now: datetime, fields: Document) -> None:
        self._mails.update_one(
            {"_id": mail["_id"], "claim": mail["claim"]},
            {
                "$set": {"status": status, "claim": None, "keepUntil": now + MAILS_KEPT, **fields},
                "$unset": {"nextAttemptAt": ""},
            },
        )
