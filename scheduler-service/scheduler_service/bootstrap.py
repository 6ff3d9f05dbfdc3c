"""The composition root: builds scheduler-service from its Config, for every process and test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from celery import Celery
from pymongo.client_session import ClientSession

from chassis.events import subscriptions
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database, DatabaseClock
from chassis.rpc import RpcClient
from chassis.tombstones import Tombstones, receipt
from scheduler_service import events, store
from scheduler_service.appointments import Appointments
from scheduler_service.broker import RunQueue, celery_app
from scheduler_service.config import Config
from scheduler_service.delivery import Delivery
from scheduler_service.parts import Parts
from scheduler_service.post import Post
from scheduler_service.reminders import Reminders
from scheduler_service.service import Jobs
from scheduler_service.smtp import MailServer


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    celery: Celery
    jobs: Jobs
    post: Post
    appointments: Appointments
    reminders: Reminders
    delivery: Delivery
    tombstones: Tombstones
    parts: Parts

    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        self.reminders.erase_person(event.user_id, session)
        self.post.erase_person(event.user_id, session)
        self.jobs.forget_person(event.user_id, session)
        self.tombstones.bury(event.user_id, receipt(events.SOURCE, event.user_id), session)

    def export_user(self, user_id: str) -> dict[str, Any]:
        """All that this service holds about a person, as JSON values."""
        return {
            "mails": self.post.export_person(user_id),
            "reminders": self.reminders.export_person(user_id),
            "runs": self.jobs.export_person(user_id),
        }


def migrator(database: Database) -> Migrator:
    """What brings the database up to date, or back."""
    return Migrator(database, "scheduler_service.migrations", store.INDEXES)


def build(config: Config, clock: Callable[[], datetime] | None = None) -> Built:
    """Connect, bring the database up to date, and make the services; by the database's clock unless told another."""
    database = Database(config.mongodb_uri, events.SOURCE)
    migrator(database).up()
    clock = clock or DatabaseClock(database)
    celery = celery_app(config)
    rpc = RpcClient(config.amqp_url)
    tombstones = Tombstones(database)
    mails = store.Mails(database)
    post = Post(mails=mails, tombstones=tombstones, clock=clock)
    reminders = Reminders(
        config.reminders_before_minutes,
        database=database,
        reminders=store.Reminders(database),
        post=post,
        clock=clock,
    )
    appointments = Appointments(heard=store.Heard(database), mails=mails, post=post, reminders=reminders, clock=clock)
    delivery = Delivery(
        mails=mails,
        rpc=rpc,
        server=MailServer(config.smtp_url.get_secret_value()) if config.smtp_url else None,
        sender=config.mail_from,
        public_url=config.public_url,
        clock=clock,
    )
    jobs = Jobs(
        config.every_seconds(),
        database=database,
        runs=store.Runs(database),
        tombstones=tombstones,
        queue=RunQueue(celery),
        rpc=rpc,
        send_reminders=reminders.send_due,
        deliver=delivery.deliver,
        clock=clock,
    )
    return Built(
        config,
        database,
        Inbox(database),
        celery,
        jobs,
        post,
        appointments,
        reminders,
        delivery,
        tombstones,
        Parts(config.amqp_url, subscriptions(config.contracts_dir), rpc),
    )
