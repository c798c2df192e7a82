"""The merge key of YAML, `<<: *name`: the keys of another mapping, but for those that a mapping has itself."""

from __future__ import annotations

from collections.abc import Container, Iterator

import yaml

from sweep.errors import StudyFileError

MERGE_KEY = "<<"

Pair = tuple[yaml.Node, yaml.Node]


def resolve_merge_keys(node: yaml.MappingNode, anchored: Container[int], document: str) -> None:
    """Write the keys that a mapping merges into it. Its own keys win, then those of mappings that are named first.

    Args:
        node: The mapping; it is changed. A second call changes nothing.
        anchored: Identity of every node that an alias may name.
        document: Name of the document in errors.

    Raises:
        StudyFileError: What is merged is not an alias of a mapping, nor a list of such aliases.
    """
    if not any(_is_merge_key(key) for key, _ in node.value):
        return
    pairs = {str(key.value): (key, value) for key, value in node.value if not _is_merge_key(key)}
    for key, merged in node.value:
        if _is_merge_key(key):
            for inherited_key, inherited in _pairs_of(key, merged, anchored, document):
                pairs.setdefault(str(inherited_key.value), (inherited_key, inherited))
    node.value = list(pairs.values())


def _pairs_of(key: yaml.Node, merged: yaml.Node, anchored: Container[int], document: str) -> Iterator[Pair]:
    for mapping in merged.value if isinstance(merged, yaml.SequenceNode) else [merged]:
        if not isinstance(mapping, yaml.MappingNode) or id(mapping) not in anchored:
            raise StudyFileError(
                f"{document}, line {key.start_mark.line + 1}: `{MERGE_KEY}` takes keys and values that have an anchor",
                why="It merges what stands elsewhere in this file.",
                next=f"Write `&name` before those keys and values, and `{MERGE_KEY}: *name` here.",
            )
        resolve_merge_keys(mapping, anchored, document)
        yield from mapping.value


def _is_merge_key(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == MERGE_KEY and node.style is None
