"""How a name is shown and how a rating is worked out."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review_service.domain import average, display_name, listed


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann Lee", "Ann L."),
        ("Ann Marie von Lee", "Ann L."),
        ("ann lee", "ann L."),
        ("Zoë Öst", "Zoë Ö."),
        ("Ann (Lee)", "Ann L."),
        ("Ann 2", "Ann"),
        ("Ann", "Ann"),
        (" ", "Patient"),
    ],
)
def test_a_name_is_shown_as_first_name_and_initial(name: str, shown: str) -> None:
    assert display_name(name) == shown


@given(st.text(max_size=200))
def test_no_name_shows_more_than_its_first_word_and_a_letter(name: str) -> None:
    assert len(display_name(name).split()) <= 2


@pytest.mark.parametrize(
    ("total", "count", "mean"), [(0, 0, 0.0), (5, 1, 5.0), (14, 3, 4.67), (33, 8, 4.13), (9, 8, 1.13)]
)
def test_an_average_has_two_decimals_and_rounds_halves_up(total: int, count: int, mean: float) -> None:
    assert average(total, count) == mean


@given(st.lists(st.integers(1, 5), min_size=1))
def test_an_average_is_within_half_a_hundredth_of_the_mean(ratings: list[int]) -> None:
    difference = Fraction(str(average(sum(ratings), len(ratings)))) - Fraction(sum(ratings), len(ratings))
    assert abs(difference) <= Fraction(1, 200)


@pytest.mark.parametrize(
    ("status", "visible", "active", "shown"),
    [
        ("APPROVED", True, True, True),
        ("APPROVED", False, True, False),
        ("APPROVED", True, False, False),
        ("PENDING", True, True, False),
        ("SUSPENDED", True, True, False),
    ],
)
def test_only_an_approved_visible_active_doctor_is_listed(
    status: str, visible: bool, active: bool, shown: bool
) -> None:
    assert listed(moderation_status=status, visible=visible, active=active) is shown
