"""The composition root: builds user-service from its Config, for every process and test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database
from chassis.rpc import RpcClient
from chassis.snapshots import Snapshot
from chassis.tombstones import Tombstones
from user_service import events, store
from user_service.config import Config
from user_service.ledger import Ledger
from user_service.service import Service
from user_service.service.accounts import Accounts
from user_service.service.audit import Audit
from user_service.service.erasures import Erasures
from user_service.service.exports import Exports
from user_service.service.patients import Patients
from user_service.service.profiles import Profiles
from user_service.service.relations import Relations


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    service: Service
    snapshot: Snapshot


def migrator(database: Database) -> Migrator:
    """What brings the database up to date, or back."""
    return Migrator(database, "user_service.migrations", store.INDEXES)


def build(config: Config) -> Built:
    """Connect, bring the database up to date, and make the service."""
    database = Database(config.mongodb_uri, events.SOURCE)
    migrator(database).up()
    snapshot = Snapshot(database, store.users.COLLECTION, events.user_as_told)
    return Built(config, database, Inbox(database), make_service(config, database, now), snapshot)


def make_service(config: Config, database: Database, clock: Callable[[], datetime]) -> Service:
    """The use cases, by this clock."""
    users, relations = store.users.Users(database), store.relations.Relations(database)
    verifications, erasures = store.verifications.Verifications(database), store.erasures.Erasures(database)
    tombstones = Tombstones(database)
    entries, patients = store.audit.Entries(database), store.patients.Patients(database)
    audit = Audit(entries=entries, users=users, tombstones=tombstones, clock=clock)
    rpc = RpcClient(config.amqp_url)
    profiles = Profiles(database, users=users, verifications=verifications, tombstones=tombstones, rpc=rpc, clock=clock)
    return Service(
        profiles=profiles,
        accounts=Accounts(
            database,
            profiles,
            audit,
            users=users,
            erasures=erasures,
            tombstones=tombstones,
            window=timedelta(days=config.account_recovery_days),
            clock=clock,
        ),
        erasures=Erasures(
            database,
            audit,
            users=users,
            verifications=verifications,
            entries=entries,
            relations=relations,
            patients=patients,
            erasures=erasures,
            tombstones=tombstones,
            ledger=Ledger(config.erasure_ledger) if config.erasure_ledger else None,
            patience=timedelta(seconds=config.erasure_reannounce_seconds),
            clock=clock,
        ),
        exports=Exports(
            profiles,
            audit,
            patients=patients,
            relations=relations,
            entries=entries,
            rpc=rpc,
            clock=clock,
        ),
        relations=Relations(relations=relations, tombstones=tombstones),
        audit=audit,
        patients=Patients(
            database,
            profiles,
            audit,
            patients=patients,
            users=users,
            relations=relations,
            tombstones=tombstones,
            clock=clock,
        ),
    )
