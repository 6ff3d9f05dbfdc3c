"""What appointment-service counts of what people do; what the suite itself changes is told by events alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter

from appointment_service.domain.appointment import Action
from chassis.errors import AppError

CHANGES = Counter("appointment_changes_total", "Changes that people made to appointments.", ["action", "by"])
REFUSED = Counter(
    "appointment_changes_refused_total", "Changes refused for what is so already, by the code.", ["action", "code"]
)

_CONFLICT = 409


@contextmanager
def changing(action: Action, by: str) -> Iterator[None]:
    """Count what becomes of a change, which is the block, its commit included."""
    try:
        yield
    except AppError as error:
        if error.status == _CONFLICT:
            REFUSED.labels(action, error.code).inc()
        raise
    CHANGES.labels(action, by).inc()
