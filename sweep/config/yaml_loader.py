"""YAML 1.2 as a person writes it, within bounds that hold while the text is parsed and not afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from sweep.config.problems import cut
from sweep.config.values import CONTROL_CHARACTERS
from sweep.errors import StudyFileError
from sweep.limits import MAX_DEPTH, MAX_DIGITS, MAX_FILE_BYTES, MAX_NODES, MAX_TEXT

_YAML = "tag:yaml.org,2002:"
# A plain word is a text already; these change nothing. All others make objects that no setting takes.
_HARMLESS_TAGS = {f"{_YAML}str", f"{_YAML}map", f"{_YAML}seq"}


@dataclass(frozen=True)
class Extent:
    """How large a node is when all its aliases are written out.

    Attributes:
        nodes: Number of nodes, itself included.
        characters: Length of all its texts together.
        height: How deep it nests; 0 for a node without others.
    """

    nodes: int
    characters: int
    height: int


class StrictLoader(yaml.SafeLoader):
    """Composes a document node by node, and refuses each before the next one is read.

    `2e-4` is a number, `no` and `on` are words, `010` is ten. An alias counts like the values that it stands for, so
    that a document is within its bounds when it is written out. Tags and control characters are refused.

    Args:
        text: The whole document.
        document: Name of the document in errors: the path of its file, or an option.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own protocol

    def __init__(self, text: str, document: str) -> None:
        super().__init__(text)
        self._document = document
        self._depth = 0
        self._deepest = 0
        self._nodes = 0
        self._characters = 0
        self._extents: dict[str, Extent] = {}
        self.anchored: set[int] = set()
        """Identity of every node that an alias may name."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """PyYAML's own, after the next event was judged.

        Args:
            parent: Node that will hold this one; None for the document.
            index: Key or position of this node in its parent.

        Returns:
            The node with all that is below it.

        Raises:
            StudyFileError: A tag, an alias without its value, or a number, text, depth or count beyond the bounds.
        """
        event = self.peek_event()  # type: ignore[no-untyped-call] # PyYAML has no types
        if isinstance(event, yaml.AliasEvent):
            self._judge_alias(event)
            return super().compose_node(parent, index)
        self._nodes += 1
        self._judge(event)
        before = self._nodes - 1, self._characters, self._deepest
        if isinstance(event, yaml.ScalarEvent):
            self._characters += len(event.value)
        self._deepest = self._depth
        self._depth += 1
        try:
            node: yaml.Node | None = super().compose_node(parent, index)
        finally:
            self._depth -= 1
        if (anchor := getattr(event, "anchor", None)) is not None:
            height = self._deepest - self._depth
            self._extents[anchor] = Extent(self._nodes - before[0], self._characters - before[1], height)
            self.anchored.add(id(node))
        self._deepest = max(self._deepest, before[2])
        return node

    def _judge_alias(self, event: yaml.AliasEvent) -> None:
        name = str(event.anchor)
        extent = self._extents.get(name)
        if extent is None:
            what = "stands inside the value that it names" if name in self.anchors else "names nothing above it"
            raise self._refused(event, f"the alias *{cut(name)} {what}", "Write the value out.")
        self._nodes += extent.nodes
        self._characters += extent.characters
        self._deepest = max(self._deepest, self._depth + extent.height)
        self._judge_size(event, self._deepest)
        if self._characters > MAX_FILE_BYTES:
            raise self._refused(
                event, f"aliases that stand for more than {MAX_FILE_BYTES:,} characters", "Write fewer of them."
            )

    def _judge_size(self, event: yaml.Event, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._refused(event, f"nested more than {MAX_DEPTH} deep", "Simplify the file.")
        if self._nodes > MAX_NODES:
            raise self._refused(
                event, f"more than {MAX_NODES:,} values", "Shorten the lists: a formula fits a schedule of any length."
            )

    def _judge(self, event: yaml.Event) -> None:
        self._judge_size(event, self._depth)
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in _HARMLESS_TAGS:
            raise self._refused(
                event, f"not valid YAML for a study: the tag {cut(tag)!r}", "Write the value without a tag."
            )
        if isinstance(event, yaml.ScalarEvent):
            self._judge_text(event)

    def _judge_text(self, event: yaml.ScalarEvent) -> None:
        if len(event.value) > MAX_TEXT:
            raise self._refused(
                event, f"a text of {len(event.value):,} characters; {MAX_TEXT:,} are the most", "Shorten it."
            )
        if control := CONTROL_CHARACTERS.search(event.value):
            raise self._refused(
                event,
                f"the control character {control[0]!r} is not allowed",
                "Take it out, or write what it stands for.",
            )

    def whole_number(self, node: yaml.ScalarNode) -> int:
        """The value of a node that is written in digits.

        Raises:
            StudyFileError: More digits than a database holds.
        """
        if len(node.value.lstrip("+-")) > MAX_DIGITS:
            raise self._refused(
                node, f"a whole number of {len(node.value)} digits; {MAX_DIGITS} are the most", "Write it like 1e20."
            )
        return int(node.value)

    def _refused(self, at: yaml.Event | yaml.Node, what: str, following: str) -> StudyFileError:
        assert at.start_mark is not None
        line = at.start_mark.line + 1
        return StudyFileError(f"{self._document}, line {line}: {what}", why="Nothing was written.", next=following)


_NUMBER_STARTS = list("-+.0123456789")
for name, pattern, first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?[0-9]+$", _NUMBER_STARTS),
    ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$", _NUMBER_STARTS),
):
    StrictLoader.add_implicit_resolver(_YAML + name, re.compile(pattern), first)
StrictLoader.add_constructor(f"{_YAML}int", StrictLoader.whole_number)
