"""Studies and their arms: what was asked, in which accepted version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, func, insert, select, update

from sweep.config.keys import protocol_key, sha256_of
from sweep.errors import StoreError, StoreMismatch, UsageError
from sweep.store import stored_config
from sweep.store.queue.events import write_event
from sweep.store.records import ArmRecord, StudyRecord
from sweep.store.sql.schema import ARM, CELL, REVISION, STUDY
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_missing, insert_or_replace
from sweep.store.states import EventKind, Phase
from sweep.store.studies.demand import withdraw_unwanted_runs
from sweep.store.studies.trial_changes import note_change
from sweep.store.studies.unknown import no_such_study

if TYPE_CHECKING:
    from sweep.config.run import Protocol

_DROPPED = "arm dropped in revision "


def register_study(
    store: Store,
    name: str,
    *,
    question: str,
    spec: Mapping[str, Any],
    spec_sha256: str,
    arms: Sequence[ArmRecord],
    protocol: Protocol,
    versions: Mapping[str, str],
    reason: str = "",
    accept_change: bool = False,
) -> StudyRecord:
    """Create the study, or return it when the same file was registered before.

    A changed file is a new revision: its arms replace the old ones by name, and cells of arms that it drops are
    excluded with that reason. Nothing that was measured is removed.

    Args:
        spec: The study file, whole, as a JSON value.
        spec_sha256: Its identity; equal means the same file.
        arms: In the order of the report, the baseline among them.
        versions: Of the libraries that change numbers, by name.
        reason: Why the change is accepted; kept for the report.

    Raises:
        StoreMismatch: the file changed and `accept_change` is False.
        UsageError: a name that no database keeps: empty, too long or with a NUL.
    """
    _check_name("study", name, 64)
    _check_arms(arms)

    def work(connection: Connection) -> StudyRecord:
        insert_missing(connection, STUDY, [{"name": name, "question": question}])
        study_id = connection.scalars(select(STUDY.c.id).where(STUDY.c.name == name).with_for_update()).one()
        newest = newest_revision(connection, study_id)
        if newest is None or newest.spec_sha256 != spec_sha256:
            if newest is not None and not accept_change:
                raise _changed(name, newest.number)
            number = 1 if newest is None else newest.number + 1
            revision = {
                "study_id": study_id,
                "number": number,
                "spec": dict(spec),
                "spec_sha256": spec_sha256,
                "arms_sha256": sha256_of([[arm.name, dict(arm.changes), arm.is_baseline] for arm in arms]),
                "protocol": protocol.model_dump(mode="json"),
                "protocol_key": protocol_key(protocol),
                "versions": dict(versions),
                "reason": reason,
            }
            connection.execute(insert(REVISION).values(revision))
            connection.execute(update(STUDY).where(STUDY.c.id == study_id).values(question=question))
            _replace_arms(connection, study_id, arms, number)
            write_event(connection, EventKind.REVISION, f"revision {number} accepted", study_id=study_id)
        return study_record(connection, STUDY.c.id == study_id)

    return store.write(work)


def move_images(store: Store, study_id: int, path: str) -> StudyRecord:
    """Note where the images of a study lie now: its content is their hash, so this is no revision."""

    def work(connection: Connection) -> StudyRecord:
        newest = newest_revision(connection, study_id)
        assert newest is not None
        data = newest.spec["baseline"]["data"]
        if data["path"] != path:
            baseline = newest.spec["baseline"] | {"data": data | {"path": path}}
            moved = update(REVISION).where(REVISION.c.id == newest.id)
            connection.execute(moved.values(spec=newest.spec | {"baseline": baseline}))
            write_event(
                connection, EventKind.IMAGES, f"the images lie in {path}, before in {data['path']}", study_id=study_id
            )
        return study_record(connection, STUDY.c.id == study_id)

    return store.write(work)


def add_arms(store: Store, study_id: int, arms: Sequence[ArmRecord]) -> None:
    """Add arms that only became known on the way, like those between baseline and best; known names stay as they are.

    Raises:
        UsageError: a name that no database keeps.
    """
    _check_arms(arms)
    store.write(lambda connection: append_arms(connection, study_id, arms))


def append_arms(connection: Connection, study_id: int, arms: Sequence[ArmRecord]) -> None:
    """The same inside a transaction."""
    first = connection.scalars(
        select(func.coalesce(func.max(ARM.c.position) + 1, 0)).where(ARM.c.study_id == study_id)
    ).one()
    insert_missing(connection, ARM, _arm_rows(study_id, arms, first))


def rename_arms(store: Store, study_name: str, levels: Mapping[str, str]) -> None:
    """Call the arms of a study by other names of its levels; nothing happens where there is no such arm or study.

    Args:
        levels: `factor=level` as it is in names -> as it is to be.
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


