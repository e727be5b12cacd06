"""How figures are written."""

import pytest

from bench import report
from bench.figure import Target, alone, compared


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (100, "100"), (12.345, "12.3"), (0.0612, "0.0612"), (2, "2")]
)
def test_three_digits_count(value: float, text: str) -> None:
    assert report.number(value) == text


def test_a_figure_in_one_line() -> None:
    figure = compared("votes", "votes/s", [4000], "the floor", [5000], Target(at_least=0.85))
    assert report.line(figure) == "votes: 4,000 votes/s, 0.80 of the floor (MISSED: ≥ 0.85)"


def test_a_figure_that_nothing_is_promised_of_is_not_judged() -> None:
    assert report.line(alone("weight", "bytes", [189], Target())) == "weight: 189 bytes"
