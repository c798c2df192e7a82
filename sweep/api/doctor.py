"""Whether the database, the disks, the devices and the versions of libraries are as a study needs them."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from sweep.api.device_check import try_devices
from sweep.api.finding import Finding
from sweep.api.locations import files_location, storage_url, store_options
from sweep.api.units import bytes_text
from sweep.commands import command
from sweep.errors import FileStoreError, StoreError
from sweep.executors.devices import cores, gpus
from sweep.files.file_store import FileStore, file_store_at
from sweep.quantities import quantity
from sweep.store.records import StudyRecord
from sweep.store.sql.transaction import Store
from sweep.store.states import StepExecution, StudyState
from sweep.store.status_records import StatusRecord

logger = logging.getLogger(__name__)

# Below this, a study is likely to fill the disk.
LITTLE_ROOM_BYTES = 2e9


@dataclass(frozen=True)
class Diagnosis:
    """What `examine` saw.

    Attributes:
        findings: One for each thing.
        store_error: Why the database cannot be used; None where it can.
    """

    findings: list[Finding]
    store_error: StoreError | None

    @property
    def is_well(self) -> bool:
        """Whether nothing needs a repair."""
        return not any(finding.repair for finding in self.findings)


def examine(
    *,
    storage: str | None = None,
    files: str | os.PathLike[str] | None = None,
    reap: bool = False,
    migrate: bool = False,
    device: str | None = None,
) -> Diagnosis:
    """Examine the database, disks, devices, versions and leases. Changes nothing without `reap` or `migrate`.

    Args:
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of the files of runs; None for SWEEP_FILES or `sweep-data`.
        reap: Whether to release the work of dead workers of this machine.
        migrate: Whether to bring the tables of an older version up to date.
        device: Device that is tried by a short training: `auto`, `cpu`, `cuda` or `cuda:0`; None for none.

    Returns:
        What was seen, with repairs.
    """
    from sweep.store.opening import open_existing, read_store

    findings = _examine_machine(file_store_at(files_location(files)))
    findings += [] if device is None else try_devices(device)
    url = storage_url(storage)
    try:
        store = open_existing(url) if reap or migrate else read_store(url)
        try:
            if reap:
                _release_dead_workers(store)
            findings += _examine_store(store, store_options(url))
        finally:
            store.close()
    except StoreError as error:
        state = " ".join(part for part in (f"{error.what}.", error.why) if part)
        return Diagnosis([*findings, Finding("store", state, error.next)], error)
    return Diagnosis(findings, None)


def _release_dead_workers(store: Store) -> None:
    from sweep.store.queue.workers import expire_dead_local
    from sweep.worker.identity import boot_id, host, is_alive

    dead = expire_dead_local(store, host=host(), boot_id=boot_id(), alive=is_alive)
    logger.info(
        f"{quantity(len(dead), 'dead worker')} of this machine; {'its' if len(dead) == 1 else 'their'} work is free"
    )


def _examine_machine(file_store: FileStore) -> list[Finding]:
    folder = next(folder for folder in (file_store.folder, *file_store.folder.parents) if folder.exists())
    free_bytes = shutil.disk_usage(folder).free
    return [
        Finding("devices", f"{quantity(cores(), 'CPU core')}, {quantity(len(gpus()), 'GPU')}"),
        Finding(
            "room for files",
            f"{bytes_text(free_bytes)} under {folder}",
            "Free some: sweep gc" if free_bytes < LITTLE_ROOM_BYTES else "",
        ),
        _examine_files(file_store),
    ]


def _examine_files(file_store: FileStore) -> Finding:
    if file_store.url is None and not file_store.folder.exists():
        return Finding("files", f"{file_store}: not made yet; the first launch makes it")
    refusal = file_store.check()
    repair = "Give --files FOLDER or URL." if refusal else ""
    try:
        file_store.require_access()
    except FileStoreError as error:
        refusal, repair = f"{error.what}: {error.why}", error.next
    return Finding("files", refusal or f"{file_store}: writable", repair)


def _examine_store(store: Store, options: Sequence[str]) -> list[Finding]:
    from sweep.search.remaining import status_of
    from sweep.store.queries.disks import room_left
    from sweep.store.sql.engine import display_url
    from sweep.store.studies.studies import studies

    findings = [Finding("store", display_url(store.engine))]
    room = room_left(store.engine)
    if room is not None:
        repair = f"Free some in {room.folder}." if room.is_little else ""
        findings.append(Finding("room for the store", f"{bytes_text(room.bytes)} under {room.folder}", repair))
    for study in studies(store):
        status = status_of(store, study.id)
        findings.append(_examine_study(study, status, options))
        findings += _examine_disks(status)
        findings += _examine_executions(store, study)
        findings += _examine_versions(study)
    return findings


def _examine_study(study: StudyRecord, status: StatusRecord, options: Sequence[str]) -> Finding:
    stale = sum(work.is_stale for work in status.running)
    left = (
        f"{quantity(status.trainings_left, 'training')} ({status.to_come:,} to come) and "
        f"{quantity(status.scores_left, 'score')} left"
    )
    repair = command("worker", "--study", study.name, *options) if status.is_stalled else ""
    if study.state in (StudyState.PAUSED, StudyState.STOPPED):
        repair = command("resume", study.name, *options)
    return Finding(f"study {study.name}", f"{study.state}, {left}, {quantity(stale, 'stale lease')}", repair)


def _examine_disks(status: StatusRecord) -> list[Finding]:
    return [
        Finding(
            f"disk of {disk.host}",
            f"full: {disk.reason.splitlines()[0] if disk.reason else 'a file could not be written'}",
            "Free some there: sweep gc --delete",
        )
        for disk in status.full_disks
    ]


def _examine_executions(store: Store, study: StudyRecord) -> list[Finding]:
    """Whether attempts on GPUs launched their steps as CUDA graphs; nothing where no attempt was made on one."""
    from sweep.store.queries.executions import gpu_executions

    counts = gpu_executions(store, study.id)
    if not counts:
        return []
    captured = sum(count.attempts for count in counts if count.execution == StepExecution.CAPTURED)
    eager = [count for count in counts if count.execution == StepExecution.EAGER]
    attempts = sum(count.attempts for count in counts)
    state = f"{captured} of {attempts} attempts on GPUs launched their step as one CUDA graph"
    state += "".join(f"; {count.attempts} did not: {count.reason}" for count in eager)
    return [Finding(f"steps of {study.name}", state)]


def _examine_versions(study: StudyRecord) -> list[Finding]:
    from sweep.search.versions import versions

    installed = versions()
    differing = {
        library: version for library, version in study.versions.items() if installed.get(library, version) != version
    }
    if not differing:
        return []
    state = ", ".join(f"{library} {version} (here {installed[library]})" for library, version in differing.items())
    return [Finding(f"versions of {study.name}", state, "Install the same, or start under a new name.")]