def study(store: Store, name: str) -> StudyRecord:
    """The study of this name.

    Raises:
        UsageError: there is none.
    """

    def work(connection: Connection) -> StudyRecord:
        study_id = connection.scalar(select(STUDY.c.id).where(STUDY.c.name == name))
        if study_id is None:
            raise no_such_study(connection, name)
        return study_record(connection, STUDY.c.id == study_id)

    return store.read(work)


def studies(store: Store) -> tuple[StudyRecord, ...]:
    """All studies, oldest first."""

    def work(connection: Connection) -> tuple[StudyRecord, ...]:
        ids = connection.scalars(select(STUDY.c.id).order_by(STUDY.c.id)).all()
        return tuple(study_record(connection, STUDY.c.id == study_id) for study_id in ids)

    return store.read(work)


def study_record(connection: Connection, which: Any) -> StudyRecord:
    """The one study that a condition names, at its newest revision."""
    row = connection.execute(select(STUDY).where(which)).one_or_none()
    if row is None:
        raise StoreError("the study is not in this database any more", next="`sweep status` lists the studies.")
    newest = newest_revision(connection, row.id)
    assert newest is not None
    arms = connection.execute(
        select(ARM.c.name, ARM.c.changes, ARM.c.is_baseline)
        .where(ARM.c.study_id == row.id)
        .order_by(ARM.c.position, ARM.c.id)
    )
    return StudyRecord(
        id=row.id,
        name=row.name,
        question=row.question,
        state=row.state,
        revision=newest.number,
        spec=stored_config.plain_spec(newest.spec, of=row.name),
        spec_sha256=newest.spec_sha256,
        protocol_spec=newest.protocol,
        protocol_key=newest.protocol_key,
        versions=newest.versions,
        arms=tuple(ArmRecord(name, changes, is_baseline) for name, changes, is_baseline in arms),
        created_at=row.created_at,
    )


def newest_revision(connection: Connection, study_id: int) -> Any:
    """The row of the newest accepted revision; None for a study that has none."""
    return connection.execute(
        select(REVISION).where(REVISION.c.study_id == study_id).order_by(REVISION.c.number.desc()).limit(1)
    ).one_or_none()


def _replace_arms(connection: Connection, study_id: int, arms: Sequence[ArmRecord], revision: int) -> None:
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


def _check_arms(arms: Sequence[ArmRecord]) -> None:
    for arm in arms:
        _check_name("arm", arm.name, 128)


def _check_name(kind: str, name: str, longest: int) -> None:
    if not 0 < len(name) <= longest or "\x00" in name:
        raise UsageError(
            f"{kind} name {name[:longest]!r} cannot be stored",
            why=f"A name has 1 to {longest} characters and no NUL.",
            next="Rename it in the study file.",
        )


def _changed(name: str, revision: int) -> StoreMismatch:
    return StoreMismatch(
        f"study {name!r} is in this store with another content (revision {revision})",
        why="Its file was changed since; scores of both versions would meet in one report.",
        next="sweep launch FILE --accept-change makes a new revision; or give the study another name.",
    )
