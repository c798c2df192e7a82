"""The interface of an executor: the assignment that it gets, and the started workers that it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sweep.errors import UnknownName, UsageError

Options = TypeVar("Options", bound=BaseModel)

OPTION = "--option"
Pack = int | Literal["auto"]
AUTO: Literal["auto"] = "auto"


class NoOptions(BaseModel):
    """The options of an executor that has none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """The workers that an executor is to start.

    Attributes:
        study: Name of the study.
        storage: URL of the store; it may hold a password.
        files: File store of checkpoints: a folder by its absolute path, or a URL.
        device: Device of each worker: `auto`, `cpu`, `cuda` or `cuda:0`.
        workers: Number of workers; None leaves it to the executor.
        work: Number of planned trainings. More workers than that would be idle.
        options: Options of this executor, as `--option KEY=VALUE` gives them.
        pack: Workers for each device of this machine; None is the default of the executor.
    """

    study: str
    storage: str
    files: str
    device: str
    workers: int | None
    work: int
    options: Mapping[str, str] = field(default_factory=dict)
    pack: Pack | None = None

    def arguments(self, *, gpus: float) -> list[str]:
        """Arguments of `sweep worker`.

        With device `auto`, a worker that reserves a GPU must use it. Where torch cannot, the worker fails instead of
        training on the CPU while the GPU is idle.

        Args:
            gpus: GPUs that the cluster reserves for the worker, from 0.
        """
        device = "cuda" if self.device == "auto" and gpus > 0 else self.device
        return ["--study", self.study, "--device", device]

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of `sweep worker`. A list of processes shows arguments, but not these."""
        return {"SWEEP_STORAGE": self.storage, "SWEEP_FILES": self.files}


class StartedWorkers(Protocol):
    """The workers of one launch, as an executor has started them."""

    @property
    def detached(self) -> bool:
        """Whether the workers continue when the launching process ends."""

    def start(self) -> None:
        """Start the workers, or submit them to a queue."""

    @property
    def alive(self) -> int:
        """Number of workers that run or wait for a machine."""

    @property
    def exit_codes(self) -> list[int]:
        """Exit codes of the workers that have ended."""

    def drain(self) -> None:
        """Ask all workers to save and exit."""

    def stop(self) -> None:
        """Kill all workers."""

    def join(self) -> None:
        """Wait until all workers have ended."""

    @property
    def monitor_hint(self) -> str:
        """How to find the workers after the launching process has ended; a sentence or a command."""


def require_shared(assignment: Assignment) -> None:
    """Check that workers on other machines can reach the store.

    Args:
        assignment: The workers to start.

    Raises:
        UsageError: The store is a file on this machine.
    """
    if assignment.storage.startswith("sqlite"):
        raise UsageError(
            "workers on other machines cannot reach this store",
            why="SQLite is a file on this machine, and its locks do not hold over a network.",
            next="export SWEEP_STORAGE=postgresql://USER@HOST/DATABASE, then the same command.",
        )


def pack_of(text: str) -> Pack:
    """The value of `--pack`.

    Args:
        text: The value as it was typed.

    Raises:
        UsageError: It is neither a number of workers nor `auto`.
    """
    if text == AUTO:
        return AUTO
    if not text.isdigit() or not int(text):
        raise UsageError(f"--pack {text!r} is not a number of workers", next="Use --pack auto, or --pack 2.")
    return int(text)


def options_of(kind: type[Options], given: Mapping[str, str]) -> Options:
    """The options of an executor.

    Args:
        kind: Model of the executor's options.
        given: The values as they were typed, by their names.

    Raises:
        UnknownName: The executor does not have such an option.
        UsageError: The value is not allowed.
    """
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        known = ", ".join(kind.model_fields)
        way_out = (
            f"Write {OPTION} KEY=VALUE with one of: {known}."
            if known
            else f"This executor has no option: leave {OPTION} out."
        )
        if first["type"] == "extra_forbidden":
            raise UnknownName("option of this executor", name, kind.model_fields, next=way_out) from None
        raise UsageError(f"{OPTION} {name}: {first['msg'][:1].lower()}{first['msg'][1:]}", next=way_out) from None
