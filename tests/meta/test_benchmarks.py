"""The arithmetic of the figures."""

from benchmarks.load import Load, percentile, ratio


def load(rate: float) -> Load:
    return Load(rate, 0, 0, 0, 0, 0)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.01, 0.5, 0.8, 0.81, 0.99, 1.0)] == [1, 3, 4, 5, 5, 5]
    assert percentile([7.0], 0.99) == 7


def test_a_ratio_is_of_the_medians_so_that_one_odd_round_does_not_count() -> None:
    assert ratio([load(10), load(900), load(12)], [load(24), load(1), load(30)]) == 0.5
