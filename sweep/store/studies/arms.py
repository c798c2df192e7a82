"""Arms of a study: adding, renaming and replacing them. What was measured for an arm is never removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from sweep.errors import UsageError
from sweep.store.records import ArmRecord
from sweep.store.sql.schema import ARM, CELL, STUDY
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_missing, insert_or_replace
from sweep.store.states import Phase
from sweep.store.studies.demand import withdraw_unwanted_runs
from sweep.store.studies.trial_changes import note_change

_DROPPED = "arm dropped in revision "


def add_arms(store: Store, study_id: int, arms: Sequence[ArmRecord]) -> None:
    """Add arms that only became known on the way, such as those between the baseline and the best arm.

    Args:
        store: The open database.
        study_id: Row id of the study.
        arms: The arms; those whose names the study has already stay as they are.

    Raises:
        UsageError: A name is empty, too long or has a NUL.
    """
    check_arm_names(arms)
    store.write(lambda connection: append_arms(connection, study_id, arms))


def append_arms(connection: Connection, study_id: int, arms: Sequence[ArmRecord]) -> None:
    """Add arms behind those of a study, inside a transaction.

    Args:
        connection: Connection inside a writing transaction.
        study_id: Row id of the study.
        arms: The arms; those whose names the study has already stay as they are.
    """
    first = connection.scalars(
        select(func.coalesce(func.max(ARM.c.position) + 1, 0)).where(ARM.c.study_id == study_id)
    ).one()
    insert_missing(connection, ARM, _arm_rows(study_id, arms, first))


def rename_arms(store: Store, study_name: str, levels: Mapping[str, str]) -> None:
    """Rename the arms of a study after its levels were renamed. Nothing happens where there is no such arm or study.

    Args:
        store: The open database.
        study_name: Name of the study.
        levels: Old `factor=level` -> new `factor=level`, as they stand in the names of arms.
    """

    def renamed(name: str) -> str:
        arm, trial, number = name.partition(" / ")
        return " + ".join(levels.get(part, part) for part in arm.split(" + ")) + trial + number

    def work(connection: Connection) -> None:
        of_study = select(ARM.c.id, ARM.c.name, ARM.c.study_id).join(STUDY, STUDY.c.id == ARM.c.study_id)
        for arm in connection.execute(of_study.where(STUDY.c.name == study_name)).all():
            if renamed(arm.name) != arm.name:
                connection.execute(update(ARM).where(ARM.c.id == arm.id).values(name=renamed(arm.name)))
                note_change(connection, arm.study_id)

    store.write(work)


def replace_arms(connection: Connection, study_id: int, arms: Sequence[ArmRecord], revision: int) -> None:
    """Give a study the arms of a new revision.

    Cells of arms that the revision drops are excluded; those of arms that an earlier revision dropped and this one has
    again are included again. Search trials and their confirmations are no part of the file, and stay.

    Args:
        connection: Connection inside a writing transaction.
        study_id: Row id of the study.
        arms: The arms of the new revision, in the order of the report.
        revision: Number of the new revision, for the reason of the exclusion.
    """
    insert_or_replace(connection, ARM, _arm_rows(study_id, arms, 0), key=("study_id", "name"))
    names = [arm.name for arm in arms]
    remaining = select(ARM.c.id).where(ARM.c.study_id == study_id, ARM.c.name.in_(names))
    # Search trials stay, and so do the confirmations of arms that came from them: neither is part of the file.
    in_search = select(CELL.c.arm_id).where(CELL.c.study_id == study_id, CELL.c.phase == Phase.SEARCH)
    dropped = and_(CELL.c.arm_id.not_in(remaining), CELL.c.arm_id.not_in(in_search))
    reason = f"{_DROPPED}{revision}"
    connection.execute(
        update(CELL)
        .where(CELL.c.study_id == study_id, CELL.c.phase == Phase.CONFIRM, dropped, CELL.c.excluded_reason.is_(None))
        .values(excluded_reason=reason)
    )
    leaving = select(CELL.c.run_id).where(CELL.c.study_id == study_id, CELL.c.excluded_reason == reason)
    withdraw_unwanted_runs(connection, leaving)
    connection.execute(
        update(CELL)
        .where(CELL.c.study_id == study_id, ~dropped, CELL.c.excluded_reason.startswith(_DROPPED, autoescape=True))
        .values(excluded_reason=None)
    )


def _arm_rows(study_id: int, arms: Sequence[ArmRecord], first: int) -> list[dict[str, Any]]:
    return [
        {
            "study_id": study_id,
            "position": first + index,
            "name": arm.name,
            "changes": dict(arm.changes),
            "is_baseline": arm.is_baseline,
        }
        for index, arm in enumerate(arms)
    ]


def check_arm_names(arms: Sequence[ArmRecord]) -> None:
    """Refuse names of arms that no database keeps.

    Args:
        arms: The arms.

    Raises:
        UsageError: A name is empty, longer than 128 characters or has a NUL.
    """
    for arm in arms:
        check_name("arm", arm.name, 128)


def check_name(kind: str, name: str, longest: int) -> None:
    """Refuse a name that no database keeps.

    Args:
        kind: What is named, for the error's text: `study` or `arm`.
        name: The name.
        longest: The most characters that its column takes.

    Raises:
        UsageError: The name is empty, too long or has a NUL.
    """
    if not 0 < len(name) <= longest or "\x00" in name:
        raise UsageError(
            f"{kind} name {name[:longest]!r} cannot be stored",
            why=f"A name has 1 to {longest} characters and no NUL.",
            next="Rename it in the study file.",
        )
