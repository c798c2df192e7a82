"""The executors by their names. They place workers on machines and keep them alive; the store decides their work."""

from __future__ import annotations

from collections.abc import Callable

from sweep.errors import UnknownName
from sweep.executors.placement import AUTO, Assignment, StartedWorkers


def _local(assignment: Assignment) -> StartedWorkers:
    from sweep.executors.local import LocalWorkers

    if assignment.pack == AUTO:
        from sweep.executors.packed import PackedWorkers

        return PackedWorkers(assignment)
    return LocalWorkers(assignment)


def _slurm(assignment: Assignment) -> StartedWorkers:
    from sweep.executors.slurm import SlurmWorkers

    return SlurmWorkers(assignment)


def _ray(assignment: Assignment) -> StartedWorkers:
    from sweep.executors.ray import RayWorkers

    return RayWorkers(assignment)


# By their names on the command line. Each imports what it needs only when it is used.
EXECUTORS: dict[str, Callable[[Assignment], StartedWorkers]] = {
    "local": _local,
    "slurm": _slurm,
    "ray": _ray,
}


def executor(name: str) -> Callable[[Assignment], StartedWorkers]:
    """The executor of a name.

    Args:
        name: `local`, `slurm` or `ray`.

    Returns:
        What makes its workers from an assignment; `start` then starts them.

    Raises:
        UnknownName: No executor has this name.
    """
    if name not in EXECUTORS:
        raise UnknownName("executor", name, EXECUTORS, next=f"Use --executor {' or '.join(EXECUTORS)}.")
    return EXECUTORS[name]
