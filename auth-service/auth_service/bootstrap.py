"""The composition root: builds auth-service from its Config, for every process and test."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth_service import events, store
from auth_service.config import Config
from auth_service.passwords import Passwords
from auth_service.service import Service
from auth_service.service.accounts import Accounts
from auth_service.service.authentication import Authentication
from auth_service.service.one_time_tokens import OneTimeTokens
from auth_service.service.passwords import PasswordChanges
from auth_service.service.revocations import Revocations
from auth_service.service.sessions import Sessions
from auth_service.service.throttle import Throttle
from auth_service.service.verification import Verification
from auth_service.store.attempts import Attempts
from auth_service.store.credentials import Credentials
from auth_service.store.one_time_tokens import OneTimeTokens as OneTimeTokenStore
from auth_service.store.revocations import Revocations as RevocationStore
from auth_service.store.sessions import Sessions as SessionStore
from chassis.audit import Audit
from chassis.clock import now
from chassis.inbox import Inbox
from chassis.migrations import Migrator
from chassis.mongo import Database
from chassis.rpc import RpcClient
from chassis.snapshots import Snapshot
from chassis.tokens import TokenIssuer
from chassis.tombstones import Tombstones


@dataclass(frozen=True)
class Built:
    config: Config
    database: Database
    inbox: Inbox
    service: Service
    snapshot: Snapshot


def migrator(database: Database) -> Migrator:
    """What brings the database up to date, or back."""
    return Migrator(database, "auth_service.migrations", store.INDEXES)


def build(config: Config) -> Built:
    """Connect, bring the database up to date, and make the service; the first admin too."""
    database = Database(config.mongodb_uri, events.SOURCE)
    migrator(database).up()
    service = make_service(config, database, now)
    if config.admin_email and config.admin_password:
        service.accounts.ensure_admin(config.admin_email.lower(), config.admin_password.get_secret_value())
    snapshot = Snapshot(database, store.credentials.COLLECTION, events.account_as_told)
    return Built(config, database, Inbox(database), service, snapshot)


def make_passwords(config: Config) -> Passwords:
    """The hashing, as costly as is configured."""
    return Passwords(
        time_cost=config.argon2_time_cost, memory_kib=config.argon2_memory_kib, parallelism=config.argon2_parallelism
    )


def make_service(config: Config, database: Database, clock: Callable[[], datetime]) -> Service:
    """The use cases, by this clock."""
    credentials = Credentials(database)
    access_lifetime = timedelta(minutes=config.access_token_minutes)
    stored_sessions = SessionStore(database)
    revocations = Revocations(
        revocations=RevocationStore(database), sessions=stored_sessions, access_lifetime=access_lifetime, clock=clock
    )
    sessions = Sessions(
        database,
        sessions=stored_sessions,
        credentials=credentials,
        revocations=revocations,
        issuer=TokenIssuer(config.signing_key()),
        secrets=config.refresh_secrets(),
        access_lifetime=access_lifetime,
        refresh_lifetime=timedelta(days=config.refresh_token_days),
        clock=clock,
    )
    passwords = make_passwords(config)
    keys = [secret.encode() for secret in config.refresh_secrets()]
    throttle = Throttle(Attempts(database), key=keys[0], on=config.rate_limits, clock=clock)
    tokens = OneTimeTokens(OneTimeTokenStore(database), keys=keys, clock=clock)
    tombstones = Tombstones(database)
    audit = Audit(database)
    authentication = Authentication(credentials=credentials, passwords=passwords, throttle=throttle, audit=audit)
    accounts = Accounts(
        database,
        credentials=credentials,
        sessions=sessions,
        tombstones=tombstones,
        passwords=passwords,
        authentication=authentication,
        tokens=tokens,
        throttle=throttle,
        audit=audit,
        rpc=RpcClient(config.amqp_url),
        clock=clock,
    )
    changes = PasswordChanges(
        database,
        credentials=credentials,
        sessions=sessions,
        tokens=tokens,
        tombstones=tombstones,
        passwords=passwords,
        authentication=authentication,
        throttle=throttle,
        clock=clock,
    )
    verification = Verification(
        database, credentials=credentials, tokens=tokens, tombstones=tombstones, throttle=throttle, clock=clock
    )
    return Service(
        accounts=accounts,
        sessions=sessions,
        revocations=revocations,
        passwords=changes,
        verification=verification,
        one_time_tokens=tokens,
    )
