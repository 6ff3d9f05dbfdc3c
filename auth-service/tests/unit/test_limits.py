"""What counts as one address, and what Retry-After says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.config import Config
from auth_service.limits import place, seconds_until
from devkit.testing import environment

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not an address", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_household_of_ipv6_is_one_address_and_nobody_is_without(address: str | None, counts_as: str) -> None:
    assert place(address) == counts_as


@pytest.mark.parametrize(("value", "on"), [("on", True), ("off", False)])
def test_limits_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, value: str, on: bool) -> None:
    for name, text in environment("mongodb://here", "amqp://here", RATE_LIMITS=value).items():
        monkeypatch.setenv(name, text)
    assert Config.read().rate_limits is on


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    assert place(text)


@pytest.mark.parametrize(("milliseconds", "seconds"), [(-5000, 1), (0, 1), (1, 1), (1000, 1), (1001, 2), (30_000, 30)])
def test_whoever_waits_as_told_is_not_too_early(milliseconds: int, seconds: int) -> None:
    assert seconds_until(NOW + timedelta(milliseconds=milliseconds), NOW) == seconds
