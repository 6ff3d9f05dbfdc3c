"""The chain of refresh tokens: what a replay means."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.domain import GRACE, RefreshToken, Replay, guessable, judge_replay

KEY = b"a key"
THEN = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = RefreshToken("session", 1, "secret")


def chain(length: int) -> list[RefreshToken]:
    tokens = [FIRST]
    while len(tokens) < length:
        tokens.append(tokens[-1].successor(KEY))
    return tokens


def judge(presented: RefreshToken, current: RefreshToken, after: timedelta = timedelta(0)) -> Replay:
    return judge_replay(
        presented,
        KEY,
        generation=current.generation,
        hashed=current.hashed(KEY),
        rotated_at=THEN,
        now=THEN + after,
    )


def test_a_token_is_read_back_from_its_text() -> None:
    assert RefreshToken.parse(str(FIRST)) == FIRST


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    token = RefreshToken.parse(text)
    assert token is None or str(token.generation) in text


def test_the_immediate_predecessor_is_let_through_for_ten_seconds() -> None:
    first, second = chain(2)
    assert judge(first, second, GRACE) is Replay.WITHIN_GRACE
    assert judge(first, second, GRACE + timedelta(milliseconds=1)) is Replay.REUSED


def test_any_older_token_is_reuse_even_at_once() -> None:
    tokens = chain(5)
    assert [judge(token, tokens[-1]) for token in tokens[:3]] == [Replay.REUSED] * 3


def test_a_stranger_who_knows_the_session_cannot_pass_for_an_old_token() -> None:
    current = chain(4)[-1]
    assert judge(RefreshToken("session", 1, "guess"), current) is Replay.UNKNOWN
    assert judge(RefreshToken("session", 9, "guess"), current) is Replay.UNKNOWN


def test_the_chain_cannot_be_followed_without_the_key() -> None:
    first, second = chain(2)
    assert first.successor(b"another key") != second
    assert first.secret not in second.hashed(KEY)


@pytest.mark.parametrize("password", ["123456789012", "passwordpassword", "qwertyuiop12", "ann.lee@clinic.example"])
def test_common_passwords_and_ones_own_address_are_guessable(password: str) -> None:
    assert guessable(password, ["ann.lee@clinic.example", "Ann", "Lee"])


def test_four_random_words_are_not_guessable() -> None:
    assert not guessable("plum orchard kettle nine", ["ann.lee@clinic.example"])
