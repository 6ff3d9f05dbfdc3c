"""scheduler-service's documents, indexes and questions."""

from scheduler_service.store.indexes import INDEXES, OUTBOXES
from scheduler_service.store.mails import Mails
from scheduler_service.store.projected import Projected
from scheduler_service.store.reminders import Heard, Reminders
from scheduler_service.store.runs import Runs

__all__ = ["INDEXES", "OUTBOXES", "Heard", "Mails", "Projected", "Reminders", "Runs"]
