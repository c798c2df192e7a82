"""Configs as rows hold them, back as models: checked again, so that nothing in the database can do harm.

pydantic and the models are imported with the first config that is read. A look at a study reads none, and they would
be a third of what it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from sweep.errors import StoreMismatch

if TYPE_CHECKING:
    from pydantic import BaseModel

    from sweep.config.designs.base import Design
    from sweep.config.run import EvalConfig, Protocol, TrainConfig
    from sweep.config.study import Study

    M = TypeVar("M", bound=BaseModel)


def train_config(stored: Any, *, of: str) -> TrainConfig:
    """Read a stored training config, and check it again.

    Args:
        stored: The value of the column, decoded from JSON.
        of: Which row it is of, for the error's text, such as `run 3`.

    Returns:
        The config.

    Raises:
        StoreMismatch: This version does not understand the value.
    """
    from sweep.config.run import TrainConfig

    return _checked(TrainConfig, stored, of)


def eval_config(stored: Any, *, of: str) -> EvalConfig:
    """Read a stored evaluation config, and check it again.

    Args:
        stored: The value of the column, decoded from JSON.
        of: Which row it is of, for the error's text, such as `score 3`.

    Returns:
        The config.

    Raises:
        StoreMismatch: This version does not understand the value.
    """
    from sweep.config.run import EvalConfig

    return _checked(EvalConfig, stored, of)


def protocol(stored: Any, *, of: str) -> Protocol:
    """Read a stored protocol, and check it again.

    Args:
        stored: The value of the column, decoded from JSON.
        of: Which row it is of, for the error's text, such as `score 3`.

    Returns:
        What a score is made under.

    Raises:
        StoreMismatch: This version does not understand the value.
    """
    from sweep.config.run import Protocol

    return _checked(Protocol, stored, of)


def study_spec(stored: Any, *, of: str) -> Study:
    """Read a stored study, and check it again.

    Args:
        stored: The column `spec` of the newest revision, decoded from JSON.
        of: Name of the study, for the error's text.

    Returns:
        The study.

    Raises:
        StoreMismatch: This version does not understand the value.
    """
    from sweep.config.study import Study

    return _checked(Study, stored, f"study {of}")


def plain_spec(stored: Any, *, of: str) -> Mapping[str, Any]:
    """Read a stored study as plain values, and check only its outer form: whoever looks at a study reads no more of it.

    Args:
        stored: The column `spec` of the newest revision, decoded from JSON.
        of: Name of the study, for the error's text.

    Returns:
        The stored mapping.

    Raises:
        StoreMismatch: It is no mapping, or its baseline or protocol is none.
    """
    parts = ("baseline", "protocol")
    if isinstance(stored, dict) and all(isinstance(stored.get(part, {}), dict) for part in parts):
        return stored
    raise StoreMismatch(
        f"study {of} was stored by a version of sweep that this one does not understand",
        why=f"Its values are {type(stored).__name__}, not the keys and values of a study.",
        next="Use the version that made the study, or restore the database from a backup.",
    )


def study_design(stored: Any, *, of: str) -> Design:
    """Read how the arms of a stored study are made, without reading the rest of it.

    Args:
        stored: What the study says of its design: a name, or a mapping with the options.
        of: Name of the study, for the error's text.

    Returns:
        The design.

    Raises:
        StoreMismatch: This version does not know the design, or does not understand its options.
    """
    from sweep.config.designs.registry import DESIGNS

    options = {"kind": stored} if isinstance(stored, str) else {"kind": "one_at_a_time"} | dict(stored)
    if options["kind"] not in DESIGNS:
        raise StoreMismatch(
            f"study {of} was stored by a version of sweep that this one does not understand",
            why=f"There is no design {options['kind']!r} here.",
            next="Use the version that made the study; sweep status shows it.",
        )
    return _checked(DESIGNS[options["kind"]], options, f"study {of}")


def _checked(model: type[M], stored: Any, of: str) -> M:
    from pydantic import ValidationError

    try:
        return model.model_validate(stored)
    except ValidationError as error:
        first = error.errors()[0]
        raise StoreMismatch(
            f"{of} was stored by a version of sweep that this one does not understand",
            why=f"{'.'.join(map(str, first['loc']))}: {first['msg']}.",
            next="Use the version that made the study; sweep status shows it.",
        ) from error
