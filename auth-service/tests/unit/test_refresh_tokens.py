"""The chain of refresh tokens: what a replay means, also after its secret was changed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.domain import GRACE, Chain, RefreshToken, Replay, guessable, judge_replay

KEY, NEWER = b"a key", b"a newer key"
KEYS = {"old": KEY, "new": NEWER}
ONE_KEY = Chain([(1, "old")], KEYS)
CHANGED_AT_3 = Chain([(1, "old"), (3, "new")], KEYS)
THEN = datetime(2026, 3, 1, tzinfo=UTC)
FIRST = RefreshToken("session", 1, "secret")


def tokens(length: int, chain: Chain = ONE_KEY) -> list[RefreshToken]:
    made = [FIRST]
    while len(made) < length:
        made.append(made[-1].successor(chain.key(made[-1].generation + 1) or b""))
    return made


def judge(
    presented: RefreshToken, current: RefreshToken, after: timedelta = timedelta(0), chain: Chain = ONE_KEY
) -> Replay:
    return judge_replay(
        presented,
        chain,
        generation=current.generation,
        hashed=current.hashed(chain.key(current.generation) or b""),
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
    first, second = tokens(2)
    assert judge(first, second, GRACE) is Replay.WITHIN_GRACE
    assert judge(first, second, GRACE + timedelta(milliseconds=1)) is Replay.REUSED


def test_any_older_token_is_reuse_even_at_once() -> None:
    made = tokens(5)
    assert [judge(token, made[-1]) for token in made[:3]] == [Replay.REUSED] * 3


def test_a_stranger_who_knows_the_session_cannot_pass_for_an_old_token() -> None:
    current = tokens(4)[-1]
    assert judge(RefreshToken("session", 1, "guess"), current) is Replay.UNKNOWN
    assert judge(RefreshToken("session", 9, "guess"), current) is Replay.UNKNOWN


def test_the_chain_cannot_be_followed_without_the_key() -> None:
    first, second = tokens(2)
    assert first.successor(b"another key") != second
    assert first.secret not in second.hashed(KEY)


def test_tokens_of_before_the_secret_changed_are_judged_as_before() -> None:
    made = tokens(5, CHANGED_AT_3)
    assert [judge(token, made[-1], chain=CHANGED_AT_3) for token in made[:4]] == [
        *[Replay.REUSED] * 3,
        Replay.WITHIN_GRACE,
    ]
    assert judge(made[1], made[2], chain=CHANGED_AT_3) is Replay.WITHIN_GRACE


def test_a_token_made_under_the_wrong_generations_key_proves_nothing() -> None:
    made = tokens(5, CHANGED_AT_3)
    forged = FIRST.successor(NEWER)
    assert judge(forged, made[-1], chain=CHANGED_AT_3) is Replay.UNKNOWN


def test_a_token_whose_key_is_gone_is_unknown_and_not_reuse() -> None:
    made = tokens(5, CHANGED_AT_3)
    forgotten = Chain(CHANGED_AT_3.spans, {"new": NEWER})
    assert judge(made[0], made[-1], chain=forgotten) is Replay.UNKNOWN
    assert judge(made[1], made[-1], chain=forgotten) is Replay.REUSED


@pytest.mark.parametrize("password", ["123456789012", "passwordpassword", "qwertyuiop12", "ann.lee@clinic.example"])
def test_common_passwords_and_ones_own_address_are_guessable(password: str) -> None:
    assert guessable(password, ["ann.lee@clinic.example", "Ann", "Lee"])


def test_four_random_words_are_not_guessable() -> None:
    assert not guessable("plum orchard kettle nine", ["ann.lee@clinic.example"])
