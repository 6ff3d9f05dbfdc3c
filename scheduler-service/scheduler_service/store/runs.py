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
from scheduler_service.store.indexes import RUNS


class Runs:
    """The only place that talks to the ``runs`` collection."""

    def __init__(self, database: Database) -> None:
        self._runs = database[RUNS]

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

    def give_up(self, job: str, now: datetime, error: str) -> int:
        """Fail the runs that nobody will ever finish; how many.

        A scheduled run of this job as soon as its lease is over, for the next one takes its place. One that was asked
        for comes again by its message, unless that is lost, too.
        """
        scheduled = {"job": job, "trigger": "schedule", "leaseUntil": {"$lte": now}}
        ended = self._runs.update_many(
            {"$or": [{"leaseUntil": {"$lt": now - GIVEN_UP_AFTER}}, scheduled]},
            {
                "$set": {"status": RunStatus.FAILED, "finishedAt": now, "error": error, "claim": None},
                "$unset": {"leaseUntil": ""},
            },
        )
        return ended.modified_count

    def record_of(self, job: str) -> Document:
        """{lastSuccessAt, failuresInARow} of a job: when a run last succeeded, and how many failed since, to 100."""
        newest = [("queuedAt", DESCENDING), ("_id", DESCENDING)]
        success = self._runs.find_one({"job": job, "status": RunStatus.SUCCEEDED}, sort=newest)
        since = {"queuedAt": {"$gt": success["queuedAt"]}} if success else {}
        failed = {"job": job, "status": RunStatus.FAILED, **since}
        return {
            "lastSuccessAt": success and success["finishedAt"],
            "failuresInARow": self._runs.count_documents(failed, limit=100, hint="of_job"),
        }

    def forget_person(self, user_id: str, session: ClientSession) -> None:
        """Keep the runs that a person asked for, but not who it was."""
        self._runs.update_many(
            {"requestedBy": user_id, "trigger": "manual"}, {"$set": {"requestedBy": None}}, session=session
        )

    def asked_for_by(self, user_id: str) -> list[Document]:
        """The runs that a person asked for, oldest first."""
        found = self._runs.find({"requestedBy": user_id, "trigger": "manual"})
        return sorted(found, key=lambda run: (run["queuedAt"], run["_id"]))
