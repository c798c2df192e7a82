"""Text that reaches the database or a message: no password, no NUL, no novel."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 8_000

# Greedy on purpose: a password may hold / or @ unescaped, and to mask too much does no harm.
_CREDENTIALS = re.compile(r"(://[^\s:/@]*):[^\s]*@")
_SECRETS = "password|passwd|secret|signature|credential|access_?key|account_?key|api_?key"
_PASSWORD = re.compile(rf"(\b[\w-]*(?:{_SECRETS})[\w-]*\s*=\s*)('[^']*'|\"[^\"]*\"|[^\s&;'\"]+)", re.IGNORECASE)


def clean(text: str) -> str:
    """The text with passwords masked, without characters that PostgreSQL refuses; the tail when it is too long.

    The tail of a traceback says more than its head.
    """
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    text = _PASSWORD.sub(r"\1***", _CREDENTIALS.sub(r"\1:***@", text))
    return text if len(text) <= LONGEST else "..." + text[-LONGEST:]


def clean_json(value: Any) -> Any:
    """The same for every text inside a JSON value; numbers that JSON lacks become their names."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_json(item) for item in value]
    return value
