"""What is wrong with one value, in a sentence: what was found, what is allowed."""

from __future__ import annotations

import re
from difflib import get_close_matches

from pydantic_core import ErrorDetails


def problem_of(detail: ErrorDetails) -> str:
    """A pydantic error in words, without its place."""
    found = detail["input"]
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "is missing"
        case "literal_error":
            return _not_one_of(found, str(context.get("expected", "")))
        case "union_tag_invalid":
            return _not_one_of(context.get("tag"), str(context.get("expected_tags", "")))
        case "value_error":
            return str(context.get("error", detail["msg"]))
        case "misfit":
            return str(context["message"])
        case "string_pattern_mismatch":
            return f"found {_shown(found)}; use lower-case letters, digits, dot, dash and underscore, 64 at most"
        case _:
            return f"found {_shown(found)}; {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _not_one_of(found: object, expected: str) -> str:
    allowed = re.findall(r"'([^']*)'", expected)
    near = get_close_matches(str(found), allowed, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"found {_shown(found)}; {hint}allowed: {', '.join(allowed)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
