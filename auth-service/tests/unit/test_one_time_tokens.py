"""One-time tokens: told again from the key, and from nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from auth_service.one_time_tokens import OneTimeToken, Purpose

KEY, OLD_KEY = b"a key", b"the key before"
TOKEN = OneTimeToken.of("request", Purpose.RESET, KEY)


def test_a_token_is_read_back_from_its_text() -> None:
    assert OneTimeToken.parse(str(TOKEN)) == TOKEN


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    token = OneTimeToken.parse(text)
    assert token is None or str(token) == text


def test_neither_another_request_nor_another_purpose_nor_another_key_makes_the_same_secret() -> None:
    others = [
        OneTimeToken.of("requesu", Purpose.RESET, KEY),
        OneTimeToken.of("request", Purpose.VERIFY, KEY),
        OneTimeToken.of("request", Purpose.RESET, OLD_KEY),
    ]
    assert TOKEN.secret not in [other.secret for other in others]


def test_what_is_stored_tells_nothing_of_the_secret() -> None:
    assert TOKEN.secret not in TOKEN.hashed(KEY)


def test_a_token_made_under_the_key_before_still_matches() -> None:
    mailed = OneTimeToken.of("request", Purpose.RESET, OLD_KEY)
    assert mailed.matches(mailed.hashed(OLD_KEY), [KEY, OLD_KEY])
    assert not mailed.matches(mailed.hashed(OLD_KEY), [KEY])
