"""Text and JSON as both databases hold them: PostgreSQL refuses NUL and half surrogate pairs, SQLite keeps them."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import String
from sqlalchemy.types import TypeDecorator

from sweep.redaction import storable

_ESCAPED = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class Text(TypeDecorator[str]):
    """Text of any length or of `Text(length)`; characters that no database holds are replaced on the way in."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        """Convert a text to what is stored and compared.

        Args:
            value: The text; None for NULL.
            dialect: The dialect of the database; not used.

        Returns:
            The text without characters that one of the databases refuses.
        """
        return None if value is None else storable(value)


def to_json(value: Any) -> str:
    """JSON with every text as `Text` stores it."""
    text = json.dumps(value)
    return json.dumps(_storable(value)) if _ESCAPED.search(text) else text


def from_json(stored: str) -> Any:
    """The value; what is no JSON is given as it is, so that one damaged row fails no query over many."""
    try:
        return json.loads(stored)
    except ValueError:
        return stored


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value
