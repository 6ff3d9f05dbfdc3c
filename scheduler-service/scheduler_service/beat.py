"""The beat process: ``celery -A scheduler_service.beat beat``. It only rings; the worker claims and does the work."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.beat import Scheduler
from celery.schedules import schedule

from chassis.heartbeat import EVERY_SECONDS, Heartbeat
from scheduler_service import metrics
from scheduler_service.broker import RINGS, RUN_SCHEDULED, celery_app, log_through_chassis
from scheduler_service.config import Config

config = Config.read_or_exit()
log_through_chassis(config, "beat")
app = celery_app(config)

_BEGAN = datetime.now(UTC) - timedelta(seconds=time.monotonic())
_LONG_AGO = datetime.fromtimestamp(0, UTC)


def _steady_now() -> datetime:
    """Counted from the start, so that nobody who sets this host's clock back silences it."""
    return _BEGAN + timedelta(seconds=time.monotonic())


class BeatingScheduler(Scheduler):
    """Touches HEARTBEAT_FILE each time the loop turns.

    It keeps no file that could be lost or torn: it rings for every job as it starts, and the database knows which have
    had their turn.
    """

    _heartbeat = Heartbeat(config.heartbeat_file)

    def tick(self, *args: Any, **options: Any) -> Any:
        pause = super().tick(*args, **options)
        self._heartbeat.beat()
        return pause

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        super().apply_entry(entry, producer=producer)
        metrics.RINGS.labels(entry.name).inc()


app.conf.update(
    beat_scheduler=BeatingScheduler,
    beat_max_loop_interval=EVERY_SECONDS,
    beat_schedule={
        job: {
            "task": RUN_SCHEDULED,
            "schedule": schedule(every_seconds, nowfun=_steady_now),
            "last_run_at": _LONG_AGO,
            "args": (job,),
            # A worker that comes back after an hour has no use for the rings that passed. By the broker's clock:
            # Celery's own `expires` is an instant of this host's, and a worker's clock may be ahead of it.
            "options": {"queue": RINGS, "expiration": max(every_seconds, 30)},
        }
        for job, every_seconds in config.every_seconds().items()
    },
)
