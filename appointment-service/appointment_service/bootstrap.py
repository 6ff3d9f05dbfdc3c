"""The composition root: builds appointment-service from its Config, for every process and test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appointment_service import events, store
from appointment_service.config import Config
from appointment_service.service import AppointmentService, People
from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    service: AppointmentService
    people: People


def build(config: Config, clock: Callable[[], datetime] = now) -> Built:
    """Connect, bring the database up to date, and make the service."""
    database = Database(config.mongodb_uri, events.SOURCE)
    Migrator(database, "appointment_service.migrations", store.INDEXES).up()
    appointments, calendars = store.AppointmentStore(database), store.CalendarStore(database)
    return Built(
        config,
        database,
        Inbox(database),
        service=AppointmentService(
            store=appointments,
            calendars=calendars,
            clock=clock,
            require_verified_email=config.require_verified_email,
        ),
        people=People(database, appointments=appointments, calendars=calendars, clock=clock),
    )
