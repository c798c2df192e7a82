"""Durations and totals as people type them."""

from __future__ import annotations

import pytest

from sweep.config.durations import more_of, seconds_of
from sweep.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("23h30m", 84_600.0), ("90m", 5400.0), ("45s", 45.0), ("2d", 172_800.0), ("1.5h", 5400.0)]
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0h", "-3h", "3h 20x", "h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a duration"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["9" * 25 + "h", "9" * 400 + "d"])
def test_a_duration_without_bound_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is too long"):
        seconds_of(text)


def test_totals_only_grow() -> None:
    assert more_of("+3", 4, "seeds") == 7
    assert more_of("9", 4, "seeds") == 9
    for text in ("4", "+0", "-1", "many"):
        with pytest.raises(UsageError):
            more_of(text, 4, "seeds")
