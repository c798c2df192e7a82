"""Writing a study into the store, where it may already be."""

from __future__ import annotations

from collections.abc import Sequence

from sweep.config.factors import renamed_levels
from sweep.config.keys import sha256_of
from sweep.config.old_names import with_old_names
from sweep.config.run import Protocol
from sweep.config.study import Study
from sweep.design.plan import StudyPlan
from sweep.errors import StoreMismatch
from sweep.search.versions import versions
from sweep.store import add_cells, register_study, studies
from sweep.store.queue.events import add_event, events
from sweep.store.records import ArmRecord, StudyRecord
from sweep.store.sql.transaction import Store
from sweep.store.stored_config import study_spec
from sweep.store.studies.studies import move_images, rename_arms


def identity(study: Study) -> str:
    """Hash of what a study file says. Defaults are left out: a field that a later version adds changes nothing.

    A folder of images whose hash is known is known by it, wherever it lies.
    """
    told = study.model_dump(mode="json", exclude_defaults=True)
    if study.baseline.data.sha256 is not None:
        told["baseline"]["data"].pop("path")
    return sha256_of(with_old_names(told) | {"design": {"kind": study.design.kind} | told.get("design", {})})


def known(store: Store, asked: StudyPlan, *, accept_change: bool) -> StudyRecord | None:
    """The study as it is in the store under the same content; None when it is new or its change is accepted.

    Raises:
        StoreMismatch: the file changed since, and nobody said that this is meant.
    """
    found = held(store, asked.study.name)
    if found is None or is_same(found, asked.study):
        return found
    if not accept_change:
        raise StoreMismatch(
            f"study {found.name!r} is in this store with another content (revision {found.revision})",
            why="Its file was changed since; scores of both versions would meet in one report.",
            next="sweep space diff FILE shows the change; sweep launch FILE --accept-change makes a new revision.",
        )
    before = study_spec(found.spec, of=found.name)
    same_evaluator = before.protocol == asked.study.protocol
    return found if same_evaluator and same_images(before, asked.study) else None


def held(store: Store, name: str) -> StudyRecord | None:
    """The study of a name, if there is one."""
    return next((record for record in studies(store) if record.name == name), None)


def with_known_images(store: Store, asked: Study) -> Study:
    """A study of a folder with the hash of the images that it was launched with, so that others are refused at once."""
    found, now = held(store, asked.name), asked.baseline.data
    if found is None or now.path is None:
        return asked
    before = study_spec(found.spec, of=found.name).baseline.data
    return asked.with_images(before.sha256) if before.sha256 is not None and before.size == now.size else asked


def is_same(found: StudyRecord, asked: Study) -> bool:
    """Whether a study in the store has this content."""
    if found.spec_sha256 == identity(asked):
        return True
    # Version 0.1.0 hashed the path of a folder too.
    return asked.baseline.data.sha256 is not None and identity(study_spec(found.spec, of=found.name)) == identity(asked)


def same_images(before: Study, asked: Study) -> bool:
    """Whether two studies are of the same images, wherever they lie."""
    return before.baseline.data.lies_at(asked.baseline.data) == asked.baseline.data


def register(
    store: Store, asked: StudyPlan, protocol: Protocol, *, accept_change: bool, reason: str = ""
) -> StudyRecord:
    """Create the study with its cells, or bring what is there up to this content. The same again changes nothing."""
    study = asked.study
    if renamed := renamed_levels(study.factors):
        rename_arms(store, study.name, renamed)
    found = held(store, study.name)
    same = found is not None and is_same(found, study)
    record = register_study(
        store,
        study.name,
        question=study.question,
        spec=study.model_dump(mode="json"),
        spec_sha256=found.spec_sha256 if found is not None and same else identity(study),
        arms=[ArmRecord(arm.name, arm.changes, is_baseline=arm.is_baseline) for arm in asked.arms],
        protocol=protocol,
        versions=versions(),
        reason=reason,
        accept_change=accept_change,
    )
    if study.baseline.data.path is not None:
        record = move_images(store, record.id, study.baseline.data.path)
    add_cells(store, record.id, asked.cells)
    return record


def note_images(store: Store, study_id: int, found: Sequence[str]) -> None:
    """Keep with the study what was read of its folder of images, and what was left out; once for each such word."""
    message = "; ".join(found)
    if message and all(event.message != message for event in events(store, study_id)):
        add_event(store, "images", message, study_id=study_id)
