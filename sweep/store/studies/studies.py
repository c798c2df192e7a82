"""Studies: what was asked, in which accepted version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from sweep.config.keys import protocol_key, sha256_of
from sweep.errors import StoreError, StoreMismatch
from sweep.store import stored_config
from sweep.store.queue.events import write_event
from sweep.store.records import ArmRecord, StudyRecord
from sweep.store.sql.schema import ARM, REVISION, STUDY
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_missing
from sweep.store.states import EventKind
from sweep.store.studies.arms import check_arm_names, check_name, replace_arms
from sweep.store.studies.known_scores import known_scores
from sweep.store.studies.unknown import no_such_study

if TYPE_CHECKING:
    from sweep.config.run import Protocol


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
    """Create a study, or return it where the same file was registered before.

    A changed file is a new revision: its arms replace the old ones by name, and cells of arms that it drops are
    excluded with that reason. Nothing that was measured is removed.

    Args:
        store: The open database.
        name: Name of the study, 1 to 64 characters.
        question: What the study asks, in the words of its file.
        spec: The study file, whole, as a JSON value.
        spec_sha256: Hash of the file's content; an equal hash means the same file.
        arms: The arms in the order of the report, the baseline among them.
        protocol: What the scores of the study are made under.
        versions: Library name -> version, of the libraries that change numbers.
        reason: Why the change is accepted; kept for the report.
        accept_change: Whether a changed file becomes a new revision; otherwise it is refused.

    Returns:
        The study at its newest revision.

    Raises:
        StoreMismatch: The file changed and `accept_change` is False.
        UsageError: A name is empty, too long or has a NUL.
    """
    check_name("study", name, 64)
    check_arm_names(arms)

    def work(connection: Connection) -> StudyRecord:
        insert_missing(connection, STUDY, [{"name": name, "question": question}])
        study_id = connection.scalars(select(STUDY.c.id).where(STUDY.c.name == name).with_for_update()).one()
        newest = newest_revision(connection, study_id)
        if newest is None or newest.spec_sha256 != spec_sha256:
            if newest is not None and not accept_change:
                raise _changed(name, newest.number)
            number = 1 if newest is None else newest.number + 1
            decided = {"revision": number, **known_scores(connection, study_id)}
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
            replace_arms(connection, study_id, arms, number)
            message = f"revision {number} accepted"
            write_event(connection, EventKind.REVISION, message, study_id=study_id, detail=decided)
        return study_record(connection, STUDY.c.id == study_id)

    return store.write(work)


def move_images(store: Store, study_id: int, path: str) -> StudyRecord:
    """Record where the images of a study lie now. Images are identified by their hash, so this is no new revision.

    Args:
        store: The open database.
        study_id: Row id of the study.
        path: Folder or name of the data set, as the study file states it now.

    Returns:
        The study with its new path.
    """

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


def study(store: Store, name: str) -> StudyRecord:
    """Read a study by its name.

    Args:
        store: The open database.
        name: Name of the study.

    Returns:
        The study at its newest revision.

    Raises:
        UnknownName: There is no study of this name.
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
    """Read the one study of a condition, at its newest revision.

    Args:
        connection: Connection inside a transaction.
        which: An SQL condition on the columns of `STUDY` that one row satisfies.

    Returns:
        The study.

    Raises:
        StoreError: The study is not in this database any more.
        StoreMismatch: Its stored file is not of the form of a study.
    """
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
    """Read the newest accepted revision of a study.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study.

    Returns:
        The row of the revision; None for a study that has none.
    """
    return connection.execute(
        select(REVISION).where(REVISION.c.study_id == study_id).order_by(REVISION.c.number.desc()).limit(1)
    ).one_or_none()


def _changed(name: str, revision: int) -> StoreMismatch:
    return StoreMismatch(
        f"study {name!r} is in this store with another content (revision {revision})",
        why="Its file was changed since; scores of both versions would meet in one report.",
        next="sweep launch FILE --accept-change makes a new revision; or give the study another name.",
    )
