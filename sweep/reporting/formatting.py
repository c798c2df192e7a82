"""Numbers and settings as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, isfinite, log10
from typing import Any

from sweep.config.values import shortest

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


def value_in_words(value: object) -> str:
    """The value of a setting as text: `on` for True, `none` for None, the shortest digits of a float.

    Args:
        value: A scalar, a sequence of values, a part of a plugin, or a mapping of fields to values.
    """
    if isinstance(value, bool) or value is None:
        return {True: "on", False: "off", None: "none"}[value]
    if isinstance(value, list | tuple):
        return "[" + ", ".join(value_in_words(item) for item in value) + "]"
    if isinstance(value, Mapping) and value.get("kind") == "own":
        settings = {name: value[name] for name in value["parameters"]}
        return f"{value['part']} of our own" + (f" ({changes_in_words(settings)})" if settings else "")
    if isinstance(value, Mapping):
        return changes_in_words(value)
    return shortest(value) if isinstance(value, float) else str(value)


def changes_in_words(changes: Mapping[str, Any]) -> str:
    """Changed settings as text, e.g. `schedule = cosine, T = 250`; empty for none.

    Args:
        changes: Values by their fields.
    """
    # An arm of given items is known by its name.
    return ", ".join(
        str(value) if field == "given" else f"{field} = {value_in_words(value)}"
        for field, value in sorted(changes.items())
    )


def decimals_for(resolution: float, *, digits: int = 2) -> int:
    """How many decimals a number of some size needs.

    Args:
        resolution: Size of the number; 3 decimals where it is not positive.
        digits: Significant digits that are kept.

    Returns:
        Decimals, 0 to 12.
    """
    if not isfinite(resolution) or resolution <= 0:
        return 3
    return min(12, max(0, digits - 1 - floor(log10(resolution))))


def number(value: float, decimals: int, *, signed: bool = False) -> str:
    """A number as text, with a true minus sign; an en dash for one that is not finite.

    Args:
        value: The number.
        decimals: Digits after the point.
        signed: Whether a positive number gets a plus sign.
    """
    if not isfinite(value):
        return NOTHING
    text = f"{value:+,.{decimals}f}" if signed else f"{value:,.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")  # no "-0.00"
    return text.replace("-", MINUS)


def interval(low: float, high: float, decimals: int, *, unknown: str = "") -> str:
    """The interval of a difference as text, both ends with their signs, e.g. `-1.20 to +0.35` with a true minus sign.

    Args:
        low: Its lower end; not finite where there is no interval.
        high: Its upper end.
        decimals: Digits after the point.
        unknown: The text where there is no interval.
    """
    if not isfinite(low):
        return unknown
    return f"{number(low, decimals, signed=True)} to {number(high, decimals, signed=True)}"


def percent(share: float, *, signed: bool = False) -> str:
    """A share as text, e.g. 0.031 as `3.1 %`; an en dash for one that is not finite.

    Args:
        share: The share; 1 is the whole.
        signed: Whether a positive share gets a plus sign.
    """
    if not isfinite(share):
        return NOTHING
    return number(100 * share, decimals_for(abs(100 * share)) if abs(share) < 0.1 else 0, signed=signed) + " %"


def scientific(value: float) -> str:
    """A number with three significant digits, e.g. 4.04e-05 as `4.04 x 10^-5` with the exponent in superscript.

    Args:
        value: The number; an en dash is returned for one that is not finite.
    """
    if not isfinite(value):
        return NOTHING
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return number(value, 0) if abs(value) >= 100 else f"{value:.3g}".replace("-", MINUS)
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{raised}".replace("-", MINUS)


def rounded_duration(seconds: float) -> str:
    """A duration in its largest whole unit, e.g. `3.2 h`; an en dash for one that is not finite.

    Args:
        seconds: The duration.
    """
    if not isfinite(seconds):
        return NOTHING
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def join_words(words: list[str]) -> str:
    """Words as an enumeration: `a`, `a and b`, `a, b and c`.

    Args:
        words: The words, in their order.
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
