"""The state of one thing that `sweep doctor` has examined."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The state of one thing.

    Attributes:
        what: The thing, such as `store` or `study digits`.
        state: Its state in words.
        repair: What to do or type where something is wrong; empty where it is well.
    """

    what: str
    state: str
    repair: str = ""
