"""Values laid over values: mappings are merged, everything else is replaced, and each value keeps its origin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweep.config.yaml_file import Location, Origin

# What may be written as a bare name: where it stands -> the key that the name is short for.
_SHORT_FORMS: Mapping[Location, str] = {
    ("design",): "kind",
    ("baseline", "net"): "preset",
    ("baseline", "data"): "name",
}
_KIND_KEYS = ("kind", "preset", "name")


class Layers:
    """Merged values with the origin of each."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origins: dict[Location, Origin] = {}

    def lay(self, data: dict[str, Any], origins: Mapping[Location, Origin]) -> None:
        """Lay values over those that there are.

        Args:
            data: The values; they are not changed.
            origins: Origin of every key and item of them.
        """
        self.data = self._merged((), self.data, data, origins)

    def _merged(
        self, at: Location, below: dict[str, Any], above: dict[str, Any], origins: Mapping[Location, Origin]
    ) -> dict[str, Any]:
        merged = dict(below)
        for key, value in above.items():
            location = (*at, key)
            lower = self._written_out(location, merged.get(key), value)
            if at == ("factors",) and value is None and key in below:
                del merged[key]
                self._forget(location, lower)
            elif isinstance(lower, dict) and isinstance(value, dict) and not _is_another_kind(location, lower, value):
                self.origins[location] = _origin_of_both(self.origins.get(location), origins[location])
                merged[key] = self._merged(location, lower, value, origins)
            else:
                self._forget(location, lower)
                merged[key] = self._taken(location, value, origins)
        return merged

    def _written_out(self, at: Location, below: Any, above: Any) -> Any:
        """A bare name as the keys that it is short for, where more of them are set."""
        if at not in _SHORT_FORMS or not isinstance(below, str) or not isinstance(above, dict):
            return below
        if at in self.origins:
            self.origins[(*at, _SHORT_FORMS[at])] = self.origins[at]
        return {_SHORT_FORMS[at]: below}

    def _taken(self, at: Location, value: Any, origins: Mapping[Location, Origin]) -> Any:
        if (origin := origins.get(at)) is not None:
            self.origins[at] = origin
        if isinstance(value, dict):
            return {key: self._taken((*at, key), inner, origins) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._taken((*at, index), inner, origins) for index, inner in enumerate(value)]
        return value

    def _forget(self, at: Location, value: Any) -> None:
        self.origins.pop(at, None)
        for key, inner in (
            value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
        ):
            self._forget((*at, key), inner)


def _origin_of_both(below: Origin | None, above: Origin) -> Origin:
    return above if below is None else Origin(f"{below}, with {above}")


def _is_another_kind(at: Location, below: dict[str, Any], above: dict[str, Any]) -> bool:
    return at in _SHORT_FORMS and any(key in above and above[key] != below.get(key) for key in _KIND_KEYS)
