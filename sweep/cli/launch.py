"""`sweep launch`: start a study, or go on with it."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.options import DEFAULT_FILES, DEFAULT_STORAGE, Device, Files, Storage, StudyFile, store_options
from sweep.commands import command
from sweep.limits import MAX_WORKERS

if TYPE_CHECKING:
    from sweep.config.study import Study
    from sweep.design.plan import StudyPlan
    from sweep.executors.local import Slot
    from sweep.executors.placement import Pack, StartedWorkers
    from sweep.files.file_store import FileStore
    from sweep.store.records import StudyRecord
    from sweep.store.sql.transaction import Store
    from sweep.worker.messages import Prepared

logger = logging.getLogger(__name__)

NOT_COMPLETE = 1
FAILED_CELLS = 4
PREEMPTED = 75
_GO_ON = "stopped; next: {launch} goes on from the last checkpoints"
_NEXT = {3: "the budget is spent; next: {extend}", PREEMPTED: _GO_ON, 130: _GO_ON}


def launch(
    file: StudyFile,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    device: Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", "-n", min=1, max=MAX_WORKERS, help="Worker processes; default: one for each GPU, or core."
        ),
    ] = None,
    accept_change: Annotated[
        bool, typer.Option("--accept-change", help="Apply what changed in the study file since the last launch.")
    ] = False,
    max_trials: Annotated[
        int | None, typer.Option("--max-trials", min=1, help="Total number of search trials, over all relaunches.")
    ] = None,
    pack: Annotated[
        str | None, typer.Option("--pack", metavar="N|auto", help="Workers on each GPU (1), or on the CPU; or auto.")
    ] = None,
    executor: Annotated[
        str, typer.Option(envvar="SWEEP_EXECUTOR", help="What starts the workers: local, slurm or ray.")
    ] = "local",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="KEY=VALUE", help="For the executor, e.g. partition=gpu; repeatable."),
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="With Slurm: submit, and do not wait.")] = False,
    n_trials: Annotated[int | None, typer.Option("--n-trials", hidden=True)] = None,
) -> None:
    """Start a study, or resume it.

    The same command does both. Finished runs are never repeated. Other machines join with `sweep worker`.

    Local workers and Ray tasks end with this command: Ctrl-C lets them save, and a second Ctrl-C kills them. Slurm jobs
    stay: Ctrl-C or a lost connection ends only the watching. The same command watches them again and submits what is
    missing; `sweep stop`, `sweep cancel` or scancel ends them. Slurm and Ray need a database and files that their
    machines can reach.

    \b
    Examples: sweep launch studies/digits.yaml
              sweep launch studies/fashion.yaml --device cuda --workers 8
              sweep launch studies/fashion.yaml --pack auto
              sweep launch studies/fashion.yaml --executor slurm -n 16 -o partition=gpu -o time=24h -o memory=16G
              sweep launch studies/fashion.yaml --executor slurm -n 16 -o sbatch.reservation=lab --detach
              sweep launch studies/fashion.yaml --executor ray -o address=auto

    Options of slurm: partition, account, qos, constraint, time, gpus (default 1), cpus (2), memory, notice (2m), setup,
    folder (where submitit keeps its pickles: they run as code, so only you may be able to write there; mode 0700),
    sbatch.ANYTHING. Options of ray: address (default auto), gpus (1), cpus (1).

    Exit codes: 0 complete, 1 workers ended with work left, 2 the study file or the command line is wrong, 3 the budget
    is spent, 4 complete but some cells failed, 5 the database or the files cannot be used, 75 preempted, 130 Ctrl-C.
    """
    from sweep.cli.watch import watch
    from sweep.config.store_url import is_new
    from sweep.design.plan import read_study_plan, study_plan
    from sweep.executors.local import slots
    from sweep.executors.placement import Assignment, pairs
    from sweep.executors.registry import executor as named
    from sweep.files.file_store import file_store_at
    from sweep.search.images import check_images
    from sweep.store.opening import open_store

    again = command("launch", file, *store_options(storage, files))
    study = _with_total(read_study_plan(file).study, max_trials, n_trials)
    check_images(study)
    work = study_plan(study).trainings
    for note in study_plan(study).notes:
        logger.info(note)
    packed = _packed(pack, workers, executor)
    here = executor == "local"
    place = slots(device, workers, work=work, pack=packed)[0] if here else slots("cpu", 1, work=1)[0]
    file_store = file_store_at(files)
    file_store.require_access()
    # Before anything is made: it refuses what makes no sense.
    started = named(executor)(
        Assignment(study=study.name, storage=storage, files=str(file_store), device=device, workers=workers, work=work,
                   options=pairs(option or ()), pack=packed))  # fmt: skip
    _check_detach(started, executor, detach=detach)
    # Where the data cannot be had, no empty store is left behind.
    prepared = _prepare(study, file_store, place) if is_new(storage) else None
    store = open_store(storage)
    _, record = _register(store, study, file_store, place, prepared, accept_change=accept_change)
    code = 0
    if _has_work(store, record.id):
        started.start()
        if detach:
            logger.info(started.monitor_hint)
            raise typer.Exit(0)
        has_work = partial(_has_work, study_id=record.id)
        code = watch(store, record.id, started, has_work)
        if code == PREEMPTED and not has_work(store):
            code = 0  # nothing was left to be saved
    elif started.detached:
        started.join()  # those that wait for a machine have nothing to wait for
    if code in _NEXT and not started.detached:
        more = command("extend", record.name, "--budget", "+10h", *store_options(storage))
        logger.info(_NEXT[code].format(launch=again, extend=more))
    raise typer.Exit(code or summary(store, record.id, again, store_options(storage)))


def _packed(typed: str | None, workers: int | None, executor: str) -> Pack | None:
    from sweep.errors import UsageError
    from sweep.executors.placement import pack_of

    if typed is None:
        return None
    if executor != "local":
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
    return pack_of(typed)


def _check_detach(workers: StartedWorkers, executor: str, *, detach: bool) -> None:
    from sweep.errors import UsageError

    if detach and not workers.detached:
        raise UsageError(
            f"--detach: workers of executor {executor} end with this command",
            next="Leave it out; run the command under tmux or nohup.",
        )


def _with_total(study: Study, max_trials: int | None, n_trials: int | None) -> Study:
    from sweep.config.study import changed_study
    from sweep.errors import UsageError

    if n_trials is not None:
        raise UsageError(
            "--n-trials is not an option here",
            why="Elsewhere it means that many more at each launch; here a launch resumes.",
            next="Use --max-trials TOTAL, or: sweep extend NAME --trials +10",
        )
    if max_trials is None:
        return study
    if not hasattr(study.design, "trials"):
        raise UsageError(
            f"design {study.design.kind} has no trials to limit",
            why="Its arms and seeds are counted by the study file.",
            next="Leave --max-trials out.",
        )
    return changed_study(
        study.model_copy(update={"design": study.design.model_copy(update={"trials": max_trials})}).model_dump()
    )


def _has_work(store: Store, study_id: int) -> bool:
    """Whether workers are worth starting: something is left, or comes on the way and is not known yet."""
    from sweep.search.remaining import status_of

    return status_of(store, study_id).has_work


def _register(
    store: Store, study: Study, files: FileStore, place: Slot, prepared: Prepared | None, *, accept_change: bool
) -> tuple[StudyPlan, StudyRecord]:
    from sweep.design.plan import study_plan
    from sweep.executors.register import matching_study, note_images, register, with_known_images

    asked = study_plan(study)
    if study.baseline.data.path is not None:  # a published data set is what its name says, a folder what is in it
        prepared = prepared or _prepare(study if accept_change else with_known_images(store, study), files, place)
        asked = study_plan(study.with_images(prepared.data_sha256))
    record = matching_study(store, asked, accept_change=accept_change)
    if record is not None:
        protocol = record.protocol  # so the relaunch of a published data set prepares nothing
    else:
        prepared = prepared or _prepare(study, files, place)
        protocol = prepared.protocol
    record = register(store, asked, protocol, accept_change=accept_change)
    note_images(store, record.id, () if prepared is None else prepared.data_notes)
    return asked, record


def _prepare(study: Study, files: FileStore, place: Slot) -> Prepared:
    """Data, extractor and reference, made here if they are not there yet."""
    from sweep.cli.preparing import preparing
    from sweep.errors import DataError
    from sweep.worker.child import Child
    from sweep.worker.messages import Failed, Prepared, PrepareJob

    child = Child(device=place.device, threads=place.threads)
    try:
        with preparing() as (on_message, on_poll):
            job = PrepareJob(study.baseline.data, study.protocol, files)
            outcome = child.run(job, on_message=on_message, on_poll=on_poll)
    finally:
        child.close()
    if isinstance(outcome, Prepared):
        for line in outcome.data_notes:
            logger.info(line)
        return outcome
    assert isinstance(outcome, Failed)
    what, _, rest = outcome.reason.partition("\n")
    why, _, following = rest.partition("\n")
    raise DataError(what, why=why, next=following)


def summary(store: Store, study_id: int, again: str, options: list[str]) -> int:
    """Print what a launch came to, once its workers have ended; returns its exit code."""
    from sweep.cli.console import stdout
    from sweep.cli.status import drawn
    from sweep.search.remaining import status_of

    record = status_of(store, study_id)
    stdout.print(drawn(record, options))
    if record.has_work:
        state, name = record.study.state, record.study.name
        resume = command("resume", name, *options)
        logger.info(f"not complete; next: {again}" if state == "active" else f"{state}; next: {resume}; {again}")
        return NOT_COMPLETE
    return FAILED_CELLS if record.failed else 0
