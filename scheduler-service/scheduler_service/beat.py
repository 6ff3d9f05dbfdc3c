"""The beat process: ``celery -A scheduler_service.beat beat``. It only rings; the worker claims and does the work."""

from datetime import UTC, datetime
from typing import Any

from celery.beat import BeatLazyFunc, PersistentScheduler

from chassis.clock import instant_text
from chassis.heartbeat import EVERY_SECONDS, Heartbeat
from scheduler_service.broker import RUN_SCHEDULED, celery_app, log_through_chassis
from scheduler_service.config import Config
from scheduler_service.domain import slot_of

config = Config.read_or_exit()
log_through_chassis(config, "beat")
app = celery_app(config)


def present_slot(every_seconds: int) -> str:
    """The slot of time that it is now; two beats name the same, and the second to claim it finds it taken."""
    return instant_text(slot_of(datetime.now(UTC), every_seconds))


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
            "args": (job, BeatLazyFunc(present_slot, every_seconds)),
            # a worker that comes back after an hour has no use for the slots that passed
            "options": {"expires": max(every_seconds, 30)},
        }
        for job, every_seconds in config.every_seconds().items()
    },
)
