"""Reading a YAML file a person wrote: safe, strict, and every value knows its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from sweep.errors import StudyFileError

MAX_BYTES = 1_000_000
MAX_DEPTH = 50

Location = tuple[str | int, ...]


class _Yaml12Loader(yaml.SafeLoader):
    """YAML 1.2 scalars: `2e-4` is a number, `no` and `on` are words, `010` is ten."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol


_NUMBER_STARTS = list("-+.0123456789")
for tag, pattern, first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", _NUMBER_STARTS),
    ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$", _NUMBER_STARTS),
):  # fmt: skip
    _Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)
_Yaml12Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))


@dataclass(frozen=True)
class YamlFile:
    """A parsed file.

    Attributes:
        data: The top-level mapping.
        lines: 1-based line of every key and item, by its path from the top.
    """

    path: Path
    data: dict[str, Any]
    lines: Mapping[Location, int]

    def line_of(self, location: Location) -> int | None:
        """Line of the deepest part of `location` that stands in the file."""
        for length in range(len(location), 0, -1):
            if (line := self.lines.get(location[:length])) is not None:
                return line
        return None


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML mapping.

    Raises:
        StudyFileError: missing, not text, too large, too deep, aliased, a key given twice, not YAML, or not a mapping.
    """
    text = _read_text(path)
    loader = None
    try:
        loader = _Yaml12Loader(text)
        node = loader.get_single_node()
        lines: dict[Location, int] = {}
        if node is not None:
            _walk(path, node, (), lines, set())
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from None
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError as error:
        raise StudyFileError(f"{path}: cannot be read", why=str(error), next="Simplify the file.") from None
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(data, dict):
        found = "nothing" if data is None else f"a {type(data).__name__}"
        raise StudyFileError(
            f"{path}: expected keys and values at the top, found {found}",
            next="Start from a shipped study: studies/digits.yaml.",
        )
    return YamlFile(path, data, lines)


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        there = sorted(str(p) for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else []
        hint = f"There are: {', '.join(there[:8])}." if there else "Check the path."
        raise StudyFileError(f"{path}: no such file", next=hint) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise StudyFileError(f"{path}: cannot be read", why=why, next="Give the path of a YAML file.") from None
    if len(raw) > MAX_BYTES:
        raise StudyFileError(
            f"{path}: {len(raw):,} bytes is too large for a study",
            why=f"At most {MAX_BYTES:,}.",
            next="Give the path of a study, such as studies/digits.yaml.",
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StudyFileError(
            f"{path}: not a text file", why=f"Byte {error.start} is not UTF-8.", next="Give the path of a YAML file."
        ) from None


def _walk(path: Path, node: yaml.Node, at: Location, lines: dict[Location, int], seen: set[int]) -> None:
    if len(at) > MAX_DEPTH:
        raise _too_deep(path)
    if id(node) in seen:
        raise StudyFileError(
            f"{path}, line {node.start_mark.line + 1}: YAML aliases (*name) are not allowed",
            next="Write the value out.",
        )
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            place = (*at, str(key_node.value))
            line = key_node.start_mark.line + 1
            if key_node.tag != "tag:yaml.org,2002:str":
                shown = f"key `{key_node.value}`" if isinstance(key_node, yaml.ScalarNode) else "this key"
                raise StudyFileError(f"{path}, line {line}: {shown} is not a word", next="Put it in quotes.")
            if place in lines:
                raise StudyFileError(
                    f"{path}, line {line}: key `{key_node.value}` is given twice",
                    why=f"It stands first on line {lines[place]}.",
                    next="Keep one of the two.",
                )
            lines[place] = line
            _walk(path, value_node, place, lines, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*at, index)] = item.start_mark.line + 1
            _walk(path, item, (*at, index), lines, seen)


def _too_deep(path: Path) -> StudyFileError:
    return StudyFileError(f"{path}: nested more than {MAX_DEPTH} deep", next="Simplify the file.")


# What people meant, by what PyYAML says.
_HINTS = {
    "mapping values are not allowed here": "Put a text that holds a colon in quotes; indent keys of one level alike.",
    "found character '\\t' that cannot start any token": "Indent with spaces, not with a tab.",
    "but found another document": "Keep one document: remove the line of three dashes in the middle.",
}


def _not_yaml(path: Path, error: yaml.YAMLError) -> StudyFileError:
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if isinstance(error, ReaderError):
        problem = f"Character {error.position} is a control character."
    following = _HINTS.get(str(problem), "Mend that line.")
    return StudyFileError(f"{path}{place}: not valid YAML", why=str(problem), next=following)
