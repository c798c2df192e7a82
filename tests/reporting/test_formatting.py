from __future__ import annotations

from math import nan

import pytest

from sweep.reporting.formatting import MINUS, interval


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (-1.204, 0.35, f"{MINUS}1.20 to +0.35"),
        (0.001, 0.35, "0.00 to +0.35"),
        (nan, nan, "no interval"),
    ],
)
def test_an_interval_shows_the_signs_of_both_ends(low: float, high: float, text: str) -> None:
    assert interval(low, high, 2, unknown="no interval") == text
