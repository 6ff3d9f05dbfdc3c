"""The tasks: what a message on the task queue makes the worker do."""

import time
from typing import Any

from celery import Celery
from celery.exceptions import Reject

from chassis import context, tracing
from chassis.mongo import is_away
from scheduler_service.broker import RUN_QUEUED, RUN_SCHEDULED
from scheduler_service.errors import RunBusy
from scheduler_service.service import Jobs

PAUSE_SECONDS = 5.0
"""Before a message goes back to the queue: with the delivery limit of 100 it outlasts a lease of two minutes."""


def register(app: Celery, jobs: Jobs) -> None:
    """Give the worker its two tasks. Both are safe to repeat: the run, or its slot of time, is claimed first.

    Which slot that is the database's clock says, and not beat's: a beat of the version before names one besides.
    """

    @app.task(name=RUN_SCHEDULED)
    def run_scheduled(job: str, _slot: str | None = None) -> None:
        # the database's absence is not waited for here: the next slot comes by itself
        with context.bound(None), tracing.span(f"job {job}", "consumer"):
            jobs.run_scheduled(job)

    @app.task(name=RUN_QUEUED, bind=True)
    def run_queued(task: Any, run_id: str, request_id: str | None = None) -> None:
        with context.bound(request_id), tracing.span("job on request", "consumer", task.request.get(tracing.HEADER)):
            try:
                jobs.run_queued(run_id)
            except Exception as error:
                if not (isinstance(error, RunBusy) or is_away(error)):
                    raise
                # no retry with a countdown: that would be a message for later, which a quorum queue can't hold
                time.sleep(PAUSE_SECONDS)
                raise Reject(repr(error), requeue=True) from None
