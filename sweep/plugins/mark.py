"""The mark that a decorator leaves on a part, by which `loading.py` finds it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., object])

MARK = "__sweep_part__"


def marking(kind: str, name: str) -> Callable[[Function], Function]:
    """A decorator that marks a function as a part, and returns it otherwise unchanged.

    Args:
        kind: Name of the kind of the part.
        name: Name of the part in study files.
    """

    def marked(function: Function) -> Function:
        setattr(function, MARK, (kind, name))
        return function

    return marked
