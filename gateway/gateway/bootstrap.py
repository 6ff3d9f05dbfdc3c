"""The composition root: builds the gateway from its Config, for every process and test."""

from dataclasses import dataclass
from typing import Any

from chassis.events import broadcasts
from chassis.tokens import TokenVerifier
from gateway import calls
from gateway.admission import Admission, Questions, Watched
from gateway.config import Config
from gateway.documentation import joined
from gateway.feed import Feed, Source, snapshot
from gateway.revocations import Freshness, Revocations
from gateway.route_table import RouteTable
from gateway.upstream import Upstream


@dataclass(frozen=True)
class Built:
    config: Config
    table: RouteTable
    upstreams: dict[str, Upstream]
    verifier: TokenVerifier
    admission: Admission
    feed: Feed
    """To be started in the worker."""
    document: dict[str, Any]
    """The OpenAPI document of the whole suite."""


def build(config: Config) -> Built:
    """Read the contracts' routes and documents, and make a caller for each service.

    Raises RouteTableError if the routes clash, or if a timeout is for none of them.
    """
    services = config.services()
    upstreams = {name: Upstream(name, url, config.upstream_timeout_seconds) for name, url in services.items()}
    auth, user = upstreams["auth-service"], upstreams["user-service"]
    revocations = Revocations()
    sessions = Watched(Freshness(), Questions(auth, *calls.LIVE_SESSION.each))
    accounts = Watched(Freshness(), Questions(user, *calls.ACTIVE_ACCOUNT.each))
    kinds = broadcasts(config.contracts_dir)["gateway"]
    ended = snapshot(auth, *calls.ENDED_SESSIONS.all, revocations.end_sessions)
    closed = snapshot(user, *calls.CLOSED_ACCOUNTS.all, revocations.close_accounts)
    sources = [
        Source(auth.name, kinds[auth.name], sessions.freshness, ended),
        Source(user.name, kinds[user.name], accounts.freshness, closed),
    ]
    return Built(
        config,
        RouteTable.read(config.contracts_dir / "routes", services, config.route_timeouts),
        upstreams,
        TokenVerifier(config.verification_keys()),
        Admission(revocations, sessions, accounts),
        Feed(config.amqp_url, sources, revocations),
        joined(config.contracts_dir / "openapi", services),
    )
