"""Starting a study, or continuing it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from sweep.api.given_items import archive_given_items
from sweep.api.launch_result import LaunchOutcome, LaunchResult, finished_result, stopped_outcome
from sweep.api.locations import files_location, storage_url
from sweep.api.plugins import check_plugins
from sweep.api.preparation import Preparation
from sweep.api.progress import LaunchProgress, OnProgress, ignore_progress
from sweep.api.starting_weights import check_starting_weights
from sweep.api.study_plan import plan_of
from sweep.api.watching import watch
from sweep.config.store_url import is_new
from sweep.config.study import Study
from sweep.errors import ExitCode, Preempted, UsageError
from sweep.executors.local import Slot, slots
from sweep.executors.placement import Assignment, Pack, StartedWorkers, pack_of
from sweep.executors.register import matching_study, note_images, register, with_known_images
from sweep.executors.registry import executor as executor_named
from sweep.files.file_store import file_store_at
from sweep.planning.plan import StudyPlan
from sweep.search.images import check_images
from sweep.search.remaining import status_of
from sweep.store.opening import open_store
from sweep.store.records import StudyRecord
from sweep.store.sql.transaction import Store
from sweep.worker.messages import Prepared

__all__ = ["LaunchOutcome", "LaunchProgress", "LaunchResult", "launch"]

logger = logging.getLogger(__name__)

LOCAL = "local"


def launch(
    study: Study | str | os.PathLike[str],
    *,
    overrides: Mapping[str, object] | None = None,
    storage: str | None = None,
    files: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int | None = None,
    pack: int | str | None = None,
    max_trials: int | None = None,
    executor: str = LOCAL,
    options: Mapping[str, str] | None = None,
    accept_change: bool = False,
    detach: bool = False,
    trust: bool = False,
    on_progress: OnProgress = ignore_progress,
) -> LaunchResult:
    """Start a study or resume it, and wait until its workers have ended. Finished runs are never repeated.

    In the main thread, an interrupt (Ctrl-C, or the stop button of a notebook) lets local workers save and end; a
    second one kills them. Progress is logged at level INFO by the logger `sweep`. A script that calls this needs
    `if __name__ == "__main__":`, because processes are started that import it.

    Args:
        study: The study, or the path of its file.
        overrides: Dotted key -> value that replaces or adds to what the file says, e.g. {"baseline.lr": 3e-4}; only
            together with the path of a file.
        storage: URL of the database, made where there is none; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of checkpoints, features and grids; None for SWEEP_FILES or `sweep-data`.
        device: `auto`, `cpu`, `cuda`, or one GPU such as `cuda:0`.
        workers: Worker processes; None for one on each GPU, or on each core without a GPU.
        pack: Workers on each device, a number or `auto`; None for one. Not together with `workers`.
        max_trials: Trials of a search in all, over all launches; None for as many as the study says.
        executor: What starts the workers: `local`, `slurm` or `ray`.
        options: Options of the executor, such as `{"partition": "gpu"}` for slurm; None for none.
        accept_change: Whether to apply what changed in the study since its last launch.
        detach: With slurm, submit the workers and do not wait.
        trust: Whether you say that the plugins of the study may be run. It is remembered, and asked for once a version.
        on_progress: Called with the state of a part of the launch, up to several times a second.

    Returns:
        How it ended. `outcome` is COMPLETE when every cell has its number.

    Raises:
        UsageError: The study or an option is wrong. Nothing was started.
        DataError: The images cannot be had or used.
        StoreError: The database cannot be used, or holds another study of this name.
        FileStoreError: The files cannot be reached.

    Example:
        result = sweep.launch("studies/digits.yaml", device="cpu", workers=2)
        assert result.outcome == "complete"
    """
    plan = plan_of(study, max_trials=max_trials, overrides=overrides)
    check_images(plan.study)
    for note in plan.notes:
        logger.info(note)
    checked_pack = _checked_pack(pack, workers, executor)
    file_store = file_store_at(files_location(files))
    file_store.require_access()
    assignment = Assignment(
        study=plan.study.name,
        storage=storage_url(storage),
        files=str(file_store),
        device=device,
        workers=workers,
        work=plan.work,
        options=options or {},
        pack=checked_pack,
    )
    started_workers = executor_named(executor)(assignment)  # before anything is made: it refuses what cannot work
    _check_detach(started_workers, executor, detach=detach)
    plan = check_plugins(plan, _preparing_slot(assignment, executor), trust=trust, files=file_store)
    check_starting_weights(plan, file_store)
    archive_given_items(plan.study, file_store)
    preparation = Preparation(file_store, _preparing_slot(assignment, executor), on_progress)
    return _run(plan, assignment, started_workers, preparation, accept_change=accept_change, detach=detach)


def _run(
    plan: StudyPlan,
    assignment: Assignment,
    workers: StartedWorkers,
    preparation: Preparation,
    *,
    accept_change: bool,
    detach: bool,
) -> LaunchResult:
    """Prepare, register, start and wait."""
    name = plan.study.name
    try:
        # Where the data cannot be had, no empty database is left behind.
        prepared = preparation.prepare(plan.study) if is_new(assignment.storage) else None
        store = open_store(assignment.storage)
        try:
            record = _register(store, plan, preparation, prepared, accept_change=accept_change)
            return _start(store, record, workers, preparation.on_progress, detach=detach)
        finally:
            store.close()
    except Preempted as stopped:
        return LaunchResult(study=name, outcome=stopped_outcome(stopped.exit_code), is_prepared=False)


def _start(
    store: Store, record: StudyRecord, workers: StartedWorkers, on_progress: OnProgress, *, detach: bool
) -> LaunchResult:
    def has_work(from_store: Store) -> bool:
        """Whether something is left, or comes on the way and is not known yet."""
        return status_of(from_store, record.id).has_work

    if has_work(store):
        workers.start()
        if detach:
            return LaunchResult(study=record.name, outcome=LaunchOutcome.DETACHED, monitor_hint=workers.monitor_hint)
        watched = watch(store, record.id, workers, has_work=has_work, on_progress=on_progress)
        # A request to stop that came when nothing was left to be saved changes nothing.
        if watched.exit_code and not (watched.exit_code == ExitCode.PREEMPTED and not has_work(store)):
            hint = workers.monitor_hint if watched.is_left else ""
            return LaunchResult(study=record.name, outcome=stopped_outcome(watched.exit_code), monitor_hint=hint)
    elif workers.detached:
        workers.join()  # those that wait for a machine have nothing to wait for
    return finished_result(status_of(store, record.id))


def _register(
    store: Store, plan: StudyPlan, preparation: Preparation, prepared: Prepared | None, *, accept_change: bool
) -> StudyRecord:
    """Write the study into the database. A relaunch with a published data set prepares nothing."""
    study = plan.study
    if study.baseline.data.path is not None:  # a published data set is what its name says, a folder what is in it
        prepared = prepared or preparation.prepare(study if accept_change else with_known_images(store, study))
        plan = plan.with_images(prepared.data_sha256)
    record = matching_study(store, plan, accept_change=accept_change)
    if record is not None:
        protocol = record.protocol
    else:
        prepared = prepared or preparation.prepare(study)
        protocol = prepared.protocol
    record = register(store, plan, protocol, accept_change=accept_change)
    note_images(store, record.id, () if prepared is None else prepared.data_notes)
    return record


def _preparing_slot(assignment: Assignment, executor: str) -> Slot:
    """Device and threads of the preparation: those of the first local worker; the CPU where workers run elsewhere."""
    if executor != LOCAL:
        return slots("cpu", 1, work=1)[0]
    return slots(assignment.device, assignment.workers, work=assignment.work, pack=assignment.pack)[0]


def _checked_pack(pack: int | str | None, workers: int | None, executor: str) -> Pack | None:
    if pack is None:
        return None
    if executor != LOCAL:
        raise UsageError(
            f"--pack: executor {executor} places one worker at a time",
            why="Its scheduler decides which of them share a GPU.",
            next="Leave it out, and ask for a share of a GPU: -o gpus=0.5 (ray).",
        )
    if workers is not None:
        raise UsageError(
            "--pack and --workers both say how many workers",
            why="--workers counts all of them, --pack those of each device.",
            next="Leave one of them out.",
        )
    return pack_of(str(pack))


def _check_detach(workers: StartedWorkers, executor: str, *, detach: bool) -> None:
    if detach and not workers.detached:
        raise UsageError(
            f"--detach: workers of executor {executor} end with this command",
            next="Leave it out; run the command under tmux or nohup.",
        )
