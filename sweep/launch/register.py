"""Writing a study into the store, where it may already be."""

from __future__ import annotations

from sweep.config.factors import renamed_levels
from sweep.config.keys import sha256_of
from sweep.config.run import Protocol
from sweep.config.study import Study
from sweep.errors import StoreMismatch
from sweep.search.outline import Outline
from sweep.search.versions import versions
from sweep.store import add_cells, register_study, studies
from sweep.store.records import ArmRecord, StudyRecord
from sweep.store.registry import rename_arms
from sweep.store.transaction import Store


def identity(study: Study) -> str:
    """Hash of what a study file says. Defaults are left out: a field that a later version adds changes nothing."""
    told = study.model_dump(mode="json", exclude_defaults=True)
    return sha256_of(told | {"design": {"kind": study.design.kind} | told.get("design", {})})


def known(store: Store, asked: Outline, *, accept_change: bool) -> StudyRecord | None:
    """The study as it is in the store under the same content; None when it is new or its change is accepted.

    Raises:
        StoreMismatch: the file changed since, and nobody said that this is meant.
    """
    name = asked.study.name
    found = next((record for record in studies(store) if record.name == name), None)
    if found is None or found.spec_sha256 == identity(asked.study):
        return found
    if not accept_change:
        raise StoreMismatch(
            f"study {name!r} is in this store with another content (revision {found.revision})",
            why="Its file was changed since; scores of both versions would meet in one report.",
            next="sweep space diff FILE shows the change; sweep launch FILE --accept-change makes a new revision.",
        )
    same_yardstick = Study.model_validate(found.spec).protocol == asked.study.protocol
    same_data = Study.model_validate(found.spec).baseline.data == asked.study.baseline.data
    return found if same_yardstick and same_data else None


def register(store: Store, asked: Outline, protocol: Protocol, *, accept_change: bool, reason: str = "") -> StudyRecord:
    """Create the study with its cells, or bring what is there up to this content. The same again changes nothing."""
    study = asked.study
    if renamed := renamed_levels(study.factors):
        rename_arms(store, study.name, renamed)
    record = register_study(
        store,
        study.name,
        question=study.question,
        spec=study.model_dump(mode="json"),
        spec_sha256=identity(study),
        arms=[ArmRecord(arm.name, arm.changes, is_baseline=arm.is_baseline) for arm in asked.arms],
        protocol=protocol,
        versions=versions(),
        reason=reason,
        accept_change=accept_change,
    )
    add_cells(store, record.id, asked.cells)
    return record
