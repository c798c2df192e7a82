"""What an executor is asked for, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sweep.errors import UsageError

Options = TypeVar("Options", bound=BaseModel)

OPTION = "--option"
Pack = int | Literal["auto"]
AUTO: Literal["auto"] = "auto"


class NoOptions(BaseModel):
    """Of an executor that has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Which workers are wanted.

    Attributes:
        study: Its name.
        storage: URL of the store; may hold a password.
        files: Where checkpoints go: a folder by its absolute path, or a URL.
        device: `auto`, `cpu`, `cuda` or `cuda:0`.
        workers: How many; None leaves it to the executor.
        work: Trainings that are planned: more workers than that would be idle.
        options: The executor's own.
        pack: Workers a device, where the executor starts them on devices of this machine; None is its habit.
    """

    study: str
    storage: str
    files: str
    device: str
    workers: int | None
    work: int
    options: Mapping[str, str] = field(default_factory=dict)
    pack: Pack | None = None

    @property
    def arguments(self) -> list[str]:
        """Of `sweep worker`."""
        return ["--study", self.study, "--device", self.device]

    @property
    def environment(self) -> dict[str, str]:
        """What `sweep worker` reads from its environment."""
        return {"SWEEP_STORAGE": self.storage, "SWEEP_FILES": self.files}


class StartedWorkers(Protocol):
    """Workers as an executor has placed them."""

    @property
    def detached(self) -> bool:
        """Whether they go on when the launcher ends."""

    def start(self) -> None:
        """Place them."""

    @property
    def alive(self) -> int:
        """How many work, or wait for a machine."""

    @property
    def exit_codes(self) -> list[int]:
        """Of those that have ended."""

    def drain(self) -> None:
        """Ask all to save and leave."""

    def stop(self) -> None:
        """End all at once."""

    def join(self) -> None:
        """Wait until they have ended."""

    @property
    def monitor_hint(self) -> str:
        """Where to look for them, once the launcher has left them alone."""


def require_shared(assignment: Assignment) -> None:
    """For executors that place workers on other machines.

    Raises:
        UsageError: the store is a file of this machine.
    """
    if assignment.storage.startswith("sqlite"):
        raise UsageError(
            "workers on other machines cannot reach this store",
            why="SQLite is a file on this machine, and its locks do not hold over a network.",
            next="export SWEEP_STORAGE=postgresql://USER@HOST/DATABASE, then the same command.",
        )


def pack_of(text: str) -> Pack:
    """From what was typed after --pack.

    Raises:
        UsageError: neither a number of workers nor `auto`.
    """
    if text == AUTO:
        return AUTO
    if not text.isdigit() or not int(text):
        raise UsageError(f"--pack {text!r} is no number of workers", next="Use --pack auto, or --pack 2.")
    return int(text)


def options_of(kind: type[Options], given: Mapping[str, str]) -> Options:
    """An executor's options from what was typed.

    Raises:
        UsageError: an option that it does not have, or a value that does not fit.
    """
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        known = ", ".join(kind.model_fields)
        raise UsageError(
            f"{OPTION} {name}: {first['msg'][:1].lower()}{first['msg'][1:]}",
            next=f"Options are KEY=VALUE of: {known}." if known else f"This executor has none: leave {OPTION} out.",
        ) from None


def pairs(given: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` as typed, several times.

    Raises:
        UsageError: no key, no value, or the same key twice.
    """
    found: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key or not value or key in found:
            why = "It is given twice." if key in found else "It is not of the form KEY=VALUE."
            raise UsageError(f"{OPTION} {text!r} cannot be read", why=why, next=f"Write {OPTION} partition=gpu, say.")
        found[key] = value
    return found
