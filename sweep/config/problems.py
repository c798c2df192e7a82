"""What is wrong with a value, in a sentence: what was found, what is allowed, and at which place of the file."""

from __future__ import annotations

import re

from pydantic_core import ErrorDetails, PydanticCustomError

from sweep.similar_names import nearest

SHORT = 60
LONG = 300


def cut(text: str, max_length: int = SHORT) -> str:
    """The text, or its beginning and three dots where it is longer than `max_length` characters.

    Args:
        text: Text to show.
        max_length: Length up to which it is shown whole, characters, 4 or more.
    """
    return text if len(text) <= max_length else text[: max_length - 3] + "..."


def misfit(at: tuple[str, ...], message: str) -> PydanticCustomError:
    """An error at a place in the file: keys from the top, such as ("factors", "lr").

    Args:
        at: Keys from the top of the file.
        message: What is wrong, as a sentence.
    """
    return PydanticCustomError("misfit", "{message}", {"at": at, "message": message})


def problem_of(detail: ErrorDetails) -> str:
    """A pydantic error in words, without its place."""
    value = detail["input"]
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "too few values in the list" if isinstance(detail["loc"][-1], int) else "is missing"
        case "literal_error":
            return _not_one_of(value, str(context.get("expected", "")))
        case "union_tag_invalid":
            return _not_one_of(context.get("tag"), str(context.get("expected_tags", "")))
        case "value_error":
            return str(context.get("error", detail["msg"]))
        case "misfit":
            return str(context["message"])
        case "string_pattern_mismatch":
            return f"found {_shown(value)}; use lower-case letters, digits, dot, dash and underscore, 64 at most"
        case "union_tag_not_found":
            return f"found {_shown(value)}; name a preset, or say which `kind` it is"
        case kind:
            return f"found {_shown(value)}; {_EXPECTED.get(kind) or _in_words(detail['msg'])}"


_COUNTED = {"Tuple": "a list", "List": "a list", "Dictionary": "a mapping", "String": "a text"}
_WHOLE = "a whole number is expected"
_NUMBER = "a number is expected, such as 2e-4"
_EXPECTED = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "string_type": "a text is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "list_type": "a list is expected: [a, b]",
    "tuple_type": "a list is expected: [a, b]",
    "dict_type": "keys and values are expected",
    "model_type": "keys and values are expected",
    "model_attributes_type": "keys and values are expected",
    "finite_number": "a finite number is expected",
    "string_too_short": "a text is expected",
    "extra_forbidden": "there is no such key",
}


def _in_words(message: str) -> str:
    """Pydantic's own sentence, such as `Input should be greater than 0`."""
    if many := re.match(r"(Tuple|List|Dictionary|String) should have (at most|at least) (\d+) ", message):
        return f"{_COUNTED[many[1]]} of {many[2]} {many[3]} is expected"
    return re.sub("^Input should be", "must be", message)


def _not_one_of(value: object, expected: str) -> str:
    allowed = re.findall(r"'([^']*)'", expected)
    near = nearest(value, allowed)
    hint = "" if near is None else f"did you mean {near!r}? "
    return f"found {_shown(value)}; {hint}allowed: {', '.join(allowed)}"


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return cut(repr(value))
