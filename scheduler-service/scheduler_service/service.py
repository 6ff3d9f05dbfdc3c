"""scheduler-service's use cases: jobs that run on time or when asked, and what each of them does."""

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Event
from typing import Any

import structlog
from pymongo.client_session import ClientSession

from chassis.clock import new_id
from chassis.errors import AppError, InternalError, ServiceUnavailable, TokenInvalid
from chassis.export import told
from chassis.mongo import Database, Document
from chassis.paging import decode_cursor, page
from chassis.rpc import Question, RpcClient
from chassis.tombstones import Tombstones
from scheduler_service import calls, events, metrics
from scheduler_service.broker import RunQueue
from scheduler_service.domain import JOBS, LEASE, MANY_FAILURES, RUNS_KEPT, Job, RunStatus, kept_until, slot_of
from scheduler_service.errors import JobNotFound, RunBusy, RunLost
from scheduler_service.store import Runs

log = structlog.get_logger(__name__)

Result = dict[str, int | str]
StillWorking = Callable[[], bool]
"""Called after each step of a run: keeps its lease, and says whether to go on. Raises RunLost if the run is."""

_BATCH = 100
_MOST_BATCHES = 50


class Jobs:
    """Jobs and their runs. Each run is claimed in the database, and by its clock, so that two beats, two workers, a
    message that comes again or hosts whose clocks differ do its work once. No job runs beside itself.
    """

    def __init__(
        self,
        every_seconds: dict[str, int],
        *,
        database: Database,
        runs: Runs,
        tombstones: Tombstones,
        queue: RunQueue,
        rpc: RpcClient,
        send_reminders: Callable[[StillWorking], Result],
        deliver: Callable[[StillWorking], Result],
        clock: Callable[[], datetime],
    ) -> None:
        self._every_seconds = every_seconds
        self._database = database
        self._runs = runs
        self._tombstones = tombstones
        self._queue = queue
        self._rpc = rpc
        self._now = clock
        self._stopping = Event()
        self._steps: dict[str, Callable[[StillWorking], Result]] = {
            "purge-accounts": self._in_batches(calls.PURGE_DUE_ACCOUNTS),
            "chase-erasures": self._in_batches(calls.REANNOUNCE_LATE_ERASURES),
            "advance-appointments": self._in_batches(calls.ADVANCE_DUE),
            "expire-offers": self._in_batches(calls.EXPIRE_OFFERS),
            "send-reminders": send_reminders,
            "deliver-mail": deliver,
        }

    # what an admin asks

    def overview(self) -> list[Document]:
        """Every job with its last run, None if it never ran."""
        return [
            {
                "name": job.name,
                "description": job.description,
                "everySeconds": self._every_seconds[job.name],
                "lastRun": self._runs.last(job.name),
                **self._runs.record_of(job.name),
            }
            for job in JOBS.values()
        ]

    def runs_of(self, name: str, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page of a job's runs, newest first. Raises JobNotFound."""
        job = _job(name)
        after = decode_cursor(cursor, (datetime, str)) if cursor else None
        found = self._runs.of_job(job.name, limit + 1, after)
        return page(found, limit, lambda run: (run["queuedAt"], run["_id"]), lambda run: run)

    def start(self, name: str, requested_by: str) -> Document:
        """Have a job run as soon as a worker is free; its run.

        Raises JobNotFound, ServiceUnavailable, and TokenInvalid for an admin who was erased.
        """
        run = self._new_run(_job(name), RunStatus.QUEUED, requested_by=requested_by)
        run["outbox"] = [events.job_started(run["_id"], requested_by)]

        def add(session: ClientSession) -> None:
            if not self._tombstones.are_live([requested_by], session):
                raise TokenInvalid
            self._runs.add(run, session)

        self._database.transact(add)
        try:
            self._queue.put(run["_id"])
        except ServiceUnavailable as error:
            # the message may have arrived all the same: only a run that nobody took is ended here
            self._runs.give_up(run, self._now(), error.code)
            raise
        return run

    # what the worker is told

    def run_queued(self, run_id: str) -> None:
        """Do a run that was asked for. Raises RunBusy while another worker has it."""
        known = self._runs.get(run_id)
        if known is not None:
            self._end_lost(known["job"])
        run = self._runs.claim(run_id, new_id(), self._now())
        if run is not None:
            self._perform(run)
            return
        known = self._runs.get(run_id)
        if known is not None and known["status"] == RunStatus.RUNNING:
            raise RunBusy
        log.info("run is over", run=run_id)

    def run_scheduled(self, name: str) -> None:
        """Do a job's run for the present slot of time, unless that slot is taken or the job is running still."""
        self._end_lost(_job(name).name)
        slot = slot_of(self._now(), self._every_seconds[name])
        run = self._new_run(_job(name), RunStatus.RUNNING, slot=slot)
        if self._runs.add(run):
            self._perform(run)
        else:
            log.info("slot is taken, or the job is running", job=name)

    def stop(self) -> None:
        """Have the run that is going on end after its present step; the next one goes on where it ended."""
        self._stopping.set()

    def forget_person(self, user_id: str, session: ClientSession) -> None:
        self._runs.forget_person(user_id, session)

    def export_person(self, user_id: str) -> list[dict[str, Any]]:
        """The runs that a person asked for."""
        shown = ("job", "status", "queuedAt", "startedAt", "finishedAt")
        found = self._runs.asked_for_by(user_id)
        return [told({"id": run["_id"], **{key: run[key] for key in shown}}) for run in found]

    # steps

    def end_all(self) -> int:
        """End every run that is going on or queued, where no worker is; how many there were."""
        return self._give_up(self._runs.unfinished())

    def _end_lost(self, job: str) -> None:
        """End the runs whose worker is gone, so that they hold up no other."""
        self._give_up(self._runs.lost(job, self._now()))

    def _give_up(self, runs: Iterable[Document]) -> int:
        ended = 0
        for run in runs:
            if self._runs.give_up(run, self._now(), RunLost.code):
                log.error("run was lost", job=run["job"], run=run["_id"])
                self._count(run["job"], RunLost.code)
                metrics.RUNS.labels(run["job"], "lost").inc()
                ended += 1
        return ended

    def _perform(self, run: Document) -> None:
        def still_working() -> bool:
            if not self._runs.renew(run, self._now()):
                raise RunLost
            return not self._stopping.is_set()

        began = time.monotonic()
        try:
            result = self._steps[run["job"]](still_working)
        except AppError as error:
            log.warning("job failed", job=run["job"], run=run["_id"], code=error.code)
            self._finish(run, RunStatus.FAILED, began, error=error.code)
        except Exception:
            log.exception("job failed", job=run["job"], run=run["_id"])
            self._finish(run, RunStatus.FAILED, began, error=InternalError.code)
        else:
            self._finish(run, RunStatus.SUCCEEDED, began, result=result)

    def _finish(
        self,
        run: Document,
        status: RunStatus,
        began: float,
        *,
        result: Result | None = None,
        error: str | None = None,
    ) -> None:
        now = self._now()
        keep = kept_until(JOBS[run["job"]], scheduled=run["trigger"] == "schedule", result=result, now=now)
        if self._runs.finish(run, status, now, keep, result=result, error=error):
            self._count(run["job"], error)
            metrics.RUNS.labels(run["job"], status.lower()).inc()
            metrics.RUN_SECONDS.labels(run["job"]).observe(time.monotonic() - began)
        if any((result or {}).values()):
            log.info("job done", job=run["job"], run=run["_id"], result=result)

    def _count(self, job: str, error: str | None) -> None:
        succeeded_at = self._now() if error is None else None
        failures = self._runs.count(job, self._every_seconds[job], succeeded_at)
        if failures >= MANY_FAILURES:
            log.error("job keeps failing", alarm="JobFailing", job=job, failures=failures, code=error)

    def _new_run(
        self, job: Job, status: RunStatus, *, requested_by: str | None = None, slot: datetime | None = None
    ) -> Document:
        now = self._now()
        run: Document = {
            "_id": new_id(),
            "job": job.name,
            "trigger": "manual" if slot is None else "schedule",
            "requestedBy": requested_by,
            "status": status,
            "queuedAt": now,
            "startedAt": None if slot is None else now,
            "finishedAt": None,
            "result": None,
            "error": None,
            "claim": new_id(),
            "keepUntil": now + RUNS_KEPT,
        }
        if slot is None:
            return {**run, "leaseUntil": now}
        return {**run, "slot": slot, "leaseUntil": now + LEASE}

    def _in_batches(self, question: Question) -> Callable[[StillWorking], Result]:
        """A step that asks until an answer is not full, 50 times at most (the next run goes on); their sum."""

        def step(still_working: StillWorking) -> Result:
            total: dict[str, int] = {}
            for _ in range(_MOST_BATCHES):
                counts: dict[str, int] = question.ask(self._rpc, limit=_BATCH)
                total |= {name: total.get(name, 0) + count for name, count in counts.items()}
                if sum(counts.values()) < _BATCH or not still_working():
                    break
            return dict(total)

        return step


def _job(name: str) -> Job:
    if name not in JOBS:
        raise JobNotFound
    return JOBS[name]
