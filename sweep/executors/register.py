"""Writing a study into the store, where it may already be."""

from __future__ import annotations

from collections.abc import Sequence

from sweep.config.factors import renamed_levels
from sweep.config.keys import sha256_of
from sweep.config.old_names import with_old_names
from sweep.config.run import Protocol
from sweep.config.study import Study
from sweep.errors import StoreMismatch
from sweep.planning.plan import StudyPlan
from sweep.search.versions import versions
from sweep.store import add_cells, register_study, studies
from sweep.store.queue.events import add_event, events
from sweep.store.records import ArmRecord, StudyRecord
from sweep.store.sql.transaction import Store
from sweep.store.states import EventKind
from sweep.store.stored_config import study_spec
from sweep.store.studies.arms import rename_arms
from sweep.store.studies.studies import move_images


def identity(study: Study) -> str:
    """Hash of the content of a study file.

    Values equal to their default are left out, so that a field of a later version changes no hash. Images and
    starting weights whose hash is known count by it, wherever they lie.

    Args:
        study: The study file.

    Returns:
        A sha256 in hexadecimal.
    """
    fields = study.model_dump(mode="json", exclude_defaults=True)
    if study.baseline.data.sha256 is not None:
        fields["baseline"]["data"].pop("path")
    if study.baseline.init_from is not None and study.baseline.init_from.sha256 is not None:
        fields["baseline"]["init_from"].pop("path")
    for items in fields.get("design", {}).get("items", {}).values():
        for item in items:
            if item.get("sha256") is not None:
                item.pop("path")
    return sha256_of(with_old_names(fields) | {"design": {"kind": study.design.kind} | fields.get("design", {})})


def matching_study(store: Store, plan: StudyPlan, *, accept_change: bool) -> StudyRecord | None:
    """The stored study whose protocol a launch of this file can use.

    Args:
        store: The store to search.
        plan: The plan of the study file.
        accept_change: Whether the user accepts that the file differs from the stored study.

    Returns:
        The study; None when it is new, or when its accepted change concerns the images or the protocol.

    Raises:
        StoreMismatch: The file has changed since the last launch, and the user has not accepted that.
    """
    record = find_study(store, plan.study.name)
    if record is None or is_same(record, plan.study):
        return record
    if not accept_change:
        raise StoreMismatch(
            f"study {record.name!r} is in this store with another content (revision {record.revision})",
            why="Its file was changed since; scores of both versions would meet in one report.",
            next="sweep space diff FILE shows the change; sweep launch FILE --accept-change makes a new revision.",
        )
    before = study_spec(record.spec, of=record.name)
    same_evaluator = before.protocol == plan.study.protocol
    return record if same_evaluator and same_images(before, plan.study) else None


def find_study(store: Store, name: str) -> StudyRecord | None:
    """The study of a name; None when the store has none.

    Args:
        store: The store to search.
        name: Name of the study.
    """
    return next((record for record in studies(store) if record.name == name), None)


def with_known_images(store: Store, study: Study) -> Study:
    """The study with the hash of the images that it was launched with, so that other images are refused at once.

    Args:
        store: The store that may hold the study.
        study: The study file. It is returned as it is when it is new, or when its images are a published data set.
    """
    record, data = find_study(store, study.name), study.baseline.data
    if record is None or data.path is None:
        return study
    before = study_spec(record.spec, of=record.name).baseline.data
    return study.with_images(before.sha256) if before.sha256 is not None and before.size == data.size else study


def is_same(record: StudyRecord, study: Study) -> bool:
    """Whether a stored study has the content of a study file.

    Args:
        record: The study as the store has it.
        study: The study file.
    """
    if record.spec_sha256 == identity(study):
        return True
    # Version 0.1.0 hashed the path of a folder too.
    has_hash = study.baseline.data.sha256 is not None
    return has_hash and identity(study_spec(record.spec, of=record.name)) == identity(study)


def same_images(before: Study, after: Study) -> bool:
    """Whether two studies use the same images, in whatever folders.

    Args:
        before: A study.
        after: Another study, or another version of it.
    """
    return before.baseline.data.lies_at(after.baseline.data) == after.baseline.data


def register(
    store: Store, plan: StudyPlan, protocol: Protocol, *, accept_change: bool, reason: str = ""
) -> StudyRecord:
    """Create the study with its cells, or update the stored study to this content. A second call changes nothing.

    Args:
        store: The store to write to.
        plan: The plan of the study file.
        protocol: The protocol with its hashes.
        accept_change: Whether the user accepts that the file differs from the stored study.
        reason: Why it was changed, for the record of its revisions.

    Returns:
        The study as the store has it now.

    Raises:
        StoreMismatch: The content differs, and the user has not accepted that.
    """
    study = plan.study
    if renamed := renamed_levels(study.factors):
        rename_arms(store, study.name, renamed)
    stored = find_study(store, study.name)
    record = register_study(
        store,
        study.name,
        question=study.question,
        spec=study.model_dump(mode="json"),
        spec_sha256=stored.spec_sha256 if stored is not None and is_same(stored, study) else identity(study),
        arms=[ArmRecord(arm.name, arm.changes, is_baseline=arm.is_baseline) for arm in plan.arms],
        protocol=protocol,
        versions=versions(),
        reason=reason,
        accept_change=accept_change,
    )
    if study.baseline.data.path is not None:
        record = move_images(store, record.id, study.baseline.data.path)
    add_cells(store, record.id, plan.cells)
    return record


def note_images(store: Store, study_id: int, notes: Sequence[str]) -> None:
    """Store an event that says how many images the study's folder has and which files were left out.

    Args:
        store: The store that holds the study.
        study_id: The study's id in it.
        notes: The sentences of the preparation. The same sentences are stored only once.
    """
    message = "; ".join(notes)
    if message and all(event.message != message for event in events(store, study_id)):
        add_event(store, EventKind.IMAGES, message, study_id=study_id)
