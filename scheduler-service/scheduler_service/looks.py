"""What the relay of scheduler-service looks at besides outboxes and queues: jobs, and mail that waits."""

from prometheus_client import Gauge

from chassis.mongo import Database, DatabaseClock
from chassis.relay.looking import Look
from scheduler_service import store

LAST_SUCCESS = Gauge("job_last_success_timestamp_seconds", "When a run of the job last succeeded.", ["name"])
PERIOD = Gauge("job_period_seconds", "How often the job is to run.", ["name"])
FAILURES = Gauge("job_failures_in_a_row", "Runs of the job that failed since one succeeded.", ["name"])
WAITING = Gauge("mails_waiting", "Mails that are to be sent, those that wait for another attempt included.")
WAITED = Gauge("mails_waiting_oldest_seconds", "How long the oldest of them has waited.")


def looks(database: Database) -> list[Look]:
    """What its relay looks at besides outboxes and queues."""
    runs, mails, clock = store.Runs(database), store.Mails(database), DatabaseClock(database)

    def at_jobs() -> None:
        for job in runs.records():
            PERIOD.labels(job["_id"]).set(job["everySeconds"])
            FAILURES.labels(job["_id"]).set(job["failuresInARow"])
            if job["lastSuccessAt"]:
                LAST_SUCCESS.labels(job["_id"]).set(job["lastSuccessAt"].timestamp())

    def at_mails() -> None:
        waiting, oldest = mails.waiting()
        WAITING.set(waiting)
        WAITED.set((clock() - oldest).total_seconds() if oldest else 0)

    return [
        Look(at_jobs, labelled=(LAST_SUCCESS, PERIOD, FAILURES)),
        Look(at_mails, single=(WAITING, WAITED)),
    ]
