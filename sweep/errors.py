"""Every error that a user can meet, and the exit code that goes with it.

    SweepError                    1
    |- UsageError                 2   what was typed or written is wrong; nothing was changed
    |  |- UnknownName             2   nothing has the name that was given; proposes the most similar one
    |  |- StudyFileError          2   the study file: names file, line and key
    |  `- InfeasibleConfig        2   legal values that make no sense together
    |- DataError                  2   a dataset or weights file that is missing or not what it claims to be
    |  `- ImagesUnavailable       2   the images of a study cannot be had on this machine; another may have them
    |- StoreError                 5   the database cannot be reached or used
    |  |- StoreUrlError           5   what was given as the address of a store is none
    |  |- StoreMissing            5   there is no store at this address; nothing was made
    |  |- OlderTables             5   the store has the tables of an older version; nothing was changed
    |  |- StoreMismatch           5   the store was made by other versions, or holds another study
    |  `- LeaseLost               -   another worker took this work over; the holder stops and takes the next
    |- FileStoreError             5   files of runs cannot be stored or fetched
    |- CheckpointError            1   a checkpoint that cannot be used
    |  |- UnreadableWeights       1   of a trained run: another machine may read them, or it is trained again
    |  `- UnreadableCheckpoint    1   it is missing, torn or altered; another try, or another machine, may read it
    |     `- UnsafePath           1   its name leads out of the folder of files
    |- ProtocolError              2   scores that must not be computed or compared
    |- OutputError                1   what was to be printed cannot be: the disk is full
    |  `- ReaderGone            141   whoever read the output has ended, as `head` does; nothing is said
    |- Diverged                   -   loss or gradients are not finite; carries its evidence
    `- Preempted                  75  asked to stop; everything is saved, the same command continues

Every error says three things: what happened, why, and the command to type next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum

from sweep.similar_names import no_such

_MAX_NAMES_LISTED = 20


class ExitCode(IntEnum):
    """Exit codes of the command, and of the worker processes that it starts."""

    OK = 0
    FAILED = 1
    """Something went wrong, or work is left."""
    USAGE = 2
    """What was typed, or a study file, is wrong. Nothing was changed."""
    BUDGET_SPENT = 3
    CELLS_FAILED = 4
    """The study is over, and some of its cells have no number."""
    STORE = 5
    """The database cannot be used, or does not fit."""
    PREEMPTED = 75
    """Asked to stop: everything is saved, and the same command continues. EX_TEMPFAIL of sysexits.h."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""
    READER_ENDED = 141
    """Whoever read the output has ended, as shells count it."""


class SweepError(Exception):
    """An error with its reason and the way out.

    Args:
        what: What went wrong, one line.
        why: The cause, one line.
        next: What to type or change now, one line.
    """

    exit_code: int = ExitCode.FAILED

    def __init__(self, what: str, *, why: str = "", next: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next = next

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.next) if line)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling between processes.
        return (_rebuild, (type(self), dict(self.__dict__)))


def _rebuild(kind: type[SweepError], state: dict[str, object]) -> SweepError:
    error = kind.__new__(kind)
    Exception.__init__(error, state["what"])
    error.__dict__.update(state)
    return error


class UsageError(SweepError):
    """What was typed or written is wrong; nothing was changed."""

    exit_code: int = ExitCode.USAGE


class UnknownName(UsageError):
    """Nothing has the name that was given: no study, net, executor, page, ...

    Args:
        kind: What was looked for, e.g. study.
        name: As it was given.
        known: The names that there are.
        where: What was searched, e.g. `in this store`; empty where that is clear.
        why: The cause, one line; by default the names that there are, if these are few.
        next: What to type or change now, one line.
    """

    def __init__(
        self, kind: str, name: object, known: Iterable[str], *, where: str = "", why: str = "", next: str = ""
    ) -> None:
        names = [str(each) for each in known]
        listed = f"Allowed: {', '.join(names)}." if 0 < len(names) <= _MAX_NAMES_LISTED else ""
        super().__init__(no_such(kind, name, names, where=where), why=why or listed, next=next)


class StudyFileError(UsageError):
    """The study file is wrong at a place that the message names."""


class InfeasibleConfig(UsageError):
    """Values that are legal one by one and make no sense together.

    Args:
        changes: Where they were met: the settings that differ from the study's baseline; None where no study is known.
    """

    def __init__(
        self, what: str, *, why: str = "", next: str = "", changes: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(what, why=why, next=next)
        self.changes = changes


class DataError(SweepError):
    """A dataset or weights file is missing or not what it claims to be."""

    exit_code: int = ExitCode.USAGE


class ImagesUnavailable(DataError):
    """The images of a study cannot be had on this machine; another may have them."""


class StoreError(SweepError):
    """The database cannot be reached or used."""

    exit_code: int = ExitCode.STORE


class StoreUrlError(StoreError):
    """What was given as the address of a store is none."""


class StoreMissing(StoreError):
    """There is no store at this address, and nothing was made."""


class OlderTables(StoreError):
    """The tables are those of an older version; nothing was changed."""


class StoreMismatch(StoreError):
    """The store was made by other versions, or holds something else under this name."""


class LeaseLost(StoreError):
    """Another worker holds this work now; every write of this attempt is refused."""


class FileStoreError(SweepError):
    """The store of files refuses, or does not answer."""

    exit_code: int = ExitCode.STORE


class CheckpointError(SweepError):
    """A checkpoint cannot be used: it is of another run or version, or cannot be read."""


class UnreadableCheckpoint(CheckpointError):
    """A file of a run is missing, or its bytes are not those that were recorded."""


class UnsafePath(UnreadableCheckpoint):
    """A file name, from a listing, a database or an archive, that leads out of the folder that it belongs to."""


class UnreadableWeights(CheckpointError):
    """The weights of a trained run are missing, torn or altered: on this machine, or everywhere."""


class ProtocolError(SweepError):
    """A score that must not be computed, or scores that must not be compared."""

    exit_code: int = ExitCode.USAGE


class OutputError(SweepError):
    """What was to be printed on stdout cannot be written."""


class ReaderGone(OutputError):
    """The reader of stdout has ended, as `head` does: as a program that SIGPIPE ends, in silence."""

    exit_code: int = ExitCode.READER_ENDED


class Diverged(SweepError):
    """Loss or gradients stopped being finite.

    Args:
        step: Optimizer step (1-based) at which it was seen.
        evidence: Last values before it, by name: step -> value.
    """

    def __init__(self, what: str, *, step: int, evidence: dict[str, list[float]]) -> None:
        super().__init__(what, why="", next="")
        self.step = step
        self.evidence = evidence


class Preempted(SweepError):
    """Asked to stop; everything is saved and the same command continues."""

    exit_code: int = ExitCode.PREEMPTED
