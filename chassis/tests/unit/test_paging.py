"""Cursors: what goes round comes back, and nothing else passes."""

import base64
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chassis.errors import ValidationFailed
from chassis.paging import decode_cursor, encode_cursor, page

millisecond = st.integers(-(10**12), 10**13).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
value = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    millisecond,
)


@given(st.lists(value))
@example([datetime(2286, 11, 20, 17, 46, 39, 998000, tzinfo=UTC)])
def test_a_key_comes_back_as_it_was(key: list[Any]) -> None:
    assert decode_cursor(encode_cursor(key), [type(part) for part in key]) == key


def text(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


HOSTILE = [
    "",
    "!",
    "ä",
    "\x00",
    "A",
    "bm90IGpzb24",
    text(5),
    text("ab"),
    text({"a": 1, "b": 2}),
    text([]),
    text(["a"]),
    text(["a", 1, 2]),
    text([1, "a"]),
    text(["a", True]),
    text(["a", 1.5]),
    text(["a", None]),
    text(["a", 2**63]),
    text([{"$gt": ""}, 1]),
    text([{"$t": 0}, 1]),
    text([{"$t": "now"}, 1]),
    text([{"$t": 1e300}, 1]),
    text([{"$t": -1e17}, 1]),
    text([["a"], 1]),
    base64.urlsafe_b64encode(b"[" * 300).decode(),
    base64.urlsafe_b64encode(b'["\\ud800", 1]').decode(),
    base64.urlsafe_b64encode(b'["a", 1e999]').decode(),
]


@pytest.mark.parametrize("cursor", HOSTILE)
def test_anything_else_is_a_failed_validation(cursor: str) -> None:
    with pytest.raises(ValidationFailed) as failed:
        decode_cursor(cursor, [str, int])
    assert failed.value.errors == [{"field": "cursor", "message": "is not a cursor of this list"}]


@given(st.text(max_size=512))
def test_no_text_breaks_the_reading(cursor: str) -> None:
    with suppress(ValidationFailed):
        decode_cursor(cursor, [str, datetime])


@pytest.mark.parametrize(("found", "shown", "more"), [(0, 0, False), (2, 2, False), (3, 2, True)])
def test_one_document_too_many_tells_of_a_next_page(found: int, shown: int, more: bool) -> None:
    documents = [{"_id": number} for number in range(found)]
    answer = page(documents, 2, lambda document: [document["_id"]], lambda document: document["_id"])
    assert answer["items"] == list(range(shown))
    assert (answer["nextCursor"] is not None) == more
    if more:
        assert decode_cursor(answer["nextCursor"], [int]) == [1]
