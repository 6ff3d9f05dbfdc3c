"""Which quota a request counts against, and what its client is told."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chassis.errors import AppError
from chassis.identity import Identity
from devkit.testing import JWT_SECRET
from gateway.buckets import Buckets
from gateway.config import Config
from gateway.errors import RateLimited
from gateway.limits import Limits, quota_headers
from gateway.route_table import Route

EPOCH = datetime.fromtimestamp(0, UTC)
ANN = Identity("ann", "s1", "patient", "ann@clinic.example", "Ann Lee", True, EPOCH, 0.0, 0.0)
OPEN = Route("thing-service", "GET", "/api/v1/open", "public")
SIGN_UP = Route("auth-service", "POST", "/api/v1/auth/signup", "public")
OWN = Route("thing-service", "GET", "/api/v1/things", "self")
EXPORT = Route("thing-service", "GET", "/api/v1/export", "self", is_heavy=True)


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Config:
    for service in ("AUTH", "USER", "DOCTOR", "APPOINTMENT", "REVIEW", "SCHEDULER"):
        monkeypatch.setenv(f"{service}_SERVICE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AMQP_URL", "amqp://127.0.0.1/")
    monkeypatch.setenv("JWT_SECRET", JWT_SECRET)
    for name, limit in {"USER": 9, "HEAVY": 2, "ADDRESS": 12, "SIGN_IN": 3}.items():
        monkeypatch.setenv(f"RATE_LIMIT_{name}", str(limit))
    return Config.read()


@pytest.fixture
def limits(config: Config) -> Limits:
    return Limits(config, Buckets())


def passes(limits: Limits, identity: Identity | None, route: Route | None, address: str = "192.0.2.1") -> int:
    """How many pass until one is refused."""
    for count in range(100):
        try:
            limits.check(address, identity, route)
        except RateLimited:
            return count
    raise AssertionError("it is not limited")


def test_each_kind_of_request_has_its_own_quota(limits: Limits) -> None:
    assert passes(limits, ANN, OWN) == 9
    assert passes(limits, ANN, EXPORT) == 2
    assert passes(limits, None, OPEN) == 12
    assert passes(limits, None, SIGN_UP) == 3
    # whoever was refused before it was known who asks
    assert passes(limits, None, None, "192.0.2.2") == 12


def test_who_is_signed_in_is_counted_wherever_they_are_and_nobody_for_another(limits: Limits) -> None:
    assert passes(limits, ANN, OWN, "192.0.2.1") == 9
    assert passes(limits, ANN, OWN, "192.0.2.2") == 0
    assert passes(limits, replace(ANN, user_id="ben"), OWN, "192.0.2.1") == 9


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_an_ipv6_household_counts_as_one_address(limits: Limits, first: str, second: str, shared: bool) -> None:
    assert passes(limits, None, OPEN, first) == 12
    assert passes(limits, None, OPEN, second) == (0 if shared else 12)


def test_the_refusal_says_when_to_come_again(limits: Limits) -> None:
    for _ in range(3):
        limits.check("192.0.2.1", None, SIGN_UP)
    with pytest.raises(AppError) as refused:
        limits.check("192.0.2.1", None, SIGN_UP)
    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 20
    assert refused.value.headers["RateLimit-Remaining"] == "0"


def test_whoever_passes_is_told_what_is_left(limits: Limits) -> None:
    taken = limits.check("192.0.2.1", ANN, OWN)
    assert taken is not None
    assert quota_headers(taken) == {"RateLimit-Limit": "9", "RateLimit-Remaining": "8", "RateLimit-Reset": "7"}


def test_switched_off_nobody_is_counted(config: Config) -> None:
    off = Limits(config.model_copy(update={"rate_limits": False}), Buckets())
    assert [off.check("192.0.2.1", None, SIGN_UP) for _ in range(20)] == [None] * 20
