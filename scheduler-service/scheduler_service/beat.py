"""The beat process: ``celery -A scheduler_service.beat beat``. It only rings; the worker claims and does the work."""

from typing import Any

from celery.beat import PersistentScheduler

from chassis.heartbeat import EVERY_SECONDS, Heartbeat
from scheduler_service.broker import RUN_SCHEDULED, celery_app, log_through_chassis
from scheduler_service.config import Config

config = Config.read_or_exit()
log_through_chassis(config, "beat")
app = celery_app(config)


class BeatingScheduler(PersistentScheduler):
    """Touches HEARTBEAT_FILE each time the loop turns. It keeps when each job rang last, over restarts."""

    _heartbeat = Heartbeat(config.heartbeat_file)

    def tick(self, *args: Any, **options: Any) -> Any:
        pause = super().tick(*args, **options)
        self._heartbeat.beat()
        return pause


app.conf.update(
    beat_scheduler=BeatingScheduler,
    beat_max_loop_interval=EVERY_SECONDS,
    beat_schedule={
        job: {
            "task": RUN_SCHEDULED,
            "schedule": every_seconds,
            "args": (job,),
            # A worker that comes back after an hour has no use for the rings that passed. By the broker's clock:
            # Celery's own `expires` is an instant of this host's, and a worker's clock may be ahead of it.
            "options": {"expiration": max(every_seconds, 30)},
        }
        for job, every_seconds in config.every_seconds().items()
    },
)
