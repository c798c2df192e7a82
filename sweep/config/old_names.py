"""Fields of the study file that had another name in an earlier version. Their old names go on working."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweep.config.problems import misfit

NEW_NAMES: Mapping[str, str] = {"looks": "interim_analyses"}
"""Old name -> new name, at the top of the file."""

OLD_NAMES: Mapping[str, str] = {new: old for old, new in NEW_NAMES.items()}


def with_new_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a study under their new names.

    Raises:
        PydanticCustomError: of type `misfit`: a field stands there under both names.
    """
    for old in NEW_NAMES.keys() & fields.keys():
        if NEW_NAMES[old] in fields:
            raise misfit((old,), f"`{old}` is the old name of `{NEW_NAMES[old]}`, which is given, too; remove one")
    return {NEW_NAMES.get(name, name): value for name, value in fields.items()}


def with_old_names(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a study under the names that hashes of studies were made with."""
    return {OLD_NAMES.get(name, name): value for name, value in fields.items()}
