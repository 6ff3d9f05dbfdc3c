"""Guessing is slowed: for whoever guesses, and never for the owner."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from flask.testing import FlaskClient

from auth_service import limits
from auth_service.bootstrap import Built
from auth_service.errors import TooManyAttempts
from auth_service.limits import Bucket
from auth_service.one_time_tokens import Purpose
from auth_service.service.throttle import Throttle
from auth_service.store.attempts import COLLECTION, Attempts
from chassis.clock import new_id

HOME, ELSEWHERE = "198.51.100.1", "203.0.113.9"


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **span: float) -> None:
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(built: Built, clock: Clock) -> Iterator[Throttle]:
    yield Throttle(Attempts(built.database), key=new_id().encode(), on=True, clock=clock)
    built.database[COLLECTION].delete_many({})


def passes(throttle: Throttle, account: str = "ann@clinic.example", address: str = HOME) -> bool:
    try:
        throttle.sign_in(account, address)
    except TooManyAttempts:
        return False
    return True


def wait_told(throttle: Throttle, account: str, address: str) -> int:
    with pytest.raises(TooManyAttempts) as refused:
        throttle.sign_in(account, address)
    return int(refused.value.headers["Retry-After"])


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many guesses make an account tight, in a test that need not make all hundred of them."""
    monkeypatch.setattr(limits, "ACCOUNT", Bucket(10, limits.ACCOUNT.every))
    return 10


def guess_from_everywhere(throttle: Throttle, account: str, times: int) -> None:
    for number in range(times):
        assert passes(throttle, account, f"192.0.2.{number}")


def test_twenty_tries_pass_and_then_one_in_thirty_seconds(throttle: Throttle, clock: Clock) -> None:
    assert [passes(throttle) for _ in range(21)] == [True] * 20 + [False]
    assert wait_told(throttle, "ann@clinic.example", HOME) == 30
    clock.pass_by(seconds=29.9)
    assert not passes(throttle)
    clock.pass_by(seconds=0.1)
    assert [passes(throttle), passes(throttle)] == [True, False]


def test_fifty_guesses_at_once_do_not_pass_together(throttle: Throttle) -> None:
    barrier = Barrier(50)

    def at_once(_: int) -> bool:
        barrier.wait()
        return passes(throttle)

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(at_once, range(50))) == 20


def test_who_signs_in_is_never_slowed(throttle: Throttle) -> None:
    for _ in range(30):
        throttle.sign_in("ann@clinic.example", HOME).succeeded()
    assert passes(throttle)


def test_one_password_tried_on_many_accounts_is_slowed_by_address(throttle: Throttle, clock: Clock) -> None:
    sprayed = [passes(throttle, f"{number}@clinic.example", ELSEWHERE) for number in range(101)]
    assert sprayed == [True] * 100 + [False]
    assert wait_told(throttle, "another@clinic.example", ELSEWHERE) == 6
    assert passes(throttle, "another@clinic.example", HOME)


def test_a_household_of_ipv6_addresses_is_one_address(throttle: Throttle) -> None:
    tries = [passes(throttle, address=f"2001:db8::{number:x}") for number in range(21)]
    assert tries.count(True) == 20


def test_a_stranger_with_many_addresses_slows_strangers_down_and_not_the_owner(throttle: Throttle) -> None:
    throttle.sign_in("ann@clinic.example", HOME).succeeded()
    guess_from_everywhere(throttle, "ann@clinic.example", limits.ACCOUNT.at_once)
    assert [passes(throttle, address=ELSEWHERE) for _ in range(4)] == [True, True, True, False]
    assert wait_told(throttle, "ann@clinic.example", ELSEWHERE) == 300
    assert [passes(throttle, address=HOME) for _ in range(20)] == [True] * 20


def test_an_owner_on_a_new_address_has_a_try_while_the_account_is_guessed_at(throttle: Throttle, few: int) -> None:
    guess_from_everywhere(throttle, "ann@clinic.example", few)
    throttle.sign_in("ann@clinic.example", ELSEWHERE).succeeded()
    assert [passes(throttle, address=ELSEWHERE) for _ in range(20)] == [True] * 20


def test_an_address_is_forgotten_when_nobody_signed_in_from_it_for_long(
    throttle: Throttle, clock: Clock, few: int
) -> None:
    throttle.sign_in("ann@clinic.example", HOME).succeeded()
    clock.pass_by(days=30)
    guess_from_everywhere(throttle, "ann@clinic.example", few)
    assert [passes(throttle, address=HOME) for _ in range(4)].count(True) == 3


def test_tries_that_were_refused_do_not_make_the_account_tighter_for_others(
    throttle: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ACCOUNT", Bucket(42, limits.ACCOUNT.every))
    for _ in range(50):
        passes(throttle, address=ELSEWHERE)
    assert [passes(throttle, address=HOME) for _ in range(20)] == [True] * 20


def test_nothing_in_the_database_names_an_account_or_an_address(throttle: Throttle, built: Built) -> None:
    throttle.sign_in("ann@clinic.example", HOME).succeeded()
    throttle.may_mail(Purpose.RESET, "ann@clinic.example")
    stored = repr(list(built.database[COLLECTION].find()))
    assert "ann" not in stored
    assert HOME not in stored


def test_what_is_counted_goes_by_itself(throttle: Throttle, built: Built, clock: Clock) -> None:
    throttle.sign_in("ann@clinic.example", HOME).succeeded()
    throttle.may_mail(Purpose.RESET, "ann@clinic.example")
    kept = [document["expiresAt"] - clock.at for document in built.database[COLLECTION].find()]
    assert sorted(kept) == [timedelta(seconds=6), timedelta(seconds=36), timedelta(hours=1), timedelta(days=30)]


def test_three_mails_in_any_hour_at_any_concurrency(throttle: Throttle, clock: Clock) -> None:
    def mail(_: int = 0) -> bool:
        return throttle.may_mail(Purpose.RESET, "ann@clinic.example")

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(mail, range(10))) == 3
    clock.pass_by(minutes=59)
    assert not mail()
    assert throttle.may_mail(Purpose.VERIFY, "ann@clinic.example")
    clock.pass_by(minutes=1)
    assert mail()


def test_switched_off_it_slows_nobody(built: Built, clock: Clock) -> None:
    off = Throttle(Attempts(built.database), key=b"a key", on=False, clock=clock)
    assert all(passes(off) for _ in range(150))
    assert all(off.may_mail(Purpose.RESET, "ann@clinic.example") for _ in range(5))
    assert built.database[COLLECTION].count_documents({}) == 0


@pytest.mark.usefixtures("throttle")
def test_a_guesser_is_told_when_to_come_back_whether_there_is_an_account_or_not(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KNOWN_PAIR", Bucket(3, limits.KNOWN_PAIR.every))
    known, unknown = (f"{new_id()}@clinic.example" for _ in range(2))
    client.post("/api/v1/auth/signup", json={"email": known, "password": "plum-orchard-kettle-9", "name": "Ann Lee"})
    for email in (known, unknown):
        body = {"email": email, "password": "not the password"}
        answers = [client.post("/api/v1/auth/login", json=body) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [401] * 3 + [429]
        assert answers[-1].json["code"] == "TOO_MANY_ATTEMPTS"
        assert 25 <= int(answers[-1].headers["Retry-After"]) <= 30
        # and nothing that was right about it shows while it waits
        right = {"email": email, "password": "plum-orchard-kettle-9"}
        assert client.post("/api/v1/auth/login", json=right).status_code == 429
        assert client.post("/api/v1/auth/recover", json=right).status_code == 429
