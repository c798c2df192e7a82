"""Executors: what places workers on machines and keeps them alive. Which work they do is the store's decision."""

from __future__ import annotations

from collections.abc import Callable

from sweep.errors import UsageError
from sweep.executors.placement import AUTO, Assignment, StartedWorkers
from sweep.executors.supervised import Say


def _local(assignment: Assignment, say: Say) -> StartedWorkers:
    from sweep.executors.local import LocalWorkers

    if assignment.pack == AUTO:
        from sweep.executors.packed import PackedWorkers

        return PackedWorkers(assignment, say)
    return LocalWorkers(assignment, say)


def _slurm(assignment: Assignment, say: Say) -> StartedWorkers:
    from sweep.executors.slurm import SlurmWorkers

    return SlurmWorkers(assignment, say)


def _ray(assignment: Assignment, say: Say) -> StartedWorkers:
    from sweep.executors.ray import RayWorkers

    return RayWorkers(assignment, say)


# Each imports what it needs only when it is asked for. What each is called on the command line:
EXECUTORS: dict[str, Callable[[Assignment, Say], StartedWorkers]] = {
    "local": _local,
    "slurm": _slurm,
    "ray": _ray,
}


def executor(name: str) -> Callable[[Assignment, Say], StartedWorkers]:
    """The executor of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in EXECUTORS:
        raise UsageError(f"executor {name!r} is not known", next=f"Use --executor {' or '.join(EXECUTORS)}.")
    return EXECUTORS[name]
