"""The verdict that a part does not keep its contract."""

from __future__ import annotations


class Broken(Exception):
    """A part does not do what its kind promises; the text says what."""
