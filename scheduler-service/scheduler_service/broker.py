"""The task queue: Celery over RabbitMQ as this service uses it."""

import logging
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import setup_logging
from kombu import Connection, Exchange, Queue
from kombu.exceptions import KombuError

from chassis import amqp, context, logs, telemetry, tracing
from chassis.errors import ServiceUnavailable
from scheduler_service import events
from scheduler_service.config import Config

log = structlog.get_logger(__name__)

QUEUE = "scheduler-service.runs"
RINGS = "scheduler-service.rings"
RUN_SCHEDULED = "scheduler_service.run_scheduled"
RUN_QUEUED = "scheduler_service.run_queued"
DELIVERY_LIMIT = 100
_LONGEST_PAUSE_SECONDS = 5


class _PatientConnection(Connection):
    """Looks for a broker that is away every five seconds at the latest; kombu would let it become thirty."""

    def _ensure_connection(
        self,
        errback: Any = None,
        max_retries: int | None = None,
        interval_start: float = 2,
        interval_step: float = 2,
        interval_max: float = 30,
        *more: Any,
        **options: Any,
    ) -> Any:
        # kombu itself gives these by position and by name
        longest = min(interval_max, _LONGEST_PAUSE_SECONDS)
        return super()._ensure_connection(
            errback, max_retries, interval_start, interval_step, longest, *more, **options
        )


class _Amqp(AMQP):
    Connection = _PatientConnection


def celery_app(config: Config) -> Celery:
    """The Celery app that web, worker and beat share: quorum queues, no results.

    What was asked for is never lost. A ring that nobody took expires, and the next one does; so rings have a queue of
    their own, where none waits behind a message that stays, and without dead letters, where expired ones would go.
    """
    app = Celery(events.SOURCE, amqp=_Amqp)
    app.conf.update(
        broker_url=config.amqp_url,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"confirm_publish": True, "read_timeout": 10, "write_timeout": 10},
        task_queues=[
            # a message that kills its worker each time ends among the dead letters
            _queue(QUEUE, {**amqp.queue_arguments(events.SOURCE), "x-delivery-limit": DELIVERY_LIMIT}),
            _queue(RINGS, {"x-queue-type": "quorum"}),
        ],
        task_default_queue=QUEUE,
        task_default_exchange=QUEUE,
        task_default_routing_key=QUEUE,
        task_create_missing_queues=False,
        task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
        # what is not finished when its worker dies is delivered again; the claims in the database make that harmless
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_detect_quorum_queues=True,
        # Results are in the database, where the claims are.
        result_backend=None,
        task_ignore_result=True,
        accept_content=["json"],
        task_serializer="json",
        # One process that never forks: MongoClient is not fork-safe, and a job waits for others most of its time. The
        # event loop goes on while a job runs, so that broker heartbeats and ours tell the truth.
        worker_pool="threads",
        worker_concurrency=1,
        worker_enable_remote_control=False,
        enable_utc=True,
        timezone="UTC",
    )
    return app


def _queue(name: str, arguments: dict[str, Any]) -> Queue:
    exchange = Exchange(name, type="direct", durable=True)
    return Queue(name, exchange, routing_key=name, durable=True, queue_arguments=arguments)


def log_through_chassis(config: Config, process: str) -> None:
    """Keep Celery from setting up logging of its own, and from two lines for each task, every few seconds.

    What is worth a line the use cases say.
    """
    for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy"):
        logging.getLogger(name).setLevel(logging.WARNING)

    def configure(**_: Any) -> None:
        logs.configure(events.SOURCE, process, config.log_level)

    telemetry.begin(config, events.SOURCE, process)
    setup_logging.connect(configure, weak=False)


class RunQueue:
    """Puts runs before the worker."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def put(self, run_id: str) -> None:
        """Returns once the broker has the message safe. Raises ServiceUnavailable if it is away."""
        try:
            self._app.send_task(
                RUN_QUEUED,
                kwargs={"run_id": run_id, "request_id": context.request_id()},
                headers={tracing.HEADER: span} if (span := tracing.traceparent()) else None,
                retry=True,
                confirm_timeout=5,
            )
        except (KombuError, AMQPError, OSError) as error:
            log.warning("broker away", error=repr(error))
            raise ServiceUnavailable from None
