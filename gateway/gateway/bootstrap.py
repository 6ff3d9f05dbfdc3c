"""The composition root: builds the gateway from its Config, for every process and test."""

from dataclasses import dataclass

from chassis.tokens import TokenVerifier
from gateway.config import Config
from gateway.route_table import RouteTable
from gateway.upstream import Upstream


@dataclass(frozen=True)
class Built:
    config: Config
    table: RouteTable
    upstreams: dict[str, Upstream]
    verifier: TokenVerifier


def build(config: Config) -> Built:
    """Read the contracts' routes and make a caller for each service. Raises RouteTableError if the routes clash."""
    services = config.services()
    return Built(
        config,
        RouteTable.read(config.contracts_dir / "routes", services),
        {name: Upstream(name, url, config.upstream_timeout_seconds) for name, url in services.items()},
        TokenVerifier(config.verification_keys()),
    )
