"""What the relay of user-service looks at besides outboxes and queues: erasures."""

from datetime import timedelta

from prometheus_client import Gauge

from chassis.mongo import Database, DatabaseClock
from chassis.relay.looking import Look
from user_service.store.erasures import Erasures

LATE_AFTER = timedelta(hours=1)
"""As ``make alarms`` has it."""

PENDING = Gauge("erasures_pending", "People whose erasure is not complete: some receipt is not in.")
LATE = Gauge("erasures_late", "Those of them for whom it has lasted for more than an hour.")


def looks(database: Database) -> list[Look]:
    erasures, clock = Erasures(database), DatabaseClock(database)

    def at_erasures() -> None:
        PENDING.set(erasures.count_open())
        LATE.set(erasures.count_open(clock() - LATE_AFTER))

    return [Look(at_erasures, single=(PENDING, LATE))]
