"""The worker process: ``celery -A scheduler_service.worker worker``."""

from typing import Any

from celery import bootsteps
from celery.signals import worker_shutting_down
from celery.worker.consumer import Consumer

from chassis.heartbeat import EVERY_SECONDS, Heartbeat
from scheduler_service.bootstrap import build
from scheduler_service.broker import log_through_chassis
from scheduler_service.config import Config
from scheduler_service.tasks import register

config = Config.read_or_exit()
log_through_chassis(config, "worker")
# here and not in a signal of each child: the pool is one of threads, so nothing forks after the client is made
built = build(config)
app = built.celery
register(app, built.jobs)
worker_shutting_down.connect(lambda **_: built.jobs.stop(), weak=False)


class TaskConsumer(Consumer):
    """Celery's consumer without what this worker has no use for: news of other workers, and the 28 queues of delayed
    delivery that Celery declares wherever it finds a quorum queue (no task here has an ETA).
    """

    class Blueprint(Consumer.Blueprint):
        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(
            *args, **{**options, "without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        )


class Beating(bootsteps.StartStopStep):
    """Touches HEARTBEAT_FILE from the worker's event loop, so only while that is connected and turns."""

    requires = ("celery.worker.components:Timer",)

    def start(self, worker: Any) -> None:
        heartbeat = Heartbeat(config.heartbeat_file)
        worker.timer.call_repeatedly(EVERY_SECONDS, heartbeat.beat)


app.conf.worker_consumer = TaskConsumer
app.steps["worker"].add(Beating)
