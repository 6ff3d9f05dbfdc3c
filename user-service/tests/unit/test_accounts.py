"""The rules of accounts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from user_service.domain import Status, check_recoverable, difference, search_key
from user_service.errors import NotDeleted, NotRecoverable

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


def test_an_account_is_recoverable_until_the_instant_it_is_scheduled_to_go() -> None:
    check_recoverable(Status.DELETED, NOW + MOMENT, NOW)
    for late in (NOW, NOW - MOMENT):
        with pytest.raises(NotRecoverable):
            check_recoverable(Status.DELETED, late, NOW)


def test_an_active_account_has_nothing_to_recover() -> None:
    with pytest.raises(NotDeleted):
        check_recoverable(Status.ACTIVE, None, NOW)


@pytest.mark.parametrize(
    ("typed", "stored"), [("INÈS", "Inès"), ("ine\u0300s", "Inès"), ("strasse", "Straße"), ("Jo@", "jo@")]
)
def test_search_does_not_mind_case_or_how_an_accent_was_typed(typed: str, stored: str) -> None:
    assert search_key(typed) == search_key(stored)


@given(st.text())
def test_a_search_key_is_its_own_key(text: str) -> None:
    assert search_key(search_key(text)) == search_key(text)


def test_only_what_differs_is_a_change() -> None:
    present = {"name": "Ann", "phone": None, "locale": "fr"}
    assert difference(present, {"name": "Ann", "phone": None}) == {}
    assert difference(present, {"name": "Ann", "locale": None}) == {"locale": None}
