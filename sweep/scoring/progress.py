"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with (images done, images in all), now and then, the last time with both equal."""


def ignore_progress(_done: int, _total: int) -> None:
    """For who does not want to know."""
