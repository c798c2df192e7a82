"""Text that reaches the database or a message: no password, no NUL, no novel.

Everything here takes time in proportion to the text, whatever the text: it may be an attacker's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 8_000
MASK = "***"

# From `://user:` to the last @ before a blank: a password may hold / or @ unescaped, and to mask too much does no harm.
_USER = re.compile(r"://[^\s:/@]*+:")
_WORD = re.compile(r"\S+")
_SECRETS = (
    "passwords?|passwd|passfile|passphrase|secret|signature|credential|access_?key|account_?key|api_?key|client_?key|"
    "server_?key|session_?token|auth_?token"
)
# Bounded repeats and no way back: `sslpassword=x`, `"password": "x"`, `X-Amz-Signature = 'x y'`.
_PASSWORD = re.compile(
    rf"((?:{_SECRETS})[\w-]{{0,40}}+\\{{0,4}}+[\"']?+\s{{0,8}}+[=:]\s{{0,8}}+\\{{0,4}}+)"
    r"('[^']*+'|\"[^\"]*+\"|['\"]?+[^\s&;'\"]++)",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """The text with passwords masked, without characters that PostgreSQL refuses; the tail when it is too long.

    The tail of a traceback says more than its head.
    """
    text = storable(text)
    if "://" in text and "@" in text:
        text = _WORD.sub(_without_credentials, text)
    text = _PASSWORD.sub(rf"\1{MASK}", text)
    return text if len(text) <= LONGEST else "..." + text[-LONGEST:]


def storable(text: str) -> str:
    """The text without NUL and lone surrogates: PostgreSQL refuses the one, and no UTF-8 holds the other."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


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


def _without_credentials(word: re.Match[str]) -> str:
    text = word[0]
    user = _USER.search(text)
    end = text.rfind("@")
    return text if user is None or end < user.end() else f"{text[: user.end()]}{MASK}{text[end:]}"
