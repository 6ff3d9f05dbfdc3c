"""What a password's hash costs: never less than OWASP's least, and the same for nobody's."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from auth_service.config import Config
from auth_service.passwords import Passwords
from chassis.config import ConfigError
from devkit.testing import environment

PASSWORD = "plum-orchard-kettle-9"


def configured(monkeypatch: pytest.MonkeyPatch, **costs: int) -> Config:
    names = {"passes": "ARGON2_TIME_COST", "kib": "ARGON2_MEMORY_KIB", "lanes": "ARGON2_PARALLELISM"}
    variables = {names[name]: str(value) for name, value in costs.items()}
    for name, value in environment("mongodb://here", "amqp://here", **variables).items():
        monkeypatch.setenv(name, value)
    return Config.read()


@pytest.mark.parametrize(("passes", "kib"), [(1, 47_104), (2, 19_456), (3, 12_288), (4, 9_216), (5, 7_168), (9, 7_168)])
def test_owasps_equals_are_accepted_and_one_kib_less_is_not(
    monkeypatch: pytest.MonkeyPatch, passes: int, kib: int
) -> None:
    assert configured(monkeypatch, passes=passes, kib=kib).argon2_memory_kib == kib
    with pytest.raises(ConfigError, match="ARGON2_MEMORY_KIB"):
        configured(monkeypatch, passes=passes, kib=kib - 1)


@pytest.mark.parametrize(("name", "value"), [("passes", 0), ("passes", 21), ("lanes", 0), ("kib", 2**21)])
def test_senseless_costs_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    with pytest.raises(ConfigError, match="ARGON2"):
        configured(monkeypatch, **{name: value})


def test_a_hash_is_outdated_if_it_costs_less_than_todays_and_never_if_it_costs_more() -> None:
    hashed = Passwords().hash(PASSWORD)
    assert not Passwords().outdated(hashed)
    assert Passwords(time_cost=3).outdated(hashed)
    assert Passwords(memory_kib=20_000).outdated(hashed)
    assert not Passwords(time_cost=5, memory_kib=7_168).outdated(Passwords(time_cost=5).hash(PASSWORD))
    assert Passwords().outdated(PasswordHasher(type=Type.I).hash(PASSWORD))


def test_nobodys_hash_costs_what_everybodys_does_and_no_password_fits_it() -> None:
    passwords = Passwords(time_cost=3, memory_kib=12_288)
    assert extract_parameters(passwords.nobody) == extract_parameters(passwords.hash(PASSWORD))
    assert not passwords.verify(None, PASSWORD)
