"""Values that the command line sets over a study file: `-s baseline.lr=3e-4`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sweep.config.factors import Factor
from sweep.config.problems import cut
from sweep.config.yaml_file import Location, Origin, parse
from sweep.errors import UsageError

OPTION = "-s"


def parse_overrides(texts: Sequence[str]) -> dict[str, object]:
    """Read what followed each `-s`.

    Args:
        texts: `KEY=VALUE` each, where the value is YAML: `seeds=5`, `factors.lr.levels=[1e-4, 1e-3]`.

    Returns:
        Dotted key -> value.

    Raises:
        UsageError: A text has no key or no value, a key is given twice, or a value is not YAML.
    """
    overrides: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key or not value.strip():
            raise UsageError(
                f"{OPTION} {cut(text)!r} cannot be read",
                why="It is not of the form KEY=VALUE.",
                next=f"Write {OPTION} baseline.lr=3e-4, or {OPTION} 'factors.lr.levels=[1e-4, 1e-3]'.",
            )
        if key in overrides:
            raise UsageError(f"{OPTION} {cut(key)} is given twice", next="Leave one of the two out.")
        overrides[key] = parse(value, f"{OPTION} {cut(key)}")[0]
    return overrides


def override_layer(key: str, value: object, below: Mapping[str, Any]) -> tuple[dict[str, Any], dict[Location, Origin]]:
    """One override as values with their origins.

    Args:
        key: Dotted key, such as `baseline.net.channels`. The name of a factor may hold dots itself.
        value: What is set there: plain values, lists and mappings with words as keys.
        below: The values that it is laid over.

    Returns:
        The value inside the mappings that lead to it, and the origin of each of them: the option.

    Raises:
        UsageError: The key or the value is none that a study file can have.
    """
    parts = _parts(key, below)
    if not all(parts):
        raise UsageError(
            f"{OPTION} {cut(key)}: a key is missing between dots", next=f"Write {OPTION} baseline.lr=3e-4."
        )
    origin = Origin(f"{OPTION} {cut(key)}")
    plain = _plain(key, value)
    origins = dict.fromkeys(_locations(tuple(parts), plain), origin)
    for length in range(1, len(parts)):
        origins[tuple(parts[:length])] = origin
    for part in reversed(parts):
        plain = {part: plain}
    return plain, origins


def _parts(key: str, below: Mapping[str, Any]) -> list[str]:
    """The keys of a dotted key from the top."""
    first, _, rest = key.partition(".")
    if first != "factors" or not rest:
        return key.split(".")
    factors = below.get("factors")
    known = factors if isinstance(factors, Mapping) else ()
    names = [name for name in known if rest == name or rest.startswith(f"{name}.")]
    if names:
        name = max(names, key=len)
        return [first, name, *rest.removeprefix(name).split(".")[1:]]
    name, _, field = rest.rpartition(".")
    return [first, name, field] if name and field in Factor.model_fields else [first, rest]


def _plain(key: str, value: object) -> Any:
    """The value as YAML would have given it."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [_plain(key, each) for each in value]
        case Mapping() if all(isinstance(each, str) for each in value):
            return {name: _plain(key, each) for name, each in value.items()}
    raise UsageError(
        f"{OPTION} {cut(key)}: found {cut(repr(value))}, which a study file cannot hold",
        why="It holds numbers, texts, true, false, null, lists and mappings.",
        next="Give one of these.",
    )


def _locations(at: Location, value: Any) -> Iterator[Location]:
    yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from _locations((*at, key), inner)
