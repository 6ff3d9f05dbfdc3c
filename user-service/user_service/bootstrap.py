"""The composition root: builds user-service from its Config, for every process and test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database
from chassis.tombstones import Tombstones
from user_service import events, store
from user_service.config import Config
from user_service.service import Service
from user_service.service.accounts import Accounts
from user_service.service.audit import Audit
from user_service.service.erasures import Erasures
from user_service.service.profiles import Profiles
from user_service.service.relations import Relations


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    service: Service


def build(config: Config) -> Built:
    """Connect, bring the database up to date, and make the service."""
    database = Database(config.mongodb_uri, events.SOURCE)
    Migrator(database, "user_service.migrations", store.INDEXES).up()
    return Built(config, database, Inbox(database), make_service(config, database, now))


def make_service(config: Config, database: Database, clock: Callable[[], datetime]) -> Service:
    """The use cases, by this clock."""
    users, relations = store.users.Users(database), store.relations.Relations(database)
    tombstones = Tombstones(database)
    entries = store.audit.Entries(database)
    audit = Audit(entries=entries, users=users, tombstones=tombstones, clock=clock)
    profiles = Profiles(database, users=users, tombstones=tombstones, clock=clock)
    return Service(
        profiles=profiles,
        accounts=Accounts(
            profiles,
            users=users,
            tombstones=tombstones,
            window=timedelta(days=config.account_recovery_days),
            clock=clock,
        ),
        erasures=Erasures(
            database,
            users=users,
            relations=relations,
            erasures=store.erasures.Erasures(database),
            tombstones=tombstones,
            clock=clock,
        ),
        relations=Relations(relations=relations, tombstones=tombstones),
        audit=audit,
    )
