"""Times and sizes for people to read."""

from __future__ import annotations

from datetime import timedelta


def time_text(seconds: float) -> str:
    """A time in words: `2 h 05 min`, `3 min 20 s`, `12 s`.

    Args:
        seconds: The time.

    Returns:
        The two largest units of the time.
    """
    whole = timedelta(seconds=round(seconds))
    hours, rest = divmod(whole.days * 86_400 + whole.seconds, 3_600)
    minutes, seconds_left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds_left:02d} s" if minutes else f"{seconds_left} s"


def bytes_text(count: float) -> str:
    """A number of bytes with its unit: `512 B`, `3.2 GB`.

    Args:
        count: Bytes.

    Returns:
        The number in the largest unit in which it is at least 1.
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000.0:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000.0
    return f"{count:.1f} TB"
