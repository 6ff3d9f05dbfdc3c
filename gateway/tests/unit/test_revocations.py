"""What is remembered of revocations, for how long, and when it may be relied on."""

from datetime import UTC, datetime

from chassis.identity import Identity
from gateway.config import Config
from gateway.revocations import LONGEST_SILENCE_SECONDS, LONGEST_TOKEN_SECONDS, SKEW_SECONDS, Freshness, Revocations

MINUTE = 60.0


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def signed_in(session_id: str = "s-1", user_id: str = "ann", at: float = Clock.now) -> Identity:
    issued_at = datetime.fromtimestamp(at, UTC)
    return Identity(user_id, session_id, "patient", "", "", True, issued_at, at, at + 15 * MINUTE)


def test_an_ended_session_is_revoked_and_no_other_of_that_user() -> None:
    known = Revocations(Clock())
    known.end_sessions({"s-1": Clock.now + MINUTE})
    assert known.is_revoked(signed_in("s-1"))
    assert not known.is_revoked(signed_in("s-2"))


def test_a_closed_account_ends_what_was_opened_until_then_to_the_millisecond() -> None:
    known = Revocations(Clock())
    known.close_accounts({"ann": Clock.now + 0.620})
    assert known.is_revoked(signed_in(at=Clock.now + 0.620))
    assert not known.is_revoked(signed_in(at=Clock.now + 0.621))
    assert not known.is_revoked(signed_in(user_id="ben"))


def test_what_arrives_late_takes_nothing_back() -> None:
    clock = Clock()
    known = Revocations(clock)
    known.close_accounts({"ann": clock.now})
    known.close_accounts({"ann": clock.now - 10 * MINUTE})
    assert known.is_revoked(signed_in(at=clock.now - 1))
    known.end_sessions({"s-1": clock.now + 10 * MINUTE})
    known.end_sessions({"s-1": clock.now - 10 * MINUTE})
    clock.now += 5 * MINUTE
    known.end_sessions({"s-2": clock.now})
    assert known.is_revoked(signed_in("s-1", "ben"))


def test_each_is_forgotten_only_when_no_token_of_it_can_be_out() -> None:
    clock = Clock()
    known = Revocations(clock)
    known.end_sessions({"s-1": clock.now + 15 * MINUTE})
    known.close_accounts({"ann": clock.now})
    clock.now += 15 * MINUTE + SKEW_SECONDS - 1
    known.end_sessions({})
    assert known.is_revoked(signed_in("s-1", "ben"))
    clock.now += MINUTE + 1
    known.end_sessions({})
    assert not known.is_revoked(signed_in("s-1", "ben"))
    clock.now = Clock.now + LONGEST_TOKEN_SECONDS + SKEW_SECONDS - 1
    known.close_accounts({})
    assert known.is_revoked(signed_in())
    clock.now += MINUTE + 1
    known.close_accounts({})
    assert len(known) == 0


def test_memory_holds_an_hour_at_most_whatever_dates_it_is_told() -> None:
    clock = Clock()
    known = Revocations(clock)
    for hour in range(50):
        known.end_sessions({f"s-{hour}-{n}": 1e300 for n in range(100)})
        known.close_accounts({f"u-{hour}-{n}": 1e300 for n in range(100)})
        clock.now += 3600 + 2 * MINUTE
    known.end_sessions({})
    assert len(known) <= 200


def test_news_is_fresh_for_five_seconds_after_a_snapshot_or_a_pulse() -> None:
    freshness = Freshness()
    assert freshness.is_stale(100.0)
    freshness.learned(began=100.0)
    assert not freshness.is_stale(100.0 + LONGEST_SILENCE_SECONDS)
    assert freshness.is_stale(100.1 + LONGEST_SILENCE_SECONDS)
    assert freshness.pulse(110.0)
    assert not freshness.is_stale(110.0 + LONGEST_SILENCE_SECONDS)
    assert freshness.is_stale(110.1 + LONGEST_SILENCE_SECONDS)


def test_a_pulse_tells_nothing_before_the_snapshot_or_after_the_connection_is_lost() -> None:
    freshness = Freshness()
    assert not freshness.pulse(100.0)
    assert freshness.is_stale(100.0)
    freshness.learned(began=100.0)
    freshness.lost()
    assert freshness.is_stale(100.0)
    assert not freshness.pulse(101.0)
    assert freshness.is_stale(101.0)


def test_the_brokers_password_is_not_printed() -> None:
    assert "private" not in repr(Config.model_construct(amqp_url="amqp://gateway:private@127.0.0.1/"))
