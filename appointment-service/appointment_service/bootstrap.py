"""The composition root: builds appointment-service from its Config, for every process and test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pymongo.client_session import ClientSession

from appointment_service import events, store
from appointment_service.config import Config
from appointment_service.service import (
    Analytics,
    AppointmentService,
    Booking,
    Feeds,
    Openings,
    People,
    Requests,
    Waitlist,
)
from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database
from chassis.snapshots import Snapshot


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    booking: Booking
    service: AppointmentService
    waitlist: Waitlist
    openings: Openings
    requests: Requests
    feeds: Feeds
    analytics: Analytics
    people: People
    snapshot: Snapshot
    next_available_snapshot: Snapshot

    def doctor_updated(self, event: events.DoctorUpdated, session: ClientSession) -> None:
        # who has an older event, or one of somebody erased, has nothing to find out from it
        if self.people.doctor_updated(event, session):
            self.openings.doctor_updated(event, session)
            self.analytics.doctor_updated(event, session)

    def account_closed(self, event: events.UserStatus, *, suspended: bool, session: ClientSession) -> None:
        close = self.people.user_suspended if suspended else self.people.user_deactivated
        close(event, session)
        self.found_anew(event.user_id, session)

    def account_opened(self, event: events.UserStatus, session: ClientSession) -> None:
        self.people.account_opened(event, session)
        self.found_anew(event.user_id, session)

    def found_anew(self, user_id: str, session: ClientSession) -> None:
        """What follows from a user's account and calendar, which are another and stored already."""
        self.openings.account_changed(user_id, session)
        self.analytics.account_changed(user_id, session)


def migrator(database: Database) -> Migrator:
    """What brings the database up to date, or back."""
    return Migrator(database, "appointment_service.migrations", store.INDEXES)


def build(config: Config, clock: Callable[[], datetime] = now) -> Built:
    """Connect, bring the database up to date, and make the service."""
    database = Database(config.mongodb_uri, events.SOURCE)
    migrator(database).up()
    appointments, calendars = store.AppointmentStore(database), store.CalendarStore(database)
    waitlist = Waitlist(
        database,
        waitlist=store.WaitlistStore(database),
        holds=store.HoldStore(database),
        calendars=calendars,
        clock=clock,
        offer_seconds=config.offer_seconds,
        require_verified_email=config.require_verified_email,
    )
    requests = Requests(database, requests=store.RequestStore(database), clock=clock)
    feeds = Feeds(
        database,
        feeds=store.FeedStore(database),
        appointments=appointments,
        calendars=calendars,
        clock=clock,
        public_url=config.public_url,
    )
    analytics = Analytics(database, analytics=store.AnalyticsStore(database), calendars=calendars, clock=clock)
    return Built(
        config,
        database,
        Inbox(database),
        booking=Booking(
            appointments=appointments,
            calendars=calendars,
            clock=clock,
            require_verified_email=config.require_verified_email,
        ),
        service=AppointmentService(
            database, appointments=appointments, calendars=calendars, waitlist=waitlist, clock=clock
        ),
        waitlist=waitlist,
        openings=Openings(openings=store.OpeningStore(database), appointments=appointments, clock=clock),
        requests=requests,
        feeds=feeds,
        analytics=analytics,
        people=People(
            database,
            appointments=appointments,
            calendars=calendars,
            waitlist=waitlist,
            forgetful=[requests, feeds, analytics],
            clock=clock,
        ),
        snapshot=Snapshot(database, store.APPOINTMENTS, events.appointment_as_told),
        next_available_snapshot=Snapshot(database, store.CALENDARS, events.next_available_as_told),
    )
