"""Numbers with their nouns, in the singular or in the plural."""

from __future__ import annotations


def quantity(n: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 seed`, `5 seeds`.

    Args:
        n: The number.
        noun: The noun in the singular.
        plural: The noun in the plural; by default the singular with an s.

    Example:
        >>> quantity(1, "study", "studies"), quantity(1200, "cell")
        ('1 study', '1,200 cells')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
