"""What is tried of a plugin file: each part at its defaults, and with every choice of each setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sweep.config.own_part import OwnPart, own_part
from sweep.config.run import Setting
from sweep.errors import StudyFileError
from sweep.plugins.kinds import KINDS
from sweep.plugins.parameters import Parameter
from sweep.plugins.signatures import Signature, parts_in
from sweep.plugins.source import PluginSource, read_source


@dataclass(frozen=True)
class Case:
    """A part with some settings.

    Attributes:
        source: Source of its plugin.
        signature: Its kind, name and settings.
        changes: Settings that differ from the default.
    """

    source: PluginSource
    signature: Signature
    changes: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        settings = "".join(f", {name}={value}" for name, value in self.changes)
        return f"{self.signature.kind} {self.signature.name}{settings}"

    def _part(self) -> OwnPart:
        signature = self.signature
        return own_part(signature.name, self.source.sha256, signature.parameters, signature.better)

    def extractor(self) -> list[tuple[str, OwnPart]]:
        """The part with the name of its kind, where it is a feature extractor; else nothing."""
        if self.signature.kind != "feature_extractor":
            return []
        return [(self.signature.kind, self._part().with_settings(dict(self.changes)))]

    def setting(self) -> Setting:
        """A small baseline that uses the part."""
        kind, name = self.signature.kind, self.signature.name
        part = self._part()
        field, written = KINDS[kind].field, {"kind": name} | dict(self.changes)
        if kind == "feature_extractor":  # a protocol names it, and no setting
            return Setting.model_validate({"data": "digits", "net": "mlp_small", "T": 100})
        return Setting.model_validate(
            {
                "data": "digits",
                "net": "mlp_small",
                "T": 100,
                field: [written] if field == "extra_metrics" else written,
                "own_parts": {kind: {name: part}},
            }
        )


def cases_of(file: Path) -> list[Case]:
    """The cases of a plugin file; none where it cannot be read, which is a test of its own.

    Args:
        file: The plugin file. It is read, not run.
    """
    try:
        source = read_source(file)
        signatures = parts_in(source, file)
    except StudyFileError:
        return []
    return [Case(source, signature, changes) for signature in signatures for changes in _changes(signature)]


def _changes(signature: Signature) -> Iterator[tuple[tuple[str, object], ...]]:
    """No change, and each other value of a setting that has few."""
    yield ()
    for name, parameter in signature.parameters.items():
        for value in _others(parameter):
            yield ((name, value),)


def _others(parameter: Parameter) -> Iterator[object]:
    """Every other value of a setting that has few."""
    if parameter.type == "bool":
        yield not parameter.default
    yield from (choice for choice in parameter.choices if choice != parameter.default)
