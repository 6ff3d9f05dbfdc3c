"""Two bookings share a claim exactly when they share a person and a moment."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appointment_service.domain.claims import cell_of, cells, claims, collided, doctor_claims, patient_claims

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IDS = st.sampled_from(["a", "b", "a:1", "d:a", "65f0c0ffee"])
SPANS = st.builds(
    lambda first, length: (
        NINE + timedelta(minutes=5 * first),
        NINE + timedelta(minutes=5 * (first + length)),
    ),
    st.integers(-30, 30),
    st.integers(1, 24),
)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_cells_are_counted_in_five_minutes_since_the_epoch() -> None:
    assert cells(EPOCH, EPOCH + minutes(15)) == range(3)
    assert cells(NINE, NINE + minutes(30)) == range(5908140, 5908146)


def test_cells_before_the_epoch_are_negative() -> None:
    assert cells(EPOCH - minutes(10), EPOCH) == range(-2, 0)


def test_the_same_instants_are_the_same_cells_in_any_zone() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    end = NINE + minutes(20)
    assert cells(NINE.astimezone(kathmandu), end.astimezone(kathmandu)) == cells(NINE, end)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (NINE + minutes(1), NINE + minutes(30)),
        (NINE, NINE + minutes(31)),
        (NINE + timedelta(seconds=1), NINE + timedelta(minutes=5, seconds=1)),
        (NINE, NINE + timedelta(minutes=5, microseconds=1)),
        (NINE, NINE),
        (NINE, NINE - minutes(5)),
        (NINE.replace(tzinfo=None), NINE + minutes(5)),
        (NINE, (NINE + minutes(5)).replace(tzinfo=None)),
        (NINE.replace(tzinfo=timezone(minutes(1))), (NINE + minutes(5)).replace(tzinfo=timezone(minutes(1)))),
    ],
)
def test_a_span_that_cells_cannot_cover_exactly_is_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match=r"offset|cells|follow"):
        cells(start, end)


def test_a_booking_claims_its_cells_for_the_doctor_and_for_the_patient() -> None:
    assert claims("doc", "pat", NINE, NINE + minutes(10)) == [
        "d:doc:5908140",
        "d:doc:5908141",
        "p:pat:5908140",
        "p:pat:5908141",
    ]


@given(IDS, IDS, SPANS)
def test_a_claim_says_whose_time_it_is_and_which_cell(
    doctor: str, patient: str, span: tuple[datetime, datetime]
) -> None:
    assert [cell_of(claim) for claim in doctor_claims(doctor, *span)] == list(cells(*span))
    assert [cell_of(claim) for claim in patient_claims(patient, *span)] == list(cells(*span))
    assert {collided(claim) for claim in doctor_claims(doctor, *span)} == {"doctor"}
    assert {collided(claim) for claim in patient_claims(patient, *span)} == {"patient"}


@pytest.mark.parametrize("text", ["", "doc:12", "x:doc:12", "d"])
def test_what_is_no_claim_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a claim"):
        collided(text)
    with pytest.raises(ValueError, match="not a claim"):
        cell_of(text)


@given(IDS, IDS, IDS, IDS, SPANS, SPANS)
def test_bookings_collide_exactly_when_they_overlap_and_share_a_person(
    doctor: str,
    patient: str,
    other_doctor: str,
    other_patient: str,
    span: tuple[datetime, datetime],
    other: tuple[datetime, datetime],
) -> None:
    shared = set(claims(doctor, patient, *span)) & set(claims(other_doctor, other_patient, *other))
    overlap = span[0] < other[1] and other[0] < span[1]
    busy = {collided(claim) for claim in shared}
    assert ("doctor" in busy) == (overlap and doctor == other_doctor)
    assert ("patient" in busy) == (overlap and patient == other_patient)
