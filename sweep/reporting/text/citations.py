"""The sources that the sentences of a methods paragraph cite, collected for its list of references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweep.reporting.formatting import value_in_words
from sweep.reporting.text.references import REFERENCES, SOURCES


class Citations:
    """Collects the sources that sentences use."""

    def __init__(self) -> None:
        self.used: list[str] = []

    def cite(self, *sources: str | None) -> str:
        """`(A; B)` with a leading space; empty for none."""
        known = list(dict.fromkeys(source for source in sources if source))
        self.used += [source for source in known if source not in self.used]
        return f" ({'; '.join(known)})" if known else ""

    def setting(self, config: Mapping[str, Any], field: str) -> str:
        """A setting's value with its source.

        Args:
            config: A train or evaluation config as stored.
            field: Name of the setting.
        """
        value = config[field]
        source = SOURCES.get((field, value)) if isinstance(value, str | int | float) else None
        return value_in_words(value) + self.cite(source)

    def references(self) -> list[str]:
        """The cited sources, each with its full reference, in alphabetical order."""
        return [f"{name}. {REFERENCES[name]}" for name in sorted(self.used)]
