"""Runs of jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import DESCENDING, ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from chassis.mongo import Database, Document
from scheduler_service.domain import GIVEN_UP_AFTER, LEASE, RunStatus
from scheduler_service.errors import RunBusy
from scheduler_service.store.indexes import JOBS, RUNS


class Runs:
    """The only place that talks to the ``runs`` and ``jobs`` collections."""

    def __init__(self, database: Database) -> None:
        self._runs = database[RUNS]
        self._jobs = database[JOBS]

    def add(self, run: Document, session: ClientSession | None = None) -> bool:
        """False if there is a run of this job for this slot already, or one that is going on."""
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
            # the bound that the index needs: it would be read from its beginning for the alternatives alone
            query["queuedAt"] = {"$lte": after[0]}
            query["$or"] = [{"queuedAt": {"$lt": after[0]}}, {"queuedAt": after[0], "_id": {"$lt": after[1]}}]
        return list(self._runs.find(query).sort([("queuedAt", DESCENDING), ("_id", DESCENDING)]).limit(limit))

    def claim(self, run_id: str, claim: str, now: datetime) -> Document | None:
        """Take a run that is queued, or whose worker has been silent for too long; None if it is neither.

        Raises RunBusy while another run of the same job is going on.
        """
        try:
            return self._runs.find_one_and_update(
                {"_id": run_id, "$or": [{"status": RunStatus.QUEUED}, {"leaseUntil": {"$lte": now}}]},
                {"$set": {"status": RunStatus.RUNNING, "startedAt": now, "leaseUntil": now + LEASE, "claim": claim}},
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            # another run of this job is going on
            raise RunBusy from None

    def renew(self, run: Document, now: datetime) -> bool:
        """Say that the run is still being worked on; False if it was given up or taken over."""
        mine = {"_id": run["_id"], "claim": run["claim"]}
        return bool(self._runs.update_one(mine, {"$set": {"leaseUntil": now + LEASE}}).matched_count)

    def finish(
        self,
        run: Document,
        status: RunStatus,
        now: datetime,
        keep_until: datetime,
        *,
        result: Document | None = None,
        error: str | None = None,
    ) -> bool:
        """Record the end of a run; False if it was given up or taken over."""
        ended = self._runs.update_one(
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
        return bool(ended.matched_count)

    def lost(self, job: str, now: datetime) -> list[Document]:
        """Up to 100 runs that nobody will ever finish.

        A scheduled run of this job as soon as its lease is over, for the next one takes its place. One that was asked
        for comes again by its message, unless that is lost, too.
        """
        scheduled = {"job": job, "trigger": "schedule", "leaseUntil": {"$lte": now}}
        return list(self._runs.find({"$or": [{"leaseUntil": {"$lt": now - GIVEN_UP_AFTER}}, scheduled]}).limit(100))

    def unfinished(self) -> list[Document]:
        return list(self._runs.find({"leaseUntil": {"$exists": True}}))

    def give_up(self, run: Document, now: datetime, error: str) -> bool:
        """Fail a run whose lease is still what it was as it was read; False if somebody was at it since."""
        ended = self._runs.update_one(
            {"_id": run["_id"], "leaseUntil": run["leaseUntil"]},
            {
                "$set": {"status": RunStatus.FAILED, "finishedAt": now, "error": error, "claim": None},
                "$unset": {"leaseUntil": ""},
            },
        )
        return bool(ended.matched_count)

    def count(self, job: str, every_seconds: int, succeeded_at: datetime | None) -> int:
        """Note how a run of the job ended, None for a failure; how many have failed in a row now."""
        change: Document = {"$set": {"everySeconds": every_seconds}}
        if succeeded_at is None:
            change |= {"$inc": {"failuresInARow": 1}, "$setOnInsert": {"lastSuccessAt": None}}
        else:
            change["$set"] |= {"lastSuccessAt": succeeded_at, "failuresInARow": 0}
        after = ReturnDocument.AFTER
        found = self._jobs.find_one_and_update({"_id": job}, change, upsert=True, return_document=after)
        assert found is not None, "it is made if it is not there"
        failures: int = found["failuresInARow"]
        return failures

    def records(self) -> list[Document]:
        """What is noted of every job (``jobs``)."""
        return list(self._jobs.find())

    def record_of(self, job: str) -> Document:
        """{lastSuccessAt, failuresInARow} of a job: when a run last succeeded, and how many have failed since."""
        found = self._jobs.find_one({"_id": job}) or {}
        return {"lastSuccessAt": found.get("lastSuccessAt"), "failuresInARow": found.get("failuresInARow", 0)}

    def forget_person(self, user_id: str, session: ClientSession) -> None:
        """Keep the runs that a person asked for, but not who it was."""
        self._runs.update_many(
            {"requestedBy": user_id, "trigger": "manual"}, {"$set": {"requestedBy": None}}, session=session
        )

    def asked_for_by(self, user_id: str) -> list[Document]:
        """The runs that a person asked for, oldest first."""
        found = self._runs.find({"requestedBy": user_id, "trigger": "manual"})
        return sorted(found, key=lambda run: (run["queuedAt"], run["_id"]))
