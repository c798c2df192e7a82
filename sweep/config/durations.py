"""Durations and counts as people type them."""

from __future__ import annotations

import re

from sweep.errors import UsageError
from sweep.limits import MAX_DURATION_DAYS

_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


def seconds_of(text: str) -> float:
    """`23h30m`, `90m`, `45s`, `2d`; a bare number is seconds.

    Raises:
        UsageError: it is not a duration above zero, or more than `MAX_DURATION_DAYS`.
    """
    match = _DURATION.fullmatch(text.strip())
    parts = match.groups() if match else ()
    total = sum(float(part) * unit for part, unit in zip(parts, _UNITS.values(), strict=False) if part)
    if total <= 0.0:
        raise UsageError(
            f"{text!r} is not a duration",
            why="It is read as days, hours, minutes, seconds.",
            next="Write it like 23h30m, 90m or 45s.",
        )
    if total > MAX_DURATION_DAYS * _UNITS["d"]:
        raise UsageError(
            f"{text[:40]!r} is too long", why=f"At most {MAX_DURATION_DAYS:,} days are accepted.", next="Ask for less."
        )
    return total


def more_of(text: str, now: int, what: str) -> int:
    """`+3` is three more than now; a bare number is the total, which only grows.

    Args:
        text: What was typed: `+3` or `12`.
        now: The number so far.
        what: What is counted, for the message.

    Raises:
        UsageError: it is neither, or less than now.
    """
    try:
        total = now + int(text) if text.startswith("+") else int(text)
    except ValueError:
        total = -1
    if total <= now:
        raise UsageError(
            f"{text!r} is not more {what} than the {now} there are", next=f"Write --{what} +1, or a total above {now}."
        )
    return total
