"""The composition root: builds review-service from its Config, for every process and test."""

from dataclasses import dataclass

from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database
from chassis.snapshots import Snapshot
from review_service import events, store
from review_service.config import Config
from review_service.service import Changes, Moderation, ReviewService


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    service: ReviewService
    changes: Changes
    moderation: Moderation
    snapshot: Snapshot


def migrator(database: Database) -> Migrator:
    """What brings the database up to date, or back."""
    return Migrator(database, "review_service.migrations", store.INDEXES)


def build(config: Config) -> Built:
    """Connect, bring the database up to date, and make the service."""
    database = Database(config.mongodb_uri, events.SOURCE)
    migrator(database).up()
    reviews, standing = store.ReviewStore(database), store.StandingStore(database)
    return Built(
        config,
        database,
        Inbox(database),
        ReviewService(database, reviews=reviews, standing=standing, clock=now),
        Changes(database, reviews=reviews, standing=standing, clock=now),
        Moderation(database, reviews=reviews, standing=standing, clock=now),
        Snapshot(database, store.RATINGS, events.rating_as_told),
    )
