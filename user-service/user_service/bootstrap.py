"""The composition root: builds user-service from its Config, for every process and test."""

from dataclasses import dataclass

from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database
from user_service import events, store
from user_service.config import Config
from user_service.service import UserService


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    service: UserService


def build(config: Config) -> Built:
    """Connect, bring the database up to date, and make the service."""
    database = Database(config.mongodb_uri, events.SOURCE)
    Migrator(database, "user_service.migrations", store.INDEXES).up()
    service = UserService(config, database, store=store.Store(database), clock=now)
    return Built(config, database, Inbox(database), service)
