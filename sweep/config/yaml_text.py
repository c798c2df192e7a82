"""Values of a study file as YAML that reads back as the same values."""

from __future__ import annotations

from typing import Any

import yaml

from sweep.config.yaml_loader import StrictLoader

_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Quotes each text that this project, or another reader of YAML, would take for something else."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own protocol
        first: [
            *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
            *StrictLoader.yaml_implicit_resolvers.get(first, []),
        ]
        for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *StrictLoader.yaml_implicit_resolvers}
    }

    def ignore_aliases(self, data: object) -> bool:
        """Write every value out.

        Args:
            data: A value that may stand in several places.
        """
        return True


def yaml_text(values: dict[str, Any]) -> str:
    """A study file that says these values.

    Args:
        values: Keys and values as a study file has them.

    Returns:
        YAML, in the order of the keys.
    """
    text: str = yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None
    )
    return text
