"""The composition root: builds auth-service from its Config, for every process and test."""

from dataclasses import dataclass

from auth_service import events, store
from auth_service.config import Config
from auth_service.passwords import Passwords
from auth_service.service import AuthService
from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database
from chassis.rpc import RpcClient
from chassis.tokens import TokenIssuer


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    service: AuthService


def build(config: Config) -> Built:
    """Connect, bring the database up to date, and make the service; the first admin too."""
    database = Database(config.mongodb_uri, events.SOURCE)
    Migrator(database, "auth_service.migrations", store.INDEXES).up()
    service = AuthService(
        config,
        database,
        store=store.Store(database),
        passwords=Passwords(),
        issuer=TokenIssuer(config.signing_key()),
        rpc=RpcClient(config.amqp_url),
        clock=now,
    )
    if config.admin_email and config.admin_password:
        service.ensure_admin(config.admin_email.lower(), config.admin_password.get_secret_value())
    return Built(config, database, Inbox(database), service)
