"""The composition root: builds doctor-service from its Config, for every process and test."""

from dataclasses import dataclass

from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database
from chassis.snapshots import Snapshot
from doctor_service import events, store
from doctor_service.config import Config
from doctor_service.service import Cards, Doctors, Follows


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    doctors: Doctors
    cards: Cards
    follows: Follows
    snapshot: Snapshot


def migrator(database: Database) -> Migrator:
    """What brings the database up to date, or back."""
    return Migrator(database, "doctor_service.migrations", store.INDEXES)


def build(config: Config) -> Built:
    """Connect, bring the database up to date, and make the service."""
    database = Database(config.mongodb_uri, events.SOURCE)
    migrator(database).up()
    doctors, follows = store.DoctorStore(database), store.FollowStore(database)
    return Built(
        config,
        database,
        Inbox(database),
        doctors=Doctors(database, store=doctors, follows=follows, clock=now),
        cards=Cards(store=doctors),
        follows=Follows(database, store=follows, doctors=doctors, clock=now),
        snapshot=Snapshot(database, store.DOCTORS, events.doctor_as_updated),
    )
