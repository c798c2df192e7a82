"""How an unknown name is refused: in one form of words, with the known name that is most similar."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MAX_NAME_SHOWN = 60


def no_such(kind: str, name: object, known: Iterable[str], *, where: str = "") -> str:
    """The sentence that refuses an unknown name, e.g. `no study named 'digit' in this store; did you mean 'digits'?`.

    Args:
        kind: What was looked for, e.g. study.
        name: As it was given.
        known: The names that there are; the most similar one is proposed.
        where: What was searched, e.g. `in this store`; empty where that is clear.
    """
    shown = str(name)
    if len(shown) > _MAX_NAME_SHOWN:
        shown = shown[: _MAX_NAME_SHOWN - 3] + "..."
    near = nearest(name, known)
    what = " ".join(part for part in (f"no {kind} named {shown!r}", where) if part)
    return what if near is None else f"{what}; did you mean {near!r}?"


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most similar to one that was given; None where none is similar.

    Args:
        name: As it was given; only its beginning is compared.
        known: The names that there are.
    """
    near = get_close_matches(str(name)[:_MAX_NAME_SHOWN], [str(each) for each in known], n=1)
    return near[0] if near else None
